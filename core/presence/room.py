"""Who is here now, where they look and whom they follow: kept per connection, shown per person, never in the log.

Pure state. Whoever holds a `Room` tells it what happened and when; it answers with what the others should be shown.
Identity comes from the connection's login, so nobody can appear as somebody else. A person with several tabs is as
awake as the most awake of them, and is where the tab is that stirred last. Somebody whose last connection is gone stays
for a grace period, so that a reconnect makes no noise. Nobody vanishes for being still: only a lease that ends does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.errors import FollowCycle, Invalid, TooMany, UserNotFound
from core.events import Person, Role
from core.presence.following import cuts, leaders
from core.presence.people import Connection, Shown, Someone

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


class Room:
    """The people of one session."""

    def __init__(self) -> None:
        self.people: dict[str, Someone] = {}
        #: Removed from the session, and not added again: a process that has not heard of it yet may still show them.
        self.expelled: set[str] = set()
        self._changed: set[str] = set()
        self._unlisted: set[str] = set()
        #: Followed in other processes, and not here yet as far as this one knows.
        self._missing: set[str] = set()
        self._followed: dict[str, str] = {}
        self._silenced: dict[str, Person] = {}
        self._typing: dict[str, Person] = {}
        self._summoned_at: float | None = None

    def __len__(self) -> int:
        return len(self.people)

    @property
    def is_forgettable(self) -> bool:
        """Whether nobody is here but people in tabs of other processes: those are told of again to whoever asks."""
        return all(
            someone.connections and all(tab.origin is not None for tab in someone.connections.values())
            for someone in self.people.values()
        )

    # ── Coming and going ──────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, connection_id: str, person: Person, role: Role, now: float) -> bool:
        """A connection opened. True when this person was not here before."""
        self.expelled.discard(person.user_id)
        is_new = person.user_id not in self.people
        someone = self.add(connection_id, Connection(person.user_id, now, now, now), person, role)
        someone.person, someone.role = person, role
        return is_new

    def add(self, connection_id: str, tab: Connection, person: Person, role: Role) -> Someone:
        """One more tab of somebody, who may be new here."""
        someone = self.people.get(person.user_id)
        if someone is None:
            someone = self.people[person.user_id] = Someone(person, role)
            self._appear(person.user_id)
        if someone.last is not None and not tab.has_told:
            # Back within the grace period: still where they were, until the new tab says otherwise.
            tab.cursor, tab.viewport = someone.last.cursor, someone.last.viewport
        someone.gone_at, someone.last = None, None
        someone.connections[connection_id] = tab
        self.mark(person.user_id)
        return someone

    def _appear(self, user_id: str) -> None:
        """Whoever has been following them elsewhere is shown to do so from now on."""
        if user_id in self._missing:
            self._missing.discard(user_id)
            for other in self.people.values():
                if user_id in other.follows():
                    self.mark(other.person.user_id)

    def leave(self, connection_id: str, user_id: str, now: float) -> None:
        """A connection closed; the person is gone once the grace period has passed, see `sweep`."""
        someone = self.people.get(user_id)
        if someone is None or connection_id not in someone.connections:
            return
        # Shown as they were until the grace period is over: most who leave are back before it.
        last = someone.show()
        connection = someone.connections.pop(connection_id)
        if connection.typing_until is not None:
            self.stop_typing(someone, connection)
        self.mark(user_id)
        if not someone.connections:
            someone.gone_at, someone.last = now, last

    def expel(self, user_id: str) -> bool:
        """Somebody was removed: gone at once, and not shown again by others' word. True when they were here."""
        self.expelled.add(user_id)
        return self.forget(user_id)

    def welcome(self, user_id: str) -> None:
        """Somebody was added, perhaps again."""
        self.expelled.discard(user_id)

    def seen(self, connection_id: str, user_id: str, now: float) -> bool:
        """Any frame renews the lease. False when it has ended: `join` again."""
        connection = self._connection(connection_id, user_id)
        if connection is None:
            return False
        connection.seen_at = now
        return True

    def set_role(self, user_id: str, role: Role) -> None:
        someone = self.people.get(user_id)
        if someone is not None:
            someone.role = role

    def sweep(self, now: float) -> list[str]:
        """Ends leases, grace periods and typing, ages the still. Returns the ids of those who are gone."""
        gone: list[str] = []
        for user_id, someone in list(self.people.items()):
            for connection_id, connection in list(someone.connections.items()):
                self._age(someone, connection, now)
                if now - connection.seen_at > LEASE:
                    self.leave(connection_id, user_id, now - GRACE)  # Its grace is part of the lease.
            if someone.gone_at is not None and now - someone.gone_at >= GRACE:
                self.forget(user_id)
                gone.append(user_id)
        return gone

    def _age(self, someone: Someone, connection: Connection, now: float) -> None:
        if not connection.is_stale and now - connection.stirred_at > STALE:
            connection.is_stale = True
            self.mark(connection.user_id)
        if connection.typing_until is not None and now >= connection.typing_until:
            self.stop_typing(someone, connection)

    def forget(self, user_id: str) -> bool:
        """Takes somebody away for good. Whoever followed them follows nobody any more."""
        someone = self.people.pop(user_id, None)
        self._changed.discard(user_id)
        self._unlisted.add(user_id)
        self._followed.pop(user_id, None)
        if someone is None:
            return False
        for other in self.people.values():
            if other.last is not None and other.last.following == user_id:
                other.last = replace(other.last, following=None)
                self.mark(other.person.user_id)
            for tab in other.connections.values():
                # Tabs of other processes are theirs to change: `show` leaves out who is not here.
                if tab.following == user_id:
                    self.mark(tab.user_id)
                    if tab.origin is None:
                        tab.following = None
                        tab.version += 1
        return True

    def mark(self, user_id: str) -> None:
        """Somebody may look different now."""
        self._changed.add(user_id)
        self._unlisted.add(user_id)

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
        if target_id not in self.people:
            raise UserNotFound("That person is not here just now.")
        if user_id in leaders(self._edges(), target_id):
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

    def was_summoned(self, now: float) -> bool:
        """Everybody was asked to come along, in another process. False when they were asked here a moment ago; some of
        the pace is let pass, because a signal takes its time."""
        if self._summoned_at is not None and now - self._summoned_at < SUMMON_EVERY / 2:
            return False
        self._summoned_at = now
        return True

    def cut_circles(self) -> list[str]:
        """Ends followings of this process's own tabs that close a circle with followings in other processes, where each
        was accepted before the other was known. Every process finds the same ones. The ids of these tabs."""
        found: list[str] = []
        for user_id, target in cuts(self._edges()):
            someone = self.people[user_id]
            for connection_id, tab in someone.connections.items():
                if tab.origin is None and tab.following == target:
                    tab.following = None
                    tab.version += 1
                    found.append(connection_id)
            if someone.last is not None and someone.last.following == target:
                someone.last = replace(someone.last, following=None)
            self.mark(user_id)
        return found

    def _edges(self) -> dict[str, set[str]]:
        return {user_id: set(someone.follows()) for user_id, someone in self.people.items()}

    def _stir(self, connection_id: str, user_id: str, now: float) -> Connection | None:
        connection = self._connection(connection_id, user_id)
        if connection is not None:
            connection.seen_at = connection.stirred_at = now
            connection.has_told, connection.is_stale = True, False
            connection.version += 1
            self.mark(user_id)
        return connection

    def stop_typing(self, someone: Someone, connection: Connection) -> None:
        connection.typing_until = None
        if all(tab.typing_until is None for tab in someone.connections.values()):
            self._typing.pop(someone.person.user_id, None)
            self._silenced[someone.person.user_id] = someone.person

    def types_elsewhere(self, person: Person) -> None:
        """Somebody types, or goes on typing, in a tab of another process."""
        self._silenced.pop(person.user_id, None)
        self._typing[person.user_id] = person

    def _connection(self, connection_id: str, user_id: str) -> Connection | None:
        someone = self.people.get(user_id)
        return someone.connections.get(connection_id) if someone else None

    # ── What the others are shown ─────────────────────────────────────────────────────────────────────────────────────

    def everyone(self) -> list[Shown]:
        for user_id in self._changed:
            # Whoever is shown this now may know more than the others: the next batch leaves nothing of it out.
            self.people[user_id].told = None
        return [self._show(someone) for someone in self.people.values()]

    def take_unlisted(self) -> list[tuple[str, Shown | None]]:
        """The same for whoever keeps a list of everyone: who may look different in it since this was last asked, and
        None for those who are not here any more."""
        for user_id in self._changed:
            self.people[user_id].told = None
        unlisted, self._unlisted = self._unlisted, set()
        return [(user_id, self._show(self.people[user_id]) if user_id in self.people else None) for user_id in unlisted]

    def take_changes(self) -> list[Shown]:
        """Who looks different from what was last taken."""
        changed, self._changed = self._changed, set()
        return list(self._news_of(changed))

    def _news_of(self, changed: set[str]) -> Iterator[Shown]:
        for user_id in sorted(changed):
            someone = self.people[user_id]
            shown = self._show(someone)
            if shown != someone.told:
                someone.told = shown
                yield shown

    def take_followed(self) -> list[tuple[str, str | None]]:
        """Who follows somebody else than when this was last asked: (user_id, whom, or None for nobody any more)."""
        now = {user_id: self._show(someone).following for user_id, someone in self.people.items()}
        news = [(user_id, whom) for user_id, whom in now.items() if whom != self._followed.get(user_id)]
        self._followed = {user_id: whom for user_id, whom in now.items() if whom is not None}
        return news

    def take_silenced(self) -> list[Person]:
        """Those whose typing ended without a word since this was last asked."""
        silenced, self._silenced = self._silenced, {}
        return list(silenced.values())

    def take_typing(self) -> list[Person]:
        """Those who type in tabs of other processes, of whom that has to be said."""
        typing, self._typing = self._typing, {}
        return list(typing.values())

    def _show(self, someone: Someone) -> Shown:
        shown = someone.show()
        if shown.following is not None and shown.following not in self.people:
            self._missing.add(shown.following)
            return replace(shown, following=None)
        return shown
