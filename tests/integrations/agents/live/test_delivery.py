"""From the spool to a server: in order, each once, through every answer that a network can give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.events import AgentMessage
from integrations.agents.live.delivery import Delivery, NewSession, NoServer, Reached, ShareEnded
from integrations.agents.live.spool import KnownFile, Spool
from integrations.agents.transcript import Item

#: Status, headers, body; None cuts the connection.
Answer = tuple[int, dict[str, str], bytes] | None


def problem(status: int, code: str, detail: str = "no", **headers: str) -> Answer:
    return status, headers, json.dumps({"error_code": code, "detail": detail}).encode()


@dataclass
class Server:
    """Takes what a share sends, as the product does. Answers in `answers` are given first; `refuses` names texts that
    make it refuse a whole request."""

    answers: list[Answer] = field(default_factory=list[Answer])
    refuses: bytes = b"never"
    unknown: bytes = b"never"
    last_file: dict[str, Any] = field(default_factory=dict[str, Any])
    url: str = ""
    stored: dict[str, int] = field(default_factory=dict[str, int])
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    order: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])
    tokens: list[str] = field(default_factory=list[str])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append(lines[0])
                self.tokens.append(headers["authorization"])
                answer = self.answers.pop(0) if self.answers else self.take(lines[0], body)
                if answer is None:
                    break
                status, more, content = answer
                fields = {"Content-Length": str(len(content)), **more}
                text = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
                writer.write(text.encode() + b"\r\n" + content)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # The client has gone.
        finally:
            writer.close()

    def take(self, request: str, body: bytes) -> Answer:
        if request.startswith("POST /api/sessions "):
            return 201, {}, b'{"id":"ses_1"}'
        if self.unknown in body:
            return problem(404, "file_not_found")
        if self.refuses in body:
            return problem(422, "invalid", "items.0: no such type")
        if request.startswith("PUT /api/sessions/ses_1/blobs/"):
            version = request.split()[1].rsplit("/", 1)[-1]
            self.blobs[version] = body
            self.order.append(f"blob-{version}")
            return 204, {}, b""
        items = json.loads(body)["items"]
        self.last_file = items[-1] if "/files " in request else self.last_file
        keys = [item["key"] for item in items]
        for key in keys:
            if key not in self.stored:
                self.stored[key] = len(self.stored) + 1
                self.order.append(key)
        return 200, {}, orjson.dumps({"items": [{"key": key, "seq": self.stored[key]} for key in keys]})


@asynccontextmanager
async def running(*answers: Answer, **fields: Any) -> AsyncGenerator[Server]:
    server = Server(list(answers), **fields)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server


class ADoor:
    """Leads to `url`, where there is one; each renewal brings another token."""

    def __init__(self, url: str, renewals: int = 1) -> None:
        self.url, self.renewals, self.token = url, renewals, 1

    async def reach(self, *, renew: bool = False) -> Reached:
        if not self.url:
            raise NoServer("nobody there")
        if renew:
            if self.token > self.renewals:
                raise ShareEnded("no other token")
            self.token += 1
        return Reached(self.url, f"token-{self.token}")


class Naps:
    """A sleep that takes no time; `during` is called in each."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.seconds: list[float] = []
        self._during = during

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._during()
        await asyncio.sleep(0)


def item(key: str, words: str = "Hello") -> Item:
    return Item(key, AgentMessage(turn_id="t", text=words))


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    """Three records, a file, and a record after it."""
    with Spool(tmp_path / "s.db") as opened:
        opened.add_events([item("a"), item("b", "Poison?"), item("c")])
        opened.add_file("x", "x-1", b'{"key":"x-1","change":"added","version":"v1"}', KnownFile("v1"), b"the bytes")
        opened.add_events([item("d")])
        yield opened


IN_ORDER = ["a", "b", "c", "blob-v1", "x-1", "d"]


async def deliver(spool: Spool, door: ADoor, naps: Naps | None = None) -> Delivery:
    """Delivers until nothing waits. Raises what ends it."""
    idle = asyncio.Event()
    delivery: Delivery
    delivery = Delivery(
        spool,
        door,
        session=lambda: NewSession("Fix it", "key-of-the-share"),
        changed=lambda: idle.set() if delivery.is_idle else None,
        sleep=naps or Naps(),
    )
    running = asyncio.create_task(delivery.run())
    waiting = asyncio.create_task(idle.wait())
    async with asyncio.timeout(20):
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not running.done():
        running.cancel()
    with suppress(asyncio.CancelledError):  # It would have gone on for ever.
        await running
    return delivery


