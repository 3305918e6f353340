"""Who is here now, where they look and whom they follow: kept per connection, shown per person, never in the log.

Pure state. Whoever holds a `Room` tells it what happened and when; it answers with what the others should be shown.
Identity comes from the connection's login, so nobody can appear as somebody else. A person with several tabs is as
awake as the most awake of them, and is where the tab is that stirred last. Somebody whose last connection is gone stays
for a grace period, so that a reconnect makes no noise. Nobody vanishes for being still: only a lease that ends does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.errors import FollowCycle, Invalid, TooMany, UserNotFound
from core.events import Person, Role

Status = Literal["active", "idle", "away"]
_WAKEFULNESS: dict[Status, int] = {"away": 0, "idle": 1, "active": 2}

#: Seconds after which a connection that says nothing is gone; heartbeats are answered every 20. With the second that
#: may pass until the next `sweep`, somebody whose machine died is shown as gone within 30.
LEASE = 28.0
#: Seconds that a person who left stays, and after which somebody who has not stirred is shown as away.
GRACE = 10.0
STALE = 300.0
#: Seconds after which a tab that said nothing more of it is not typing any longer; with the sweep's one, at most 6.
TYPING = 5.0
#: Seconds between two requests of one session's hosts to come along.
SUMMON_EVERY = 5.0


@dataclass(slots=True)
class Connection:
    """One tab. Times are seconds of a monotonic clock."""

    user_id: str
    seen_at: float
    stirred_at: float
    status: Status = "active"
    is_stale: bool = False
    #: Has said where it is; a tab that was only opened does not hide where the person's other tab is.
    has_told: bool = False
    cursor: Any = None
    viewport: Any = None
    following: str | None = None
    typing_until: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One person as the others see them."""

    person: Person
    role: Role
    status: Status
    cursor: Any = None
    viewport: Any = None
    following: str | None = None


@dataclass(slots=True)
class _Someone:
    person: Person
    role: Role
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    gone_at: float | None = None
    last: Shown | None = None
    #: What the others were told last.
    told: Shown | None = None


