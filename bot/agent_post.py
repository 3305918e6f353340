"""The one message in a thread that tells what the agent does: posted with a turn, edited while it runs, closed true."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Sequence

from bot import blocks
from bot.desk import Desk
from bot.pages import Entry, Start
from bot.progress import Progress, begins_turn
from bot.thread import Thread
from bot.web import Limited
from core import mirrors
from core.mirrors import Lease


class AgentPost:
    """Times are seconds of a monotonic clock."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._pace = desk.pace
        self._lease = lease
        self._progress: Progress | None = None
        self._ts: str | None = None
        self._edited_at = float("-inf")
        #: Whether the log tells more than the message does.
        self.is_stale = False

    @property
    def is_open(self) -> bool:
        return self._progress is not None

    @property
    def due_at(self) -> float:
        """When the next edit may be made."""
        return self._edited_at + self._pace.progress_every

    def take_up(self, start: Start) -> None:
        """Where an earlier reader of this thread left it."""
        if start.progress_ts is None or start.progress_seq is None:
            return
        self._progress, self._ts = Progress(start.progress_seq), start.progress_ts
        for entry in start.turn:
            self._progress.apply(entry.event)
        self.is_stale = True

    def forget_prompt(self, of: Collection[int]) -> None:
        """What was asked was erased, if it is one of these turns that is told of now; the answer stays."""
        if self._progress is not None and self._progress.first_seq in of:
            self._progress.prompt, self.is_stale = "", True

    def interrupt(self) -> None:
        """The session is over, whatever the agent was at."""
        if self._progress is not None and self._progress.status == "running":
            self._progress.status, self.is_stale = "interrupted", True

    async def fold(self, thread: Thread, entries: Sequence[Entry], *, may_begin: bool = True) -> int | None:
        """Sums up a stretch of the log in which nobody speaks. Only a new turn is posted at once, where it may be; then
        the position that was stored with it is returned."""
        progress = copy.deepcopy(self._progress)
        has_changed = False
        for entry in entries:
            if progress is None and may_begin and begins_turn(entry.event):
                progress = Progress(entry.seq)
            has_changed |= progress is not None and progress.apply(entry.event)
        stored = None
        if progress is not None and self._ts is None:
            stored = entries[-1].seq
            await self._begin(thread, progress, stored)
        elif has_changed:
            self.is_stale = True
        self._progress = progress
        return stored

    async def _begin(self, thread: Thread, progress: Progress, last: int) -> None:
        first = progress.first_seq
        shown = blocks.progress(progress)
        was_there = thread.is_there(first) or thread.must_look
        [ts] = await thread.say(first, [shown.text], blocks=list(shown.blocks))
        await thread.write(lambda tx: mirrors.advance(tx, self._lease, cursor=last, progress=(ts, first)))
        thread.intent = None
        self._ts, self._edited_at = ts, time.monotonic()
        # One that an earlier attempt posted may tell less than this one; a finished one is closed by an edit.
        self.is_stale = was_there or progress.status != "running"

    async def refresh(self, thread: Thread, cursor: int) -> bool:
        """Edits the message if it may be edited now. True when the turn is over and `cursor` was stored with that.

        Slack's "not now" holds nobody's words up: the edit is made later.
        """
        progress = self._progress
        if progress is None or self._ts is None or not self.is_stale:
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
        self.is_stale = False
        if is_final:
            await thread.write(lambda tx: mirrors.advance(tx, self._lease, cursor=cursor, progress=None))
            self._progress = self._ts = None
        return is_final
