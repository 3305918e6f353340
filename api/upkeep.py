"""What happens to open connections as time passes: heartbeats, leases, slow readers, sign-ins that end,
and digests."""

from __future__ import annotations

import asyncio
import logging

from api import metrics
from api.connection import Connection
from api.digest import Digests
from api.errors import Close
from api.frames import Ping, TokenExpiring, UserLeft
from api.hub import Hub
from core import accounts, presence
from core.clock import Clock, iso
from core.db import Database
from core.errors import CosessionError

log = logging.getLogger(__name__)

#: Seconds between heartbeats; between two looks at leases and slow readers; and between two looks at whether those who
#: are connected are still signed in; and between two digests.
HEARTBEAT = 20.0
SWEEP_EVERY = 1.0
RECHECK_EVERY = 5.0
#: Seconds between two looks at whether anybody was signed out anywhere.
LISTEN_EVERY = 0.5
DIGEST_EVERY = 60.0


class Upkeep:
    """Four rounds over a hub's rooms. Belongs to the event loop that `start` ran on."""

    def __init__(self, hub: Hub, db: Database, clock: Clock) -> None:
        self._hub = hub
        self._db = db
        self._clock = clock
        self._digests = Digests(hub, db)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._heartbeat(), name="heartbeat"),
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._recheck(), name="sign-in recheck"),
            asyncio.create_task(self._digest(), name="digests"),
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
            self.sweep()

    def sweep(self) -> None:
        """One look at everybody."""
        queued = 0
        for room in self._hub.rooms():
            for connection in list(room.connections.values()):
                queued += connection.wire.buffered
                self._look_after(connection)
            for user_id in room.presence.sweep(self._hub.now()):
                self._hub.broadcast(room, UserLeft(user_id=user_id))
            self._hub.presence_changed(room)
            self._hub.forget_if_empty(room)
        metrics.QUEUED.set(queued)

    def _look_after(self, connection: Connection) -> None:
        now, today = self._hub.now(), self._clock()
        if connection.is_stuck(now):
            connection.cut()
        elif connection.is_over(today):
            connection.wire.close(Close.TICKET_EXPIRED, "your sign-in has expired: sign in again")
        elif connection.must_ask(today):
            connection.write(TokenExpiring(expires_at=iso(connection.until)).model_dump_json().encode())
        if now - connection.heard_at > presence.LEASE and not connection.is_ghost:
            connection.is_ghost = True
            metrics.GHOSTS.inc()

    async def _digest(self) -> None:
        while True:
            await asyncio.sleep(DIGEST_EVERY)
            await self._digests.tell_all()

    async def _recheck(self) -> None:
        """Closes the sockets of whoever was signed out or deactivated, wherever that happened."""
        seen, rounds = "", 0
        while True:
            await asyncio.sleep(LISTEN_EVERY)
            asked = self._newest_versions()
            if not asked:
                continue
            try:
                # Most seconds this is one row, which has not changed.
                last, rounds = await self._db.read(accounts.sign_outs), rounds + 1
                if last == seen and rounds * LISTEN_EVERY < RECHECK_EVERY:
                    continue
                seen, rounds = last, 0
                still = await self._db.read(lambda tx, versions=asked: accounts.still_signed_in(tx, versions))
            except CosessionError:
                log.warning("who is still signed in could not be read; asked again soon")
                continue
            for connection in self._hub.connections():
                user_id = connection.person.user_id
                asked_for = asked.get(user_id, -1)
                # Whoever came in since with a newer sign-in was not asked for.
                if connection.token_version < asked_for or (
                    connection.token_version == asked_for and user_id not in still
                ):
                    connection.wire.close(Close.NOT_SIGNED_IN, "you were signed out")

    def _newest_versions(self) -> dict[str, int]:
        """Of everybody who is connected, the newest token version that one of their sockets came with."""
        versions: dict[str, int] = {}
        for connection in self._hub.connections():
            user_id = connection.person.user_id
            versions[user_id] = max(connection.token_version, versions.get(user_id, 0))
        return versions