class Room:
    """The people of one session."""

    def __init__(self) -> None:
        self._people: dict[str, _Someone] = {}
        self._changed: set[str] = set()
        self._followed: dict[str, str] = {}
        self._silenced: dict[str, Person] = {}
        self._summoned_at: float | None = None

    def __len__(self) -> int:
        return len(self._people)

    # ── Coming and going ──────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, connection_id: str, person: Person, role: Role, now: float) -> bool:
        """A connection opened. True when this person was not here before."""
        someone = self._people.get(person.user_id)
        is_new = someone is None
        if someone is None:
            someone = self._people[person.user_id] = _Someone(person, role)
        tab = Connection(person.user_id, now, now)
        if someone.gone_at is not None and someone.last is not None:
            # Back within the grace period: still where they were, until the new tab says otherwise.
            tab.cursor, tab.viewport = someone.last.cursor, someone.last.viewport
        someone.person, someone.role, someone.gone_at, someone.last = person, role, None, None
        someone.connections[connection_id] = tab
        self._changed.add(person.user_id)
        return is_new

    def leave(self, connection_id: str, user_id: str, now: float) -> None:
        """A connection closed; the person is gone once the grace period has passed, see `sweep`."""
        someone = self._people.get(user_id)
        if someone is None or connection_id not in someone.connections:
            return
        # Shown as they were until the grace period is over: most who leave are back before it.
        last = _show(someone)
        connection = someone.connections.pop(connection_id)
        if connection.typing_until is not None:
            self._stop_typing(someone, connection)
        self._changed.add(user_id)
        if not someone.connections:
            someone.gone_at, someone.last = now, last

    def expel(self, user_id: str) -> bool:
        """Somebody was removed: gone at once. True when they were here."""
        return self._forget(user_id)

    def seen(self, connection_id: str, user_id: str, now: float) -> bool:
        """Any frame renews the lease. False when it has ended: `join` again."""
        connection = self._connection(connection_id, user_id)
        if connection is None:
            return False
        connection.seen_at = now
        return True

    def set_role(self, user_id: str, role: Role) -> None:
        someone = self._people.get(user_id)
        if someone is not None:
            someone.role = role

    def sweep(self, now: float) -> list[str]:
        """Ends leases, grace periods and typing, ages the still. Returns the ids of those who are gone."""
        gone: list[str] = []
        for user_id, someone in list(self._people.items()):
            for connection_id, connection in list(someone.connections.items()):
                self._age(someone, connection, now)
                if now - connection.seen_at > LEASE:
                    self.leave(connection_id, user_id, now - GRACE)  # Its grace is part of the lease.
            if someone.gone_at is not None and now - someone.gone_at >= GRACE:
                self._forget(user_id)
                gone.append(user_id)
        return gone

    def _age(self, someone: _Someone, connection: Connection, now: float) -> None:
        if not connection.is_stale and now - connection.stirred_at > STALE:
            connection.is_stale = True
            self._changed.add(connection.user_id)
        if connection.typing_until is not None and now >= connection.typing_until:
            self._stop_typing(someone, connection)

    def _forget(self, user_id: str) -> bool:
        """Takes somebody away for good. Whoever followed them follows nobody any more."""
        someone = self._people.pop(user_id, None)
        self._changed.discard(user_id)
        self._followed.pop(user_id, None)
        if someone is None:
            return False
        for other in self._people.values():
            if other.last is not None and other.last.following == user_id:
                other.last = replace(other.last, following=None)
                self._changed.add(other.person.user_id)
            for tab in other.connections.values():
                if tab.following == user_id:
                    tab.following = None
                    self._changed.add(tab.user_id)
        return True

    # ── What a tab says ───────────────────────────────────────────────────────────────────────────────────────────────

    def update(self, connection_id: str, user_id: str, now: float, **state: Any) -> None:
        """Sets `status`, `cursor` or `viewport` of one connection; stirring makes its state the person's."""
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            for name, value in state.items():
                setattr(connection, name, value)

    def type(self, connection_id: str, user_id: str, now: float, *, is_typing: bool) -> bool:
        """A tab's person types, or has stopped. True when the connection is here."""
        connection = self._stir(connection_id, user_id, now)
        if connection is None:
            return False
        connection.typing_until = now + TYPING if is_typing else None
        return True

    def follow(self, connection_id: str, user_id: str, target_id: str, now: float) -> None:
        """One tab goes where `target_id` goes. What counts for a circle is whom somebody follows in any of their tabs.

        Raises: Invalid for oneself, UserNotFound for somebody who is not here, FollowCycle.
        """
        if target_id == user_id:
            raise Invalid("You cannot follow yourself.")
        if target_id not in self._people:
            raise UserNotFound("That person is not here just now.")
        if user_id in self._leaders(target_id):
            raise FollowCycle
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            connection.following = target_id

    def unfollow(self, connection_id: str, user_id: str, now: float) -> None:
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            connection.following = None

    def summon(self, now: float) -> None:
        """Somebody asks everybody to come along. Raises TooMany when everybody was asked a moment ago."""
        if self._summoned_at is not None and now - self._summoned_at < SUMMON_EVERY:
            wait = SUMMON_EVERY - (now - self._summoned_at)
            raise TooMany("Everybody was asked a moment ago.", retry_after_ms=int(wait * 1_000) + 1)
        self._summoned_at = now

    def _leaders(self, user_id: str) -> set[str]:
        """Everybody whom `user_id` follows, directly or through others, in any of their tabs."""
        found: set[str] = set()
        asked = [user_id]
        while asked:
            someone = self._people.get(asked.pop())
            followed = _followed_by(someone) if someone else set[str]()
            asked += followed - found
            found |= followed
        return found

    def _stir(self, connection_id: str, user_id: str, now: float) -> Connection | None:
        connection = self._connection(connection_id, user_id)
        if connection is not None:
            connection.seen_at = connection.stirred_at = now
            connection.has_told, connection.is_stale = True, False
            self._changed.add(user_id)
        return connection

    def _stop_typing(self, someone: _Someone, connection: Connection) -> None:
        connection.typing_until = None
        if all(tab.typing_until is None for tab in someone.connections.values()):
            self._silenced[someone.person.user_id] = someone.person

    def _connection(self, connection_id: str, user_id: str) -> Connection | None:
        someone = self._people.get(user_id)
        return someone.connections.get(connection_id) if someone else None

    # ── What the others are shown ─────────────────────────────────────────────────────────────────────────────────────

    def everyone(self) -> list[Shown]:
        for user_id in self._changed:
            # Whoever is shown this now may know more than the others: the next batch leaves nothing of it out.
            self._people[user_id].told = None
        return [_show(someone) for someone in self._people.values()]

    def take_changes(self) -> list[Shown]:
        """Who looks different from what was last taken."""
        changed, self._changed = self._changed, set()
        return list(self._news_of(changed))

    def _news_of(self, changed: set[str]) -> Iterator[Shown]:
        for user_id in sorted(changed):
            someone = self._people[user_id]
            shown = _show(someone)
            if shown != someone.told:
                someone.told = shown
                yield shown

    def take_followed(self) -> list[tuple[str, str | None]]:
        """Who follows somebody else than when this was last asked: (user_id, whom, or None for nobody any more)."""
        now = {user_id: _show(someone).following for user_id, someone in self._people.items()}
        news = [(user_id, whom) for user_id, whom in now.items() if whom != self._followed.get(user_id)]
        self._followed = {user_id: whom for user_id, whom in now.items() if whom is not None}
        return news

    def take_silenced(self) -> list[Person]:
        """Those whose typing ended without a word since this was last asked."""
        silenced, self._silenced = self._silenced, {}
        return list(silenced.values())


def _followed_by(someone: _Someone) -> set[str]:
    """Somebody in their grace period counts as following on: they may be back."""
    tabs = [tab.following for tab in someone.connections.values()]
    return {target for target in (*tabs, someone.last.following if someone.last else None) if target is not None}


def _show(someone: _Someone) -> Shown:
    tabs = list(someone.connections.values())
    if not tabs:
        last = someone.last or Shown(someone.person, someone.role, "away")
        return replace(last, person=someone.person, role=someone.role)
    status = _status(max(tabs, key=lambda tab: _WAKEFULNESS[_status(tab)]))
    front = max(tabs, key=lambda tab: (tab.has_told, tab.stirred_at))
    return Shown(someone.person, someone.role, status, front.cursor, front.viewport, front.following)


def _status(tab: Connection) -> Status:
    return "away" if tab.is_stale else tab.status
