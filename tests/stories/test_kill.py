"""The power goes out, again and again, in mid-conversation: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets

from api.door.listen import listening_socket
from api.door.serve import serve
from api.door.settings import DoorSettings
from bot.identity import link_person
from bot.sandbox import SandboxEngine, sandbox_app
from core import accounts
from core.clock import system_clock
from core.db import Transaction
from cosession import operator
from cosession.settings import load
from tests.support.server import ServerProcess

#: Times that the server is killed. Each takes about two seconds.
ROUNDS = 50


@dataclass
class Talker:
    """Somebody who says numbered things, one after the other, and says them again after every crash."""

    name: str
    server: ServerProcess
    session_id: str
    token: str
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    shown: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    cursor: int = 0
    epoch: str = ""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _pending: str | None = None

    async def talk(self) -> None:
        while True:
            try:
                await self._one_connection()
            except (OSError, websockets.WebSocketException, httpx2.HTTPError):
                await asyncio.sleep(random.uniform(0.02, 0.1))

    async def _one_connection(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        path = f"{self.server.url}/api/sessions/{self.session_id}/tickets"
        async with httpx2.AsyncClient(timeout=3.0) as http:
            answer = await http.post(path, headers=headers)
            answer.raise_for_status()
        query = f"token={answer.json()['ticket']}&epoch={self.epoch}&since={self.cursor}"
        address = f"ws://localhost:{self.server.port}/ws/session/{self.session_id}?{query}"
        async with websockets.connect(address, open_timeout=3.0) as socket:
            async for text in socket:
                frame: dict[str, Any] = json.loads(text)
                self._take(frame)
                if frame["type"] in ("connected", "ack", "error"):
                    await asyncio.sleep(random.uniform(0.01, 0.3))
                    await self._say(socket)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "connected":
                assert frame["is_resumed"], "a killed server forgot what it had shown"
                self.epoch = frame["epoch"]
            case "ack":
                known = self.acknowledged.setdefault(frame["client_msg_id"], frame["seq"])
                assert known == frame["seq"], "one message got two numbers"
                self._pending = None
            case _ if "at" in frame:
                assert frame["seq"] == self.cursor + 1, "an entry was skipped or shown twice"
                self.cursor = frame["seq"]
                if frame["type"] == "chat_message":
                    self.shown.append((frame["seq"], frame["message"]["content"]))
            case _:
                pass

    async def _say(self, socket: websockets.ClientConnection) -> None:
        if self._pending is None:
            self._pending = f"{self.name}-{next(self._numbers)}"
        frame = {"type": "chat_message", "client_msg_id": self._pending, "content": self._pending}
        await socket.send(json.dumps(frame))


def command(server: ServerProcess, *words: str) -> str:
    """Runs `cosession …` against the server's data folder."""
    program = str(Path(sys.executable).with_name("cosession"))
    environment = {"COSESSION_DATA_DIR": str(server.data_dir), "PORT": str(server.port), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


async def entries_of(server: ServerProcess, reader: Talker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {reader.token}"}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers) as http:
        after: int | None = 0
        while after is not None:
            path = f"/api/sessions/{reader.session_id}/events"
            page = (await http.get(path, params={"after": after, "limit": 1_000})).json()
            found += page["items"]
            after = page["next"]
    return found


@asynccontextmanager
async def slack_workspace() -> AsyncGenerator[SandboxEngine]:
    """A workspace outside of the server that is killed. Retries that Slack would make after minutes come in seconds."""
    listening = listening_socket("127.0.0.1", 0)
    engine = SandboxEngine(
        signing_secret="not so secret",
        bot_token="xoxb-not-so-secret",
        clock=system_clock,
        base_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
        sleep=lambda seconds: asyncio.sleep(min(seconds, 3.0)),
    )
    stop = asyncio.Event()
    door = serve(
        sandbox_app(engine), sockets=[listening], settings=DoorSettings(), should_stop=stop, handle_signals=False
    )
    serving = asyncio.create_task(door)
    try:
        yield engine
    finally:
        await engine.aclose()
        stop.set()
        await serving


def connected_to(engine: SandboxEngine) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": "xoxb-not-so-secret",
        "SLACK_SIGNING_SECRET": "not so secret",
        "SLACK_API_URL": f"{engine.base_url}/api/",
    }


def link_everybody(data_dir: Path, engine: SandboxEngine) -> None:
    """What signing in with Slack does: the workspace's people have accounts here."""

    def link(tx: Transaction) -> None:
        for person in engine.people:
            if not person.is_bot and not person.is_restricted:
                user = accounts.add_user(tx, person.email, person.real_name)
                link_person(tx, realm=engine.team_id, team_name="Acme", slack_id=person.id, user_id=user.id)

    operator.on_database(load(_env_file=None, COSESSION_DATA_DIR=data_dir), link)


async def reply_in_the_thread(engine: SandboxEngine, root: str, said: list[str]) -> None:
    for number in itertools.count():
        text = f"slack-{number}"
        said.append(text)
        await engine.say("bob", "#payments", text, thread_ts=root)
        await asyncio.sleep(random.uniform(0.2, 1.0))


def in_the_thread(engine: SandboxEngine, root: str) -> Counter[str]:
    return Counter(str(message["text"]) for message in engine.messages("#payments", root))


async def settle(condition: Callable[[], bool], seconds: float) -> None:
    """Waits until `condition` holds; what it looks at is fed by another process."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event for what another process does
            await asyncio.sleep(0.2)


@pytest.mark.timeout(900)
async def test_killed_fifty_times_in_mid_sentence_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Alice and Carol talk in the browser, Bob in the Slack thread, while the server is killed over and over."""
    chance = random.Random(4711)
    said: list[str] = []
    async with slack_workspace() as engine:
        await asyncio.to_thread(link_everybody, tmp_path / "data", engine)
        server = await asyncio.to_thread(ServerProcess, tmp_path / "data", connected_to(engine))
        engine.request_url = f"{server.url}/slack/events"
        try:
            await engine.slash("alice", "#payments", "/cosession", "start Crash")
            await settle(lambda: len(engine.messages("#payments")) == 1, 20)
            root = str(engine.messages("#payments")[0]["ts"])
            talkers = await join(server, ["alice", "carol"])
            tasks = [asyncio.create_task(talker.talk()) for talker in talkers]
            tasks.append(asyncio.create_task(reply_in_the_thread(engine, root, said)))
            for _ in range(ROUNDS):
                await asyncio.sleep(chance.uniform(0.1, 0.7))
                server.kill9()
                await asyncio.to_thread(server.restart)
                for task in tasks:
                    assert not task.done(), task.exception()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.settled()
            entries = await entries_of(server, talkers[0])
            told = [text for talker in talkers for text in talker.acknowledged]
            await settle(lambda: set(told) <= set(in_the_thread(engine, root)), 180)
            entries = await entries_of(server, talkers[0])
        finally:
            server.terminate()
        check_log(talkers, entries)
        check_thread(engine, root, told, said, entries)


async def join(server: ServerProcess, names: list[str]) -> list[Talker]:
    """The session's talkers; they are members of its team."""
    talkers: list[Talker] = []
    for name in names:
        token = await asyncio.to_thread(command, server, "token", f"{name}@acme.example")
        async with httpx2.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as http:
            session_id = (await http.get("/api/sessions")).json()["items"][0]["id"]
        talkers.append(Talker(name, server, session_id, token))
    return talkers


def check_log(talkers: list[Talker], entries: list[dict[str, Any]]) -> None:
    """What was acknowledged is in the log once, under the number that was given; what was shown is in the log."""
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    messages = {entry["seq"]: entry["message"]["content"] for entry in entries if entry["type"] == "chat_message"}
    assert max(Counter(messages.values()).values()) == 1, "a message is in the log twice"
    acknowledged = sum(len(talker.acknowledged) for talker in talkers)
    assert acknowledged >= ROUNDS, "there was hardly any traffic to lose"
    for talker in talkers:
        for text, seq in talker.acknowledged.items():
            assert messages.get(seq) == text, f"{text} was acknowledged as {seq} and is not there"
        for seq, text in talker.shown:
            assert messages.get(seq) == text, f"{text} was shown as {seq} and is not there"


def check_thread(
    engine: SandboxEngine, root: str, told: list[str], said: list[str], entries: list[dict[str, Any]]
) -> None:
    """The thread has every message of the browsers once, and the log every reply that Slack was told is taken."""
    thread = in_the_thread(engine, root)
    assert [text for text in told if thread[text] != 1] == []
    assert len(engine.messages("#payments")) == 1, "something was posted beside the thread"
    logged = Counter(entry["message"]["content"] for entry in entries if entry["type"] == "chat_message")
    assert [text for text in said if logged[text] > 1 or thread[text] > 1] == []
    taken = {attempt.event_id for attempt in engine.attempts if attempt.status == 200}
    refused = {attempt.event_id for attempt in engine.attempts} - taken
    missing = [text for text in said if logged[text] == 0]
    assert len(missing) <= len(refused), f"{missing} were acknowledged to Slack and are not in the log"
    assert engine.violations == []
