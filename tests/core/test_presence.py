"""Presence: kept per connection, shown per person, quiet about reconnects, and without ghosts."""

from __future__ import annotations

from core.events import Person
from core.presence import GRACE, LEASE, STALE, TYPING, Room

ANN = Person(user_id="usr_ann", username="Ann", color=1)
BEN = Person(user_id="usr_ben", username="Ben", color=2)


def test_three_tabs_are_one_person_and_the_most_awake_one_counts() -> None:
    room = Room()
    assert [room.join(tab, ANN, "editor", 0.0) for tab in ("a", "b", "c")] == [True, False, False]
    room.update("a", ANN.user_id, 1.0, status="idle")
    room.update("b", ANN.user_id, 2.0, status="away")
    assert [someone.status for someone in room.everyone()] == ["active"]
    room.leave("c", ANN.user_id, 3.0)
    assert [someone.status for someone in room.everyone()] == ["idle"]


def test_a_reconnect_within_the_grace_period_makes_no_noise() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.take_changes()
    room.leave("a", ANN.user_id, 1.0)
    assert room.take_changes() == []
    assert room.sweep(1.0 + GRACE - 0.1) == []
    assert room.join("b", ANN, "editor", 1.0 + GRACE - 0.05) is False
    assert room.sweep(1.0 + 2 * GRACE) == []


def test_whoever_leaves_is_gone_after_the_grace_period() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.leave("a", ANN.user_id, 1.0)
    assert room.sweep(1.0 + GRACE) == [ANN.user_id]
    assert room.everyone() == []


def test_a_connection_that_never_answers_is_gone_after_its_lease() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    assert room.sweep(LEASE) == []
    assert room.sweep(LEASE + 0.1) == [ANN.user_id]


def test_a_sweep_each_second_shows_the_dead_as_gone_within_thirty_seconds_and_the_departed_within_twelve() -> None:
    room = Room()
    room.join("dead", ANN, "editor", 0.0)
    room.join("closed", BEN, "editor", 0.0)
    room.leave("closed", BEN.user_id, 0.0)
    gone_at = {user_id: float(second) for second in range(60) for user_id in room.sweep(float(second))}
    assert gone_at[ANN.user_id] <= 30.0
    assert GRACE <= gone_at[BEN.user_id] <= 12.0


def test_whoever_speaks_again_after_the_lease_can_come_back() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.sweep(LEASE + 0.1)
    assert room.seen("a", ANN.user_id, LEASE + 1) is False
    assert room.join("a", ANN, "editor", LEASE + 1) is True
    assert room.seen("a", ANN.user_id, LEASE + 2) is True


def test_somebody_still_and_connected_does_not_vanish_but_falls_asleep() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    for second in range(1, int(STALE) + 30):
        room.seen("a", ANN.user_id, float(second))
        assert room.sweep(float(second)) == []
    assert [someone.status for someone in room.everyone()] == ["away"]


def test_stirring_wakes_whoever_fell_asleep() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.seen("a", ANN.user_id, STALE)
    room.sweep(STALE + 1)
    assert [someone.status for someone in room.everyone()] == ["away"]
    room.update("a", ANN.user_id, STALE + 2, cursor="x.py:3")
    assert [someone.status for someone in room.everyone()] == ["active"]


def test_a_person_is_where_the_tab_is_that_stirred_last() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.join("b", ANN, "editor", 0.0)
    room.update("a", ANN.user_id, 1.0, cursor="a.py:1", viewport="file", status="idle")
    room.update("b", ANN.user_id, 2.0, viewport="transcript")
    (shown,) = room.everyone()
    assert (shown.status, shown.cursor, shown.viewport) == ("active", None, "transcript")
    room.update("a", ANN.user_id, 3.0, cursor="a.py:2")
    (shown,) = room.everyone()
    assert (shown.status, shown.cursor, shown.viewport) == ("active", "a.py:2", "file")


def test_a_tab_that_was_only_opened_hides_nothing() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.update("a", ANN.user_id, 1.0, cursor="a.py:1")
    room.join("b", ANN, "editor", 2.0)
    assert [someone.cursor for someone in room.everyone()] == ["a.py:1"]


def test_whoever_is_back_within_the_grace_period_is_still_where_they_were() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.update("a", ANN.user_id, 1.0, cursor="a.py:1", viewport="file")
    room.take_changes()
    room.leave("a", ANN.user_id, 2.0)
    room.join("b", ANN, "editor", 3.0)
    assert room.take_changes() == []
    assert [(someone.cursor, someone.viewport) for someone in room.everyone()] == [("a.py:1", "file")]


def test_a_strangers_connection_moves_nobodys_cursor() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.join("b", BEN, "editor", 0.0)
    room.update("a", BEN.user_id, 1.0, cursor="stolen")
    room.update("nowhere", ANN.user_id, 1.0, cursor="stolen")
    assert all(someone.cursor is None for someone in room.everyone())


def test_only_who_changed_is_told() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.join("b", BEN, "editor", 0.0)
    room.take_changes()
    room.update("b", BEN.user_id, 1.0, cursor="x.py:3")
    assert [someone.person for someone in room.take_changes()] == [BEN]
    assert room.take_changes() == []


def test_saying_the_same_again_tells_nobody_anything() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.update("a", ANN.user_id, 1.0, cursor="x.py:3")
    assert len(room.take_changes()) == 1
    room.update("a", ANN.user_id, 2.0, cursor="x.py:3")
    assert room.take_changes() == []


def test_a_newcomer_who_saw_a_passing_state_is_told_what_it_became() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.update("a", ANN.user_id, 1.0, cursor="here")
    room.take_changes()
    room.update("a", ANN.user_id, 2.0, cursor="there")
    assert [someone.cursor for someone in room.everyone()] == ["there"]
    room.update("a", ANN.user_id, 3.0, cursor="here")
    assert [someone.cursor for someone in room.take_changes()] == ["here"]


def test_typing_is_forgotten_within_six_seconds_by_a_sweep_each_second() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.type("a", ANN.user_id, 0.5, is_typing=True)
    ended: list[float] = []
    for second in range(1, 10):
        room.sweep(float(second))
        ended += [float(second) for person in room.take_silenced() if person == ANN]
    assert len(ended) == 1
    assert 0.5 + TYPING <= ended[0] <= 6.5


def test_whoever_vanishes_is_not_left_typing() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.join("b", ANN, "editor", 0.0)
    for tab in ("a", "b"):
        room.type(tab, ANN.user_id, 1.0, is_typing=True)
    room.leave("a", ANN.user_id, 1.5)
    assert room.take_silenced() == []
    room.leave("b", ANN.user_id, 1.5)
    assert room.take_silenced() == [ANN]


def test_whoever_said_that_they_stopped_typing_is_not_said_to_stop_again() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    room.type("a", ANN.user_id, 1.0, is_typing=True)
    room.type("a", ANN.user_id, 2.0, is_typing=False)
    room.sweep(20.0)
    assert room.take_silenced() == []


def test_somebody_removed_is_gone_at_once() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    assert room.expel(ANN.user_id) is True
    assert room.expel(ANN.user_id) is False
    assert room.everyone() == []
    assert room.take_changes() == []
