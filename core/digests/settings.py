"""What people have chosen: how often, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import accounts, outbox, tables
from core.clock import zone_of
from core.db import Transaction
from core.digests.times import DEFAULT, Wish, next_after
from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Chosen:
    """`since` is when it was chosen: what was due before that is not made up for. `next_at` is None for no digest."""

    wish: Wish
    time_zone: str
    since: datetime
    next_at: datetime | None


def chosen(tx: Transaction, user_id: str) -> Chosen:
    """Raises UserNotFound."""
    user = accounts.get_user(tx, user_id)
    wish, since = wish_of(user, tx.sql.get(tables.DigestSetting, user_id))
    is_stopped = user.email is None or outbox.is_stopped(tx, user.email, "digest")
    wish = Wish("off", wish.minute, wish.weekday) if is_stopped else wish
    coming = next_after(wish, zone_of(user.time_zone), tx.now)
    return Chosen(wish, user.time_zone, since, coming.due_at if coming is not None else None)


def wish_of(user: tables.User, row: tables.DigestSetting | None) -> tuple[Wish, datetime]:
    if row is None:
        return DEFAULT, user.created_at
    cadence: Any = row.cadence
    return Wish(cadence, row.minute, row.weekday), row.changed_at


def choose(tx: Transaction, user_id: str, wish: Wish) -> Chosen:
    """From now on. Choosing a digest takes back that none was wanted. Raises Invalid, UserNotFound."""
    user = accounts.get_user(tx, user_id)
    if (
        wish.cadence not in ("off", "daily", "weekly")
        or wish.minute not in range(1_440)
        or wish.weekday not in range(7)
    ):
        raise Invalid("Choose off, daily or weekly, a time of the day and a day of the week.")
    row = tx.sql.get(tables.DigestSetting, user_id) or tables.DigestSetting(
        user_id=user_id, cadence=wish.cadence, minute=wish.minute, weekday=wish.weekday, changed_at=tx.now
    )
    if (row.cadence, row.minute, row.weekday) != (wish.cadence, wish.minute, wish.weekday):
        row.cadence, row.minute, row.weekday, row.changed_at = wish.cadence, wish.minute, wish.weekday, tx.now
    tx.sql.add(row)
    if wish.cadence != "off" and user.email is not None:
        outbox.resume(tx, user.email, "digest")
    tx.sql.flush()
    return chosen(tx, user_id)
