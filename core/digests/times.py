"""When a digest is due. Pure: a wish, a zone and a moment in, a period out.

A period is named by the day or the week in which it is due, where the person is; so whatever the clock does, each comes
once. A time that daylight saving skips is due as many minutes after midnight's offset as were chosen: an hour later on
the clock. One that comes twice is due the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

Cadence = Literal["off", "daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Wish:
    """`minute` counts from midnight where the person is; `weekday` is that of a weekly digest, 0 is Monday."""

    cadence: Cadence
    minute: int
    weekday: int


#: Of whoever has said nothing.
DEFAULT = Wish("weekly", 8 * 60, 0)


@dataclass(frozen=True, slots=True)
class Period:
    """`due_at` is when it ends and is told of; it began as long before as its cadence says."""

    name: str
    begins_at: datetime
    due_at: datetime


def latest(wish: Wish, zone: tzinfo, now: datetime) -> Period | None:
    """The period that became due last. None for whoever wants none."""
    if wish.cadence == "off":
        return None
    day = now.astimezone(zone).date()
    if wish.cadence == "weekly":
        day -= timedelta(days=(day.weekday() - wish.weekday) % 7)
    if _moment(day, wish.minute, zone) > now:
        day -= _step(wish)
    return _period(wish, day, zone)


def next_after(wish: Wish, zone: tzinfo, now: datetime) -> Period | None:
    """The period that becomes due next."""
    last = latest(wish, zone, now)
    return _period(wish, last.due_at.astimezone(zone).date() + _step(wish), zone) if last is not None else None


def _period(wish: Wish, day: date, zone: tzinfo) -> Period:
    name = day.isoformat() if wish.cadence == "daily" else f"{day:%G-W%V}"
    return Period(name, _moment(day - _step(wish), wish.minute, zone), _moment(day, wish.minute, zone))


def _step(wish: Wish) -> timedelta:
    return timedelta(days=1 if wish.cadence == "daily" else 7)


def _moment(day: date, minute: int, zone: tzinfo) -> datetime:
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)  # fold=0: the first of two
    return wall.astimezone(UTC)
