"""Presence: kept per connection, shown per person, quiet about reconnects, and without ghosts."""

from __future__ import annotations

from core.events import Person
from core.presence import GRACE, LEASE, STALE, Room

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
    assert room.sweep(LEASE + 0.1) == []
    assert room.sweep(LEASE + GRACE + 0.2) == [ANN.user_id]


def test_somebody_still_and_connected_does_not_vanish_but_falls_asleep() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    for second in range(1, int(STALE) + 30):
        room.seen("a", ANN.user_id, float(second))
        assert room.sweep(float(second)) == []
    assert [someone.status for someone in room.everyone()] == ["away"]


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


def test_somebody_removed_is_gone_at_once() -> None:
    room = Room()
    room.join("a", ANN, "editor", 0.0)
    assert room.expel(ANN.user_id) is True
    assert room.expel(ANN.user_id) is False
    assert room.everyone() == []
    assert room.take_changes() == []
