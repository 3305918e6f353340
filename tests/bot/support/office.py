"""One office: a Slack workspace in a box, the real door on a real port, and a database that can be made to die.

`restart(kill_after=n)` builds a door that dies at its n-th step at the database: from then on nothing of it is written
any more, as after a power cut. What is in Slack and in the database at that moment is all that the next door knows.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI
from sqlmodel import select
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.app import Pace, SlackDoor, SlackSettings
from bot.identity import link_person
from bot.manifest import bot_scopes
from bot.sandbox import SandboxEngine, sandbox_app
from core import accounts, chat, log, mirrors, presence, sessions, tables, turns
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Poke, Transaction
from core.engines import open_engine
from core.errors import StorageUnavailable
from core.limits import TokenBuckets
from tests.bot.support.called import crowds, sent
from tests.support.schema import bring_up

T = TypeVar("T")
Payload = dict[str, Any]

SECRET = "a-signing-secret-of-the-tests"
TOKEN = "xoxb-of-the-tests"
CHANNEL = "C0PAYMENTS"

#: Everything ten to a hundred times faster than in production.
FAST = Pace(
    call_timeout=1.0,
    retry_base=0.02,
    retry_most=0.2,
    posts_per_minute=60_000.0,
    posts_burst=1_000.0,
    progress_every=0.1,
    card_every=0.15,
    stream_every=0.03,
    streams_per_minute=60_000.0,
    streams_burst=1_000.0,
    appends_per_minute=60_000.0,
    appends_burst=1_000.0,
    thread_check_every=0.0,
    lease=2.0,
    poll=0.1,
    scan_every=0.005,
    save_every=0.02,
)


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = 40.0) -> T:
    """Looks again and again until there is something to see, and returns it."""
    async with asyncio.timeout(seconds):
        while True:
            seen = await look()
            if seen:
                return seen
            await asyncio.sleep(0.005)


class MovableClock:
    """The real time, plus what a story has let pass; or the moment at which it stands still."""

    def __init__(self) -> None:
        self.passed = timedelta()
        self.stands_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stands_at or system_clock()) + self.passed


class MortalDatabase(Database):
    """The door's way to the one database: it stops for ever after a number of steps. A step is the moment before or
    after a transaction. On SQLite nothing else may write, so every door of a story shares what is behind this."""

    def __init__(self, behind: Database, lives: int | None = None) -> None:
        self._behind = behind
        self.lives = lives
        self.steps = 0
        self.died = asyncio.Event()
        #: While it is not set, everything takes.
        self.is_open = asyncio.Event()
        self.is_open.set()

    def on_commit(self, poke: Poke) -> None:
        self._behind.on_commit(lambda appended: None if self.died.is_set() else poke(appended))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await self.is_open.wait()
        if self.died.is_set():
            raise StorageUnavailable
        return await self._behind.read(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        await self._step()
        result = await self._behind.write(work)
        await self._step()
        return result

    async def _step(self) -> None:
        await self.is_open.wait()
        if self.died.is_set():
            raise StorageUnavailable
        self.steps += 1
        if self.lives is not None and self.steps > self.lives:
            self.died.set()
            await asyncio.Event().wait()


@dataclass
class Office:
    """The workspace, the running door, and ways to look and act."""

    engine: SandboxEngine
    base_url: str
    clock: MovableClock
    pace: Pace
    app: FastAPI
    db: MortalDatabase
    door: SlackDoor
    budget: TokenBuckets
    #: The database itself, as the browser's door uses it.
    web: Database
    #: What the door's settings say besides: see `open_door`.
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    here: dict[str, list[presence.Shown]] = field(default_factory=dict[str, list[presence.Shown]])
    users: dict[str, tables.User] = field(default_factory=dict[str, tables.User])
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    # -- people

    async def link(self, name: str) -> None:
        """Gives a Slack person an account here, and links the two."""
        person = self.engine.workspace.person(name)

        def work(tx: Transaction) -> tables.User:
            user = accounts.add_user(tx, person.email, person.real_name)
            link_person(tx, realm=self.engine.team_id, team_name="Acme", slack_id=person.id, user_id=user.id)
            return user

        self.users[name] = await self.web.write(work)

    def actor(self, name: str) -> Actor:
        return accounts.actor_for(self.users[name], "web")

    # -- acting

    async def start(self, title: str = "Fix the login bug", channel: str = "#payments") -> str:
        """Alice types the command; returns the session's id once the card is in the channel."""
        outcome = await self.engine.slash("alice", channel, "/cosession", f"start {title}")
        assert outcome.ok, outcome.error
        await self.until(lambda: bool(self.cards(channel)))
        return (await self.until_row(lambda row: row.root is not None)).session_id

    async def write_in_browser(self, session_id: str, name: str, content: str, **fields: Any) -> int:
        draft = chat.Draft(content, **fields)
        key = f"browser-{next(self._keys)}"
        posted = await self.web.write(lambda tx: chat.post_message(tx, self.actor(name), session_id, draft, key=key))
        return posted.seq

    async def agent(self, session_id: str, *events: Any) -> None:
        reports = [turns.Reported(f"agent-{next(self._keys)}", event) for event in events]
        await self.web.write(lambda tx: turns.record(tx, self.actor("alice"), session_id, reports))

    async def end(self, session_id: str) -> None:
        await self.web.write(lambda tx: sessions.end(tx, self.actor("alice"), session_id))

    async def reply(self, name: str, text: str, channel: str = "#payments") -> Payload:
        """Somebody writes into the thread of the (one) card."""
        [card] = self.cards(channel)
        return await self.engine.say(name, channel, text, card["ts"])

    # -- looking

    def cards(self, channel: str = "#payments") -> list[Payload]:
        found = self.engine.messages(channel)
        return [message for message in found if (message.get("metadata") or {}).get("event_type") == "cosession_card"]

    def at_root(self, channel: str = "#payments") -> list[Payload]:
        """What stands in the channel itself besides cards and lines of Slack's own."""
        cards = {card["ts"] for card in self.cards(channel)}
        return [
            message
            for message in self.engine.messages(channel)
            if message["ts"] not in cards and message.get("subtype") not in ("channel_join", "tombstone")
        ]

    def thread(self, channel: str = "#payments") -> list[Payload]:
        """The replies, oldest first."""
        [card] = self.cards(channel)
        return self.engine.messages(channel, card["ts"])[1:]

    def texts(self, channel: str = "#payments") -> list[str]:
        return [message["text"] for message in self.thread(channel)]

    def private(self, name: str, channel: str = "#payments") -> list[str]:
        return [message["text"] for message in self.engine.ephemerals(name, channel)]

    async def log(self, session_id: str) -> list[Any]:
        entries = await self.web.read(lambda tx: log.read_after(tx, session_id, 0, 10_000))
        return [entry.event() for entry in entries]

    async def said(self, session_id: str) -> list[tuple[str, str, str]]:
        """(author, text, source) of every message of the session."""
        messages = [event.message for event in await self.log(session_id) if event.type == "chat_message"]
        return [(message.username, message.content, message.source) for message in messages]

    async def row(self) -> tables.Mirror | None:
        return await self.web.read(lambda tx: tx.sql.exec(select(tables.Mirror)).first())

    async def inbox(self) -> list[tables.Inbox]:
        return list(await self.web.read(lambda tx: tx.sql.exec(select(tables.Inbox)).all()))

    # -- waiting

    async def until(self, is_so: Callable[[], bool], seconds: float = 40.0) -> None:
        """Looks until something is so: what is in Slack has no other way to tell."""

        async def look() -> bool:
            return is_so()

        await eventually(look, seconds)

    async def until_row(self, is_so: Callable[[tables.Mirror], bool], seconds: float = 40.0) -> tables.Mirror:
        async def look() -> tables.Mirror | None:
            row = await self.row()
            return row if row is not None and is_so(row) else None

        row = await eventually(look, seconds)
        assert row is not None
        return row

    async def until_said(self, session_id: str, count: int, seconds: float = 40.0) -> list[tuple[str, str, str]]:
        async def look() -> list[tuple[str, str, str]]:
            said = await self.said(session_id)
            return said if len(said) >= count else []

        return await eventually(look, seconds)

    async def until_quiet(self, seconds: float = 40.0) -> None:
        """Until every request is handled and every reader is at the end of its log."""
        await self.engine.settled()

        def is_quiet(tx: Transaction) -> bool:
            waiting = tx.sql.exec(select(tables.Inbox).where(tables.Inbox.handled_at == None)).first()  # noqa: E711
            behind = [one for one in mirrors.open_ones(tx) if one.is_due]
            return waiting is None and not behind

        await eventually(lambda: self.web.read(is_quiet), seconds)

    # -- the door's life

    async def restart(self, *, kill_after: int | None = None) -> None:
        """Puts a new door on the same port and the same database. The one before, unless it died, closes in peace: a
        death in the middle of that would be waited for here for ever."""
        self.db.lives = None
        await self.door.close()
        self.db, self.door = open_door(self, kill_after)
        mount(self.app, self.door)
        await self.door.start()

    async def take_over(self) -> None:
        """Starts a second door beside the first, which is not told."""
        self.db, self.door = open_door(self)
        mount(self.app, self.door)
        await self.door.start()


