"""Somebody's inbox: what is in it, what of it is unread on all their devices together, and reading it.

What happened in a session that its person may not see any more is not shown and not counted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select

from core import tables
from core.access import Actor, visible_to
from core.db import Transaction
from core.notifications.deciding import Kind
from core.notifications.showing import Item, shown

MAX_ITEMS = 100
#: What a session's read mark does not settle: the answer to these is given elsewhere.
_NEEDS_AN_ANSWER = ("invite",)
_DOOR = "door"


#: When an item was told of last, and its id: where a page ends.
Place = tuple[datetime, str]


def page(
    tx: Transaction, actor: Actor, *, before: Place | None, limit: int, only_unread: bool = False
) -> tuple[list[Item], Place | None]:
    """Items, the latest first, and what to ask for as `before` to go further back. Raises NotSignedIn."""
    item = tables.Notification
    query = select(item).where(_own(tx, actor)).order_by(col(item.updated_at).desc(), col(item.id)).limit(limit + 1)
    if before is not None:
        at, item_id = before
        query = query.where(or_(col(item.updated_at) < at, (col(item.updated_at) == at) & (col(item.id) > item_id)))
    if only_unread:
        query = query.where(col(item.read_at).is_(None))
    rows = tx.sql.exec(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return shown(tx, rows[:limit]), (last.updated_at, last.id) if last is not None else None


def unread(tx: Transaction, actor: Actor) -> int:
    """Exactly how many items wait to be read. Raises NotSignedIn."""
    item = tables.Notification
    return tx.sql.exec(select(func.count()).where(_own(tx, actor), col(item.read_at).is_(None))).one()


def _own(tx: Transaction, actor: Actor) -> Any:
    item = tables.Notification
    may_see = or_(col(item.session_id).in_(visible_to(tx, actor)), col(item.kind) == "invite")
    return (col(item.user_id) == actor.user_id) & col(item.is_in_inbox).is_(True) & may_see


def mark_read(tx: Transaction, actor: Actor, ids: Collection[str]) -> bool:
    """These were read; others' are left alone. True where something changed."""
    return _mark(tx, actor.user_id, col(tables.Notification.id).in_(ids))


def mark_all_read(tx: Transaction, actor: Actor, up_to: datetime) -> bool:
    """Everything that had happened by `up_to` was read."""
    return _mark(tx, actor.user_id, col(tables.Notification.updated_at) <= up_to)


def read_through(tx: Transaction, session_id: str, user_id: str, seq: int) -> bool:
    """Somebody has read a session up to `seq`, and with it what they were told of up to there."""
    item = tables.Notification
    return _mark(
        tx,
        user_id,
        (col(item.session_id) == session_id)
        & (col(item.last_seq) <= seq)
        & col(item.kind).not_in(_NEEDS_AN_ANSWER)
        & (col(item.group_key) != _DOOR),
    )


def _mark(tx: Transaction, user_id: str, which: Any) -> bool:
    item = tables.Notification
    marked = tx.sql.exec(
        update(item).where(col(item.user_id) == user_id, col(item.read_at).is_(None), which).values(read_at=tx.now)
    )
    return marked.rowcount > 0


def settle_parts(tx: Transaction, session_id: str, ref_id: str, kinds: frozenset[Kind], is_gone: bool) -> set[str]:
    """What was told about `ref_id` is over. Returns whose inbox is another now."""
    part, item = tables.NotificationPart, tables.Notification
    rows = tx.sql.exec(
        select(part, item).where(
            part.session_id == session_id,
            part.ref_id == ref_id,
            part.notification_id == item.id,
            col(item.kind).in_(kinds),
        )
    ).all()
    for one, whole in rows:
        left = set(tx.sql.exec(select(part.seq).where(part.notification_id == whole.id, part.seq != one.seq)))
        if left or is_gone:
            tx.sql.delete(one)
            tx.sql.flush()
        if left:
            whole.first_seq, whole.last_seq = min(left), max(left)
            tx.sql.add(whole)
        elif is_gone:
            delivery = tables.NotificationDelivery
            tx.sql.exec(delete(delivery).where(col(delivery.notification_id) == whole.id))
            tx.sql.delete(whole)
        else:
            whole.read_at = whole.read_at or tx.now
            tx.sql.add(whole)
    tx.sql.flush()
    return {one.user_id for one, _ in rows}
