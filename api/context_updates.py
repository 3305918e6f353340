"""Tells everybody in a session how its agent is doing, when that changes: `session_update` frames with a `context`.

A burst of entries is one read for the whole room, at most one a second. Time alone changes it too (an agent falls
silent, a session grows old), so every open room is looked at again every half minute.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from api import views
from api.frames import ContextUpdate, SessionContext
from api.hub import Hub
from api.room import Room
from core import tables
from core.counting import AGENT_EVENTS
from core.db import Database, Transaction
from core.errors import CosessionError

log = logging.getLogger(__name__)

#: Seconds between two reads for one session, and between two looks at every open one.
AT_MOST_EVERY = 1.0
LOOK_EVERY = 30.0
#: What changes it.
_KINDS = AGENT_EVENTS | {"session_ended"}


@dataclass(slots=True)
class _Pending:
    """A session that somebody has open, while something about it is to be read or was a second ago."""

    is_changed: bool
    task: asyncio.Task[None] | None = None


class ContextUpdates:
    """Belongs to the event loop that `start` ran on."""

    def __init__(self, hub: Hub, db: Database) -> None:
        self._hub = hub
        self._db = db
        self._pending: dict[str, _Pending] = {}
        self._round: asyncio.Task[None] | None = None
        hub.on_entry(self.on_entry)

    def start(self) -> None:
        self._round = asyncio.create_task(self._look_again(), name="agents' health")

    async def close(self) -> None:
        tasks = [pending.task for pending in self._pending.values() if pending.task is not None]
        if self._round is not None:
            tasks.append(self._round)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def on_entry(self, room: Room, kind: str) -> None:
        """What was committed in an open session, here or in another process."""
        if kind in _KINDS:
            self.changed(room.session_id)

    def changed(self, session_id: str) -> None:
        """Reads soon: at once after a quiet while, else when a second has passed since the last time."""
        pending = self._pending.get(session_id)
        if pending is None:
            pending = self._pending[session_id] = _Pending(is_changed=True)
            pending.task = asyncio.create_task(self._tell(session_id, pending), name="agent's health")
        pending.is_changed = True

    async def _tell(self, session_id: str, pending: _Pending) -> None:
        try:
            while pending.is_changed:
                pending.is_changed = False
                context = await self._db.read(lambda tx: _context_of(tx, session_id))
                if context is not None:
                    self._broadcast(session_id, context)
                await asyncio.sleep(AT_MOST_EVERY)
        except CosessionError:
            log.warning("how an agent is doing could not be read; asked again soon")
        finally:
            del self._pending[session_id]

    def _broadcast(self, session_id: str, context: SessionContext) -> None:
        for room in self._hub.rooms():
            if room.session_id == session_id and room.context != context:
                room.context = context
                self._hub.broadcast(room, ContextUpdate(context=context))

    def look(self) -> None:
        """Reads every open session again: time has passed."""
        for room in self._hub.rooms():
            self.changed(room.session_id)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()


def _context_of(tx: Transaction, session_id: str) -> SessionContext | None:
    session = tx.sql.get(tables.Session, session_id)
    return views.session_context(tx, session) if session is not None else None
