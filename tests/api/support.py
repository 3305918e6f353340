"""The hub and the way in without a network: a database, the composition root, and wires that only take notes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from api import entering
from api.connection import Connection
from api.context import Api
from api.door.framing import payload_of
from api.frames import Position
from api.room import Room
from core import accounts, sessions
from core.access import Actor, add_participant
from core.clock import Clock, system_clock
from core.db import Transaction
from cosession import settings as configuration
from cosession.compose import compose
from tests.support.schema import bring_up


@dataclass
class Notes:
    """A wire whose reader takes everything at once and keeps it."""

    peer: str = "test"
    payloads: list[bytes] = field(default_factory=list[bytes])
    is_open: bool = True
    buffered: int = 0
    closed: tuple[int, str] | None = None
    direct: None = None

    def write_text(self, payload: bytes) -> None:
        if self.is_open:
            self.payloads.append(payload)

    def write_frames(self, framed: bytes) -> None:
        self.write_text(payload_of(framed))

    def write_entry(self, seq: int, framed: bytes) -> None:
        assert seq > 0
        self.write_frames(framed)

    def on_drained(self, callback: Callable[[], None]) -> None:
        """It is never behind."""

    def close(self, code: int, reason: str) -> None:
        if self.is_open:
            self.is_open, self.closed = False, (code, reason)


@dataclass
class Place:
    """One process's API, and a session with a host and an editor."""

    api: Api
    session_id: str
    host: Actor
    editor: Actor
    #: Requests go straight to the application.
    client: httpx2.AsyncClient

    def token(self, who: Actor) -> str:
        return self.api.tokens.issue("api", who.user_id, 0, timedelta(days=30))

    async def come_in(self, who: Actor, wire: Any, since: Position | None = None) -> tuple[Room, Connection]:
        """The way in, as a socket takes it."""
        prove = entering.show_token(self.api, self.session_id, self.token(who))
        with self.api.hub.arriving(self.session_id) as room:
            entry = await entering.enter(self.api, self.session_id, prove)
            start = await entering.start_of(self.api, room, entry, since)
            return room, entering.admit(self.api, room, wire, "websocket", entry, start)


@asynccontextmanager
async def open_place(database_url: str, data_dir: Path, clock: Clock = system_clock) -> AsyncGenerator[Place]:
    await asyncio.to_thread(bring_up, database_url)
    values: dict[str, Any] = {
        "_env_file": None,
        "COSESSION_DATA_DIR": data_dir,
        "COSESSION_BASE_URL": "https://cosession.example",  # Not this machine: no sandbox is started.
        "DATABASE_URL": database_url,
    }
    runtime = compose(configuration.load(**values), clock)
    async with runtime.app.router.lifespan_context(runtime.app):
        api = runtime.app.state.api
        assert isinstance(api, Api)

        def people(tx: Transaction) -> tuple[str, Actor, Actor]:
            host, editor = (
                accounts.actor_for(accounts.add_user(tx, f"{name.lower()}@example.com", name), "web")
                for name in ("Alice", "Bob")
            )
            session = sessions.start(tx, host, "Under test")
            add_participant(tx, session, editor.person, "editor", via="invite")
            return session.id, host, editor

        transport = httpx2.ASGITransport(runtime.app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://cosession.example") as client:
            yield Place(api, *await api.db.write(people), client)
