"""Every cell of who hears what, where and when; and quiet hours on days when the clocks change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.notifications import CHANNELS, DEFAULTS, KINDS, OUTSIDE, Channel, Kind, Outside, Quiet
from core.notifications.deciding import STALE, Drop, Send, Wait, Ways, quiet_until, verdict, ways

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: From eight to ten in UTC, which `NOW` is in.
QUIET_NOW, QUIET_LATER = Quiet(8 * 60, 10 * 60), Quiet(22 * 60, 6 * 60)

CHOICES: list[frozenset[Channel]] = [
    frozenset(some for some, is_on in zip(CHANNELS, on, strict=True) if is_on) for on in product((0, 1), repeat=4)
]
Reason = Literal["gone", "read", "unwanted", "stale"]
REACHABLE: list[frozenset[Outside]] = [
    frozenset(some for some, is_on in zip(OUTSIDE, on, strict=True) if is_on) for on in product((0, 1), repeat=3)
]


def expected_ways(chosen: frozenset[Channel], reachable: frozenset[Outside], *, is_told: bool) -> Ways:
    """Said once more in other words: push where it can be, else Slack, else mail, else nothing."""
    outside: Outside | None = None
    if not is_told:
        if "push" in chosen and "push" in reachable:
            outside = "push"
        elif "slack_dm" in chosen and "slack_dm" in reachable:
            outside = "slack_dm"
        elif "email" in chosen and "email" in reachable:
            outside = "email"
    return Ways("web" in chosen, outside)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_of_where_something_is_told(kind: Kind) -> None:
    cells = 0
    flags = (False, True)
    for chosen, reachable, is_own, is_muted, is_told in product(CHOICES, REACHABLE, flags, flags, flags):
        wanted: set[tuple[Kind, Channel]] = {(kind, channel) for channel in chosen}
        found = ways(kind, wanted, is_own=is_own, is_muted=is_muted, reachable=reachable, is_told=is_told)
        if is_own or is_muted:
            assert found == Ways(), "never about one's own deed, and nothing of what was muted"
        else:
            assert found == expected_ways(chosen, reachable, is_told=is_told)
        # Wanting another kind changes nothing.
        others: set[tuple[Kind, Channel]] = {
            (other, channel) for other in KINDS if other != kind for channel in CHANNELS
        }
        again = ways(kind, wanted | others, is_own=is_own, is_muted=is_muted, reachable=reachable, is_told=is_told)
        assert again == found
        cells += 1
    assert cells == 16 * 8 * 2 * 2 * 2


def first_of(claims: Mapping[Reason, bool]) -> Reason | None:
    for reason, is_so in claims.items():
        if is_so:
            return reason
    return None


def test_every_cell_of_what_becomes_of_a_message_whose_time_has_come() -> None:
    flags = (False, True)
    cells = 0
    for gone, read, unwanted, stale, quiet, here in product(flags, repeat=6):
        found = verdict(
            now=NOW,
            created_at=NOW - STALE - timedelta(minutes=1) if stale else NOW - timedelta(minutes=1),
            is_read=read,
            is_wanted=not unwanted,
            concerns=not gone,
            is_here=here,
            quiet=QUIET_NOW if quiet else QUIET_LATER,
        )
        claims: dict[Reason, bool] = {"gone": gone, "read": read, "unwanted": unwanted, "stale": stale}
        reason = first_of(claims)
        if reason is not None:
            assert found == Drop(reason), "what is of no use is not sent later either"
        elif quiet:
            assert found == Wait(NOW.replace(hour=10)), "held until the quiet hours end"
        elif here:
            assert isinstance(found, Wait)
            assert NOW < found.until <= NOW + timedelta(minutes=1), "asked about again soon"
        else:
            assert found == Send()
        cells += 1
    assert cells == 64


def test_the_defaults_tell_of_everything_in_the_inbox_and_of_what_matters_outside() -> None:
    assert {kind for kind in KINDS if (kind, "web") in DEFAULTS} == set(KINDS)
    assert ("mention", "slack_dm") in DEFAULTS
    assert {kind for kind in KINDS if (kind, "push") in DEFAULTS} == set(KINDS) - {"session_ended"}
    assert not {channel for kind, channel in DEFAULTS if kind == "session_ended"} - {"web"}


def at(text: str, zone: str, fold: int = 0) -> datetime:
    """What the clock on the wall shows there, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


BERLIN = Quiet(22 * 60, 7 * 60 + 30, "Europe/Berlin")


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (BERLIN, at("2026-11-23T21:59", "Europe/Berlin"), None),
        (BERLIN, at("2026-11-23T22:00", "Europe/Berlin"), at("2026-11-24T07:30", "Europe/Berlin")),
        (BERLIN, at("2026-11-24T07:29", "Europe/Berlin"), at("2026-11-24T07:30", "Europe/Berlin")),
        (BERLIN, at("2026-11-24T07:30", "Europe/Berlin"), None),
        # The night when an hour is left out, and the one in which it comes twice.
        (BERLIN, at("2026-03-28T23:00", "Europe/Berlin"), datetime(2026, 3, 29, 5, 30, tzinfo=UTC)),
        (BERLIN, at("2026-10-24T23:00", "Europe/Berlin"), datetime(2026, 10, 25, 6, 30, tzinfo=UTC)),
        # An end that the clock leaves out, and one that it shows twice: the second time, where the first has passed.
        (
            Quiet(60, 150, "Europe/Berlin"),
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        ),
        (
            Quiet(60, 150, "Europe/Berlin"),
            at("2026-10-25T02:10", "Europe/Berlin"),
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ),
        (
            Quiet(60, 150, "Europe/Berlin"),
            at("2026-10-25T02:10", "Europe/Berlin", 1),
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        ),
        (Quiet(0, 60, "Asia/Kolkata"), at("2026-11-23T00:10", "Asia/Kolkata"), at("2026-11-23T01:00", "Asia/Kolkata")),
        (Quiet(8 * 60, 10 * 60, "Nowhere/Atlantis"), NOW, NOW.replace(hour=10)),
        (Quiet(8 * 60, 8 * 60), NOW.replace(hour=8), None),
        (None, NOW, None),
    ],
)
def test_quiet_hours_are_read_off_the_clock_on_the_wall(
    quiet: Quiet | None, now: datetime, until: datetime | None
) -> None:
    assert quiet_until(quiet, now) == until


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    zone=st.sampled_from(sorted(available_timezones())),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_quiet_hours_end_later_and_within_a_day_and_then_they_are_over(
    start: int, end: int, zone: str, now: datetime
) -> None:
    until = quiet_until(Quiet(start, end, zone), now)
    if until is not None:
        assert now < until <= now + timedelta(hours=26)
        steps = 0
        # Where the clock goes back over the end, it is quiet a second time.
        while until is not None and steps < 3:
            until = quiet_until(Quiet(start, end, zone), until)
            steps += 1
        assert until is None
