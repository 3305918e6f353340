"""Who is here, told to those who are connected: newcomers at once, the rest in batches, all in few writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api import views
from api.connection import Connection
from api.feed import Feed
from api.others import Others
from api.room import Room, framed

#: Seconds between presence batches.
PRESENCE_EVERY = 0.1


class Company:
    """`others` are told as well, where there are other processes; `monotonic` counts seconds."""

    def __init__(self, feed: Feed, monotonic: Callable[[], float], others: Callable[[], Others | None]) -> None:
        self._feed = feed
        self._monotonic = monotonic
        self._others = others

    def show(self, room: Room, connection: Connection) -> None:
        if room.presence.join(connection.id, connection.person, connection.role, self._monotonic()):
            room.newcomers.append((connection.id, connection.person, connection.role))
        # They know of those who came before them.
        connection.newcomers_known = len(room.newcomers)
        self.changed(room)

    def announce(self, room: Room) -> None:
        """Says who came since this was last said: in one write to everybody, however many they are."""
        newcomers, room.newcomers = room.newcomers, []
        if not newcomers:
            return
        frames = [views.user_joined(person, role) for _, person, role in newcomers]
        everything = b"".join(frames)
        for connection in room.connections.values():
            known, connection.newcomers_known = connection.newcomers_known, 0
            if known or connection.wire.direct is None:
                for frame in frames[known:]:
                    connection.write_ephemeral(frame)
            else:
                connection.write_ephemeral(everything)

    def broadcast(self, room: Room, frame: bytes, *, besides: str | None = None) -> None:
        self._feed.send(room)  # What happened before is said before.
        for connection in room.connections.values():
            if connection.id != besides:
                connection.write_ephemeral(frame)

    def changed(self, room: Room) -> None:
        """Tells the room soon: at once after a quiet while, else with the next batch."""
        if room.presence_timer is None:
            wait = max(0.0, room.presence_sent_at + PRESENCE_EVERY - self._monotonic())
            room.presence_timer = asyncio.get_running_loop().call_later(wait, self._send_presence, room)

    def _send_presence(self, room: Room) -> None:
        room.presence_timer = None
        room.presence_sent_at = self._monotonic()
        if not room.connections:
            room.newcomers.clear()  # Nobody is here to be told: whoever comes is shown everybody.
        else:
            self._tell_presence(room)
        others = self._others()
        if others is not None:
            others.changed(room)

    def _tell_presence(self, room: Room) -> None:
        self.announce(room)
        for news in views.presence_news(room.presence):
            self.broadcast(room, framed(news))
