"""Who hears what, where and when: the rules, as pure functions of what is known at one moment.

`ways` decides when something happens: does it stand in the person's inbox, and by which one way does it leave the
product? `verdict` decides when a message is about to be sent: now, later, or not at all. An item leaves by one way
only, the first of `OUTSIDE` that its person wants and can be reached by, so nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, get_args

from core.clock import zone_of

Kind = Literal["mention", "reply", "invite", "needs_me", "session_ended"]
Channel = Literal["web", "push", "slack_dm", "email"]
Outside = Literal["push", "slack_dm", "email"]

KINDS: tuple[Kind, ...] = get_args(Kind)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
#: The ways out, in the order in which they are taken.
OUTSIDE: tuple[Outside, ...] = ("push", "slack_dm", "email")

#: What people get who have not said what they want.
DEFAULTS: frozenset[tuple[Kind, Channel]] = frozenset(
    {
        *((kind, "web") for kind in KINDS),
        # Whoever has switched a browser on for it wants what Slack would tell.
        *((kind, "push") for kind in KINDS if kind != "session_ended"),
        *((kind, "slack_dm") for kind in KINDS if kind != "session_ended"),
        ("mention", "email"),
        ("invite", "email"),
        ("needs_me", "email"),
    }
)

#: How long something waits before it leaves: whoever reads it meanwhile is not sent it.
GRACE: dict[Outside, timedelta] = {
    "push": timedelta(seconds=10),
    "slack_dm": timedelta(seconds=30),
    "email": timedelta(minutes=5),
}
#: While somebody has the session before their eyes, they are asked about again so often.
LOOK_AGAIN = timedelta(seconds=30)
#: What has waited so long is not sent any more.
STALE = timedelta(days=3)


def as_kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise ValueError(f"nobody is told of {text!r}")


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which somebody is left alone, in minutes after midnight where they are. `zone` is a name of the
    IANA's list; for an empty or unknown one it is UTC."""

    start: int
    end: int
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where something is told. `outside` is None where it does not leave the product."""

    in_inbox: bool = False
    outside: Outside | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Not at all; `reason` is one word for the record."""

    reason: Literal["read", "unwanted", "gone", "stale"]


Verdict = Send | Wait | Drop


def ways(
    kind: Kind,
    wanted: AbstractSet[tuple[Kind, Channel]],
    *,
    is_own: bool,
    is_muted: bool,
    reachable: AbstractSet[Outside],
    is_told: bool = False,
) -> Ways:
    """Where one person is told of one thing. `reachable` are the ways out that lead to them; `is_told` when something
    else outside tells them of it already."""
    if is_own or is_muted:
        return Ways()
    way = None if is_told else way_out(kind, wanted, reachable)
    return Ways((kind, "web") in wanted, way)


def way_out(
    kind: Kind,
    wanted: AbstractSet[tuple[Kind, Channel]],
    reachable: AbstractSet[Outside],
    after: Outside | None = None,
) -> Outside | None:
    """The first way out that the person wants and can be reached by, of those behind `after` where that failed."""
    ways_out = OUTSIDE if after is None else OUTSIDE[OUTSIDE.index(after) + 1 :]
    for way in ways_out:
        if way in reachable and (kind, way) in wanted:
            return way
    return None


def verdict(
    *,
    now: datetime,
    created_at: datetime,
    is_read: bool,
    is_wanted: bool,
    concerns: bool,
    is_here: bool,
    quiet: Quiet | None,
) -> Verdict:
    """What becomes of a message whose time has come. `concerns` is false once what it tells of is gone, or its person
    may not see it any more; `is_here` while they have the session before their eyes."""
    if not concerns:
        return Drop("gone")
    if is_read:
        return Drop("read")
    if not is_wanted:
        return Drop("unwanted")
    if now - created_at > STALE:
        return Drop("stale")
    until = quiet_until(quiet, now)
    if until is not None:
        return Wait(until)
    return Wait(now + LOOK_AGAIN) if is_here else Send()


def quiet_until(quiet: Quiet | None, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` is in, in UTC; None outside of them.

    They are read off the clock on the wall, so on the days of a change of clocks they last an hour more or less.
    """
    if quiet is None or quiet.start == quiet.end:
        return None
    zone = zone_of(quiet.zone)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if quiet.start < quiet.end:
        is_in, days = quiet.start <= minute < quiet.end, 0
    else:
        is_in, days = minute >= quiet.start or minute < quiet.end, int(minute >= quiet.start)
    if not is_in:
        return None
    day = local.date() + timedelta(days=days)
    end = datetime.combine(day, time(quiet.end // 60, quiet.end % 60), zone)
    # An hour that the clock shows twice: where the first time has passed, the second one counts.
    found = next((at for at in (end.astimezone(UTC), end.replace(fold=1).astimezone(UTC)) if at > now), None)
    return found or now.astimezone(UTC) + timedelta(minutes=quiet.end - minute + days * 24 * 60)
