"""The sockets' reader of the log: every committed entry goes to every connection of its session, once and in order.

Entries arrive from this process's own commits and from other processes, already encoded; each is framed once for all,
and `api.intake` puts them in order. A connection that misses something (it joined just now, it lags) is brought up from
the recent tail in memory, or else from the log. So a lost poke delays and never loses.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager

from api import metrics, statistics
from api.company import Company
from api.connection import Connection
from api.errors import Close
from api.feed import Feed, make_good
from api.frames import (
    Draining,
    Frame,
    Summoned,
    UserLeft,
)
from api.intake import of_commit
from api.others import Others, Watcher
from api.room import Arrival, Room, framed
from core import presence
from core.clock import Clock
from core.db import Appended, Database
from core.events import (
    CommentDeleted,
    Event,
    MessageDeleted,
    ParticipantAdded,
    ParticipantRemoved,
    Person,
    PersonErased,
    RoleChanged,
)

__all__ = ["Hub", "Room", "framed"]

log = logging.getLogger(__name__)


class Hub:
    """All rooms of this process. Everything here runs on one event loop; nothing here awaits a client."""

    def __init__(self, db: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._monotonic = monotonic
        self._rooms: dict[str, Room] = {}
        self._per_user: Counter[str] = Counter()
        self.is_draining = False
        #: None where this process is alone.
        self.others: Others | None = None
        self.watcher: Watcher | None = None
        self._feed = Feed(db, self._apply)
        self._intake = self._feed.intake
        self._company = Company(self._feed, monotonic, lambda: self.others)
        db.on_commit(self.on_commit)

    def drain(self) -> None:
        """Sends everybody away with "come back"; whoever comes now is sent away too."""
        self.is_draining = True
        self._feed.send_out()
        goodbye = framed(Draining(within_ms=5_000))
        for connection in self.connections():
            connection.wire.write_frames(goodbye)
            connection.wire.close(Close.DRAINING, "the server restarts: come back in a moment")

    def close(self) -> None:
        """Ends what is under way by itself. The database is still open then."""
        for room in self._rooms.values():
            self._intake.forget(room)

    # ── Who is here ───────────────────────────────────────────────────────────────────────────────────────────────────

    def connections(self) -> list[Connection]:
        return [connection for room in self._rooms.values() for connection in room.connections.values()]

    def connection(self, session_id: str, connection_id: str, user_id: str) -> tuple[Room, Connection] | None:
        """Somebody's own open connection in a session."""
        room = self._rooms.get(session_id)
        found = room.connections.get(connection_id) if room is not None else None
        return (room, found) if room and found and found.person.user_id == user_id else None

    def sign_out(self, user_id: str, token_version: int) -> None:
        """Sends away whoever came in by a sign-in from before `token_version`, in whichever process."""
        self.sign_out_here(user_id, token_version)
        if self.watcher is not None:
            self.watcher.signed_out(user_id, token_version)

    def sign_out_here(self, user_id: str, token_version: int) -> None:
        for connection in self.connections():
            if connection.person.user_id == user_id and connection.token_version < token_version:
                connection.wire.close(Close.NOT_SIGNED_IN, "you were signed out")

    def connections_of(self, user_id: str) -> int:
        """How many this process holds."""
        return self._per_user[user_id]

    def connections_anywhere(self, user_id: str) -> int:
        """The same over all processes, as far as is known."""
        return self._per_user[user_id] + (self.others.connections_of(user_id) if self.others is not None else 0)

    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def statistics(self) -> statistics.HubStatistics:
        """What is open now, for `/metrics` and for the people who run this."""
        rooms = [room.statistics(self._monotonic()) for room in self._rooms.values()]
        return statistics.HubStatistics(tuple(sorted(rooms, key=lambda room: -len(room.connections))))

    def present(self, session_id: str) -> list[presence.Shown]:
        room = self._rooms.get(session_id)
        if room is None and self.others is not None:
            return self.others.present(session_id)
        return room.presence.everyone() if room else []

    async def meet(self, session_id: str) -> None:
        """Waits, where that takes a moment, until `present` can tell who is in the session."""
        if session_id not in self._rooms and self.others is not None:
            await self.others.meet(session_id)

    @contextmanager
    def arriving(self, session_id: str) -> Generator[Room]:
        """The room for somebody who is about to join: open it before reading the log's head, `join` after."""
        room = self._rooms.get(session_id)
        if room is None:
            room = self._rooms[session_id] = Room(session_id, head=0)
            metrics.ROOMS.set(len(self._rooms))
            if self.others is not None:
                self.others.opened(room)
            if self.watcher is not None:
                self.watcher.opened(room)
        room.arriving += 1
        try:
            yield room
        finally:
            room.arriving -= 1
            if not room.arriving:
                room.verdicts.clear()
            self.forget_if_empty(room)

    def join(self, room: Room, head: int, connection: Connection) -> None:
        """Registers `connection`, with no await between that and what the caller sends first. `head` is what the
        caller's own read of the log has seen."""
        if not room.is_placed:
            room.place(head)
        connection.joined_at = max(head, room.judged_at(connection.person.user_id))
        room.connections[connection.id] = connection
        connection.opened_at = connection.heard_at = self._monotonic()
        room.is_digest_due = True
        room.streams += connection.transport == "sse"
        metrics.CONNECTIONS.labels(connection.transport).inc()
        self._count(connection.person.user_id, +1)
        connection.wire.on_drained(lambda: self._drained(room, connection))
        self._company.show(room, connection)
        self._intake.learn(room, head)
        self._intake.take(room, ())

    def now(self) -> float:
        return self._monotonic()

    def heard(self, room: Room, connection: Connection) -> None:
        """The client said something: its presence lease is renewed. Whoever was silent for too long is here again."""
        connection.heard_at = self._monotonic()
        connection.is_ghost = False
        is_known = room.presence.seen(connection.id, connection.person.user_id, self._monotonic())
        if not is_known and connection.id in room.connections:
            self._company.announce(room)
            self._company.show(room, connection)

    def leave(self, room: Room, connection: Connection) -> None:
        room.connections.pop(connection.id, None)
        room.streams -= connection.transport == "sse"
        metrics.CONNECTIONS.labels(connection.transport).dec()
        self._count(connection.person.user_id, -1)
        room.presence.leave(connection.id, connection.person.user_id, self._monotonic())
        if connection.catch_up is not None:
            connection.catch_up.cancel()
        self.presence_changed(room)
        self.forget_if_empty(room)

    def _count(self, user_id: str, change: int) -> None:
        self._per_user[user_id] += change
        if self.others is not None:
            self.others.count(user_id, self._per_user[user_id])
        if not self._per_user[user_id]:
            del self._per_user[user_id]

    def forget_if_empty(self, room: Room) -> None:
        is_empty = not room.connections and not room.arriving and room.presence.is_forgettable
        if is_empty and self._rooms.get(room.session_id) is room:
            if room.presence_timer is not None:
                room.presence_timer.cancel()
            del self._rooms[room.session_id]
            metrics.ROOMS.set(len(self._rooms))
            self._intake.forget(room)
            if self.others is not None:
                self.others.closed(room)
            if self.watcher is not None:
                self.watcher.closed(room)

    # ── The log ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_commit(self, appended: Sequence[Appended]) -> None:
        """What this process has just committed. Another one's entries may belong between."""
        for entry in appended:
            room = self._rooms.get(entry.session_id)
            if room is not None:
                self._intake.take(room, (of_commit(entry),))

    def take_in(self, room: Room, arrivals: Iterable[Arrival]) -> None:
        """What was committed anywhere, in any order, any number of times."""
        self._intake.take(room, arrivals)

    def learn(self, room: Room, head: int) -> None:
        """The log goes up to `head`: what is missing is read soon, unless it comes by itself."""
        self._intake.learn(room, head)

    def on_entry(self, callback: Callable[[Room, str], None]) -> None:
        """Calls `callback` with the type of each entry that went out, whoever committed it."""
        self._feed.on_entry(callback)

    def _apply(self, room: Room, seq: int, event: Event) -> None:
        """What an entry changes for those who are connected now, unless it is older than what let them in."""
        if isinstance(event, RoleChanged):
            room.presence.set_role(event.user_id, event.role)
            for connection in room.connections.values():
                if connection.person.user_id == event.user_id and connection.joined_at < seq:
                    connection.role = event.role
        elif isinstance(event, ParticipantAdded):
            room.presence.welcome(event.user.user_id)
        elif isinstance(event, ParticipantRemoved):
            self._expel(room, seq, event.user_id)
        elif isinstance(event, MessageDeleted | CommentDeleted | PersonErased):
            # Entries that are still remembered may hold what is gone from the log now.
            room.tail.clear()
            room.redactions += 1
            if isinstance(event, PersonErased):
                self._part_with(room, event.user_id)

    def _expel(self, room: Room, seq: int, user_id: str) -> None:
        self._company.announce(room)
        theirs = [one for one in room.connections.values() if one.person.user_id == user_id]
        for connection in theirs:
            if connection.joined_at < seq:
                room.connections.pop(connection.id)
                connection.wire.close(Close.REMOVED, "you are no longer in this session")
        if not any(connection.joined_at >= seq for connection in theirs):
            self._part_with(room, user_id)

    def _part_with(self, room: Room, user_id: str) -> None:
        """Tells that somebody has gone, who is not waited for to come back."""
        if room.presence.expel(user_id):
            self._company.broadcast(room, framed(UserLeft(user_id=user_id)))
            self.presence_changed(room)

    def bring_up(self, room: Room, connection: Connection) -> None:
        """Sends what `connection` misses and makes it live; from memory at once, else from the log, in a while."""
        self._feed.bring_up(room, connection)

    # ── Beside the log ────────────────────────────────────────────────────────────────────────────────────────────────

    def broadcast(self, room: Room, frame: Frame, *, besides: str | None = None) -> None:
        """An ephemeral frame for everybody in the room."""
        self._company.broadcast(room, framed(frame), besides=besides)

    def tell(self, session_id: str, user_id: str, frame: Frame) -> None:
        """A frame for one person, in every tab that they have this session open in, in whichever process."""
        text = framed(frame)
        self.tell_here(session_id, user_id, text)
        if self.others is not None:
            self.others.say(session_id, user_id, text)

    def tell_here(self, session_id: str, user_id: str | None, frame: bytes) -> None:
        """The same for the tabs of this process; for everybody's where nobody is named."""
        room = self._rooms.get(session_id)
        if room is not None:
            for connection in room.connections.values():
                if user_id in (None, connection.person.user_id):
                    connection.write_ephemeral(frame)

    def summon(self, room: Room, by: Person) -> None:
        """A host asks everybody else to come along, in whichever process."""
        self.summon_here(room, by)
        if self.others is not None:
            self.others.summon(room.session_id, by)

    def summon_here(self, room: Room, by: Person) -> None:
        frame = framed(Summoned(by=by))
        for connection in room.connections.values():
            if connection.person.user_id != by.user_id:
                connection.write_ephemeral(frame)

    def presence_changed(self, room: Room) -> None:
        """Tells the room soon: at once after a quiet while, else with the next batch."""
        self._company.changed(room)

    def _drained(self, room: Room, connection: Connection) -> None:
        if connection.drained is not None:
            connection.drained.set()
        make_good(room, connection)
