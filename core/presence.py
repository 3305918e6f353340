"""Who is here now: kept per connection, shown per person, never in the log.

Pure state. Whoever holds a `Room` tells it what happened and when; it answers with what the others should be shown.
Identity comes from the connection's login, so nobody can appear as somebody else. A person with several tabs is the
most awake of them; somebody whose last connection is gone stays for a grace period, so that a reconnect makes no noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from core.events import Person, Role

Status = Literal["active", "idle", "away"]
_WAKEFULNESS: dict[Status, int] = {"away": 0, "idle": 1, "active": 2}

#: Seconds after which a connection that never answers is gone, a person who left is shown as gone, and somebody who
#: has not stirred is shown as away.
LEASE = 30.0
GRACE = 10.0
STALE = 300.0


@dataclass(slots=True)
class Connection:
    """One tab. Times are seconds of a monotonic clock."""

    user_id: str
    seen_at: float
    stirred_at: float
    status: Status = "active"
    cursor: Any = None
    viewport: Any = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One person as the others see them."""

    person: Person
    role: Role
    status: Status
    cursor: Any = None
    viewport: Any = None


@dataclass(slots=True)
class _Someone:
    person: Person
    role: Role
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    gone_at: float | None = None
    last: Shown | None = None


class Room:
    """The people of one session."""

    def __init__(self) -> None:
        self._people: dict[str, _Someone] = {}
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._people)

    def join(self, connection_id: str, person: Person, role: Role, now: float) -> bool:
        """A connection opened. True when this person was not here before."""
        someone = self._people.get(person.user_id)
        is_new = someone is None
        if someone is None:
            someone = self._people[person.user_id] = _Someone(person, role)
        someone.person, someone.role, someone.gone_at = person, role, None
        someone.connections[connection_id] = Connection(person.user_id, now, now)
        self._changed.add(person.user_id)
        return is_new

    def leave(self, connection_id: str, user_id: str, now: float) -> None:
        """A connection closed; the person is gone once the grace period has passed, see `sweep`."""
        someone = self._people.get(user_id)
        connection = someone.connections.pop(connection_id, None) if someone else None
        if someone is None or connection is None:
            return
        if someone.connections:
            self._changed.add(user_id)
        else:
            # Shown as they were until the grace period is over: most who leave are back before it.
            someone.gone_at = now
            someone.last = self._show(someone, connection)

    def expel(self, user_id: str) -> bool:
        """Somebody was removed: gone at once. True when they were here."""
        self._changed.discard(user_id)
        return self._people.pop(user_id, None) is not None

    def seen(self, connection_id: str, user_id: str, now: float) -> None:
        """Any frame renews the lease."""
        connection = self._connection(connection_id, user_id)
        if connection is not None:
            connection.seen_at = now

    def update(self, connection_id: str, user_id: str, now: float, **state: Any) -> None:
        """Sets `status`, `cursor` or `viewport` of one connection; stirring makes its state the person's."""
        connection = self._connection(connection_id, user_id)
        if connection is None:
            return
        connection.seen_at = connection.stirred_at = now
        for name, value in state.items():
            setattr(connection, name, value)
        self._changed.add(user_id)

    def set_role(self, user_id: str, role: Role) -> None:
        someone = self._people.get(user_id)
        if someone is not None:
            someone.role = role

    def sweep(self, now: float) -> list[str]:
        """Ends leases and grace periods, ages the still. Returns the ids of those who are gone."""
        gone: list[str] = []
        for user_id, someone in list(self._people.items()):
            for connection_id, connection in list(someone.connections.items()):
                if now - connection.seen_at > LEASE:
                    self.leave(connection_id, user_id, now)
                elif now - connection.stirred_at > STALE and connection.status != "away":
                    connection.status = "away"
                    self._changed.add(user_id)
            if someone.gone_at is not None and now - someone.gone_at >= GRACE:
                del self._people[user_id]
                self._changed.discard(user_id)
                gone.append(user_id)
        return gone

    def everyone(self) -> list[Shown]:
        return [self._show(someone) for someone in self._people.values()]

    def take_changes(self) -> list[Shown]:
        """Who changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return [self._show(self._people[user_id]) for user_id in sorted(changed) if user_id in self._people]

    def _connection(self, connection_id: str, user_id: str) -> Connection | None:
        someone = self._people.get(user_id)
        return someone.connections.get(connection_id) if someone else None

    @staticmethod
    def _show(someone: _Someone, *leaving: Connection) -> Shown:
        tabs = [*leaving, *someone.connections.values()]
        if not tabs:
            return someone.last or Shown(someone.person, someone.role, "away")
        tabs.sort(key=lambda tab: (_WAKEFULNESS[tab.status], tab.stirred_at))
        front = tabs[-1]
        cursor = next((tab.cursor for tab in reversed(tabs) if tab.cursor is not None), None)
        return Shown(someone.person, someone.role, front.status, cursor, front.viewport)
