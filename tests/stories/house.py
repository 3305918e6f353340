"""The whole product in this process: real composition root, real database, real sockets on a free port.

Only the clock is handed in. Each story ends with `check`: the log replayed from its beginning must equal the tables and
what every client was shown.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import websockets
from sqlmodel import select

from api.door.listen import listening_socket
from api.door.serve import serve
from api.door.settings import DoorSettings
from api.frames import server_frame_adapter
from api.routes.attachments import body_bytes_for
from core import accounts, log, tables
from core.blanking import Redaction, blanked
from core.clock import system_clock
from core.db import Transaction
from core.events import event_adapter
from core.signals import Signals
from cosession import settings as configuration
from cosession.compose import Runtime, compose
from tests.stories.lines import Frame, Headers, Line, SocketLine, StreamLine, Transport
from tests.stories.replay import check_comments, check_files
from tests.support.schema import bring_up


class MovableClock:
    """The real time, plus what a story has let pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.passed

    def move(self, by: timedelta) -> None:
        self.passed += by


class MovableSeconds:
    """The same for the seconds by which somebody is present."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.passed

    def move(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Client:
    """One browser tab, as far as the wire goes. Every frame that arrives is checked against the published models."""

    house: House
    line: Line
    frames: list[Frame] = field(default_factory=list[Frame])
    _keys: itertools.count[int] = field(default_factory=itertools.count)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for frame in self.line.frames():
                self._take(frame)
        finally:
            self._news.set()

    def _take(self, frame: Frame) -> None:
        validate(frame)
        self.frames.append(frame)
        self._news.set()

    @property
    def closed(self) -> tuple[int, str] | None:
        return self.line.closed

    @property
    def socket(self) -> websockets.ClientConnection:
        """For stories about sockets themselves."""
        assert isinstance(self.line, SocketLine)
        return self.line.socket

    async def until(self, found: Callable[[Frame], bool], seconds: float = 5.0, *, after: int = 0) -> Frame:
        """The first frame, of those that came `after` so many or are to come, of which `found` is true."""
        checked = after
        async with asyncio.timeout(seconds):
            while True:
                for frame in self.frames[checked:]:
                    if found(frame):
                        return frame
                checked = len(self.frames)
                if self.closed is not None:
                    raise AssertionError(f"closed with {self.closed}; got {[f['type'] for f in self.frames]}")
                self._news.clear()
                await self._news.wait()

    async def until_taken_or_refused(self, seconds: float = 30.0) -> bool:
        """Whether the door took this tab, told by its first frame, or closed it."""
        async with asyncio.timeout(seconds):
            while not self.frames and self.closed is None:
                self._news.clear()
                await self._news.wait()
        return self.closed is None

    async def until_seq(self, seq: int) -> None:
        """Until every entry up to `seq` is here."""
        await self.until(lambda frame: frame.get("seq", 0) >= seq and "at" in frame)

    async def until_closed(self, seconds: float = 5.0) -> tuple[int, str]:
        async with asyncio.timeout(seconds):
            while self.closed is None:
                self._news.clear()
                await self._news.wait()
        return self.closed

    async def send(self, **frame: Any) -> None:
        await self.send_text(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        for answer in await self.line.send_text(text):
            self._take(answer)

    async def say(self, content: str, **fields: Any) -> Frame:
        """Says something and returns the ack or the error that answers it."""
        key = fields.pop("client_msg_id", None) or f"{id(self)}-{next(self._keys)}"
        before = len(self.frames)
        await self.send(type="chat_message", client_msg_id=key, content=content, **fields)

        def answers(frame: Frame) -> bool:
            return key in (frame.get("client_msg_id"), frame.get("re"))

        return await self.until(answers, after=before)

    async def ping(self) -> Frame:
        """The server's answer to a ping: everything that it sent before is here by then."""
        before = len(self.frames)
        await self.send(type="ping")
        return await self.until(lambda frame: frame["type"] == "pong", after=before)

    @property
    def entries(self) -> list[Frame]:
        return [frame for frame in self.frames if "at" in frame and "seq" in frame]

    @property
    def texts(self) -> list[str]:
        return [frame["message"]["content"] for frame in self.entries if frame["type"] == "chat_message"]

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    async def close(self) -> None:
        await self.line.close()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)


