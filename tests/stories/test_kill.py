"""The power goes out, again and again, in mid-conversation: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets

from tests.support.server import ServerProcess

#: Times that the server is killed. Each takes about two seconds.
ROUNDS = 50


@dataclass
class Talker:
    """Somebody who says numbered things as fast as they are acknowledged, and says them again after every crash."""

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
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, seq: int) -> None:
        """Returns once entry `seq` was shown."""
        while self.cursor < seq:
            self._news.clear()
            await self._news.wait()

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
                    await asyncio.sleep((frame.get("retry_after_ms") or 0) / 1_000)
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
                self._news.set()
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


async def entries_of(server: ServerProcess, session_id: str, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with httpx2.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        after: int | None = 0
        while after is not None:
            answer = await http.get(f"/api/sessions/{session_id}/events", params={"after": after, "limit": 1_000})
            page = answer.json()
            found += page["items"]
            after = page["next"]
    return found


async def start_session(server: ServerProcess, names: list[str]) -> tuple[str, dict[str, str]]:
    """A session with everybody in it; their tokens."""
    tokens: dict[str, str] = {}
    for name in names:
        await asyncio.to_thread(command, server, "user", "add", f"{name}@example.com", "--name", name)
        tokens[name] = await asyncio.to_thread(command, server, "token", f"{name}@example.com")
    host, *guests = names
    async with httpx2.AsyncClient(base_url=server.url) as http:
        alice = {"Authorization": f"Bearer {tokens[host]}"}
        session_id = (await http.post("/api/sessions", json={"title": "Crash"}, headers=alice)).json()["id"]
        body = {"role": "editor", "max_uses": 10}
        invite = (await http.post(f"/api/sessions/{session_id}/invites", json=body, headers=alice)).json()
        secret = invite["url"].split("#")[1]
        for name in guests:
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            (await http.post(f"/api/invites/{secret}/accept", json={}, headers=headers)).raise_for_status()
    return session_id, tokens


@pytest.mark.timeout(600)
async def test_killed_fifty_times_in_mid_sentence_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    chance = random.Random(4711)
    server = await asyncio.to_thread(ServerProcess, tmp_path / "data")
    try:
        session_id, tokens = await start_session(server, ["alice", "bob", "carol"])
        talkers = [Talker(name, server, session_id, token) for name, token in tokens.items()]
        tasks = [asyncio.create_task(talker.talk()) for talker in talkers]
        for _ in range(ROUNDS):
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            server.kill9()
            await asyncio.to_thread(server.restart)
            for task in tasks:
                assert not task.done(), task.exception()
        entries = await entries_of(server, session_id, tokens["alice"])
        async with asyncio.timeout(20):
            await asyncio.gather(*(talker.until(len(entries)) for talker in talkers))
        for task in tasks:
            task.cancel()
        entries = await entries_of(server, session_id, tokens["alice"])
    finally:
        server.terminate()
    check(talkers, entries)


def check(talkers: list[Talker], entries: list[dict[str, Any]]) -> None:
    """What was acknowledged is in the log once, under the number that was given; what was shown is in the log."""
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    messages = {entry["seq"]: entry["message"]["content"] for entry in entries if entry["type"] == "chat_message"}
    assert max(Counter(messages.values()).values()) == 1, "a message is in the log twice"
    acknowledged = sum(len(talker.acknowledged) for talker in talkers)
    assert acknowledged > ROUNDS, "there was hardly any traffic to lose"
    for talker in talkers:
        for text, seq in talker.acknowledged.items():
            assert messages.get(seq) == text, f"{text} was acknowledged as {seq} and is not there"
        for seq, text in talker.shown:
            assert messages.get(seq) == text, f"{text} was shown as {seq} and is not there"
