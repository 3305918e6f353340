"""Carries comments over the versions of their file, and remembers where each came to stand.

Answers never change, because contents are named by their hash; so each is worked out once in a process, outside of any
transaction and on a thread of its own, and the next version goes on from the one before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core import files
from core.anchors import OUTDATED, Anchor, Placement, place, place_along, take_anchor
from core.comments.places import Asked
from core.db import Database, Transaction

log = logging.getLogger(__name__)

#: Places that are remembered: a few hundred bytes each.
MAX_PLACES = 20_000
#: Versions that are gone over for one answer. Of more, some between are left out: the first and the last stay.
MAX_STEPS = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread stands. `gone`: its file is not there any more."""

    status: Literal["exact", "moved", "outdated", "gone"]
    file: str
    version: str | None
    line: int | None = None
    end_line: int | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class _Task:
    """One place to work out: over `steps`, the first of which it is known on."""

    asked: Asked
    known: Placement
    steps: tuple[str, ...]


class Placements:
    """Remembered places of one process. Belongs to one event loop."""

    def __init__(self, limit: int = MAX_PLACES) -> None:
        self._limit = limit
        self._known: OrderedDict[tuple[str, str], Placement] = OrderedDict()
        # Everybody asks at once when a file changes: one works it out, the others find it.
        self._working = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._known)

    async def places(self, db: Database, session_id: str, wanted: Sequence[Asked]) -> list[Place]:
        """The place of each thread, in their order. The caller has authorised the read."""
        if any(asked.steps and self._get(asked) is None for asked in wanted):
            async with self._working:
                await self._work_out(db, session_id, wanted)
        return [self._place(asked) for asked in wanted]

    async def _work_out(self, db: Database, session_id: str, wanted: Sequence[Asked]) -> None:
        by_file: dict[str, list[_Task]] = {}
        for asked in wanted:
            if asked.steps and self._get(asked) is None:
                by_file.setdefault(asked.file, []).append(self._task(asked))
        # One file after another, so that the texts of one only are in memory.
        for tasks in by_file.values():
            needed = {step for task in tasks for step in task.steps}
            texts = await db.read(lambda tx, needed=needed: _texts(tx, session_id, needed))
            for task, placed in zip(tasks, await asyncio.to_thread(_place_all, tasks, texts), strict=True):
                self._put(task.asked, placed)

    def _task(self, asked: Asked) -> _Task:
        """Goes on from the latest version on which the thread's place is known already."""
        row = asked.thread.row
        for at in range(len(asked.steps) - 2, 0, -1):
            known = self._known.get((row.id, asked.steps[at]))
            if known is not None and known.line is not None:
                return _Task(asked, known, (*_sampled(asked.steps[at:]), asked.steps[0]))
        return _Task(asked, Placement("exact", row.line, row.end_line, 1.0), (*_sampled(asked.steps), asked.steps[0]))

    def _place(self, asked: Asked) -> Place:
        row = asked.thread.row
        if asked.is_gone:
            return Place("gone", asked.file, None)
        if asked.version is None and row.version is not None:
            return Place("outdated", asked.file, None, confidence=0.0)
        placed = self._get(asked) if asked.steps else Placement("exact", row.line, row.end_line, 1.0)
        if placed is None:
            placed = OUTDATED  # It was asked for more than is remembered at once.
        return Place(placed.status, asked.file, asked.version, placed.line, placed.end_line, placed.confidence)

    def _get(self, asked: Asked) -> Placement | None:
        key = (asked.thread.row.id, asked.version or "")
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def _put(self, asked: Asked, placed: Placement) -> None:
        self._known[asked.thread.row.id, asked.version or ""] = placed
        while len(self._known) > self._limit:
            self._known.popitem(last=False)


def _sampled(steps: tuple[str, ...]) -> tuple[str, ...]:
    if len(steps) <= MAX_STEPS:
        return steps
    stride = (len(steps) - 1) / (MAX_STEPS - 1)
    return tuple(steps[round(i * stride)] for i in range(MAX_STEPS))


def _texts(tx: Transaction, session_id: str, versions: Iterable[str]) -> dict[str, str | None]:
    """Each version's text; None for what is not text, or not kept any more."""
    texts: dict[str, str | None] = dict.fromkeys(versions)
    for version in texts:
        if files.holds_blob(tx, session_id, version):
            content = files.blob(tx, session_id, version)
            texts[version] = content.data.decode() if content.lines is not None else None
    return texts


def _place_all(tasks: Sequence[_Task], texts: Mapping[str, str | None]) -> list[Placement]:
    return [_place_one(task, texts) for task in tasks]


def _place_one(task: _Task, texts: Mapping[str, str | None]) -> Placement:
    row = task.asked.thread.row
    try:
        return _placed(task, texts)
    except Exception:
        # A flaw in placing one comment must not hide the others: it is shown with its old lines.
        log.exception("a comment could not be placed", extra={"thread_id": row.id, "version": task.asked.version})
        return OUTDATED


def _placed(task: _Task, texts: Mapping[str, str | None]) -> Placement:
    row = task.asked.thread.row
    along = [text for step in task.steps[:-1] if (text := texts[step]) is not None]
    target, first = texts[task.steps[-2]], texts[task.steps[-1]]
    if target is None:
        return OUTDATED
    if row.version is None:
        return _by_quote(Anchor(row.file, row.line, row.end_line, row.snippet, row.before, row.after), target)
    if first is None or task.known.line is None or task.known.end_line is None:
        return OUTDATED
    anchor = take_anchor(along[0], row.file, task.known.line, task.known.end_line)
    found = place_along(anchor, along)
    if found.line is not None:
        status = "moved" if "moved" in (task.known.status, found.status) else "exact"
        return Placement(status, found.line, found.end_line, min(task.known.confidence, found.confidence))
    return place(take_anchor(first, row.file, row.line, row.end_line), first, target)


def _by_quote(anchor: Anchor, text: str) -> Placement:
    """The place of lines of which nothing is known but what they say."""
    if not anchor.snippet.strip():
        return OUTDATED
    size = anchor.snippet.count("\n") + 1
    found = place(Anchor(anchor.path, 1, size, anchor.snippet, "", ""), anchor.snippet, text)
    if found.line is None:
        return OUTDATED
    return Placement("moved", found.line, found.end_line, min(found.confidence, 0.9))
