"""What an agent has done, counted event by event in the transaction that appends each.

Counting a log anew gives what was counted while it grew: the numbers are a projection of the log like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, get_args

import orjson
from sqlalchemy import bindparam
from sqlalchemy import select as sa_select
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.events import (
    AgentFailed,
    AnyAgentEvent,
    FileChanged,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptEnded,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
    agent_event_adapter,
)
from core.hot import Hot

#: Every kind of event that an agent's machine reports.
AGENT_EVENTS: frozenset[str] = frozenset(
    kind.model_fields["type"].default for kind in get_args(get_args(AnyAgentEvent)[0])
)


_MARKS = tables.table_of("agent_marks")
_FIND = Hot(
    sa_select(_MARKS.c.fingerprint).where(
        _MARKS.c.session_id == bindparam("session"), _MARKS.c.name == bindparam("mark")
    )
)


class Earlier(Protocol):
    """Knows of the entries before the ones that a counter has been told of, and takes up what it is told."""

    def touched(self, path: str) -> bool: ...
    def call(self, call_id: str) -> str | None:
        """The fingerprint of the call."""
        ...

    def note_touch(self, path: str) -> None: ...
    def note_call(self, call_id: str, fingerprint: str) -> None: ...


class Counter:
    """Adds events to one session's numbers, in the order of the log."""

    def __init__(self, stats: tables.AgentStats, earlier: Earlier | None = None) -> None:
        self.stats = stats
        self._earlier = earlier
        self._paths: set[str] = set()
        self._calls: dict[str, str] = {}

    def count(self, event: AnyAgentEvent, at: datetime) -> None:
        stats = self.stats
        stats.last_at = at
        match event:
            case TurnStarted():
                stats.turns += 1
                stats.turn_id = event.turn_id[:80]
            case TurnFinished():
                stats.turns_failed += event.status == "failed"
                stats.turn_id = None
            case TranscriptEnded():
                stats.turn_id = None
            case ToolCallStarted():
                stats.tool_calls += 1
                call = self._begin_call(event)
                # Only a call with nothing in between repeats the failed one: testing again after an edit is work.
                stats.retries += call == stats.failed_call
                stats.failed_call = None
            case ToolCallFinished():
                self._count_outcome(event)
            case FileChanged():
                stats.files_touched += self._is_first_touch(event.path)
            case AgentFailed():
                stats.failures += 1
            case UsageUpdated():
                if event.context_used is not None:
                    stats.context_used = event.context_used
                if event.context_limit is not None:
                    stats.context_limit = event.context_limit
            case _:
                pass

    def _begin_call(self, event: ToolCallStarted) -> str:
        call = self._calls[event.call_id] = fingerprint(event.tool, event.input)
        if self._earlier is not None:
            self._earlier.note_call(event.call_id, call)
        return call

    def _count_outcome(self, event: ToolCallFinished) -> None:
        if event.status != "failed":
            return
        self.stats.tool_failures += 1
        call = self._calls.get(event.call_id)
        if call is None and self._earlier is not None:
            call = self._earlier.call(event.call_id)
        self.stats.failed_call = call

    def _is_first_touch(self, path: str) -> bool:
        if path in self._paths:
            return False
        self._paths.add(path)
        if self._earlier is None:
            return True
        if self._earlier.touched(path):
            return False
        self._earlier.note_touch(path)
        return True


def fingerprint(tool: str, given: str) -> str:
    """The same for the same tool with the same input."""
    return _hash(tool, given)


def touch_mark(path: str) -> str:
    """Under which name it is noted that a file was touched."""
    return _hash("file", path)


def call_mark(call_id: str) -> str:
    """Under which name a call is noted."""
    return _hash("call", call_id)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def counter_for(tx: Transaction, session: tables.Session) -> Counter:
    """For the events that are about to be appended in this transaction. The session is locked by the caller."""
    stats = tx.sql.get(tables.AgentStats, session.id)
    if stats is None:
        stats = (count_log(tx, session.id) if may_have_history(session) else None) or _nothing(session.id, tx.now)
        tx.sql.add(stats)
    return Counter(stats, _Marks(tx, session.id))


def may_have_history(session: tables.Session) -> bool:
    """Whether an agent may have been here before anybody counted: without reading the log."""
    return session.agent is not None or session.token_count is not None


def count_log(tx: Transaction, session_id: str) -> tables.AgentStats | None:
    """Everything that the agent has done, from the log alone; None where it has done nothing."""
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.at, entry.frame)
        .where(entry.session_id == session_id, col(entry.type).in_(AGENT_EVENTS))
        .order_by(col(entry.seq))
    )
    counter: Counter | None = None
    for at, frame in rows:
        counter = counter or Counter(_nothing(session_id, at))
        counter.count(_event_of(frame), at)
    return counter.stats if counter else None


def _nothing(session_id: str, at: datetime) -> tables.AgentStats:
    return tables.AgentStats(session_id=session_id, first_at=at, last_at=at)


@dataclass(frozen=True, slots=True)
class _Marks:
    """One row for each file that was touched and each call, found by a hash: the log is never searched."""

    tx: Transaction
    session_id: str

    def touched(self, path: str) -> bool:
        return bool(self._find(touch_mark(path)))

    def call(self, call_id: str) -> str | None:
        for (call,) in self._find(call_mark(call_id)):
            return call
        return None

    def note_touch(self, path: str) -> None:
        self._note(touch_mark(path), None)

    def note_call(self, call_id: str, fingerprint: str) -> None:
        self._note(call_mark(call_id), fingerprint)

    def _find(self, name: str) -> Sequence[Any]:
        return _FIND.rows(self.tx.sql.connection(), {"session": self.session_id, "mark": name})

    def _note(self, name: str, fingerprint: str | None) -> None:
        row = {"session_id": self.session_id, "name": name, "fingerprint": fingerprint}
        self.tx.collected.add("agent_marks", [row])


def _event_of(frame: str) -> AnyAgentEvent:
    body: dict[str, Any] = orjson.loads(frame)
    for name in ("seq", "at", "actor_id"):
        del body[name]
    return agent_event_adapter.validate_python(body)
