"""What the agent does, in a thread: one message that is posted with a turn, edited while it runs, and closed true. What
it says has posts of its own, see `bot.agent.answers`; a short answer of a turn that is over already is in this one."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Sequence
from datetime import datetime

from bot import blocks
from bot.agent.answers import Answers, Plan
from bot.desk import Desk
from bot.pages import Entry, Start
from bot.progress import Progress, begins_turn
from bot.thread import Thread
from bot.web import Limited
from core import mirrors
from core.db import Transaction
from core.events import AgentMessage
from core.mirrors import Lease


class AgentPost:
    """Times are seconds of a monotonic clock."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._pace = desk.pace
        self._lease = lease
        self._progress: Progress | None = None
        self._ts: str | None = None
        self._edited_at = float("-inf")
        #: Whether the log tells more than the turn's message does.
        self._is_behind = False
        self._answers = Answers(desk, lease)

    @property
    def is_open(self) -> bool:
        return self._progress is not None or self._answers.is_open

    @property
    def is_stale(self) -> bool:
        """Whether the log tells more than the thread does."""
        return self._is_behind or self._answers.is_stale

    @property
    def due_at(self) -> float:
        """When something more may be written."""
        edit = self._edited_at + self._pace.progress_every if self._is_behind else float("inf")
        return min(edit, self._answers.due_at if self._answers.is_stale else float("inf"))

    def take_up(self, start: Start) -> None:
        """Where an earlier reader of this thread left it."""
        self._answers.take_up(start)
        if start.progress_ts is None or start.progress_seq is None:
            return
        self._progress, self._ts = Progress(start.progress_seq), start.progress_ts
        for entry in start.turn:
            self._apply(self._progress, entry)
        self._is_behind = True

    def forget_prompt(self, of: Collection[int]) -> None:
        """What was asked was erased, if it is one of these turns that is told of now; the answer stays."""
        if self._progress is not None and self._progress.first_seq in of:
            self._progress.prompt, self._is_behind = "", True

    async def interrupt(self, thread: Thread) -> None:
        """The session is over, whatever the agent was at."""
        await self._answers.give_way(thread, "interrupted")
        if self._progress is not None and self._progress.status == "running":
            self._progress.status, self._is_behind = "interrupted", True

    async def give_way(self, thread: Thread) -> None:
        """Somebody else speaks now."""
        await self._answers.give_way(thread)

    async def fold(self, thread: Thread, entries: Sequence[Entry], *, may_begin: bool = True) -> int | None:
        """Sums up a stretch of the log in which nobody speaks. Only a new turn is posted at once, where it may be. The
        position that was stored with that, or with what the agent has said, is returned."""
        if self._progress is None and may_begin and any(begins_turn(one.event) for one in entries):
            await self._answers.give_way(thread)
        progress = copy.deepcopy(self._progress)
        has_changed = False
        for entry in entries:
            if progress is None and may_begin and begins_turn(entry.event):
                progress = Progress(entry.seq)
            has_changed |= progress is not None and self._apply(progress, entry)
        plan = self._answers.plan(entries, progress, may_tell=may_begin)
        said = next((one.seq for one in reversed(entries) if isinstance(one.event, AgentMessage)), None)
        if progress is not None and said is not None and plan.holds(said):
            progress.answer = ""
        stored = None
        if progress is not None and self._ts is None:
            stored = entries[-1].seq
            await self._begin(thread, progress, stored, plan)
        else:
            if plan.changed:
                stored = entries[-1].seq
                await thread.write(lambda tx: mirrors.tell(tx, self._lease, plan.rows, cursor=stored))
            self._is_behind |= has_changed
        self._answers.accept(plan)
        self._progress = progress
        return stored

    def _apply(self, progress: Progress, entry: Entry) -> bool:
        """What has a post of its own is not told twice."""
        has_changed = progress.apply(entry.event)
        if isinstance(entry.event, AgentMessage) and self._answers.holds(entry.seq):
            progress.answer = ""
        return has_changed

    async def tell(self, thread: Thread, now: datetime) -> None:
        """Writes what the agent has said, as far as that can be done now."""
        await self._answers.tell(thread, now)

    async def take_back(self, thread: Thread) -> None:
        """The thread is gone. Raises SlackFailure."""
        await self._answers.take_back(thread)

    async def _begin(self, thread: Thread, progress: Progress, last: int, plan: Plan) -> None:
        first = progress.first_seq
        shown = blocks.progress(progress)
        was_there = thread.is_there(first) or thread.must_look
        [ts] = await thread.say(first, [shown.text], blocks=list(shown.blocks))

        def store(tx: Transaction) -> None:
            mirrors.advance(tx, self._lease, cursor=last, progress=(ts, first))
            mirrors.tell(tx, self._lease, plan.rows)

        await thread.write(store)
        thread.intent = None
        self._ts, self._edited_at = ts, time.monotonic()
        # One that an earlier attempt posted may tell less than this one; a finished one is closed by an edit.
        self._is_behind = was_there or progress.status != "running"

    async def refresh(self, thread: Thread, cursor: int) -> bool:
        """Edits the message if it may be edited now. True when the turn is over and `cursor` was stored with that.

        Slack's "not now" holds nobody's words up: the edit is made later.
        """
        progress = self._progress
        if progress is None or self._ts is None or not self._is_behind:
            return False
        is_final = progress.status != "running"
        now = time.monotonic()
        if now < self.due_at and not is_final:
            return False
        self._edited_at = now
        try:
            await thread.edit(self._ts, blocks.progress(progress))
        except Limited as wait:
            self._edited_at = time.monotonic() + wait.seconds - self._pace.progress_every
            return False
        self._is_behind = False
        if is_final:
            await thread.write(lambda tx: mirrors.advance(tx, self._lease, cursor=cursor, progress=None))
            self._progress = self._ts = None
        return is_final
