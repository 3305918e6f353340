"""What a process holds open, as numbers: for `/metrics` and for the people who run it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from api.connection import Connection, Transport
from core.events import Role


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    """One open connection. `peer` is the client's address; `open_for` and `silent_for` count seconds."""

    id: str
    user_id: str
    username: str
    role: Role
    transport: Transport
    peer: str
    #: The last entry that was handed to its transport.
    cursor: int
    #: Bytes that its reader has not taken yet.
    queued_bytes: int
    #: False while it is still being brought up to the head.
    is_live: bool
    open_for: float
    #: Since its client last said anything.
    silent_for: float


@dataclass(frozen=True, slots=True)
class RoomStatistics:
    """One session that somebody has open in this process."""

    session_id: str
    head: int
    #: Entries in memory for those who reconnect.
    tail: int
    #: Who is shown as present, those in their grace period included.
    people: int
    connections: tuple[ConnectionStatistics, ...]

    @property
    def by_transport(self) -> Counter[Transport]:
        return Counter(connection.transport for connection in self.connections)

    @property
    def queued_bytes(self) -> int:
        return sum(connection.queued_bytes for connection in self.connections)


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """All rooms of this process, the fullest first."""

    rooms: tuple[RoomStatistics, ...]

    @property
    def connections(self) -> int:
        return sum(len(room.connections) for room in self.rooms)

    @property
    def people(self) -> int:
        """Different people with at least one connection, however many sessions they have open."""
        return len({connection.user_id for room in self.rooms for connection in room.connections})

    @property
    def by_transport(self) -> Counter[Transport]:
        return sum((room.by_transport for room in self.rooms), Counter[Transport]())

    @property
    def queued_bytes(self) -> int:
        return sum(room.queued_bytes for room in self.rooms)


def of_connection(connection: Connection, now: float) -> ConnectionStatistics:
    """`now` is the hub's clock."""
    return ConnectionStatistics(
        id=connection.id,
        user_id=connection.person.user_id,
        username=connection.person.username,
        role=connection.role,
        transport=connection.transport,
        peer=connection.wire.peer,
        cursor=connection.cursor,
        queued_bytes=connection.wire.buffered,
        is_live=connection.is_live,
        open_for=max(0.0, now - connection.opened_at),
        silent_for=max(0.0, now - connection.heard_at),
    )
