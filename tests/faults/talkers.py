"""People who say numbered things in one session, again and again until each is acknowledged, through any crash.

What they hear is checked as it comes: entries in order, none twice, none left out, one number for each wish.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
import websockets

from tests.faults.machines import Machine


@dataclass
class Talker:
    """One of them, on whichever process of the machine takes the call."""

    name: str
    machine: Machine
    session_id: str
    token: str
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    shown: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    cursor: int = 0
    epoch: str = ""
    is_done: bool = False
    #: One of so many things that are said goes to Slack, too, which takes one each second.
    mirrored: int = 8
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _pending: dict[str, Any] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    #: What it did or heard last, and when, for whoever reads a failure.
    _last: tuple[str, float] = ("", 0.0)

    def __str__(self) -> str:
        did, at = self._last
        unanswered = (self._pending or {}).get("client_msg_id")
        return f"{self.name}: {self.cursor}, waits for {unanswered}, {did} {time.monotonic() - at:.1f} s ago"

    def _note(self, did: str) -> None:
        self._last = (did, time.monotonic())

    async def talk(self) -> None:
        """For ever. Raises AssertionError when something is wrong with what is heard."""
        while True:
            try:
                await self._one_connection()
            except (OSError, websockets.WebSocketException, httpx2.HTTPError) as error:
                self._note(f"{type(error).__name__}: {error}")
                await asyncio.sleep(random.uniform(0.02, 0.1))

    async def until(self, seq: int) -> None:
        """Until every entry up to `seq` was heard."""
        while self.cursor < seq:
            self._news.clear()
            await self._news.wait()

    async def _one_connection(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        server = self.machine.any_server()
        async with httpx2.AsyncClient(timeout=3.0) as http:
            answer = await http.post(f"{server.url}/api/sessions/{self.session_id}/tickets", headers=headers)
            answer.raise_for_status()
        query = f"token={answer.json()['ticket']}&epoch={self.epoch}&since={self.cursor}"
        self._note(f"calls {server.port}")
        address = f"ws://localhost:{server.port}/ws/session/{self.session_id}?{query}"
        async with websockets.connect(address, open_timeout=3.0) as socket:
            async for text in socket:
                frame: dict[str, Any] = json.loads(text)
                self._note(f"heard {frame['type']} from {server.port}")
                self._take(frame)
                if frame["type"] in ("connected", "ack", "error"):
                    # A refusal for saying too much ends with the wait that it asks for.
                    await asyncio.sleep((frame.get("retry_after_ms") or 0) / 1_000 + random.uniform(0.01, 0.3))
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
            case "error":
                assert frame["retryable"], frame
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
            if self.is_done:
                return
            number = next(self._numbers)
            said = f"{self.name}-{number}"
            is_private = number % self.mirrored != 0
            self._pending = {"client_msg_id": said, "content": said, "session_only": is_private}
        await socket.send(json.dumps({"type": "chat_message", **self._pending}))

    @property
    def for_slack(self) -> list[str]:
        """What was acknowledged, of what goes to Slack."""
        return [said for said in self.acknowledged if int(said.rsplit("-", 1)[1]) % self.mirrored == 0]


async def entries_of(machine: Machine, reader: Talker) -> list[dict[str, Any]]:
    """The whole log, over HTTP."""
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {reader.token}"}
    async with httpx2.AsyncClient(base_url=machine.any_server().url, headers=headers, timeout=20.0) as http:
        after: int | None = 0
        while after is not None:
            path = f"/api/sessions/{reader.session_id}/events"
            answer = await http.get(path, params={"after": after, "limit": 1_000})
            answer.raise_for_status()
            found += answer.json()["items"]
            after = answer.json()["next"]
    return found


def check_log(talkers: list[Talker], entries: list[dict[str, Any]], least: int) -> None:
    """What was acknowledged is in the log once, under the number that was given; what was shown is in the log."""
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    messages = {entry["seq"]: entry["message"]["content"] for entry in entries if entry["type"] == "chat_message"}
    assert max(Counter(messages.values()).values()) == 1, "a message is in the log twice"
    acknowledged = sum(len(talker.acknowledged) for talker in talkers)
    assert acknowledged >= least, "there was hardly any traffic to lose"
    for talker in talkers:
        for text, seq in talker.acknowledged.items():
            assert messages.get(seq) == text, f"{text} was acknowledged as {seq} and is not there"
        for seq, text in talker.shown:
            assert messages.get(seq) == text, f"{text} was shown as {seq} and is not there"
