"""The inbox: verified requests from outside, stored before they are acknowledged and handled afterwards, once.

The sender's own id is the key, so any number of deliveries is one item. Items are handled in the order of their
positions; one that has to wait steps aside. An item that cannot be handled is parked with the reason in words and stays
in the table for whoever runs the server.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import leases, tables
from core.db import Transaction

#: The lease of whoever handles the items.
LEASE = "inbox"
#: The kind of what nobody sent: see `note`.
NOTE = "note"


@dataclass(frozen=True, slots=True)
class Item:
    """One stored request. `attempts` counts the times that handling it failed."""

    id: str
    kind: str
    body: bytes
    attempts: int
    not_before: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the inbox is doing: items that wait, items that were given up, and since when the oldest waits."""

    waiting: int
    parked: int
    oldest: datetime | None


def store(tx: Transaction, item_id: str, kind: str, body: bytes) -> bool:
    """Keeps a request. False when it is here already, handled or not."""
    inbox = tables.Inbox
    if tx.sql.get(inbox, item_id) is not None:
        return False
    last = tx.sql.exec(select(func.max(inbox.position))).one()
    tx.sql.add(
        inbox(
            id=item_id,
            kind=kind,
            body=body,
            received_at=tx.now,
            position=(last or 0) + 1,
            attempts=0,
            not_before=tx.now,
        )
    )
    tx.sql.flush()
    return True


def pending(tx: Transaction, kinds: Collection[str], limit: int = 1_000) -> Sequence[Item]:
    """What is neither handled nor parked, the oldest first; also what has to wait, because it holds others back."""
    inbox = tables.Inbox
    rows = tx.sql.exec(
        select(inbox)
        .where(col(inbox.handled_at).is_(None), col(inbox.error).is_(None), col(inbox.kind).in_(kinds))
        .order_by(col(inbox.position), col(inbox.id))
        .limit(limit)
    )
    return [Item(row.id, row.kind, row.body, row.attempts, row.not_before, row.received_at) for row in rows]


def begin(tx: Transaction, item_id: str) -> bool:
    """Locks an item and marks it as handled, in the transaction of its effect. False when it was handled before.

    Its id stays, for the next delivery of the same; what it said does not, so that nobody's words are kept twice.
    """
    row = _locked(tx, item_id)
    if row is None or row.handled_at is not None:
        return False
    row.handled_at, row.body = tx.now, b""
    tx.sql.add(row)
    return True


def note(tx: Transaction, name: str) -> None:
    """Remembers, as long as what was handled, that something was done which no single item stands for. Any number of
    times."""
    inbox = tables.Inbox
    if tx.sql.get(inbox, name) is None:
        row = inbox(id=name, kind=NOTE, body=b"", received_at=tx.now, position=0, attempts=0, not_before=tx.now)
        row.handled_at = tx.now
        tx.sql.add(row)


def is_noted(tx: Transaction, name: str) -> bool:
    return tx.sql.get(tables.Inbox, name) is not None


def postpone(tx: Transaction, item_id: str, seconds: float, *, has_failed: bool) -> None:
    """Tries again in `seconds`. Only failures count as attempts; a rate limit or an outage elsewhere does not."""
    row = _locked(tx, item_id)
    if row is not None and row.handled_at is None:
        row.not_before = tx.now + timedelta(seconds=seconds)
        row.attempts += has_failed
        tx.sql.add(row)


def park(tx: Transaction, item_id: str, reason: str) -> None:
    """Gives an item up. It stays, with the reason."""
    row = _locked(tx, item_id)
    if row is not None and row.handled_at is None:
        row.error = reason[:2_000]
        tx.sql.add(row)


def backlog(tx: Transaction) -> Backlog:
    inbox = tables.Inbox
    is_open = col(inbox.handled_at).is_(None)
    waiting, oldest = tx.sql.exec(
        select(func.count(), func.min(inbox.received_at)).where(is_open, col(inbox.error).is_(None))
    ).one()
    parked = tx.sql.exec(select(func.count()).where(is_open, col(inbox.error).is_not(None))).one()
    return Backlog(waiting, parked, oldest)


def prune(tx: Transaction, before: datetime) -> int:
    """Forgets what was handled before that time. Keep at least 26 hours: Slack may deliver a day late."""
    inbox = tables.Inbox
    result = tx.sql.exec(delete(inbox).where(col(inbox.handled_at) < before))
    return result.rowcount


def hold(tx: Transaction, owner: str, seconds: float, *, is_only_process: bool = False) -> bool:
    """Takes or keeps the right to handle items for `seconds`. False while another process has it. See `core.leases`."""
    return leases.take(tx, LEASE, owner, seconds, is_only_process=is_only_process) is not None


def let_go(tx: Transaction, owner: str) -> None:
    """Gives the right back, so that the next process need not wait."""
    leases.let_go(tx, LEASE, owner)


def _locked(tx: Transaction, item_id: str) -> tables.Inbox | None:
    query = select(tables.Inbox).where(tables.Inbox.id == item_id)
    return tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
