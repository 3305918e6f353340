"""Too many at once: readers that do not read, talkers that do not stop, all who come back together, and strangers."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import websockets

from core import chat
from core.accounts import actor_for
from core.tables import User
from tests.stories.house import Client, House, Someone

SLOW, PER_PERSON = 100, 20
RETURNING, ENTRIES = 300, 300
STRANGERS = 600
OFFERING, TABS, OFFERED = 4, 5, 190


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Sockets are the matter here, not what is behind them."""
    return sqlite_url


async def people_of(house: House, count: int) -> tuple[str, list[Someone]]:
    """A session with so many editors; the first hosts it."""
    people = [await house.someone(f"Person{number}") for number in range(count)]
    session_id = await people[0].start()
    secret = await people[0].invite(session_id, max_uses=count)
    for person in people[1:]:
        assert (await person.accept(secret)).is_success
    return session_id, people


async def post_all(house: House, someone: Someone, session_id: str, texts: list[str]) -> None:
    """Says a lot, past the limit on what one person may say."""
    user = await house.runtime.db.read(lambda tx: tx.sql.get(User, someone.id))
    assert user is not None
    actor = actor_for(user, "web")
    posts = [
        house.runtime.db.write(lambda tx, t=text: chat.post_message(tx, actor, session_id, chat.Draft(t)))
        for text in texts
    ]
    await asyncio.gather(*posts)


def narrow_socket(port: int) -> socket.socket:
    """Takes little before it is read: what waits, waits in the server."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


async def test_a_hundred_readers_that_do_not_read_are_sent_away_and_the_others_get_everything(house: House) -> None:
    session_id, people = await people_of(house, 1 + SLOW // PER_PERSON)
    alice = await people[0].open(session_id)
    port = int(house.url.rsplit(":", 1)[1])
    async with AsyncExitStack() as stack:
        for person, _ in itertools.product(people[1:], range(PER_PERSON)):
            address = f"ws://127.0.0.1:{port}/ws/session/{session_id}?token={await person.ticket(session_id)}"
            socket = await websockets.connect(address, sock=narrow_socket(port), max_queue=1, close_timeout=0.1)
            stack.callback(socket.transport.abort)
            await socket.recv()
        hub = house.runtime.hub
        assert len(hub.connections()) == SLOW + 1
        # 2.4 MB for each: more than is kept for anybody.
        await post_all(house, people[0], session_id, [f"{number} " + "x" * 11_900 for number in range(200)])
        async with asyncio.timeout(20):
            await alice.until_seq(len(await house.log_of(session_id)))
            while len(hub.connections()) > 1:  # noqa: ASYNC110 - there is no event for who is sent away
                await asyncio.sleep(0.1)
    assert (await alice.say("still here"))["type"] == "ack"


async def test_ten_times_too_much_is_refused_in_words_and_the_rest_is_stored(house: House) -> None:
    """Each of four people has five tabs and offers 950 messages where 100 may be said. Each is answered; where it is
    refused, with when to come again. (What one tab sends beyond 200 at once is dropped, and said once a second.)"""
    session_id, people = await people_of(house, 1 + OFFERING)
    tabs = [await person.open(session_id) for person in people[1:] for _ in range(TABS)]

    async def offer(tab: Client, name: int) -> int:
        """How much was taken."""
        for number in range(OFFERED):
            frame = {"type": "chat_message", "client_msg_id": f"{name}-{number}", "content": f"{name}-{number}"}
            await tab.send_text(json.dumps(frame))
        refused = [frame for frame in await answers_of(tab, OFFERED) if frame["type"] == "error"]
        assert all(frame["retryable"] and frame["retry_after_ms"] > 0 for frame in refused)
        return OFFERED - len(refused)

    async with asyncio.timeout(60):
        offering = [asyncio.create_task(offer(tab, number)) for number, tab in enumerate(tabs)]
        health = await house.http.get("/healthz", timeout=10.0)
        taken = sum(await asyncio.gather(*offering))
    assert health.status_code == 200
    assert 100 * OFFERING <= taken < 300 * OFFERING
    calm = await people[0].open(session_id)
    assert (await calm.say("as ever"))["type"] == "ack"
    texts = [e["message"]["content"] for e in await house.log_of(session_id) if e["type"] == "chat_message"]
    assert len(texts) == len(set(texts)) == taken + 1


async def answers_of(client: Client, count: int) -> list[dict[str, Any]]:
    """The acks and errors that answer what was said. Fails when the client is sent away before."""
    found: list[dict[str, Any]] = []

    def collect(frame: dict[str, Any]) -> bool:
        if frame["type"] == "ack" or frame.get("re") is not None:
            found.append(frame)
        return len(found) == count

    await client.until(collect, 60)
    return found


async def test_three_hundred_who_come_back_at_once_all_get_everything_while_others_talk(house: House) -> None:
    session_id, people = await people_of(house, 1 + RETURNING // PER_PERSON)
    await post_all(house, people[0], session_id, [f"message {number}" for number in range(ENTRIES)])
    head = len(await house.log_of(session_id))
    alice = await people[0].open(session_id)
    tickets = [await person.ticket(session_id) for person in people[1:] for _ in range(PER_PERSON)]

    async def come_back(ticket: str) -> list[int]:
        address = f"{house.url.replace('http', 'ws', 1)}/ws/session/{session_id}?token={ticket}&epoch=&since=0"
        seqs: list[int] = []
        async with websockets.connect(address, max_queue=None, open_timeout=60, compression=None) as line:
            async for text in line:
                if '"at":' in str(text[:400]) and '"seq":' in str(text[:400]):
                    frame = json.loads(text)
                    if "at" in frame:
                        seqs.append(frame["seq"])
                        if frame["seq"] >= head:
                            break
        return seqs

    async with asyncio.timeout(90):
        returning = asyncio.gather(*(come_back(ticket) for ticket in tickets))
        for number in range(20):
            assert (await alice.say(f"meanwhile {number}"))["type"] == "ack"
        everybody = await returning
    assert len(everybody) == RETURNING
    assert all(seqs == list(range(1, head + 1)) for seqs in everybody)


@asynccontextmanager
async def strangers(house: House, session_id: str) -> AsyncGenerator[list[asyncio.StreamWriter]]:
    """Sockets that are opened and say nothing."""
    port = int(house.url.rsplit(":", 1)[1])
    head = (
        f"GET /ws/session/{session_id} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writers: list[asyncio.StreamWriter] = []
    try:
        for _ in range(STRANGERS):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode())
            writers.append(writer)
        yield writers
    finally:
        for writer in writers:
            writer.transport.abort()


async def test_a_crowd_of_strangers_does_not_disturb_a_live_session(house: House) -> None:
    session_id, (host, guest) = await people_of(house, 2)
    alice, bob = await host.open(session_id), await guest.open(session_id)
    async with strangers(house, session_id):
        for number in range(20):
            answer = await alice.say(f"message {number}")
            assert answer["type"] == "ack"
            await bob.until_seq(answer["seq"])
        assert (await house.http.get("/healthz")).status_code == 200
    assert len(house.runtime.hub.connections()) == 2
