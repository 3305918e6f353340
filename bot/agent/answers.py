"""Which blocks of the log make an answer, and what of it is still to be told in the thread.

An answer is what the agent says in one turn until somebody else speaks: what it says after them is another answer, so
that the thread keeps the order of the session. The blocks are in the log before they are told, and the database knows
of an answer before the reader passes its entries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.agent.telling import Teller
from bot.agent.text import grown, joined
from bot.agent.told import Told
from bot.blocks import MAX_ANSWER
from bot.desk import Desk
from bot.mrkdwn import to_parts
from bot.pages import Entry, Start
from bot.progress import Progress
from bot.thread import Thread
from core import mirrors
from core.events import AgentMessage, PromptSubmitted, TurnFinished, TurnStarted
from core.mirrors import Lease

log = logging.getLogger(__name__)

#: Steps that are made at once for an answer to begin before somebody else speaks.
MAX_HURRY = 6
#: Most turns before the last one that are told when they are read together. More are an import, or an outage is over.
MAX_BEFORE = 5
UNKNOWN = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Plan:
    """The answers as they are after a stretch of the log. `changed` are those that have to be stored."""

    queue: list[Told]
    changed: dict[int, Told] = field(default_factory=dict[int, Told])

    @property
    def rows(self) -> list[mirrors.Answer]:
        return [one.answer for one in self.changed.values()]

    @property
    def open(self) -> Told | None:
        """The answer that may still grow."""
        return self.queue[-1] if self.queue and not self.queue[-1].answer.is_final else None

    def holds(self, seq: int) -> bool:
        """Whether this entry is in an answer of the plan."""
        return any(row.first_seq <= seq <= row.last_seq for row in self.rows)

    def end(self, outcome: str = "") -> None:
        told = self.open
        if told is not None:
            told.answer = replace(told.answer, is_final=True, outcome=outcome)
            self.changed[told.answer.first_seq] = told

    def add(self, seq: int, event: AgentMessage) -> None:
        told = self.open
        if told is None:
            told = Told(mirrors.Answer(first_seq=seq, last_seq=seq), event.turn_id)
            self.queue.append(told)
        told.text = grown(told.text, event.text)
        told.answer = replace(told.answer, last_seq=seq, length=len(told.text))
        self.changed[told.answer.first_seq] = told


class Answers:
    """Those of one thread, of which one after the other is told. Times are seconds of a monotonic clock."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._lease = lease
        self._teller = Teller(desk, lease)
        self._queue: list[Told] = []
        #: First and last entry of every answer of this thread.
        self._ranges: dict[int, int] = {}
        #: The turn of the last one.
        self._turn = ""
        self._now = UNKNOWN
        self.due_at = float("-inf")

    @property
    def is_open(self) -> bool:
        return bool(self._queue)

    @property
    def is_stale(self) -> bool:
        """Whether something can be done for the thread to tell what the log does."""
        return bool(self._queue) and self._queue[0].has_work(self._now, self._teller.pace)

    def holds(self, seq: int) -> bool:
        """Whether this block of the agent has a post of its own."""
        return any(first <= seq <= last for first, last in self._ranges.items())

    def take_up(self, start: Start) -> None:
        """Where an earlier reader of this thread left them."""
        self._ranges, self._turn, self._now = dict(start.told), start.told_turn, start.now
        for begun in start.untold:
            said = [one.event for one in begun.entries if isinstance(one.event, AgentMessage)]
            text = joined(event.text for event in said)
            self._queue.append(_known(Told(begun.answer, said[0].turn_id if said else "", text)))

    # -- reading

    def plan(self, entries: Sequence[Entry], progress: Progress | None, *, may_tell: bool) -> Plan:
        """What a stretch of the log in which nobody speaks means; `progress` is what the turn's message tells after it.
        Nothing is changed before `accept`."""
        plan = Plan([replace(one) for one in self._queue])
        known = max(self._ranges.values(), default=0)
        new = [one for one in entries if one.seq > known or not isinstance(one.event, AgentMessage)]
        wanted = self._wanted(new, progress) if may_tell else frozenset[str]()
        for entry in new:
            event, told = entry.event, plan.open
            if isinstance(event, AgentMessage):
                if told is not None and (told.turn_id != event.turn_id or not may_tell):
                    plan.end()
                if plan.open is not None or (event.turn_id in wanted and event.text.strip()):
                    plan.add(entry.seq, event)
            elif isinstance(event, TurnFinished) and told is not None and told.turn_id == event.turn_id:
                plan.end(event.status)
            elif (
                isinstance(event, PromptSubmitted | TurnStarted) and told is not None and told.turn_id != event.turn_id
            ):
                plan.end()
        if progress is None:
            plan.end()
        return plan

    def _wanted(self, entries: Sequence[Entry], progress: Progress | None) -> frozenset[str]:
        """The turns whose words get posts of their own: one that is still running or has told some already. Of one that
        was over before it was read, the turn's message tells all, unless that is too much for it. Of several that were
        read together it tells of the last one, so those before have posts, unless it is a backlog of many."""
        if progress is None:
            # Said behind the end of its turn: there is no other place for it.
            return frozenset(e.event.turn_id for e in entries if isinstance(e.event, AgentMessage))
        turn = progress.turn_id
        said = [e.event.text for e in entries if isinstance(e.event, AgentMessage) and e.event.turn_id == turn]
        is_too_much = len(said) > 1 or any(len(to_parts(text, MAX_ANSWER)) > 1 for text in said)
        last = {turn} if progress.status == "running" or is_too_much else set[str]()
        before = {e.event.turn_id for e in entries if isinstance(e.event, AgentMessage)} - {turn}
        return frozenset({self._turn} | last | (before if len(before) <= MAX_BEFORE else set()))

    def accept(self, plan: Plan) -> None:
        """The plan is stored."""
        self._queue = plan.queue
        self._ranges |= {row.first_seq: row.last_seq for row in plan.rows}
        for told in plan.changed.values():
            self._turn = told.turn_id

    async def give_way(self, thread: Thread, outcome: str = "") -> None:
        """Somebody else speaks now, or the session is over: what the agent says from now on is another answer. What it
        has said before begins before them, unless Slack puts it off."""
        plan = Plan([replace(one) for one in self._queue])
        plan.end(outcome)
        if plan.changed:
            await thread.write(lambda tx: mirrors.tell(tx, self._lease, plan.rows))
            self.accept(plan)
        for _ in range(MAX_HURRY):
            is_waiting = bool(self._queue) and self._queue[-1].is_unbegun
            if not is_waiting or (self._teller.is_put_off and time.monotonic() < self.due_at):
                return
            await self._step(thread)

    # -- telling

    async def tell(self, thread: Thread, now: datetime) -> None:
        """Does what can be done now. What Slack puts off holds nobody up. Raises ThreadGone, LeaseLost."""
        self._now = now
        while self.is_stale and time.monotonic() >= self.due_at:
            await self._step(thread)

    async def _step(self, thread: Thread) -> None:
        told = self._queue[0]
        self.due_at = time.monotonic() + await self._teller.step(thread, told, self._now)
        if told.answer.state == "done":
            self._queue.pop(0)

    async def take_back(self, thread: Thread) -> None:
        """The thread is gone: what may have landed outside of it is deleted. Raises SlackFailure."""
        for told in self._queue[:1]:
            await self._teller.take_back(thread, told)


def _known(told: Told) -> Told:
    """An answer that the log does not have any more as it was told stays as it is."""
    answer, length = told.answer, len(told.text)
    if length < answer.sent:
        log.warning("an answer from entry %s on is shorter in the log than in its thread", answer.first_seq)
        there = {"length": length, "begin": length, "sent": length, "sending": length}
        told.answer = replace(answer, is_final=True, state="waiting", ts=None, **there)
    return told
