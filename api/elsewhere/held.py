"""This process's connections, when their people speak to another process about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from api.connection import Connection
from api.elsewhere import wire
from api.hub import Hub
from api.room import Room

TakeOver = Callable[[Room, Connection, str], Coroutine[None, None, None]]


class Held:
    """Only its own person can speak for a connection: who they are was proven where they spoke. `take_over` carries out
    a frame that was passed on."""

    def __init__(self, hub: Hub, take_over: TakeOver) -> None:
        self._hub = hub
        self._take_over = take_over
        self._tasks: set[asyncio.Task[None]] = set()

    def forwarded(self, session_id: str, signal: wire.Forwarded) -> None:
        found = self._hub.connection(session_id, signal.connection_id, signal.user_id)
        if found is None:
            return
        self._hub.heard(*found)
        for frame in signal.frames:
            task = asyncio.create_task(self._take_over(*found, frame), name="forwarded frame")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def renewed(self, session_id: str, signal: wire.Renewed) -> None:
        found = self._hub.connection(session_id, signal.connection_id, signal.user_id)
        if found is not None:
            found[1].renew(signal.until, signal.token_version, signal.proven_at)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
