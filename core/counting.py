"""What an agent has done, counted event by event in the transaction that appends each.

Counting a log anew gives what was counted while it grew: the numbers are a projection of the log like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import orjson
from sqlmodel import col, func, select

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

#: Every kind of event that an agent's machine reports.
AGENT_EVENTS: frozenset[str] = frozenset(
    kind.model_fields["type"].default for kind in get_args(get_args(AnyAgentEvent)[0])
)


class Counter:
    """Adds events to one session's numbers. It is told of each event before the event is appended."""

    def __init__(
        self,
        stats: tables.AgentStats,
        is_new_path: Callable[[str], bool],
        call: Callable[[str], ToolCallStarted | None],
    ) -> None:
        """`is_new_path` and `call` (by its id) answer from the entries before."""
        self.stats = stats
        self._is_new_path = is_new_path
        self._call = call

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
                # Only a call with nothing in between repeats the failed one: testing again after an edit is work.
                stats.retries += fingerprint(event) == stats.failed_call
                stats.failed_call = None
            case ToolCallFinished():
                self._count_outcome(event)
            case FileChanged():
                stats.files_touched += self._is_new_path(event.path)
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
        call = self._call(event.call_id)
        self.stats.failed_call = fingerprint(call) if call is not None else None


def fingerprint(call: ToolCallStarted) -> str:
    """The same for the same tool with the same input."""
    return hashlib.sha256(f"{call.tool}\x1f{call.input}".encode()).hexdigest()


def count(tx: Transaction, session: tables.Session, event: AnyAgentEvent) -> None:
    """Adds an event that is about to be appended to the stored numbers. The session is locked by the caller."""
    stats = tx.sql.get(tables.AgentStats, session.id)
    if stats is None:
        stats = (count_log(tx, session.id) if may_have_history(session) else None) or _nothing(session.id, tx.now)
    counter = Counter(
        stats,
        lambda path: _newest_with(tx, session.id, FileChanged, path=path) is None,
        lambda call_id: _newest_with(tx, session.id, ToolCallStarted, call_id=call_id),
    )
    counter.count(event, tx.now)
    tx.sql.add(stats)


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
    paths: set[str] = set()
    calls: dict[str, ToolCallStarted] = {}
    counter: Counter | None = None
    for at, frame in rows:
        event = _event_of(frame)
        if counter is None:
            counter = Counter(_nothing(session_id, at), lambda path: path not in paths, calls.get)
        counter.count(event, at)
        if isinstance(event, FileChanged):
            paths.add(event.path)
        elif isinstance(event, ToolCallStarted):
            calls[event.call_id] = event
    return counter.stats if counter else None


def _nothing(session_id: str, at: datetime) -> tables.AgentStats:
    return tables.AgentStats(session_id=session_id, first_at=at, last_at=at)


def _newest_with(tx: Transaction, session_id: str, kind: type[Any], **field: str) -> Any | None:
    """The session's last event of one kind whose one `field` is this value.

    The text of an entry is searched for it. A quotation mark inside a JSON string follows a backslash, so `"path":"x"`
    is found as a field and nowhere else. `replace` is asked because it is the one search that both databases have and
    that tells capitals apart.
    """
    entry = tables.LogEntry
    needle = orjson.dumps(field).decode()[1:-1]
    frame = tx.sql.exec(
        select(entry.frame)
        .where(
            entry.session_id == session_id,
            entry.type == kind.model_fields["type"].default,
            func.replace(entry.frame, needle, "") != entry.frame,
        )
        .order_by(col(entry.seq).desc())
        .limit(1)
    ).first()
    return _event_of(frame) if frame is not None else None


def _event_of(frame: str) -> AnyAgentEvent:
    body: dict[str, Any] = orjson.loads(frame)
    for name in ("seq", "at", "actor_id"):
        del body[name]
    return agent_event_adapter.validate_python(body)
