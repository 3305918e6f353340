"""What each person wants to hear: by kind and channel, when not, and of which sessions nothing at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import col, select

from core import tables
from core.access import Actor, session_for
from core.accounts import get_user
from core.clock import is_time_zone
from core.db import Transaction
from core.errors import Invalid
from core.notifications import subscriptions
from core.notifications.deciding import CHANNELS, DEFAULTS, KINDS, OUTSIDE, Channel, Kind, Outside, Quiet

MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody wants, with what they have not said filled in. `reachable` are the ways out that lead to them."""

    wanted: frozenset[tuple[Kind, Channel]]
    quiet: Quiet | None
    reachable: frozenset[Outside]


@dataclass(frozen=True, slots=True)
class Muted:
    session_id: str
    title: str


def wishes_of(tx: Transaction, user_ids: Collection[str]) -> dict[str, Wishes]:
    """Of everybody among them who is active."""
    users = tables.User
    people = {
        user.id: user
        for user in tx.sql.exec(select(users).where(col(users.id).in_(user_ids), col(users.is_active).is_(True)))
    }
    said = _said(tx, people)
    settings = tables.NotificationSetting
    hours = {row.user_id: row for row in tx.sql.exec(select(settings).where(col(settings.user_id).in_(people)))}
    identity = tables.Identity
    in_slack = set(
        tx.sql.exec(select(identity.user_id).where(identity.provider == "slack", col(identity.user_id).in_(people)))
    )
    with_push = subscriptions.who_has(tx, people)
    found: dict[str, Wishes] = {}
    for user_id, user in people.items():
        quiet = _quiet(hours.get(user_id), user.time_zone)
        reachable: set[Outside] = set()
        if user_id in with_push:
            reachable.add("push")
        if user_id in in_slack:
            reachable.add("slack_dm")
        if user.email:
            reachable.add("email")
        found[user_id] = Wishes(_wanted(said.get(user_id, {})), quiet, frozenset(reachable))
    return found


def _said(tx: Transaction, user_ids: Collection[str]) -> dict[str, dict[tuple[str, str], bool]]:
    row = tables.NotificationPreference
    said: dict[str, dict[tuple[str, str], bool]] = {}
    for one in tx.sql.exec(select(row).where(col(row.user_id).in_(user_ids))):
        said.setdefault(one.user_id, {})[one.kind, one.channel] = one.is_on
    return said


def _wanted(said: Mapping[tuple[str, str], bool]) -> frozenset[tuple[Kind, Channel]]:
    cells: list[tuple[Kind, Channel]] = [(kind, channel) for kind in KINDS for channel in CHANNELS]
    return frozenset(cell for cell in cells if said.get(cell, cell in DEFAULTS))


def _quiet(hours: tables.NotificationSetting | None, zone: str) -> Quiet | None:
    if hours is None or hours.quiet_from is None or hours.quiet_to is None:
        return None
    return Quiet(hours.quiet_from, hours.quiet_to, zone)


def set_preference(tx: Transaction, user_id: str, kind: Kind, channel: Channel, *, is_on: bool) -> None:
    row = tx.sql.get(tables.NotificationPreference, (user_id, kind, channel))
    row = row or tables.NotificationPreference(user_id=user_id, kind=kind, channel=channel, is_on=is_on)
    row.is_on = is_on
    tx.sql.add(row)
    tx.sql.flush()


def mute_kind(tx: Transaction, user_id: str, kind: Kind) -> None:
    """Nothing of this kind any more, anywhere."""
    for channel in CHANNELS:
        set_preference(tx, user_id, kind, channel, is_on=False)


def set_quiet_hours(tx: Transaction, user_id: str, start: int | None, end: int | None) -> None:
    """Minutes after midnight where they are; both None for no quiet hours. Raises Invalid."""
    if (start is None) != (end is None):
        raise Invalid("Quiet hours have a beginning and an end.")
    for minute in (start, end):
        if minute is not None and not 0 <= minute < MINUTES:
            raise Invalid("A time of the day is between 00:00 and 23:59.")
    if start is not None and start == end:
        raise Invalid("Quiet hours that begin and end at the same time would never end.")
    row = tx.sql.get(tables.NotificationSetting, user_id)
    row = row or tables.NotificationSetting(user_id=user_id, changed_at=tx.now)
    row.quiet_from, row.quiet_to, row.changed_at = start, end, tx.now
    tx.sql.add(row)
    tx.sql.flush()


def set_time_zone(tx: Transaction, user_id: str, name: str) -> None:
    """Where somebody is. Raises Invalid for a zone that does not exist."""
    if not is_time_zone(name):
        raise Invalid(f"There is no time zone {name[:64]!r}. Write it like Europe/Berlin.")
    user = get_user(tx, user_id)
    user.time_zone = name
    tx.sql.add(user)
    tx.sql.flush()


def mute_session(tx: Transaction, actor: Actor, session_id: str, *, is_muted: bool) -> None:
    """Nothing of this session any more, or everything again. Raises what `access.session_for` raises."""
    session_for(tx, actor, session_id, "read", lock=False)
    row = tx.sql.get(tables.SessionMute, (actor.user_id, session_id))
    if is_muted and row is None:
        tx.sql.add(tables.SessionMute(user_id=actor.user_id, session_id=session_id, muted_at=tx.now))
    elif not is_muted and row is not None:
        tx.sql.delete(row)
    tx.sql.flush()


def muted_sessions(tx: Transaction, user_id: str) -> list[Muted]:
    """The latest first."""
    mute, session = tables.SessionMute, tables.Session
    rows = tx.sql.exec(
        select(session.id, session.title)
        .where(mute.user_id == user_id, mute.session_id == session.id)
        .order_by(col(mute.muted_at).desc(), col(session.id))
    )
    return [Muted(session_id, title) for session_id, title in rows]


def who_muted(tx: Transaction, session_id: str) -> set[str]:
    row = tables.SessionMute
    return set(tx.sql.exec(select(row.user_id).where(row.session_id == session_id)))


def forget(tx: Transaction, user_id: str) -> None:
    """Erases what somebody wanted."""
    for row in (tables.NotificationPreference, tables.NotificationSetting, tables.SessionMute):
        tx.sql.exec(delete(row).where(col(row.user_id) == user_id))


__all__ = [
    "OUTSIDE",
    "Muted",
    "Wishes",
    "forget",
    "mute_kind",
    "mute_session",
    "muted_sessions",
    "set_preference",
    "set_quiet_hours",
    "set_time_zone",
    "who_muted",
    "wishes_of",
]
