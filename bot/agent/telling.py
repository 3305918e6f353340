"""The next step towards the thread that tells all of an answer: a stream while that is possible, else a post and edits.

Before anything is done that cannot be looked up, it is stored that it is about to be done, and afterwards that it was.
What Slack leaves open is never guessed: a stream of which it is not known what it says is stopped, and what is true is
written in its place. So whoever takes over goes on exactly, and every post ends as the log has it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot import metrics
from bot.agent import calls
from bot.agent.streams import Streams
from bot.agent.told import Told
from bot.desk import Desk, backoff
from bot.thread import GONE, Thread
from bot.web import Ambiguous, Limited, Refused
from core import mirrors
from core.errors import TooMany
from core.mirrors import AnswerState, Lease

log = logging.getLogger(__name__)

#: A part that may be there is looked for from a little before it was begun: clocks differ.
CLOCK_SKEW = timedelta(minutes=5)
#: What Slack says of a message that takes no appends any more.
ENDED = frozenset({"message_not_in_streaming_state", "stopped_by_user"})


class Teller:
    """Tells one answer at a time of one thread."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._desk = desk
        self._lease = lease
        self._streams = Streams(desk)
        #: Whether the last step could not be made, because Slack asked to wait or gave no answer.
        self.is_put_off = False
        self.pace = desk.pace

    async def step(self, thread: Thread, told: Told, now: datetime) -> float:
        """Does one thing; the seconds until the next may be done. Raises ThreadGone, LeaseLost, and Limited where
        nothing at all is taken from us."""
        self.is_put_off = True
        try:
            wait = await self._step(thread, told, now)
        except Limited as limit:
            return limit.seconds
        except TooMany as full:
            return (full.retry_after_ms or 1_000) / 1_000
        except Ambiguous as failure:
            log.warning("an answer in the thread of %s has to wait: %s", thread.session_id, failure)
            told.failures += 1
            return self.pace.retry_base + backoff(self.pace, told.failures)
        except Refused as refusal:
            raise thread.sorted(refusal) from refusal
        self.is_put_off, told.failures = False, 0
        return wait

    async def _step(self, thread: Thread, told: Told, now: datetime) -> float:
        match told.answer.state:
            case "waiting":
                return await self._begin(thread, told, now)
            case "starting" | "posting":
                return await self._look(thread, told)
            case "streaming":
                return await self._grow(thread, told, now)
            case "stopping":
                return await self._stop(thread, told)
            case "editing":
                return await self._edit(thread, told)
            case "done":
                return 0.0

    # -- a part begins

    async def _begin(self, thread: Thread, told: Told, now: datetime) -> float:
        if told.is_all_sent:
            return await self._close(thread, told)
        if await self._streams.may_begin(told, thread.session_id):
            ts = await self._start(thread, told, now)
            if ts is not None:
                await self._opened(thread, told, "streaming", ts)
                return self.pace.stream_every
        await self._put(thread, told, state="posting", sending=told.end, started_at=now)
        ts = await thread.reply(told.message_id(thread.session_id), told.shown)
        await self._opened(thread, told, "editing", ts)
        return self.pace.progress_every

    async def _start(self, thread: Thread, told: Told, now: datetime) -> str | None:
        """The ts of a new stream, or None where there can be none now."""
        assert thread.root is not None
        assert told.recipient is not None
        await thread.ready()
        self._streams.pay("begin")
        await self._put(thread, told, state="starting", sending=told.end, started_at=now)
        piece = told.piece(told.answer.begin, told.answer.sending)
        try:
            ts = await calls.start(self._desk.api, thread.channel, thread.root, piece, told.recipient)
        except (Limited, Refused) as no:
            self._streams.refused(told, no)
            return None
        metrics.POSTS.inc()
        try:
            # A stream in a thread that is gone would stand in the channel, and Slack does not say so.
            await thread.still_there()
        except Refused:
            await calls.take_out(self._desk.api, thread.channel, ts)
            raise
        return ts

    async def _opened(self, thread: Thread, told: Told, state: AnswerState, ts: str) -> None:
        await self._put(thread, told, state=state, ts=ts, sent=told.answer.sending)
        told.is_ended = state == "editing" and told.is_end

    async def _look(self, thread: Thread, told: Told) -> float:
        """It is not known whether the part was begun."""
        assert thread.root is not None
        found = await calls.in_thread(*self._where(thread), thread.root, *self._what(thread, told))
        begin = told.answer.begin
        if found.posted is not None:
            await self._put(thread, told, state="editing", ts=found.posted, sent=begin, sending=told.end)
        elif found.streams:
            for ts in found.streams[1:]:
                await calls.take_out(*self._where(thread), ts)
            await self._put(thread, told, state="stopping", ts=found.streams[0], sent=begin, sending=told.end)
        else:
            await self._put(thread, told, state="waiting", sending=begin)
        return 0.0

    # -- a stream grows

    async def _grow(self, thread: Thread, told: Told, now: datetime) -> float:
        answer = told.answer
        if answer.sending != answer.sent:
            return await self._rewrite(thread, told, "stopping", told.end)
        end = told.next_end(answer.sent)
        is_over = told.is_all_sent and answer.is_final
        if is_over or end is None or told.is_old(now, self.pace):
            return await self._finish(thread, told)
        return await self._append(thread, told, end)

    async def _append(self, thread: Thread, told: Told, end: int) -> float:
        answer = told.answer
        self._streams.pay("append")
        piece = told.piece(answer.sent, end)
        await self._put(thread, told, sending=end)
        try:
            await calls.append(*self._where(thread), told.ts, piece)
        except Limited as limit:
            self._streams.refused(told, limit)
            return await self._rewrite(thread, told, "stopping", end)
        except Refused as refusal:
            if refusal.code == "message_not_in_streaming_state":
                # It has expired, with what was appended before; the rest goes into another message.
                return await self._rewrite(thread, told, "editing", answer.sent)
            if refusal.code == "message_not_found":
                # Somebody has deleted it. What it said is not said again.
                return await self._close(thread, told, at=answer.sent)
            self._streams.refused(told, refusal)
            return await self._rewrite(thread, told, "stopping", end)
        await self._put(thread, told, sent=end)
        return self.pace.stream_every

    async def _finish(self, thread: Thread, told: Told) -> float:
        """Ends a stream that says what it should."""
        answer = told.answer
        self._streams.pay("end")
        await thread.ready()
        try:
            await calls.stop(*self._where(thread), told.ts, told.message_id(thread.session_id), told.ending)
        except Refused as refusal:
            if refusal.code in ENDED:
                return await self._rewrite(thread, told, "editing", answer.sent)
            if refusal.code != "message_not_found":
                raise
        return await self._close(thread, told)

    # -- a post is written anew

    async def _rewrite(self, thread: Thread, told: Told, how: AnswerState, end: int) -> float:
        """From now on nothing is believed about what the part says, until it is made to say the text up to `end`."""
        told.is_ended = False
        await self._put(thread, told, state=how, sent=told.answer.begin, sending=end)
        return 0.0

    async def _stop(self, thread: Thread, told: Told) -> float:
        self._streams.pay("end")
        await thread.ready()
        try:
            await calls.stop(*self._where(thread), told.ts, told.message_id(thread.session_id))
        except Refused as refusal:
            if refusal.code == "message_not_found":
                await self._put(thread, told, state="waiting", ts=None, sending=told.answer.begin)
                return 0.0
            if refusal.code not in ENDED:
                raise
        await self._put(thread, told, state="editing")
        return 0.0

    async def _edit(self, thread: Thread, told: Told) -> float:
        answer = told.answer
        has_ending = told.is_end and bool(answer.outcome)
        if answer.sent != answer.sending or (has_ending and not told.is_ended):
            return await self._write_anew(thread, told)
        if told.is_all_sent or await self._streams.may_begin(told, thread.session_id):
            return await self._close(thread, told)
        end = told.next_end(answer.sent)
        if end is None:
            return await self._close(thread, told)
        await self._put(thread, told, sending=end)
        return 0.0

    async def _write_anew(self, thread: Thread, told: Told) -> float:
        await thread.ready()
        try:
            await calls.rewrite(*self._where(thread), told.ts, told.message_id(thread.session_id), told.shown)
        except Refused as refusal:
            if refusal.code == "streaming_state_conflict":
                return await self._rewrite(thread, told, "stopping", told.answer.sending)
            if refusal.code == "message_not_found":
                return await self._close(thread, told, at=told.answer.sending)
            if refusal.code in GONE:
                raise
            log.warning("an answer in the thread of %s cannot be edited: %s", thread.session_id, refusal.code)
            await calls.take_out(*self._where(thread), told.ts)
            told.is_plain = True
            await self._put(thread, told, state="waiting", ts=None, sent=told.answer.begin, sending=told.answer.begin)
            return 0.0
        is_end = told.is_end
        await self._put(thread, told, sent=told.answer.sending)
        told.is_ended = is_end
        return 0.0 if is_end else self.pace.progress_every

    # -- a part ends

    async def _close(self, thread: Thread, told: Told, at: int | None = None) -> float:
        """The part stands as it should, up to where it is known to stand or up to `at`."""
        answer = told.answer
        end = answer.sent if at is None else at
        is_done = answer.is_final and end == len(told.text)
        if answer.state == "waiting" and not is_done:
            return self.pace.stream_every
        part = answer.part + (answer.state != "waiting")
        state: AnswerState = "done" if is_done else "waiting"
        await self._put(thread, told, state=state, part=part, ts=None, begin=end, sent=end, sending=end)
        return 0.0

    async def take_back(self, thread: Thread, told: Told) -> None:
        """What may have landed outside of the thread is deleted. Raises SlackFailure."""
        if told.answer.state not in ("starting", "posting"):
            return
        found = await calls.in_channel(*self._where(thread), *self._what(thread, told))
        for ts in [*found.streams, *([found.posted] if found.posted else [])]:
            await calls.take_out(*self._where(thread), ts)

    # -- what it is about

    def _where(self, thread: Thread) -> tuple[Any, str]:
        return self._desk.api, thread.channel

    def _what(self, thread: Thread, told: Told) -> tuple[Any, str, str]:
        assert self._desk.bot is not None
        assert told.answer.started_at is not None
        oldest = (told.answer.started_at - CLOCK_SKEW).timestamp()
        return self._desk.bot, told.message_id(thread.session_id), f"{oldest:.6f}"

    async def _put(self, thread: Thread, told: Told, **changes: Any) -> None:
        answer = replace(told.answer, **changes)
        await thread.write(lambda tx: mirrors.tell(tx, self._lease, [answer]))
        told.answer = answer
