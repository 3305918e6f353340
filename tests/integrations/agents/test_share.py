"""Sending: each record once and in order, whatever the network does, against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.events import AgentMessage
from integrations.agents.redact import Redactor
from integrations.agents.share import BATCH_BYTES, BATCH_ITEMS, ShareClient, ShareInterrupted, ShareRefused, play
from integrations.agents.transcript import Item
from tests.integrations.agents.records import AT, claude, prompt, read, said, text

Answer = tuple[int, dict[str, str], Any] | None


class Server:
    """Takes agent events as the product does; `answers` are given first, None cuts the connection instead."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.stored: dict[str, int] = {}
        self.requests: list[str] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1]))
                self.requests.append(head.decode())
                answer = self.answers.pop(0) if self.answers else self.store(body)
                if answer is None:
                    break
                status, headers, content = answer
                raw = json.dumps(content).encode()
                lines = [
                    f"HTTP/1.1 {status} X",
                    f"Content-Length: {len(raw)}",
                    *(f"{k}: {v}" for k, v in headers.items()),
                ]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # The client has gone.
        finally:
            writer.close()

    def store(self, body: bytes) -> Answer:
        self.bodies.append(body)
        items = json.loads(body)["items"]
        for item in items:
            self.stored.setdefault(item["key"], len(self.stored) + 1)
        return 200, {}, {"items": [{"key": item["key"], "seq": self.stored[item["key"]]} for item in items]}


@asynccontextmanager
async def running(*answers: Answer) -> AsyncGenerator[Server]:
    server = Server(*answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server


class Naps:
    """A sleep that takes no time and remembers how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def items(count: int, words: str = "Hello") -> list[Item]:
    return [
        Item(f"key-{number}", AgentMessage(turn_id="t", text=f"{number} {words}", occurred_at=AT))
        for number in range(count)
    ]


async def test_items_are_stored_in_order_in_batches_that_a_server_takes() -> None:
    async with running() as server:
        numbers = await ShareClient(server.url, "token-1", session_id="ses_1").send(items(250))
    assert numbers == {f"key-{number}": number + 1 for number in range(250)}
    assert [len(json.loads(body)["items"]) for body in server.bodies] == [100, 100, 50]
    assert server.requests[0].startswith("POST /api/sessions/ses_1/agent-events HTTP/1.1")
    assert "bearer token-1" in server.requests[0].lower()
    assert "token-1" not in server.requests[0].split("\r\n")[0]


async def test_a_batch_is_bounded_in_bytes() -> None:
    async with running() as server:
        await ShareClient(server.url, "t", session_id="s").send(items(40, "ü" * 10_000))
    assert len(server.bodies) > 1
    assert all(len(body) <= BATCH_BYTES + 100 for body in server.bodies)


async def test_trouble_on_the_way_delays_and_loses_nothing() -> None:
    naps = Naps()
    busy: Answer = (429, {"Retry-After": "7"}, {"detail": "slow down"})
    later: Answer = (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"detail": "starting"})
    async with running(None, busy, later, (500, {}, "?")) as server:
        numbers = await ShareClient(server.url, "t", session_id="s", sleep=naps).send(items(3))
    assert list(numbers.values()) == [1, 2, 3]
    assert len(naps.seconds) == 4
    assert naps.seconds[1] >= 7
    assert all(wait <= 20 for wait in naps.seconds)


async def test_an_answer_that_is_lost_stores_nothing_twice() -> None:
    class Forgetful(Server):
        def store(self, body: bytes) -> Answer:
            answer = super().store(body)
            return None if len(self.bodies) == 1 else answer

    server = Forgetful()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        numbers = await ShareClient(url, "t", session_id="s", sleep=Naps()).send(items(2))
    assert len(server.bodies) == 2
    assert numbers == server.stored == {"key-0": 1, "key-1": 2}


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422])
async def test_a_refusal_is_told_in_the_servers_words_and_not_tried_again(status: int) -> None:
    naps = Naps()
    async with running((status, {}, {"detail": "This session has ended."})) as server:
        with pytest.raises(ShareRefused, match="This session has ended"):
            await ShareClient(server.url, "t", session_id="s", sleep=naps).send(items(1))
    assert len(server.requests) == 1
    assert naps.seconds == []


async def test_a_server_that_never_comes_back_is_given_up() -> None:
    naps = Naps()
    async with running() as server:
        url = server.url
    with pytest.raises(ShareInterrupted):
        await ShareClient(url, "t", session_id="s", sleep=naps, give_up_after=60).send(items(1))
    assert 0 < sum(naps.seconds) <= 60


# ── Playing a transcript ──────────────────────────────────────────────────────────────────────────────────────────────

RECORD: list[bytes] = [
    prompt("Go", timestamp="2026-03-01T10:00:00.000Z"),
    said("a1", text("One"), timestamp="2026-03-01T10:00:02.000Z"),
    claude("attachment", uuid="x", timestamp="2026-03-01T10:00:03.000Z"),
    said("a2", text("Two"), timestamp="2026-03-01T10:05:00.000Z"),
    said("a3", text("Three"), timestamp="2026-03-01T10:04:00.000Z", stop_reason="end_turn"),
]


async def played(tmp_path: Path, speed: float, progress: Callable[[Item], None], naps: Naps) -> Server:
    path = tmp_path / "transcript.jsonl"
    path.write_bytes(b"".join(RECORD))
    async with running() as server:
        client = ShareClient(server.url, "t", session_id="s")
        await play(path, client, speed=speed, redactor=Redactor(), progress=progress, sleep=naps)
    return server


async def test_a_replay_keeps_the_pauses_divided_and_no_long_one(tmp_path: Path) -> None:
    naps, seen = Naps(), list[Item]()
    server = await played(tmp_path, 4.0, seen.append, naps)
    assert naps.seconds == [0.5, 0.75]
    assert seen == read(RECORD)
    assert list(server.stored) == [found.key for found in seen]
    assert [len(json.loads(body)["items"]) for body in server.bodies] == [2, 2, len(seen) - 4]
    assert server.connections == 1


async def test_at_speed_zero_nothing_waits_and_few_requests_are_made(tmp_path: Path) -> None:
    naps, seen = Naps(), list[Item]()
    server = await played(tmp_path, 0.0, seen.append, naps)
    assert naps.seconds == []
    assert seen == read(RECORD)
    assert len(server.bodies) == 1
    assert len(seen) < BATCH_ITEMS


async def test_played_again_nothing_is_doubled(tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    path.write_bytes(b"".join(RECORD))
    async with running() as server:
        client = ShareClient(server.url, "t", session_id="s")
        for _ in range(2):
            await play(path, client, speed=0, redactor=Redactor(), progress=lambda item: None)
    assert len(server.stored) == len(read(RECORD))
