"""Presence over several processes: what one tells the others about its own tabs, and what it makes of theirs.

A process vouches for its own tabs. Here, a tab of another process has the same lease as one of this process's, renewed
whenever that process shows all of them again: when it dies, its people are gone as if their machines had died.
Nothing is kept anywhere else. Ages and rests are told in seconds, because no two processes share a clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.events import Person, Role
from core.presence.company import GRACE, STALE, TYPING
from core.presence.people import Connection, Status
from core.presence.room import Room

#: Seconds between two notices that somebody types in a tab of another process.
TYPING_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab as its process tells of it. `age` is how long it has been open, `still` for how long it has not stirred,
    `typing` for how long its person is still taken to type. `version` differs where anything else does."""

    connection_id: str
    person: Person
    role: Role
    status: Status
    version: int
    age: float
    still: float
    has_told: bool
    cursor: Any = None
    viewport: Any = None
    following: str | None = None
    typing: float | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """A tab that is no more. `is_final` when its person is gone already: no grace is left."""

    connection_id: str
    user_id: str
    is_final: bool


@dataclass(slots=True)
class Share:
    """What the others have been told about this process's tabs of one session."""

    _told: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    def __len__(self) -> int:
        """How many tabs the others know of."""
        return len(self._told)

    def take_news(self, room: Room, now: float) -> tuple[list[Tab], list[Departure]]:
        """What has changed since the others were last told."""
        return self._take(room, now, is_full=False)

    def take_all(self, room: Room, now: float) -> tuple[list[Tab], list[Departure]]:
        """Every tab, and who has left since the others were last told."""
        return self._take(room, now, is_full=True)

    def _take(self, room: Room, now: float, *, is_full: bool) -> tuple[list[Tab], list[Departure]]:
        told, self._told = self._told, {}
        tabs: list[Tab] = []
        for connection_id, person, role, tab in _own(room):
            mark = tab.user_id, tab.version
            if is_full or told.get(connection_id) != mark:
                tabs.append(_tab(connection_id, person, role, tab, now))
            self._told[connection_id] = mark
        left = [
            Departure(connection_id, user_id, is_final=user_id not in room.people)
            for connection_id, (user_id, _) in told.items()
            if connection_id not in self._told
        ]
        return tabs, left


def _own(room: Room) -> Iterator[tuple[str, Person, Role, Connection]]:
    for someone in room.people.values():
        for connection_id, tab in someone.connections.items():
            if tab.origin is None:
                yield connection_id, someone.person, someone.role, tab


def _tab(connection_id: str, person: Person, role: Role, tab: Connection, now: float) -> Tab:
    return Tab(
        connection_id=connection_id,
        person=person,
        role=role,
        status=tab.status,
        version=tab.version,
        age=now - tab.opened_at,
        still=now - tab.stirred_at,
        has_told=tab.has_told,
        cursor=tab.cursor,
        viewport=tab.viewport,
        following=tab.following,
        typing=max(0.0, tab.typing_until - now) if tab.typing_until is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """Who came, and the ids of those who are gone. Whoever has long been there came without a word: this process has
    only just heard of them. `cut` are this process's tabs that had closed a circle and follow nobody any more.
    `is_refused` when somebody was not believed to be here, because they were removed: either the teller or this
    process has not read the newest of the log."""

    joined: Sequence[tuple[Person, Role]]
    gone: Sequence[str]
    cut: Sequence[str] = ()
    is_refused: bool = False


def hear(
    room: Room, origin: str, tabs: Sequence[Tab], left: Sequence[Departure], now: float, *, is_full: bool
) -> Heard:
    """Takes what the process `origin` says about its tabs: `is_full` when it has no others."""
    new = [tab for tab in tabs if _place(room, origin, tab, now)]
    joined: list[tuple[Person, Role]] = [(tab.person, tab.role) for tab in new if tab.age <= GRACE]
    gone = [departure.user_id for departure in left if _take_away(room, origin, departure, now)]
    if is_full:
        here = {tab.connection_id for tab in tabs}
        for someone in list(room.people.values()):
            for connection_id, tab in list(someone.connections.items()):
                if tab.origin == origin and connection_id not in here:
                    room.leave(connection_id, tab.user_id, now)
    cut = room.cut_circles() if any(tab.following is not None for tab in tabs) else []
    return Heard(joined, gone, cut, is_refused=any(tab.person.user_id in room.expelled for tab in tabs))


def _place(room: Room, origin: str, tab: Tab, now: float) -> bool:
    """True when the person was not here before."""
    user_id = tab.person.user_id
    if user_id in room.expelled:
        return False
    someone = room.people.get(user_id)
    known = someone.connections.get(tab.connection_id) if someone is not None else None
    if known is None:
        known = Connection(user_id, now, now - tab.still, now - tab.age, origin, has_told=tab.has_told)
        known.version = tab.version - 1
        room.add(tab.connection_id, known, tab.person, tab.role)
    if known.origin != origin:
        return False  # Each process speaks for its own tabs alone.
    known.seen_at = now
    if known.version != tab.version:
        _change(room, known, tab, now)
    return someone is None


def _change(room: Room, known: Connection, tab: Tab, now: float) -> None:
    known.version, known.status, known.has_told = tab.version, tab.status, tab.has_told
    known.stirred_at, known.is_stale = now - tab.still, tab.still > STALE
    known.cursor, known.viewport, known.following = tab.cursor, tab.viewport, tab.following
    if tab.typing is not None:
        is_due = known.typing_until is None or now - (known.typing_told_at or 0.0) >= TYPING_EVERY
        known.typing_until = now + min(tab.typing, TYPING)
        if is_due:
            known.typing_told_at = now
            room.types_elsewhere(tab.person)
    elif known.typing_until is not None:
        room.stop_typing(room.people[known.user_id], known)
    room.mark(known.user_id)


def _take_away(room: Room, origin: str, departure: Departure, now: float) -> bool:
    """True when the person is gone with it."""
    someone = room.people.get(departure.user_id)
    tab = someone.connections.get(departure.connection_id) if someone is not None else None
    if someone is None or tab is None or tab.origin != origin:
        return False
    room.leave(departure.connection_id, departure.user_id, now)
    return departure.is_final and not someone.connections and room.forget(departure.user_id)
