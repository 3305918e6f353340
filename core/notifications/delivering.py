"""What leaves the product: when each delivery's time has come, which go out together, and what became of them.

All that is due for one person by one channel goes out as one message. Which deliveries those are is stored before it is
sent, under an id of our own; whoever takes over after a crash finds the same message under the same id, looks for it,
and sends it only where it is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import tables
from core.access import role_in
from core.accounts import actor_for
from core.db import Transaction
from core.errors import NotSignedIn
from core.ids import derived_id
from core.invites.rules import state_for
from core.notifications.deciding import OUTSIDE, STALE, Drop, Outside, Send, Wait, as_kind, verdict, way_out
from core.notifications.preferences import Wishes, who_muted, wishes_of
from core.notifications.showing import Item, shown
from core.notifications.taking_up import add_delivery

#: Items, and texts of each, that one message shows; of more it says how many.
MOST_ITEMS, MOST_LINES = 8, 3
#: How long what was settled is kept.
KEEP_SETTLED = timedelta(days=90)

#: Who has each session before their eyes.
Looking = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Due:
    """One person for whom something is due by one channel, and the sessions that it is from."""

    user_id: str
    channel: Outside
    session_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Batch:
    """One message to one person. `may_be_there`: an attempt to send it was begun before and its end is not known."""

    id: str
    user_id: str
    channel: Outside
    items: Sequence[Item]
    more: int
    attempts: int
    may_be_there: bool
    created_at: datetime


class Begun(Protocol):
    """What names a message that was begun."""

    @property
    def id(self) -> str: ...
    @property
    def channel(self) -> Outside: ...


def due(tx: Transaction, channel: Outside, limit: int = 100) -> list[Due]:
    """Those for whom something is due now, the longest waiting first."""
    row = tables.NotificationDelivery
    rows = tx.sql.exec(
        select(row.user_id, row.session_id)
        .where(col(row.settled_at).is_(None), row.channel == channel, row.not_before <= tx.now)
        .order_by(col(row.not_before), col(row.id))
        .limit(limit)
    )
    sessions: dict[str, set[str]] = {}
    for user_id, session_id in rows:
        sessions.setdefault(user_id, set()).add(session_id)
    return [Due(user_id, channel, frozenset(found)) for user_id, found in sessions.items()]


def next_due_at(tx: Transaction, channel: Outside) -> datetime | None:
    row = tables.NotificationDelivery
    query = select(func.min(row.not_before)).where(col(row.settled_at).is_(None), row.channel == channel)
    return tx.sql.exec(query).one()


def begin(tx: Transaction, what: Due, looking: Looking) -> Batch | None:
    """One message is about to be sent: which deliveries it holds is stored. What should wait or go nowhere is sorted
    out. None where nothing is left to be sent now."""
    rows = _open(tx, what)
    begun = [row for row in rows if row.batch_id is not None]
    if begun:
        # A message that was begun stays as it is: it may be there already.
        held = [row for row in begun if row.batch_id == begun[0].batch_id]
        if tx.now - held[0].created_at > STALE:
            _fail(tx, held, "stale", "it was tried for too long")
            return None
        return _batch(tx, what, held) if all(row.not_before <= tx.now for row in held) else None
    wishes = wishes_of(tx, [what.user_id]).get(what.user_id)
    going = [row for row in rows if row.not_before <= tx.now and _goes_now(tx, row, wishes, looking)]
    if not going:
        return None
    batch_id = derived_id("ntb", *sorted(row.id for row in going))
    for row in going:
        row.batch_id = batch_id
        tx.sql.add(row)
    return _batch(tx, what, going)


def _open(tx: Transaction, what: Due) -> Sequence[tables.NotificationDelivery]:
    row = tables.NotificationDelivery
    query = (
        select(row)
        .where(col(row.settled_at).is_(None), row.channel == what.channel, row.user_id == what.user_id)
        .order_by(col(row.created_at), col(row.id))
        .with_for_update()
    )
    return tx.sql.exec(query.execution_options(populate_existing=True)).all()


def _goes_now(tx: Transaction, row: tables.NotificationDelivery, wishes: Wishes | None, looking: Looking) -> bool:
    item = tx.sql.get(tables.Notification, row.notification_id, populate_existing=True)
    found = verdict(
        now=tx.now,
        created_at=row.created_at,
        is_read=item is not None and item.read_at is not None,
        is_wanted=wishes is not None
        and item is not None
        and (item.kind, row.channel) in wishes.wanted
        and row.user_id not in who_muted(tx, row.session_id),
        concerns=item is not None and _concerns(tx, item),
        is_here=row.user_id in looking.get(row.session_id, ()),
        quiet=wishes.quiet if wishes is not None else None,
    )
    match found:
        case Send():
            return True
        case Wait(until=until):
            row.not_before = until
        case Drop(reason=reason):
            row.settled_at, row.outcome = tx.now, reason
    tx.sql.add(row)
    return False


def _concerns(tx: Transaction, item: tables.Notification) -> bool:
    """Whether its person may still see what it tells of, and an invite still holds."""
    user = tx.sql.get(tables.User, item.user_id)
    session = tx.sql.get(tables.Session, item.session_id)
    if user is None or session is None or not user.is_active:
        return False
    if item.kind != "invite":
        try:
            return role_in(tx, session, actor_for(user, "system")) is not None
        except NotSignedIn:
            return False
    invite = tx.sql.get(tables.Invite, item.group_key)
    return invite is not None and state_for(tx, session, invite, user.id) == "live"


def _batch(tx: Transaction, what: Due, rows: Sequence[tables.NotificationDelivery]) -> Batch:
    may_be_there = any(row.intended_at is not None for row in rows)
    for row in rows:
        row.intended_at = row.intended_at or tx.now
        tx.sql.add(row)
    tx.sql.flush()
    held = [item for row in rows if (item := tx.sql.get(tables.Notification, row.notification_id)) is not None]
    items = _shown(tx, held)
    return Batch(
        id=rows[0].batch_id or "",
        user_id=what.user_id,
        channel=what.channel,
        items=items,
        more=max(0, len(rows) - MOST_ITEMS),
        attempts=max(row.attempts for row in rows),
        may_be_there=may_be_there,
        created_at=min(row.created_at for row in rows),
    )


def _shown(tx: Transaction, held: list[tables.Notification]) -> list[Item]:
    held.sort(key=lambda item: (item.created_at, item.first_seq))
    return shown(tx, held[:MOST_ITEMS], MOST_LINES)


def still_told(tx: Transaction, batch_id: str) -> tuple[Sequence[Item], int]:
    """What a message that was begun still has to tell, and how many items more: not what was read since, what is gone,
    and what its person may not see any more."""
    row = tables.NotificationDelivery
    ids = tx.sql.exec(select(row.notification_id).where(row.batch_id == batch_id))
    found = [tx.sql.get(tables.Notification, one, populate_existing=True) for one in ids]
    held = [item for item in found if item is not None and item.read_at is None and _concerns(tx, item)]
    return _shown(tx, held), max(0, len(held) - MOST_ITEMS)


# ── What became of it ─────────────────────────────────────────────────────────────────────────────────────────────────


def sent(tx: Transaction, batch: Begun) -> None:
    """It is there: a fact, whoever has the lease by now."""
    for row in _held(tx, batch):
        row.settled_at, row.outcome, row.intended_at = tx.now, "sent", None
        tx.sql.add(row)


def postpone(tx: Transaction, batch: Begun, seconds: float, problem: str = "", *, may_be_there: bool) -> None:
    """Tries again in `seconds`. Only failures (`problem`) count. What was not handed over is sorted anew then."""
    for row in _held(tx, batch):
        row.not_before, row.problem = tx.now + timedelta(seconds=seconds), problem[:500]
        row.attempts += bool(problem)
        if not may_be_there:
            row.intended_at = row.batch_id = None
        tx.sql.add(row)


def put_off(tx: Transaction, what: Due, seconds: float) -> None:
    """Nothing can be sent to this person for now, for a reason that is not theirs."""
    for row in _open(tx, what):
        row.not_before = max(row.not_before, tx.now + timedelta(seconds=seconds))
        tx.sql.add(row)


def unreachable(tx: Transaction, what: Due, problem: str) -> None:
    """This channel leads to the person no more: the next one takes what is not read."""
    _reroute(tx, what.channel, _open(tx, what), problem)


def give_up(tx: Transaction, batch: Begun, problem: str, channels: Collection[Outside] = OUTSIDE) -> None:
    """It cannot be sent by this channel: the next one that leads to the person, of those that this server has, takes
    what is not read."""
    _reroute(tx, batch.channel, _held(tx, batch), problem, channels)


def _fail(tx: Transaction, rows: Sequence[tables.NotificationDelivery], outcome: str, problem: str) -> None:
    for row in rows:
        row.settled_at, row.outcome, row.problem, row.intended_at = tx.now, outcome, problem[:500], None
        tx.sql.add(row)
    tx.sql.flush()


def _reroute(
    tx: Transaction,
    channel: Outside,
    rows: Sequence[tables.NotificationDelivery],
    problem: str,
    channels: Collection[Outside] = OUTSIDE,
) -> None:
    _fail(tx, rows, "failed", problem)
    people = wishes_of(tx, {row.user_id for row in rows})
    for row in rows:
        wishes = people.get(row.user_id)
        item = tx.sql.get(tables.Notification, row.notification_id, populate_existing=True)
        if item is None or wishes is None or item.read_at is not None:
            continue
        way = way_out(as_kind(item.kind), wishes.wanted, wishes.reachable & frozenset(channels), channel)
        if way is not None:
            add_delivery(tx, item, way)


def _held(tx: Transaction, batch: Begun) -> Sequence[tables.NotificationDelivery]:
    row = tables.NotificationDelivery
    query = select(row).where(row.batch_id == batch.id, col(row.settled_at).is_(None)).with_for_update()
    return tx.sql.exec(query.execution_options(populate_existing=True)).all()


def prune(tx: Transaction) -> int:
    """Forgets what was settled, and what was read, long ago."""
    row, item, part = tables.NotificationDelivery, tables.Notification, tables.NotificationPart
    long_ago = tx.now - KEEP_SETTLED
    old = select(item.id).where(col(item.read_at) < long_ago)
    tx.sql.exec(delete(row).where(col(row.notification_id).in_(old)))
    tx.sql.exec(delete(part).where(col(part.notification_id).in_(old)))
    return tx.sql.exec(delete(item).where(col(item.read_at) < long_ago)).rowcount


__all__ = [
    "Batch",
    "Begun",
    "Due",
    "Looking",
    "begin",
    "due",
    "give_up",
    "next_due_at",
    "postpone",
    "prune",
    "put_off",
    "sent",
    "still_told",
    "unreachable",
]
