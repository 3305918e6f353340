"""Tells everybody in a session how its thread outside stands, when that changes: `thread_update` frames.

Whoever copies may be another process, so the database is asked: for all open sessions at once, every few seconds, and
at once when the log says that a thread was linked, given up or taken up again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, replace

from api.frames import ThreadState, ThreadUpdate
from api.hub import Hub
from api.room import Room
from core import mirror_lag
from core.db import Database
from core.errors import CosessionError
from core.mirror_lag import State

log = logging.getLogger(__name__)

#: Seconds between two looks, and the least between one and one that news have asked for.
LOOK_EVERY = 5.0
PAUSE = 0.1
#: A thread that lacks something for less than this is on its way: nobody is told.
QUIET_S = 5
_KINDS = frozenset({"thread_linked", "mirror_paused", "mirror_resumed", "session_ended"})


class ThreadUpdates:
    """Belongs to the event loop that `start` ran on."""

    def __init__(self, hub: Hub, db: Database, every: float = LOOK_EVERY) -> None:
        self._hub = hub
        self._db = db
        self._every = every
        self._wake = asyncio.Event()
        self._told: dict[str, State] = {}
        self._task: asyncio.Task[None] | None = None
        hub.on_entry(self._on_entry)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="threads' state")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _on_entry(self, _room: Room, kind: str) -> None:
        if kind in _KINDS:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except CosessionError:
                log.warning("how the threads stand could not be read; asked again soon")
            except Exception:
                log.exception("telling how the threads stand failed; it is tried again")
            await asyncio.sleep(min(PAUSE, self._every))
            try:
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Tells of every thread that stands otherwise than at the last look."""
        rooms = {room.session_id: room for room in self._hub.rooms()}
        if not rooms:
            self._told.clear()
            return
        found = await self._db.read(lambda tx: mirror_lag.states(tx, list(rooms)))
        states = {session_id: _settled(state) for session_id, state in found.items()}
        for session_id, state in states.items():
            if self._told.get(session_id) != state:
                self._hub.broadcast(rooms[session_id], ThreadUpdate(thread=thread_state(state)))
        self._told = states


def thread_state(state: State) -> ThreadState:
    return ThreadState(**asdict(state))


def _settled(state: State) -> State:
    return replace(state, behind_s=0) if state.behind_s < QUIET_S else state