async def test_everything_arrives_in_order_in_a_session_that_is_started_once(spool: Spool) -> None:
    async with running() as server:
        delivery = await deliver(spool, ADoor(server.url))
        assert server.order == IN_ORDER
        assert server.blobs == {"v1": b"the bytes"}
        assert (delivery.session_id, spool.note("session"), spool.count()) == ("ses_1", "ses_1", 0)
        spool.add_events([item("e")])
        await deliver(spool, ADoor(server.url))
        assert server.order == [*IN_ORDER, "e"]
    assert [request.split()[:2] for request in server.requests] == [
        ["POST", "/api/sessions"],
        ["POST", "/api/sessions/ses_1/agent-events"],
        ["PUT", "/api/sessions/ses_1/blobs/v1"],
        ["POST", "/api/sessions/ses_1/files"],
        ["POST", "/api/sessions/ses_1/agent-events"],
        ["POST", "/api/sessions/ses_1/agent-events"],
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        (200, {}, b"<html>Welcome to the hotel</html>"),
        (200, {}, b'{"items":[]}'),
        (202, {}, b"{}"),
        (302, {"Location": "http://login/"}, b""),
        (403, {}, b"<html>blocked</html>"),
        (404, {}, b"nginx"),
        problem(408, "slow"),
        problem(500, "internal"),
        problem(502, "bad"),
        problem(503, "storage_unavailable"),
    ],
)
@pytest.mark.parametrize("at", range(5))
async def test_an_answer_that_is_none_of_the_server_is_waited_out(spool: Spool, answer: Answer, at: int) -> None:
    good: list[Answer] = [
        (201, {}, b'{"id":"ses_1"}'),
        (200, {}, b'{"items":[{"key":"a","seq":1},{"key":"b","seq":2},{"key":"c","seq":3}]}'),
        (201, {}, b""),
        (200, {}, b'{"items":[{"key":"x-1","seq":4}]}'),
    ]
    naps = Naps()
    async with running(*good[:at], answer) as server:
        await deliver(spool, ADoor(server.url), naps)
    assert spool.count() == 0
    assert [key for key in server.order if key != "blob-v1"] == [key for key in IN_ORDER if key in server.stored]
    assert len(naps.seconds) == 1
    assert spool.count("refused") == 0


async def test_waits_grow_are_random_and_respect_what_the_server_asks_for(spool: Spool) -> None:
    naps = Naps()
    busy = [problem(429, "too_many", **{"Retry-After": "7"}), problem(503, "x", **{"Retry-After": "soon"})]
    async with running(*busy, *[problem(500, "x")] * 40) as server:
        await deliver(spool, ADoor(server.url), naps)
    assert naps.seconds[0] >= 7
    assert all(wait <= 20 for wait in naps.seconds[1:])
    assert len(set(naps.seconds[2:])) > 30
    assert max(naps.seconds[8:]) > 5
    assert spool.count() == 0


async def test_a_server_that_comes_back_elsewhere_is_found_and_what_waits_is_told(spool: Spool) -> None:
    async with running() as first:
        await deliver(spool, ADoor(first.url))
    spool.add_events([item("e"), item("f")])
    async with running() as second:
        door = ADoor("")
        told: list[int] = []

        def nap() -> None:
            told.append(spool.count())
            door.url = second.url if len(told) == 3 else first.url

        await deliver(spool, door, Naps(nap))
    assert second.order == ["e", "f"]
    assert told == [2, 2, 2]


async def test_a_record_that_the_server_does_not_know_steps_aside_and_the_rest_arrives(spool: Spool) -> None:
    async with running(refuses=b"Poison?") as server:
        delivery = await deliver(spool, ADoor(server.url))
    assert server.order == ["a", "c", "blob-v1", "x-1", "d"]
    assert (spool.count(), spool.count("refused")) == (0, 1)
    assert delivery.refusal == "items.0: no such type"


async def test_a_file_whose_content_is_refused_is_told_without_it(spool: Spool) -> None:
    async with running(refuses=b"the bytes") as server:
        server.unknown = b'"v1"'
        await deliver(spool, ADoor(server.url))
    assert server.order == ["a", "b", "c", "x-1", "d"]
    assert server.last_file["version"] is None
    assert server.last_file["reason"] == "The server does not take its content."


async def test_an_older_server_without_files_gets_the_records(spool: Spool) -> None:
    async with running() as server:
        server.unknown = b'"change"'
        await deliver(spool, ADoor(server.url))
    assert server.order == ["a", "b", "c", "blob-v1", "d"]
    assert spool.count("refused") == 1


async def test_a_token_that_has_expired_is_renewed_once(spool: Spool) -> None:
    async with running(problem(401, "not_signed_in")) as server:
        await deliver(spool, ADoor(server.url))
        assert server.order == IN_ORDER
        assert server.tokens[0] == "Bearer token-1"
        assert set(server.tokens[1:]) == {"Bearer token-2"}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "not_allowed", "only a host shares"),
        (404, "session_not_found", "removed from it"),
        (409, "session_has_ended", "session has ended"),
        (401, "not_signed_in", "does not know you"),
    ],
)
async def test_what_is_final_ends_the_sharing_in_words_and_nothing_is_forgotten(
    spool: Spool, status: int, code: str, words: str
) -> None:
    async with running((201, {}, b'{"id":"ses_1"}'), *[problem(status, code)] * 2) as server:
        with pytest.raises(ShareEnded, match=words) as ended:
            await deliver(spool, ADoor(server.url))
    assert ended.value.is_over == (code == "session_has_ended")
    assert spool.count() == 5


async def test_what_comes_while_nothing_waits_is_sent_at_a_poke(spool: Spool) -> None:
    async with running() as server:
        idle = asyncio.Event()
        delivery = Delivery(spool, ADoor(server.url), session=lambda: NewSession("x", "y" * 8), changed=idle.set)
        task = asyncio.create_task(delivery.run())
        async with asyncio.timeout(20):
            for number in range(5):
                while not delivery.is_idle:
                    idle.clear()
                    await idle.wait()
                spool.add_events([item(f"later-{number}")])
                delivery.poke()
            while not delivery.is_idle:
                idle.clear()
                await idle.wait()
        task.cancel()
        await asyncio.wait({task})
    assert server.order[-5:] == [f"later-{number}" for number in range(5)]
