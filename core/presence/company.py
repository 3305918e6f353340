"""Who comes to a session and goes from it: kept per connection, each under a lease, and quiet about reconnects.

Identity comes from the connection's login, so nobody can appear as somebody else. Somebody whose last connection is
gone stays for a grace period, so that a reconnect makes no noise. Nobody vanishes for being still: only a lease that
ends does it.
"""

from __future__ import annotations

from dataclasses import replace

from core.events import Person, Role
from core.presence.people import Connection, Someone

#: Seconds after which a connection that says nothing is gone; heartbeats are answered every 20. With the second that
#: may pass until the next `sweep`, somebody whose machine died is shown as gone within 30.
LEASE = 28.0
#: Seconds that a person who left stays, and after which somebody who has not stirred is shown as away.
GRACE = 10.0
STALE = 300.0
#: Seconds after which a tab that said nothing more of it is not typing any longer; with the sweep's one, at most 6.
TYPING = 5.0


class Company:
    """The people of one session."""

    def __init__(self) -> None:
        self.people: dict[str, Someone] = {}
        #: Removed from the session, and not added again: a process that has not heard of it yet may still show them.
        self.expelled: set[str] = set()
        #: Whom the others are still to be told of, and who is to be put right in a list of everyone.
        self._changed: set[str] = set()
        self._unlisted: set[str] = set()
        #: Followed in other processes, and not here yet as far as this one knows.
        self._missing: set[str] = set()
        self._followed: dict[str, str] = {}
        self._silenced: dict[str, Person] = {}
        self._typing: dict[str, Person] = {}

    def __len__(self) -> int:
        return len(self.people)

    @property
    def is_forgettable(self) -> bool:
        """Whether nobody is here but people in tabs of other processes: those are told of again to whoever asks."""
        return all(
            someone.connections and all(tab.origin is not None for tab in someone.connections.values())
            for someone in self.people.values()
        )

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

    def stop_typing(self, someone: Someone, connection: Connection) -> None:
        connection.typing_until = None
        if all(tab.typing_until is None for tab in someone.connections.values()):
            self._typing.pop(someone.person.user_id, None)
            self._silenced[someone.person.user_id] = someone.person

    def _connection(self, connection_id: str, user_id: str) -> Connection | None:
        someone = self.people.get(user_id)
        return someone.connections.get(connection_id) if someone else None
