"""The time, as a value that is handed in, and the zones that people live in.

Nothing else in the product asks the system what time it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """SQLite hands times back without a zone; everything stored is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`, as on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of that name, such as `Europe/Berlin`."""
    return 0 < len(name) <= 64 and _zone(name) is not None


def zone_of(name: str) -> tzinfo:
    """The zone, or UTC where none was told, or a later version of the list has lost it."""
    return (_zone(name) if name else None) or UTC
