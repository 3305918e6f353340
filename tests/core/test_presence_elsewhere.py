"""Presence over several processes, as pure state: each tells of its own tabs, and all end up showing the same."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from core.errors import FollowCycle, Invalid, UserNotFound
from core.events import Person
from core.presence import GRACE, LEASE, TYPING, Heard, Room, Share, Shown, hear
from core.presence.following import cuts

ANN = Person(user_id="ann", username="Ann", color=1)
BEN = Person(user_id="ben", username="Ben", color=2)
CEM = Person(user_id="cem", username="Cem", color=3)
PEOPLE = {person.user_id: person for person in (ANN, BEN, CEM)}


@dataclass
class Process:
    name: str
    room: Room = field(default_factory=Room)
    share: Share = field(default_factory=Share)

    def tell(self, other: Process, now: float) -> Heard:
        tabs, left = self.share.take_news(self.room, now)
        return hear(other.room, self.name, tabs, left, now, is_full=False)

    def tell_all(self, others: list[Process], now: float) -> None:
        tabs, left = self.share.take_all(self.room, now)
        for other in others:
            if other is not self:
                hear(other.room, self.name, tabs, left, now, is_full=True)

    def shown(self) -> dict[str, Shown]:
        return {one.person.user_id: one for one in self.room.everyone()}


def test_whoever_comes_is_said_to_have_come_and_whoever_was_there_before_is_just_shown() -> None:
    here, there, late = Process("here"), Process("there"), Process("late")
    there.room.join("b", BEN, "editor", 0.0)
    assert there.tell(here, 0.1) == Heard([(BEN, "editor")], [], [])
    there.room.join("b2", BEN, "editor", 60.0)
    assert there.tell(here, 60.1) == Heard([], [], []), "they have a second tab"
    there.share = Share()
    assert there.tell(late, 120.0) == Heard([], [], [])
    assert set(late.shown()) == {"ben"}


def test_a_tab_that_changed_is_told_of_once_and_the_others_are_not() -> None:
    room, share = Room(), Share()
    for tab in ("a", "b"):
        room.join(tab, ANN, "editor", 0.0)
    assert len(share.take_news(room, 0.1)[0]) == 2
    room.update("a", "ann", 1.0, cursor="x")
    assert [tab.connection_id for tab in share.take_news(room, 1.1)[0]] == ["a"]
    assert share.take_news(room, 1.2) == ([], [])
    room.seen("a", "ann", 20.0)
    assert share.take_news(room, 20.1) == ([], []), "a heartbeat is nobody else's business"


def test_a_process_vouches_for_its_tabs_and_when_it_is_silent_they_are_gone() -> None:
    here, there = Process("here"), Process("there")
    there.room.join("b", BEN, "editor", 0.0)
    there.tell(here, 0.0)
    for second in (8.0, 16.0, 24.0):
        there.room.seen("b", "ben", second)
        there.tell_all([here], second)
    assert here.room.sweep(24.0 + LEASE) == []
    assert here.room.sweep(24.0 + LEASE + 0.1) == ["ben"]


def test_a_machine_that_died_is_gone_elsewhere_as_soon_as_where_it_was_connected() -> None:
    here, there = Process("here"), Process("there")
    there.room.join("b", BEN, "editor", 0.0)
    there.tell_all([here], 0.0)
    there.tell_all([here], 24.0)
    assert there.room.sweep(LEASE + 0.1) == ["ben"]
    assert there.tell(here, LEASE + 0.2).gone == ["ben"]
    assert here.shown() == {}


def test_whoever_closes_a_page_has_their_grace_everywhere() -> None:
    here, there = Process("here"), Process("there")
    there.room.join("b", BEN, "editor", 0.0)
    there.tell(here, 0.0)
    there.room.leave("b", "ben", 1.0)
    assert there.tell(here, 1.1).gone == []
    assert here.room.sweep(1.1 + GRACE - 0.1) == []
    assert here.room.join("a", BEN, "editor", 1.1 + GRACE - 0.05) is False
    assert here.room.sweep(1.1 + 2 * GRACE) == []


def test_no_process_speaks_for_the_tabs_of_another() -> None:
    here, there, liar = Process("here"), Process("there"), Process("liar")
    here.room.join("a", ANN, "host", 0.0)
    there.room.join("b", BEN, "editor", 0.0)
    there.tell(here, 0.0)
    for tab, person in (("a", ANN), ("b", BEN)):
        liar.room.join(tab, person, "viewer", 1.0)
        liar.room.update(tab, person.user_id, 1.0, cursor="wrong")
    liar.tell(here, 1.1)
    for tab, person in (("a", ANN), ("b", BEN)):
        liar.room.leave(tab, person.user_id, 2.0)
    liar.tell(here, 2.1)
    here.room.sweep(2.1 + GRACE)
    assert {name: one.cursor for name, one in here.shown().items()} == {"ann": None, "ben": None}


def test_whoever_was_removed_is_not_shown_again_by_a_process_that_has_not_heard_of_it() -> None:
    here, there = Process("here"), Process("there")
    there.room.join("b", BEN, "editor", 0.0)
    here.room.expel("ben")
    assert there.tell(here, 0.1) == Heard([], [], [], is_refused=True)
    there.tell_all([here], 8.0)
    assert here.shown() == {}
    here.room.welcome("ben")
    there.tell_all([here], 16.0)
    assert set(here.shown()) == {"ben"}


def test_typing_elsewhere_is_told_at_a_pace_and_ends_by_itself() -> None:
    here, there = Process("here"), Process("there")
    there.room.join("b", BEN, "editor", 0.0)
    said: list[float] = []
    for tenth in range(30):
        now = tenth / 10
        there.room.type("b", "ben", now, is_typing=True)
        there.tell(here, now)
        said += [now for person in here.room.take_typing() if person == BEN]
    assert said == [0.0, 1.0, 2.0]
    here.room.sweep(2.9 + TYPING - 0.1)
    assert here.room.take_silenced() == []
    here.room.sweep(2.9 + TYPING)
    assert here.room.take_silenced() == [BEN]


def test_of_two_who_follow_each_other_the_same_one_lets_go_wherever_it_is_looked_at() -> None:
    assert cuts({"ann": {"ben"}, "ben": {"ann"}}) == [("ben", "ann")]
    assert cuts({"ann": {"ben"}, "ben": {"cem"}, "cem": {"ann"}}) == [("cem", "ann")]
    assert cuts({"ann": {"ben", "cem"}, "ben": {"cem"}}) == []
    here, there = Process("here"), Process("there")
    here.room.join("a", ANN, "host", 0.0)
    there.room.join("b", BEN, "editor", 0.0)
    here.tell(there, 0.0)
    there.tell(here, 0.0)
    here.room.follow("a", "ann", "ben", 1.0)
    there.room.follow("b", "ben", "ann", 1.0)
    here.tell(there, 1.1)
    there.tell(here, 1.1)
    for process in (here, there):
        assert {name: one.following for name, one in process.shown().items()} == {"ann": "ben", "ben": None}


NAMES = st.sampled_from(sorted(PEOPLE))
PLACES = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), NAMES, PLACES),
        st.tuples(st.just("leave"), NAMES, PLACES),
        st.tuples(st.just("move"), NAMES, PLACES, st.integers(1, 99)),
        st.tuples(st.just("follow"), NAMES, PLACES, NAMES),
        st.tuples(st.just("unfollow"), NAMES, PLACES),
        st.tuples(st.just("remove"), NAMES),
        st.tuples(st.just("tell"), PLACES, PLACES),
        st.tuples(st.just("lose"), PLACES),
        st.tuples(st.just("wait"), st.floats(0.0, 12.0)),
    ),
    max_size=60,
)


def carry_out(step: tuple[object, ...], processes: list[Process], now: float) -> None:
    match step:
        case ("join", str(name), int(place)):
            for process in processes:
                process.room.welcome(name)
            processes[place].room.join(f"{name}-{place}", PEOPLE[name], "viewer", now)
        case ("leave", str(name), int(place)):
            processes[place].room.leave(f"{name}-{place}", name, now)
        case ("move", str(name), int(place), int(line)):
            processes[place].room.update(f"{name}-{place}", name, now, cursor=line)
        case ("follow", str(name), int(place), str(target)):
            with contextlib.suppress(FollowCycle, Invalid, UserNotFound):
                processes[place].room.follow(f"{name}-{place}", name, target, now)
        case ("unfollow", str(name), int(place)):
            processes[place].room.unfollow(f"{name}-{place}", name, now)
        case ("remove", str(name)):
            for process in processes:
                process.room.expel(name)
        case ("tell", int(place), int(other)) if place != other:
            processes[place].tell(processes[other], now)  # And the third hears nothing of it.
        case ("lose", int(place)):
            processes[place].share.take_news(processes[place].room, now)
        case _:
            pass


@given(STEPS)
def test_whatever_was_lost_full_pictures_make_all_processes_show_the_same(steps: list[tuple[object, ...]]) -> None:
    processes, now = [Process(name) for name in ("one", "two", "three")], 0.0
    for step in steps:
        now += step[1] if step[0] == "wait" and isinstance(step[1], float) else 0.01
        carry_out(step, processes, now)
    for _ in range(6):
        now += GRACE / 3
        for process in processes:
            for name, someone in process.room.people.items():
                for connection_id, tab in someone.connections.items():
                    if tab.origin is None:
                        process.room.seen(connection_id, name, now)
            process.tell_all(processes, now)
        for process in processes:
            process.room.sweep(now)
    first, *others = [process.shown() for process in processes]
    assert all(shown == first for shown in others)
    for name in first:
        seen, at = {name}, first[name].following
        while at is not None:
            assert at not in seen, "nobody goes in a circle"
            seen.add(at)
            at = first[at].following
