"""When a digest is due: at the chosen time where the person is, once, whatever the clock does there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import is_time_zone, zone_of
from core.digests import DEFAULT, Wish, latest, next_after

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("minute", "before", "due"),
    [
        (8 * 60, "2026-03-28 07:00", "2026-03-29 06:00"),  # summer time begins: an hour less in between
        (8 * 60, "2026-10-24 06:00", "2026-10-25 07:00"),  # and ends: an hour more
        (2 * 60 + 30, "2026-03-28 01:30", "2026-03-29 01:30"),  # 02:30 is skipped: 03:30 there
        (2 * 60 + 30, "2026-10-24 00:30", "2026-10-25 00:30"),  # 02:30 comes twice: the first
    ],
)
def test_a_daily_digest_keeps_to_the_clock_on_the_wall(minute: int, before: str, due: str) -> None:
    wish = Wish("daily", minute, 0)
    last = latest(wish, BERLIN, utc(before))
    assert last is not None
    assert last.due_at == utc(before)
    coming = next_after(wish, BERLIN, utc(before))
    assert coming is not None
    assert coming.due_at == utc(due)
    assert coming.begins_at == last.due_at
    assert latest(wish, BERLIN, utc(due) - timedelta(seconds=1)) == last
    assert latest(wish, BERLIN, utc(due)) == coming


def test_an_hour_that_comes_twice_brings_one_digest() -> None:
    wish = Wish("daily", 2 * 60 + 30, 0)
    names = {latest(wish, BERLIN, utc("2026-10-25 00:30") + timedelta(minutes=m)).name for m in range(180)}  # type: ignore[union-attr]
    assert names == {"2026-10-25"}


def test_a_weekly_digest_comes_on_its_day() -> None:
    wish = Wish("weekly", 8 * 60, 0)
    period = latest(wish, UTC, utc("2026-11-25 12:00"))
    assert period is not None
    assert (period.name, period.due_at, period.begins_at) == (
        "2026-W48",
        utc("2026-11-23 08:00"),
        utc("2026-11-16 08:00"),
    )


def test_whoever_wants_none_gets_none() -> None:
    assert latest(Wish("off", 480, 0), UTC, utc("2026-11-25 12:00")) is None
    assert next_after(Wish("off", 480, 0), UTC, utc("2026-11-25 12:00")) is None


def test_a_zone_that_is_not_known_is_utc() -> None:
    assert zone_of("Mars/Olympus") == zone_of("") == UTC
    assert is_time_zone("Europe/Berlin")
    assert not any(is_time_zone(name) for name in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a" * 300))


@given(
    zone=st.sampled_from(ZONES),
    wish=st.builds(Wish, st.sampled_from(["daily", "weekly"]), st.integers(0, 1439), st.integers(0, 6)),
    seconds=st.integers(0, 6 * 366 * 86_400),
)
def test_periods_follow_each_other_without_gap_or_overlap(zone: str, wish: Wish, seconds: int) -> None:
    now = utc("2024-01-01") + timedelta(seconds=seconds)
    where = zone_of(zone)
    last, coming = latest(wish, where, now), next_after(wish, where, now)
    assert last is not None
    assert coming is not None
    assert last.due_at <= now < coming.due_at
    assert coming.begins_at == last.due_at
    assert coming.name != last.name
    assert latest(wish, where, coming.due_at) == coming
    local = coming.due_at.astimezone(where)
    assert local.hour * 60 + local.minute == wish.minute or local.fold or is_in_a_gap(local)


def is_in_a_gap(local: datetime) -> bool:
    """Whether clocks have just been put forward."""
    earlier = (local.astimezone(UTC) - timedelta(hours=2)).astimezone(local.tzinfo)
    return earlier.utcoffset() != local.utcoffset()


def test_whoever_says_nothing_gets_one_a_week() -> None:
    assert Wish("weekly", 480, 0) == DEFAULT
