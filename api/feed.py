"""Entries on their way to those who are connected: each to everybody in its room, once and in order.

What a turn of the event loop brings goes to each connection in one write. Whoever has missed something is brought up
from what the room remembers, or else from the log, at their own pace.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from api import metrics, views
from api.connection import Connection
from api.door.framing import frame_text
from api.errors import Close
from api.frames import ContextUpdate, PresenceUpdate
from api.intake import PAGE, TELLING, Intake, of_log
from api.room import Arrival, Room, framed
from core import log as session_log
from core.db import Database
from core.events import Event

log = logging.getLogger(__name__)


class Feed:
    """`apply` is told of an entry that changes something for those who are connected, once it was sent to them."""

    def __init__(self, db: Database, apply: Callable[[Room, int, Event], None]) -> None:
        self._db = db
        self._apply = apply
        self._unsent: list[Room] = []
        self._on_entry: list[Callable[[Room, str], None]] = []
        self.intake = Intake(db, self._publish)

    def on_entry(self, callback: Callable[[Room, str], None]) -> None:
        """Calls `callback` with the type of each entry that went out, whoever committed it."""
        self._on_entry.append(callback)

    def _publish(self, room: Room, entry: Arrival) -> None:
        metrics.ENTRIES.labels(entry.type).inc()
        room.remember(entry.seq, entry.frame)
        room.is_digest_due = True
        if not room.unsent:
            self._unsent.append(room)
            if len(self._unsent) == 1:
                # With the next turn, in which those who waited for this commit answer their clients.
                asyncio.get_running_loop().call_soon(self.send_out)
        room.unsent.append((entry.seq, entry.frame))
        if room.streams:
            self.send(room)  # A stream is written by a task, and has to be as early as an answer to a request.
        if entry.type in TELLING and entry.event is not None:
            self.send(room)
            self._apply(room, entry.seq, entry.event)
        for callback in self._on_entry:
            callback(room, entry.type)

    def send_out(self) -> None:
        rooms, self._unsent = self._unsent, []
        for room in rooms:
            self.send(room)

    def send(self, room: Room) -> None:
        """Everything that a room has taken in since the last time goes to everybody in it, in one write each."""
        unsent = room.unsent
        if not unsent:
            return
        room.unsent = []
        before, head = unsent[0][0] - 1, unsent[-1][0]
        frames = unsent[0][1] if len(unsent) == 1 else b"".join([frame for _, frame in unsent])
        others: list[Connection] = []
        for connection in room.connections.values():
            # Nearly everybody: whoever has all that was before, and reads as fast as we write.
            if connection.cursor == before and connection.is_live:
                direct = connection.wire.direct
                if direct is not None and not connection.awaits_ack:
                    connection.cursor = head
                    direct(frames)
                    continue
            others.append(connection)
        for connection in others:
            if not connection.is_live:
                continue  # Its catch-up reads these.
            if connection.cursor == before:
                for seq, frame in unsent:
                    connection.write_entry(seq, frame)
            elif connection.cursor < head:
                self.bring_up(room, connection)

    def bring_up(self, room: Room, connection: Connection) -> None:
        """Sends what `connection` misses and makes it live; from memory at once, else from the log, in a while."""
        missing = room.recall(connection.cursor)
        if missing is not None:
            for seq, frame in missing:
                connection.write_entry(seq, frame)
            connection.is_live = True
            make_good(room, connection)
        else:
            connection.is_live = False
            if connection.catch_up is None or connection.catch_up.done():
                connection.catch_up = asyncio.create_task(self._catch_up(room, connection), name="catch up")

    async def _catch_up(self, room: Room, connection: Connection) -> None:
        try:
            while connection.wire.is_open and connection.id in room.connections:
                missing = room.recall(connection.cursor)
                if missing is not None:
                    break
                await connection.wait_for_room()
                cursor = connection.cursor
                page = await self._db.read(lambda tx, at=cursor: session_log.read_after(tx, room.session_id, at, PAGE))
                if connection.id not in room.connections:
                    return
                for entry in page:
                    # The client may have asked for another place while this was read. Nobody is sent what the room has
                    # not taken in: it may be the end of their membership.
                    if entry.seq == connection.cursor + 1 and entry.seq <= room.head:
                        connection.write_entry(entry.seq, frame_text(entry.frame))
                self.intake.take(room, (of_log(entry) for entry in page if entry.seq > room.head))
            else:
                return
            connection.catch_up = None
            self.bring_up(room, connection)
        except Exception:
            log.exception("a connection could not be brought up")
            connection.wire.close(Close.UNAVAILABLE, "the log could not be read: come back and resume")


def make_good(room: Room, connection: Connection) -> None:
    """Says in one frame what a connection that was behind has not been told beside the log."""
    if connection.is_live and connection.missed_ephemeral:
        connection.missed_ephemeral = False
        everyone = [views.shown(someone) for someone in room.presence.everyone()]
        connection.write_ephemeral(framed(PresenceUpdate(users=everyone)))
        if room.context is not None:
            connection.write_ephemeral(framed(ContextUpdate(context=room.context)))
