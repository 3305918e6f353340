"""What happens to open connections as time passes: heartbeats, leases, slow readers, sign-ins that end."""

from __future__ import annotations

import asyncio
import logging

from api.errors import Close
from api.frames import Ping, UserLeft
from api.hub import Hub
from core import accounts
from core.clock import Clock, iso
from core.db import Database
from core.errors import CosessionError

log = logging.getLogger(__name__)

#: Seconds between heartbeats; between two looks at leases and slow readers; and between two looks at whether those who
#: are connected are still signed in.
HEARTBEAT = 20.0
SWEEP_EVERY = 1.0
RECHECK_EVERY = 5.0


class Upkeep:
    """Three rounds over a hub's rooms. Belongs to the event loop that `start` ran on."""

    def __init__(self, hub: Hub, db: Database, clock: Clock) -> None:
        self._hub = hub
        self._db = db
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._heartbeat(), name="heartbeat"),
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._recheck(), name="sign-in recheck"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            for room in self._hub.rooms():
                self._hub.broadcast(room, Ping(now=iso(self._clock()), seq=room.head))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            now, today = self._hub.now(), self._clock()
            for room in self._hub.rooms():
                for connection in list(room.connections.values()):
                    if connection.is_stuck(now):
                        connection.cut()
                    elif connection.until <= today:
                        connection.wire.close(Close.TICKET_EXPIRED, "your sign-in has expired: sign in again")
                for user_id in room.presence.sweep(now):
                    self._hub.broadcast(room, UserLeft(user_id=user_id))
                self._hub.presence_changed(room)
                self._hub.forget_if_empty(room)

    async def _recheck(self) -> None:
        """Closes the sockets of whoever was signed out or deactivated, wherever that happened."""
        while True:
            await asyncio.sleep(RECHECK_EVERY)
            asked = self._newest_versions()
            if not asked:
                continue
            try:
                still = await self._db.read(lambda tx, versions=asked: accounts.still_signed_in(tx, versions))
            except CosessionError:
                log.warning("who is still signed in could not be read; asked again soon")
                continue
            for connection in self._hub.connections():
                user_id = connection.person.user_id
                if user_id in asked and (user_id not in still or connection.token_version < asked[user_id]):
                    connection.wire.close(Close.NOT_SIGNED_IN, "you were signed out")

    def _newest_versions(self) -> dict[str, int]:
        """Of everybody who is connected, the newest token version that one of their sockets came with."""
        versions: dict[str, int] = {}
        for connection in self._hub.connections():
            user_id = connection.person.user_id
            versions[user_id] = max(connection.token_version, versions.get(user_id, 0))
        return versions
