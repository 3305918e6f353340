"""Whom one follows: never in a circle, never somebody who is gone, and told to the others when it changes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FollowCycle, Invalid, TooMany, UserNotFound
from core.events import Person
from core.presence import GRACE, SUMMON_EVERY, Room

PEOPLE = {name: Person(user_id=name, username=name.title()) for name in ("ann", "ben", "cem", "dee")}


def room_of(*names: str) -> Room:
    """Each with one tab of their own name."""
    room = Room()
    for name in names:
        room.join(name, PEOPLE[name], "viewer", 0.0)
    return room


def following(room: Room) -> dict[str, str]:
    return {one.person.user_id: one.following for one in room.everyone() if one.following is not None}


def test_chains_are_allowed_and_circles_are_refused() -> None:
    room = room_of("ann", "ben", "cem")
    room.follow("ann", "ann", "ben", 1.0)
    room.follow("ben", "ben", "cem", 1.0)
    with pytest.raises(FollowCycle):
        room.follow("cem", "cem", "ann", 1.0)
    assert following(room) == {"ann": "ben", "ben": "cem"}


def test_nobody_follows_themselves_or_somebody_who_is_not_here() -> None:
    room = room_of("ann")
    with pytest.raises(Invalid):
        room.follow("ann", "ann", "ann", 1.0)
    with pytest.raises(UserNotFound):
        room.follow("ann", "ann", "ben", 1.0)
    assert following(room) == {}


def test_another_tab_counts_for_a_circle() -> None:
    room = room_of("ann", "ben")
    room.join("ann-2", PEOPLE["ann"], "viewer", 0.0)
    room.follow("ann-2", "ann", "ben", 1.0)
    room.update("ann", "ann", 2.0, cursor="elsewhere")
    assert following(room) == {}, "Ann is where her first tab is"
    with pytest.raises(FollowCycle):
        room.follow("ben", "ben", "ann", 3.0)


def test_a_change_of_mind_frees_the_way_back() -> None:
    room = room_of("ann", "ben")
    room.follow("ann", "ann", "ben", 1.0)
    room.unfollow("ann", "ann", 2.0)
    room.follow("ben", "ben", "ann", 3.0)
    assert following(room) == {"ben": "ann"}


def test_each_change_is_told_once() -> None:
    room = room_of("ann", "ben", "cem")
    room.follow("ann", "ann", "ben", 1.0)
    assert room.take_followed() == [("ann", "ben")]
    assert room.take_followed() == []
    room.follow("ann", "ann", "cem", 2.0)
    assert room.take_followed() == [("ann", "cem")]
    room.unfollow("ann", "ann", 3.0)
    assert room.take_followed() == [("ann", None)]


def test_following_ends_when_the_one_ahead_is_gone_for_good() -> None:
    room = room_of("ann", "ben")
    room.follow("ann", "ann", "ben", 1.0)
    room.take_followed()
    room.leave("ben", "ben", 2.0)
    assert room.take_followed() == [], "Ben may be back in a moment"
    assert room.sweep(2.0 + GRACE) == ["ben"]
    assert room.take_followed() == [("ann", None)]


def test_following_ends_when_the_one_ahead_is_removed() -> None:
    room = room_of("ann", "ben")
    room.follow("ann", "ann", "ben", 1.0)
    room.take_followed()
    room.expel("ben")
    assert room.take_followed() == [("ann", None)]


def test_everybody_is_asked_to_come_along_at_most_once_in_five_seconds() -> None:
    room = room_of("ann")
    room.summon(10.0)
    with pytest.raises(TooMany) as refused:
        room.summon(10.0 + SUMMON_EVERY - 1.0)
    assert refused.value.retry_after_ms is not None
    assert 1_000 <= refused.value.retry_after_ms <= 1_001
    room.summon(10.0 + SUMMON_EVERY)


NAMES = st.sampled_from(sorted(PEOPLE))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), NAMES, st.integers(1, 2)),
        st.tuples(st.just("leave"), NAMES, st.integers(1, 2)),
        st.tuples(st.just("unfollow"), NAMES, st.integers(1, 2)),
        st.tuples(st.just("expel"), NAMES),
        st.tuples(st.just("wait"), st.floats(0.0, 20.0)),
        st.tuples(st.just("follow"), NAMES, st.integers(1, 2), NAMES),
    ),
    max_size=60,
)


@given(STEPS)
def test_no_sequence_of_following_and_leaving_makes_a_circle_or_a_ghost(steps: list[tuple[object, ...]]) -> None:
    room, now = room_of(*PEOPLE), 0.0
    told: dict[str, str | None] = {}
    for step in steps:
        now += 0.01
        match step:
            case ("join", str(name), int(tab)):
                room.join(f"{name}-{tab}", PEOPLE[name], "viewer", now)
            case ("leave", str(name), int(tab)):
                room.leave(f"{name}-{tab}", name, now)
            case ("unfollow", str(name), int(tab)):
                room.unfollow(f"{name}-{tab}", name, now)
            case ("expel", str(name)):
                room.expel(name)
            case ("wait", float(seconds)):
                now += seconds
                room.sweep(now)
            case ("follow", str(name), int(tab), str(target)):
                with contextlib.suppress(FollowCycle, Invalid, UserNotFound):
                    room.follow(f"{name}-{tab}", name, target, now)
            case _:
                raise AssertionError(step)
        here = {one.person.user_id for one in room.everyone()}
        shown = following(room)
        assert set(shown.values()) <= here
        for name in shown:
            walked = [name]
            while walked[-1] in shown:
                walked.append(shown[walked[-1]])
                assert len(walked) <= len(PEOPLE), f"a circle: {walked}"
        told |= dict(room.take_followed())
        # Whoever is told that somebody has left forgets whom they followed.
        told = {name: whom for name, whom in told.items() if whom is not None and name in here}
        assert told == shown
