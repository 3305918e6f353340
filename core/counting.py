"""What an agent has done, counted event by event in the transaction that appends each.

Counting a log anew gives what was counted while it grew: the numbers are a projection of the log like any other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, get_args

import orjson
from sqlalchemy import Text, bindparam, func
from sqlalchemy import select as sa_select
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.events import (
    AgentEvent,
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

#: Every kind of event that an agent's machine reports.
AGENT_EVENTS: frozenset[str] = frozenset(
    kind.model_fields["type"].default for kind in get_args(get_args(AnyAgentEvent)[0])
)


_EVENTS = tables.table_of("events")
#: `replace` is the one search that both databases have and that tells capitals apart.
_NEWEST = (
    sa_select(_EVENTS.c.frame)
    .where(
        _EVENTS.c.session_id == bindparam("session"),
        _EVENTS.c.type == bindparam("type"),
        func.replace(_EVENTS.c.frame, bindparam("needle", type_=Text), "") != _EVENTS.c.frame,
    )
    .order_by(_EVENTS.c.seq.desc())
    .limit(1)
)


class Earlier(Protocol):
    """Answers from the entries before the ones that a counter has been told of."""

    def touched(self, path: str) -> bool: ...
    def call(self, call_id: str) -> ToolCallStarted | None: ...


class Counter:
    """Adds events to one session's numbers, in the order of the log."""

    def __init__(self, stats: tables.AgentStats, earlier: Earlier | None = None) -> None:
        self.stats = stats
        self._earlier = earlier
        self._paths: set[str] = set()
        self._calls: dict[str, ToolCallStarted] = {}

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
                self._calls[event.call_id] = event
                # Only a call with nothing in between repeats the failed one: testing again after an edit is work.
                stats.retries += fingerprint(event) == stats.failed_call
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

    def _count_outcome(self, event: ToolCallFinished) -> None:
        if event.status != "failed":
            return
        self.stats.tool_failures += 1
        call = self._calls.get(event.call_id)
        if call is None and self._earlier is not None:
            call = self._earlier.call(event.call_id)
        self.stats.failed_call = fingerprint(call) if call is not None else None

    def _is_first_touch(self, path: str) -> bool:
        is_first = path not in self._paths and not (self._earlier is not None and self._earlier.touched(path))
        self._paths.add(path)
        return is_first


def fingerprint(call: ToolCallStarted) -> str:
    """The same for the same tool with the same input."""
    return hashlib.sha256(f"{call.tool}\x1f{call.input}".encode()).hexdigest()


def counter_for(tx: Transaction, session: tables.Session) -> Counter:
    """For the events that are about to be appended in this transaction. The session is locked by the caller."""
    stats = tx.sql.get(tables.AgentStats, session.id)
    if stats is None:
        stats = (count_log(tx, session.id) if may_have_history(session) else None) or _nothing(session.id, tx.now)
        tx.sql.add(stats)
    return Counter(stats, _InLog(tx, session.id))


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
class _InLog:
    """The text of an entry is searched for a field with exactly some value. A quotation mark inside a JSON string
    follows a backslash, so `"path":"x"` is found as a field and nowhere else."""

    tx: Transaction
    session_id: str

    def touched(self, path: str) -> bool:
        return self._newest(FileChanged, path=path) is not None

    def call(self, call_id: str) -> ToolCallStarted | None:
        frame = self._newest(ToolCallStarted, call_id=call_id)
        event = _event_of(frame) if frame is not None else None
        return event if isinstance(event, ToolCallStarted) else None

    def _newest(self, kind: type[AgentEvent], **field: str) -> str | None:
        needle = orjson.dumps(field).decode()[1:-1]
        values = {"session": self.session_id, "type": kind.model_fields["type"].default, "needle": needle}
        return self.tx.sql.connection().execute(_NEWEST, values).scalar()


def _event_of(frame: str) -> AnyAgentEvent:
    body: dict[str, Any] = orjson.loads(frame)
    for name in ("seq", "at", "actor_id"):
        del body[name]
    return agent_event_adapter.validate_python(body)
