"""The audit: who was let in, linked, made a host, removed or erased, and when.

What happens inside a session stands in its log, which only grows; it is read from there. What is done to accounts and
installations has a table of its own, written in the transaction of the act, whose rows the database lets nobody change.
Nothing here holds what people wrote, and no name: ids only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import orjson
from sqlmodel import col, select

from core import tables
from core.clock import iso
from core.db import Transaction

Act = Literal[
    "account_added",
    "account_deactivated",
    "account_reactivated",
    "account_erased",
    "account_exported",
    "session_deleted",
    "identity_linked",
    "identity_unlinked",
    "signed_in",
    "signed_out_everywhere",
    "workspace_installed",
    "workspace_removed",
]

#: As far back as anybody may ask.
MOST_DAYS = 36_500
#: Entries of a session's log that concern who may do what, or that something was taken away → what of each is told.
#: A `user` is told by their id.
OF_SESSIONS: Mapping[str, tuple[str, ...]] = {
    "session_started": (),
    "session_ended": (),
    "session_update": ("host",),
    "participant_added": ("user", "role", "via"),
    "participant_removed": ("user_id",),
    "role_changed": ("user_id", "role"),
    "invite_created": ("invite_id", "role", "way"),
    "invite_accepted": ("invite_id", "user_id"),
    "invite_revoked": ("invite_id",),
    "invite_declined": ("invite_id", "user"),
    "knock_answered": ("invite_id", "user_id", "is_admitted"),
    "thread_linked": ("provider",),
    "mirror_resumed": ("provider",),
    "message_deleted": ("message_id",),
    "comment_deleted": ("comment_id",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`user_id` is whom it concerns: in a session who did it, elsewhere whose account it was."""

    at: datetime
    act: str
    user_id: str | None
    session_id: str | None
    details: Mapping[str, Any]

    def line(self) -> dict[str, Any]:
        """As JSON has it, in one flat line."""
        named = {"user_id": self.user_id, "session_id": self.session_id}
        told = {f"about_{name}" if name in named else name: value for name, value in self.details.items()}
        return {"at": iso(self.at), "act": self.act} | {name: one for name, one in named.items() if one} | told


def record(tx: Transaction, act: Act, user_id: str | None, **details: str) -> None:
    """Adds an entry to the audit, in the transaction of what it tells of."""
    row = tables.AuditEntry(at=tx.now, act=act, user_id=user_id, details=orjson.dumps(details).decode())
    tx.sql.add(row)


def since(tx: Transaction, moment: datetime, user_id: str | None = None) -> list[Entry]:
    """Everything from `moment` on, the oldest first; of one person where `user_id` names them.

    Reads the whole log of every session: for whoever runs the server, not for a page.
    """
    return sorted([*_of_accounts(tx, moment, user_id), *_of_sessions(tx, moment, user_id)], key=lambda one: one.at)


def _of_accounts(tx: Transaction, moment: datetime, user_id: str | None) -> Iterator[Entry]:
    row = tables.AuditEntry
    query = select(row).where(row.at >= moment).order_by(col(row.id))
    for one in tx.sql.exec(query if user_id is None else query.where(row.user_id == user_id)):
        yield Entry(one.at, one.act, one.user_id, None, orjson.loads(one.details))


def _of_sessions(tx: Transaction, moment: datetime, user_id: str | None) -> Iterator[Entry]:
    row = tables.LogEntry
    query = select(row).where(row.at >= moment, col(row.type).in_(OF_SESSIONS))
    for one in tx.sql.exec(query.order_by(col(row.session_id), col(row.seq))):
        frame: dict[str, Any] = orjson.loads(one.frame)
        told = {name: _named(frame[name]) for name in OF_SESSIONS[one.type] if frame.get(name) is not None}
        if user_id is None or user_id in (one.actor_id, *told.values()):
            yield Entry(one.at, one.type, one.actor_id, one.session_id, told)


def _named(value: Any) -> Any:
    """A person by their id, anything else as it is."""
    return cast(dict[str, Any], value)["user_id"] if isinstance(value, dict) else value
