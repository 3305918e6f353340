"""Makes digests: for each person and period once, whoever asks, however often, whatever the clock does meanwhile.

A row names the person and the period; it and the mail in the outbox are of one transaction. What it covers begins where
the last one ended. Periods that nobody made while nothing ran are made good by one digest, of the latest, which covers
them all, up to two weeks back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import dates, outbox, tables
from core.clock import zone_of
from core.db import Transaction
from core.digests.compiling import Told
from core.digests.settings import wish_of
from core.digests.times import Cadence, latest

#: How long after its time a digest is made: whatever was being committed at that time has been by then.
SETTLE = timedelta(seconds=60)
#: The longest stretch that one digest covers.
LONGEST = timedelta(days=14)
#: How long it is kept that a digest was made.
KEPT = timedelta(days=60)
#: How long a digest is worth sending.
WORTH = {"daily": timedelta(hours=20), "weekly": timedelta(days=3), "off": timedelta()}


@dataclass(frozen=True, slots=True)
class Due:
    """A digest to be made. `title` names what it covers, in words."""

    user_id: str
    email: str
    cadence: Cadence
    period: str
    covers_from: datetime
    covers_to: datetime
    title: str


def due(tx: Transaction) -> Sequence[Due]:
    """Every digest whose time has come and that was not made yet."""
    user, setting, digest = tables.User, tables.DigestSetting, tables.Digest
    told = dict(tx.sql.exec(select(digest.user_id, func.max(digest.covers_to)).group_by(col(digest.user_id))).all())
    people = tx.sql.exec(
        select(user, setting)
        .outerjoin(setting, col(setting.user_id) == user.id)
        .where(col(user.is_active).is_(True), col(user.email).is_not(None))
        .order_by(col(user.id))
    )
    found = [_due(tx, user, setting, told.get(user.id)) for user, setting in people]
    return [one for one in found if one is not None]


def _due(
    tx: Transaction, user: tables.User, setting: tables.DigestSetting | None, told_up_to: datetime | None
) -> Due | None:
    wish, since = wish_of(user, setting)
    zone = zone_of(user.time_zone)
    period = latest(wish, zone, tx.now - SETTLE)
    if period is None or period.due_at <= since or user.email is None:
        return None
    # Whatever is called what, now or since somebody has moved: what was told is not told again.
    if told_up_to is not None and told_up_to >= period.due_at:
        return None
    begins = max(told_up_to or period.begins_at, period.due_at - LONGEST)
    title = _title(begins, period.due_at, zone, user.language)
    return Due(user.id, user.email, wish.cadence, period.name, begins, period.due_at, title)


def make(tx: Transaction, one: Due, told: Told | None) -> bool:
    """Stores the digest, and its mail where there is something to tell. False where it was made already."""
    # Locked, so that of two processes which make the same one the second sees the first.
    row = tables.User
    user = tx.sql.exec(
        select(row).where(row.id == one.user_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    digest = tables.Digest
    later = tx.sql.exec(
        select(digest.period).where(
            digest.user_id == one.user_id, (digest.covers_to >= one.covers_to) | (digest.period == one.period)
        )
    ).first()
    if user is None or not user.is_active or later is not None:
        return False
    mail_id = None
    if told is not None:
        mail_id = outbox.enqueue(
            tx,
            "digest",
            one.email,
            told.values,
            key=f"{one.user_id}:{one.period}",
            user_id=one.user_id,
            expires_at=tx.now + WORTH[one.cadence],
        )
    tx.sql.add(
        digest(
            user_id=one.user_id,
            period=one.period,
            covers_from=one.covers_from,
            covers_to=one.covers_to,
            mail_id=mail_id,
        )
    )
    return True


def prune(tx: Transaction) -> int:
    """Forgets all but the last of each person's, long after they were made."""
    digest = tables.Digest
    last = select(digest.user_id, func.max(digest.covers_to)).group_by(col(digest.user_id)).subquery()
    old = [
        (user_id, period)
        for user_id, period in tx.sql.exec(
            select(digest.user_id, digest.period).where(
                digest.covers_to < tx.now - KEPT,
                last.c.user_id == digest.user_id,
                last.c[1] > digest.covers_to,
            )
        )
    ]
    for user_id, period in old:
        tx.sql.exec(delete(digest).where(col(digest.user_id) == user_id, col(digest.period) == period))
    return len(old)


def _title(begins: datetime, ends: datetime, zone: tzinfo, language: str) -> str:
    """`Monday 16 November – Monday 23 November`, where they are."""
    last = dates.day(ends, zone, language)
    if ends - begins < timedelta(hours=30):
        return f"up to {last}, {dates.hour(ends, zone, language)}"
    return f"{dates.day(begins, zone, language)} – {last}"
