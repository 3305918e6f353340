"""The thread's reader of the log: copies one session into one thread, in order, each message exactly once.

People's messages are posted one by one and never dropped. What the agent does is one message per turn that is edited,
and what the session is, is the card that the thread hangs under; both are edited at most so often, and always end true.
Whatever fails is tried again from the log; nothing is remembered that the database does not know.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from bot import metrics
from bot.agent_post import AgentPost
from bot.card_post import CardPost
from bot.changed_in_session import Change, changed_id, is_change, note_on, quote_anew, read_answers, read_changed, tell
from bot.desk import Desk, backoff
from bot.erased import take_back_prompts
from bot.pages import Entry, Page, Start, read_page, read_start
from bot.saying import Saying
from bot.thread import Thread, ThreadGone
from bot.web import Ambiguous, Limited, SlackFailure
from core import mirrors
from core.errors import CosessionError
from core.events import ChatMessage, ChatMessagePosted, CodeComment, CodeCommented, Event, PersonErased, SessionEnded
from core.mirrors import Lease, LeaseLost

log = logging.getLogger(__name__)

#: Times that a post which landed outside of a thread that is gone is looked for.
STRAY_TRIES = 4


class ThreadMirror:
    """Runs until the session has ended and all of it is in the thread, or the thread is gone, or the lease."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self.session_id = lease.session_id
        self._desk = desk
        self._lease = lease
        self._wake = asyncio.Event()
        self._cursor = self._saved = 0
        self._agent = AgentPost(desk, lease)
        self._saying = Saying(desk, lease)
        self._card = CardPost(desk, lease)
        self._taken_at = time.monotonic()

    @property
    def realm(self) -> str:
        """The workspace that the thread is in."""
        return self._desk.realm

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        try:
            start = await self._desk.db.read(lambda tx: read_start(tx, self.session_id))
            thread = self._take_up(start)
            await self._follow_log(thread, start)
        except LeaseLost:
            log.info("another process mirrors %s now", self.session_id)

    def _take_up(self, start: Start) -> Thread:
        self._cursor = self._saved = start.cursor
        self._card.take_up(start)
        self._agent.take_up(start)
        has_intent = start.intent is not None
        return Thread(
            self._desk,
            self._lease,
            start.channel,
            start.root,
            start.intent,
            must_look=has_intent,
            leased_at=self._taken_at,
            round=start.round,
        )

    async def _follow_log(self, thread: Thread, start: Start) -> None:
        failures = 0
        quiet_since = time.monotonic()
        while True:
            self._wake.clear()
            try:
                page = await self._read_page()
                if page.status not in ("opening", "live"):
                    return
                await self._copy(thread, start, page)
                await self._refresh(thread, page)
                await self._keep(thread)
                failures = 0
            except ThreadGone as gone:
                await self._pause(thread, start, str(gone))
                return
            except Limited as wait:
                await self._wait(thread, wait.seconds)
                continue
            except (Ambiguous, CosessionError) as failure:
                if isinstance(failure, LeaseLost):
                    raise
                failures += 1
                log.warning("the thread of %s has to wait: %s", self.session_id, failure)
                await self._wait(thread, backoff(self._desk.pace, failures))
                continue
            if page.entries:
                quiet_since = time.monotonic()
                continue
            if await self._is_finished(thread, page):
                return
            if self._is_idle(quiet_since, page):
                await self._save(thread)
                await self._desk.db.write(lambda tx: mirrors.let_go(tx, self._lease))
                return
            await self._rest(thread)

    # -- copying

    async def _copy(self, thread: Thread, start: Start, page: Page) -> None:
        if thread.root is None:
            await self._card.open(thread, start, page)
        at = 0
        while at < len(page.entries):
            entry = page.entries[at]
            if self._is_said(entry.event, page):
                await self._say(thread, entry)
                at += 1
            elif is_change(entry.event):
                await self._change(thread, entry)
                at += 1
            elif isinstance(entry.event, PersonErased):
                self._agent.forget_prompt(await take_back_prompts(thread, entry.event.user_id))
                self._cursor = entry.seq
                at += 1
            else:
                end = at
                while end < len(page.entries) and not self._is_ones_own(page.entries[end].event, page):
                    end += 1
                await self._fold(thread, page.entries[at:end], may_begin=not page.is_muted)
                at = end

    def _is_ones_own(self, event: Event, page: Page) -> bool:
        return self._is_said(event, page) or is_change(event) or isinstance(event, PersonErased)

    def _is_said(self, event: Event, page: Page) -> bool:
        """Whether the entry is a post of its own. What was deleted meanwhile has no words any more; while the thread is
        muted only the end of the session is said there."""
        if isinstance(event, ChatMessagePosted):
            message = event.message
            has_something = bool(message.content or message.files)
            is_shared = has_something and not message.session_only and not page.is_muted
            return is_shared and message.id not in page.linked
        if isinstance(event, CodeCommented):
            return bool(event.comment.content) and not page.is_muted and event.comment.id not in page.linked
        return isinstance(event, SessionEnded)

    async def _change(self, thread: Thread, entry: Entry) -> None:
        event = entry.event
        assert isinstance(event, Change)
        ref_id, url = changed_id(event), self._desk.settings.session_url(self.session_id)
        # Read now, because what is changed may have been posted a moment ago.
        realm = self.realm
        there, answers = await self._desk.db.read(
            lambda tx: (
                read_changed(tx, self.session_id, ref_id, url, realm),
                read_answers(tx, self.session_id, event, url, realm),
            )
        )
        stamps = await tell(thread, entry, there)
        await quote_anew(thread, answers)
        if stamps:
            # What stands below somebody else's post is no post of theirs.
            is_its_own = there is not None and there.there.origin == "session"
            await self._done_saying(thread, entry.seq, ref_id if is_its_own else note_on(ref_id), stamps)
        self._cursor = entry.seq

    async def _say(self, thread: Thread, entry: Entry) -> None:
        event = entry.event
        if not isinstance(event, SessionEnded):
            await self._agent.give_way(thread)
        if isinstance(event, ChatMessagePosted):
            await self._say_words(thread, entry.seq, event.message)
        elif isinstance(event, CodeCommented):
            await self._say_words(thread, entry.seq, event.comment)
        else:
            assert isinstance(event, SessionEnded)
            await self._agent.interrupt(thread)
            text = ":checkered_flag: The session has ended. It stays readable, with everything that was said."
            stamps = await thread.say(entry.seq, [text])
            await self._done_saying(thread, entry.seq, "", stamps)

    async def _say_words(self, thread: Thread, seq: int, said: ChatMessage | CodeComment) -> None:
        await self._done_saying(thread, seq, said.id, await self._saying.say(thread, seq, said))

    async def _done_saying(self, thread: Thread, seq: int, message_id: str, stamps: list[str]) -> None:
        await thread.write(lambda tx: mirrors.posted(tx, self._lease, seq, message_id, stamps))
        thread.intent = None
        self._cursor = self._saved = seq

    async def _fold(self, thread: Thread, entries: Sequence[Entry], *, may_begin: bool) -> None:
        stored = await self._agent.fold(thread, entries, may_begin=may_begin)
        self._cursor = entries[-1].seq
        if stored is not None:
            self._saved = stored

    async def _refresh(self, thread: Thread, page: Page) -> None:
        """Edits what may be edited now. Slack's "not now" to an edit holds nobody's words up."""
        cursor = self._cursor
        await self._agent.tell(thread, page.now)
        if await self._agent.refresh(thread, cursor):
            self._saved = cursor
        await self._card.refresh(thread, page)

    # -- resting and ending

    async def _is_finished(self, thread: Thread, page: Page) -> bool:
        """The session has ended and nothing of it is left to be written."""
        if page.card.is_live or self._agent.is_stale or not self._card.is_true_of(page.head):
            return False
        await self._save(thread)
        await thread.write(lambda tx: mirrors.close(tx, self._lease))
        return True

    def _is_idle(self, quiet_since: float, page: Page) -> bool:
        is_quiet = time.monotonic() - quiet_since > self._desk.pace.idle
        return is_quiet and not page.card.here and not self._agent.is_open and self._card.is_true_of(page.head)

    async def _rest(self, thread: Thread) -> None:
        """Waits for news, or until something that was held back may be written."""
        pace, now = self._desk.pace, time.monotonic()
        moments = [now + pace.poll, self._card.due_at, thread.leased_at + pace.lease / 3]
        if self._agent.is_stale:
            moments.append(max(self._agent.due_at, now + 0.001))
        if self._is_unsaved:
            moments.append(thread.leased_at + pace.save_every)
        left = min(moment - now for moment in moments if moment > now)
        try:
            async with asyncio.timeout(left):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _keep(self, thread: Thread) -> None:
        """Stores the position where it has moved; else extends the lease before it runs out."""
        silent_for = time.monotonic() - thread.leased_at
        if self._is_unsaved and silent_for >= self._desk.pace.save_every:
            await self._save(thread)
        elif silent_for >= self._desk.pace.lease / 3:
            await thread.write(lambda tx: mirrors.held(tx, self._lease))

    @property
    def _is_unsaved(self) -> bool:
        """Whether more is done than is stored: the position, or that the card is true of it as it was."""
        return self._saved < self._cursor or self._card.is_unsaved

    async def _save(self, thread: Thread) -> None:
        cursor = self._cursor
        await self._card.save(thread, cursor)
        self._saved = cursor

    async def _pause(self, thread: Thread, start: Start, reason: str) -> None:
        log.warning("the thread of %s is paused: %s", self.session_id, reason)
        metrics.PAUSED.inc()
        oldest = None if thread.root else f"{start.created_at.timestamp():.6f}"
        for failures in range(1, STRAY_TRIES + 1):
            try:
                await thread.take_back_strays(oldest)
                await self._agent.take_back(thread)
                await self._saying.files.take_back(thread, oldest)
                break
            except SlackFailure as failure:
                log.warning("could not look for strays of %s: %s", self.session_id, failure)
                await asyncio.sleep(backoff(self._desk.pace, failures))
        await thread.write(lambda tx: mirrors.pause(tx, self._lease, reason))

    async def _wait(self, thread: Thread, seconds: float) -> None:
        """Waits without letting the lease run out. Raises LeaseLost."""
        left = seconds
        while left > 0:
            await asyncio.sleep(min(left, self._desk.pace.lease / 3))
            left -= self._desk.pace.lease / 3
            if left > 0:
                await thread.write(lambda tx: mirrors.held(tx, self._lease))

    async def _read_page(self) -> Page:
        """What follows the position that has been reached."""
        after = self._cursor
        here = tuple(sorted(shown.person.username for shown in self._desk.present(self.session_id)))
        url = self._desk.settings.session_url(self.session_id)
        return await self._desk.db.read(lambda tx: read_page(tx, self.session_id, after, here=here, url=url))