def mount(app: FastAPI, door: SlackDoor) -> None:
    app.router.routes.clear()
    app.include_router(door.router)


def open_door(office: Office, lives: int | None = None) -> tuple[MortalDatabase, SlackDoor]:
    db = MortalDatabase(office.web, lives)
    settings = SlackSettings(
        signing_secret=SECRET,
        bot_token=TOKEN,
        api_url=f"{office.engine.base_url}/api/",
        base_url=office.base_url,
        is_only_process=True,
        pace=office.pace,
    )
    settings = replace(settings, **office.settings)
    door = SlackDoor(
        db=db,
        clock=office.clock,
        settings=settings,
        messages=office.budget,
        present=lambda session_id: office.here.get(session_id, []),
    )
    return db, door


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[str]:
    """Serves an application on a free port of this machine; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:

        async def has_started() -> bool:
            return server.started

        await eventually(has_started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()


@asynccontextmanager
async def open_office(
    database_url: str,
    *,
    app_token: str | None = None,
    settings: dict[str, Any] | None = None,
    ack_deadline: float = 3.0,
    **pace: Any,
) -> AsyncGenerator[Office]:
    """The whole office, with Alice, Bob and Carol linked, and Mallory (a guest) not. With an `app_token` Slack speaks
    over sockets; it waits `ack_deadline` seconds for an answer."""
    await asyncio.to_thread(bring_up, database_url)
    clock = MovableClock()

    async def soon(seconds: float) -> None:
        """Slack's retries after a minute and after five, in a story's time."""
        await asyncio.sleep(min(seconds, 0.2))

    engine = SandboxEngine(
        signing_secret=SECRET,
        bot_token=TOKEN,
        clock=clock,
        scopes=bot_scopes(),
        sleep=soon,
        ack_deadline=ack_deadline,
        app_token=app_token,
    )
    app = FastAPI()
    async with (
        served(Starlette(routes=[Mount("/sandbox/slack", sandbox_app(engine))])) as slack,
        served(app) as base_url,
    ):
        engine.base_url = f"{slack}/sandbox/slack"
        engine.request_url = f"{base_url}/slack/events"
        web = Database(open_engine(database_url), clock)
        web.start()
        budget = TokenBuckets(per_minute=6_000)
        unset: Any = None
        office = Office(engine, base_url, clock, replace(FAST, **pace), app, unset, unset, budget, web)
        office.settings |= {"app_token": app_token, "signing_secret": ""} if app_token else {}
        office.settings |= settings or {}
        office.db, office.door = open_door(office)
        mount(app, office.door)
        await office.door.start()
        if app_token:
            await office.until(lambda: engine.sockets.connections == office.pace.sockets)
        try:
            for name in ("alice", "bob", "carol"):
                await office.link(name)
            yield office
            assert engine.violations == []
            assert crowds(sent(engine)) == set(), "whatever happens, nobody has everybody called"
        finally:
            await office.door.close()
            await engine.aclose()
            await web.close()