def validate(frame: Frame) -> None:
    """Raises when a frame is not one of the published ones."""
    if "at" in frame and "seq" in frame:
        event_adapter.validate_python({k: v for k, v in frame.items() if k not in ("seq", "at", "actor_id")})
    else:
        server_frame_adapter.validate_python(frame)


@dataclass
class Someone:
    """One of the cast: an account and a way to act."""

    house: House
    id: str
    name: str

    @property
    def headers(self) -> dict[str, str]:
        tokens = self.house.runtime.tokens
        return {"Authorization": f"Bearer {tokens.issue('api', self.id, 0, timedelta(hours=1))}"}

    async def call(
        self, method: str, path: str, *, extra: dict[str, str] | None = None, **kwargs: Any
    ) -> httpx2.Response:
        return await self.house.http.request(method, path, headers={**self.headers, **(extra or {})}, **kwargs)

    async def start(self, title: str = "Fix the login bug") -> str:
        answer = await self.call("POST", "/api/sessions", json={"title": title})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def invite(self, session_id: str, role: str = "editor", **fields: Any) -> str:
        answer = await self.call("POST", f"/api/sessions/{session_id}/invites", json={"role": role, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["url"].split("#")[1]

    async def accept(self, secret: str) -> httpx2.Response:
        return await self.call("POST", f"/api/invites/{secret}/accept", json={})

    async def ticket(self, session_id: str) -> str:
        answer = await self.call("POST", f"/api/sessions/{session_id}/tickets")
        assert answer.status_code == 200, answer.text
        return answer.json()["ticket"]

    async def open(self, session_id: str, **query: Any) -> Client:
        """Opens the session in a new tab and waits for `connected`."""
        if self.house.transport == "sse":
            client = await self.house.stream(session_id, lambda: self.headers, **query)
        else:
            client = await self.house.connect(session_id, token=await self.ticket(session_id), **query)
        await client.until(lambda frame: frame["type"] == "connected")
        return client


@dataclass
class House:
    runtime: Runtime
    url: str
    http: httpx2.AsyncClient
    clock: MovableClock
    seconds: MovableSeconds
    #: What tabs are opened with, where a story leaves that to the house.
    transport: Transport = "websocket"
    clients: list[Client] = field(default_factory=list[Client])

    async def someone(self, name: str) -> Someone:
        user = await self.runtime.db.write(lambda tx: accounts.add_user(tx, f"{name.lower()}@example.com", name))
        return Someone(self, user.id, name)

    async def connect(self, session_id: str, **query: Any) -> Client:
        """A socket, without a word said on it."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        address = f"{self.url.replace('http', 'ws', 1)}/ws/session/{session_id}?{words}"
        return self._follow(SocketLine(await websockets.connect(address, max_size=None)))

    async def stream(self, session_id: str, headers: Headers, **query: Any) -> Client:
        """The same over an event stream. What is said goes by POST."""
        path = f"/api/sessions/{session_id}"
        request = self.http.build_request("GET", f"{path}/stream", params=query, headers=headers(), timeout=30.0)
        response = await self.http.send(request, stream=True)
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code}: {(await response.aread()).decode()}")
        return self._follow(StreamLine(self.http, response, f"{path}/commands", headers))

    def _follow(self, line: Line) -> Client:
        client = Client(self, line)
        client.start()
        self.clients.append(client)
        return client

    async def log_of(self, session_id: str) -> list[Frame]:
        entries = await self.runtime.db.read(lambda tx: log.read_after(tx, session_id, 0, 100_000))
        return [json.loads(entry.frame) for entry in entries]

    async def check(self) -> None:
        """The log is dense and equals the tables, and every client holds a contiguous, identical piece of it."""
        ids = await self.runtime.db.read(lambda tx: list(tx.sql.exec(select(tables.Session.id))))
        logs = {session_id: await self.log_of(session_id) for session_id in ids}
        for session_id, entries in logs.items():
            assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
            await self.runtime.db.read(lambda tx, s=session_id, e=entries: check_tables(tx, s, e))
        for client in self.clients:
            check_client(client, logs)


def check_tables(tx: Transaction, session_id: str, entries: list[Frame]) -> None:
    """What the log says must be what the tables say."""
    session = tx.sql.get(tables.Session, session_id)
    assert session is not None
    assert session.head == len(entries)
    roles: dict[str, str] = {}
    messages: dict[str, str] = {}
    reactions: set[tuple[str, str, str]] = set()
    for entry in entries:
        match entry["type"]:
            case "participant_added":
                roles[entry["user"]["user_id"]] = entry["role"]
            case "participant_removed":
                del roles[entry["user_id"]]
            case "role_changed":
                roles[entry["user_id"]] = entry["role"]
            case "chat_message":
                messages[entry["message"]["id"]] = entry["message"]["content"]
            case "message_edited":
                messages[entry["message_id"]] = entry["content"]
            case "message_deleted":
                messages[entry["message_id"]] = ""
                reactions = {there for there in reactions if there[0] != entry["message_id"]}
            case "reaction_added":
                reactions.add((entry["message_id"], entry["emoji"], entry["user_id"]))
            case "reaction_removed":
                reactions.remove((entry["message_id"], entry["emoji"], entry["user_id"]))
            case _:
                pass
    seats = tx.sql.exec(select(tables.Participation).where(tables.Participation.session_id == session_id)).all()
    assert roles == {seat.user_id: seat.role for seat in seats if seat.removed_at is None}
    assert session.participant_count == len(roles)
    rows = tx.sql.exec(select(tables.Message).where(tables.Message.session_id == session_id)).all()
    assert messages == {row.id: row.content for row in rows}
    assert session.message_count == len(messages)
    there = tx.sql.exec(select(tables.Reaction).where(tables.Reaction.session_id == session_id)).all()
    assert reactions == {(row.message_id, row.emoji, row.user_id) for row in there}
    assert (session.status == "ended") == any(entry["type"] == "session_ended" for entry in entries)
    check_files(tx, session_id, entries)
    check_comments(tx, session_id, entries)


def check_client(client: Client, logs: dict[str, list[Frame]]) -> None:
    connected = next((frame for frame in client.frames if frame["type"] == "connected"), None)
    if connected is None or not client.entries:
        return
    first = client.entries[0]["seq"]
    log = logs[connected["session"]["id"]]
    assert as_the_log_holds(client.entries, log) == log[first - 1 : first - 1 + len(client.entries)], (
        "a client was shown something else than the log holds"
    )


def as_the_log_holds(entries: list[Frame], log: list[Frame]) -> list[Frame]:
    """What a client was shown, without the texts and names that were taken back since."""
    deleted = [
        event_adapter.validate_python({k: v for k, v in entry.items() if k not in ("seq", "at", "actor_id")})
        for entry in log
        if entry["type"] in ("message_deleted", "comment_deleted", "person_erased")
    ]
    shown: list[Frame] = []
    for entry in entries:
        frame = json.dumps(entry).encode()
        for event in deleted:
            if isinstance(event, Redaction):
                frame = blanked(frame, event) or frame
        shown.append(json.loads(frame))
    return shown


@asynccontextmanager
async def open_house(
    database_url: str,
    data_dir: Path,
    *,
    signals: Signals | None = None,
    door: DoorSettings | None = None,
    **overrides: Any,
) -> AsyncGenerator[House]:
    """Starts the product on a free port and stops it afterwards. `signals` go to the other houses, if there are any."""
    await asyncio.to_thread(bring_up, database_url)
    listening = listening_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    values = {
        "_env_file": None,
        "COSESSION_DATA_DIR": data_dir,
        "PORT": port,
        "COSESSION_BASE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database_url,
        **overrides,
    }
    clock, seconds = MovableClock(), MovableSeconds()
    runtime = compose(configuration.load(**values), clock, seconds, signals)
    started, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(
        serve(
            runtime.app,
            sockets=[listening],
            settings=door or DoorSettings(body_bytes_for=body_bytes_for),
            on_started=started.set,
            should_stop=stop,
            handle_signals=False,
        )
    )
    async with asyncio.timeout(20):
        await started.wait()
    url = f"http://127.0.0.1:{port}"
    # Certificates are not asked for on loopback, and loading them takes as long as a small story.
    async with httpx2.AsyncClient(base_url=url, timeout=10.0, verify=False) as http:
        house = House(runtime, url, http, clock, seconds)
        try:
            yield house
        finally:
            for client in house.clients:
                await client.close()
            stop.set()
            await running
