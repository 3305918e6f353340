"""The event stream and its commands, seen as HTTP: who may open it, how it resumes, what a stranger can do to it."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx2
import pytest

from api.connection import CUT_ABOVE
from core import accounts
from core.access import Actor, session_for
from core.db import Transaction
from core.events import AgentMessage
from core.log import append
from tests.stories.conftest import Cast
from tests.stories.house import Frame, Someone
from tests.stories.lines import Transport, lines_of


@pytest.fixture
def transport() -> Transport:
    return "sse"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the engine."""
    return sqlite_url


def path_of(cast: Cast) -> str:
    return f"/api/sessions/{cast.session_id}"


async def first_lines(
    cast: Cast, count: int, headers: dict[str, str], **query: Any
) -> tuple[httpx2.Response, list[str]]:
    """The answer, and its first `count` lines with something on them."""
    found: list[str] = []
    async with (
        asyncio.timeout(5),
        cast.house.http.stream("GET", f"{path_of(cast)}/stream", headers=headers, params=query) as response,
    ):
        if response.status_code != 200:
            await response.aread()
            return response, []
        async for line in lines_of(response):
            found += [line] if line else []
            if len(found) == count:
                break
    return response, found


async def commands(who: Someone, cast: Cast, *frames: Any, connection_id: str | None = None) -> list[Frame | None]:
    body: dict[str, Any] = {"frames": list(frames)}
    if connection_id is not None:
        body["connection_id"] = connection_id
    answer = await who.call("POST", f"{path_of(cast)}/commands", json=body)
    assert answer.status_code == 200, answer.text
    items: list[Frame | None] = answer.json()["items"]
    return items


def codes(items: list[Frame | None]) -> list[str]:
    return [item.get("error_code", item["type"]) if item is not None else "" for item in items]


# ── Who may open it ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_answer_is_an_event_stream_that_nobody_holds_back(cast: Cast) -> None:
    response, lines = await first_lines(cast, 2, {**cast.bob.headers, "Accept-Encoding": "gzip, br"})
    assert response.headers["content-type"].split(";")[0] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in response.headers
    assert lines[0].startswith("retry: ")
    assert json.loads(lines[1].removeprefix("data: "))["type"] == "connected"


async def test_a_browser_opens_it_with_its_cookie_from_its_own_page_alone(cast: Cast) -> None:
    secret, _ = await cast.house.runtime.db.write(lambda tx: accounts.open_login(tx, cast.bob.id))
    cookie = {"Cookie": f"cosession={secret}"}
    for origin, status in ((None, 200), (cast.house.url, 200), ("https://evil.example", 403), ("null", 403)):
        response, _ = await first_lines(cast, 1, cookie | ({"Origin": origin} if origin else {}))
        assert response.status_code == status, origin
    said = {"frames": [{"type": "chat_message", "content": "forged"}]}
    for origin, status in ((cast.house.url, 200), ("https://evil.example", 403)):
        headers = {**cookie, "Origin": origin}
        answer = await cast.house.http.post(f"{path_of(cast)}/commands", json=said, headers=headers)
        assert answer.status_code == status, origin


async def test_a_stranger_gets_a_problem_and_no_stream(cast: Cast) -> None:
    for headers, status in (({}, 401), (cast.mallory.headers, 404), ({"Authorization": "Bearer x.y.z"}, 401)):
        response, _ = await first_lines(cast, 1, headers)
        assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
        answer = await cast.house.http.post(
            f"{path_of(cast)}/commands", json={"frames": [{"type": "ping"}]}, headers=headers
        )
        assert answer.status_code == status
    assert cast.house.runtime.hub.connections() == []


# ── Where it resumes ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_browser_that_comes_back_by_itself_goes_on_after_the_last_event_it_saw(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    epoch, seen = bob.frames[0]["epoch"], (await bob.say("seen"))["seq"]
    await bob.say("missed")
    headers = {**cast.bob.headers, "Last-Event-ID": f"{epoch}:{seen}"}
    _, lines = await first_lines(cast, 4, headers, epoch=epoch, since=0)
    assert json.loads(lines[1].removeprefix("data: "))["is_resumed"] is True
    assert lines[2] == f"id: {epoch}:{seen + 1}"
    assert json.loads(lines[3].removeprefix("data: "))["message"]["content"] == "missed"


@pytest.mark.parametrize("odd", ["", "x", "epo_of_another_server:3", ":", "1:2:3", "epo:99999999999999999999"])
async def test_an_odd_last_event_id_begins_afresh(cast: Cast, odd: str) -> None:
    _, lines = await first_lines(cast, 2, {**cast.bob.headers, "Last-Event-ID": odd})
    assert json.loads(lines[1].removeprefix("data: "))["is_resumed"] is False


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_said_needs_no_stream_and_where_one_is_needs_ones_own(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    hers = alice.frames[0]["connection_id"]
    cursor = {"type": "cursor_update", "file": "main.py", "line": 3}
    said = {"type": "chat_message", "content": "without a stream", "client_msg_id": "k1"}
    assert codes(await commands(cast.bob, cast, said, cursor, {"type": "ping"})) == ["ack", "invalid", "pong"]
    assert codes(await commands(cast.bob, cast, cursor, connection_id=hers)) == ["invalid"]
    assert codes(await commands(cast.alice, cast, cursor, connection_id=hers)) == [""]
    shown = await alice.until(lambda frame: frame["type"] == "presence_update" and bool(frame["users"][0]["cursor"]))
    assert shown["users"][0]["username"] == "Alice"


async def test_the_same_command_by_socket_stream_and_request_is_one_entry(cast: Cast) -> None:
    said = {"type": "chat_message", "content": "once", "client_msg_id": "same"}
    bob = await cast.bob.open(cast.session_id)
    on_socket = await cast.house.connect(cast.session_id, token=await cast.bob.ticket(cast.session_id))
    await on_socket.until(lambda frame: frame["type"] == "connected")
    (first,) = await commands(cast.bob, cast, said)
    await bob.send(**said)
    await on_socket.send(**said)
    acks = [first, *[await tab.until(lambda frame: frame["type"] == "ack") for tab in (bob, on_socket)]]
    assert len({ack["seq"] for ack in acks if ack is not None}) == 1
    assert [entry["type"] for entry in await cast.house.log_of(cast.session_id)].count("chat_message") == 1


async def test_too_many_and_too_large_are_refused_in_words(cast: Cast) -> None:
    ping, path = {"type": "ping"}, f"{path_of(cast)}/commands"
    for frames in ([], [ping] * 21, None, "ping"):
        refused = await cast.bob.call("POST", path, json={"frames": frames})
        assert (refused.status_code, refused.json()["error_code"]) == (422, "invalid")
    large = {"type": "chat_message", "content": "x" * 70_000, "client_msg_id": "large"}
    assert codes(await commands(cast.bob, cast, large, ping)) == ["frame_too_large", "pong"]


async def test_a_flood_of_requests_is_slowed_frame_by_frame(cast: Cast) -> None:
    answers = [codes(await commands(cast.bob, cast, *[{"type": "ping"}] * 20)) for _ in range(12)]
    flat = [code for items in answers for code in items]
    assert flat[:200] == ["pong"] * 200
    assert "too_many" in flat
    assert codes(await commands(cast.carol, cast, {"type": "ping"})) == ["pong"]


# ── Readers that do not read ──────────────────────────────────────────────────────────────────────────────────────────


def opened_and_left_alone(cast: Cast, who: Someone) -> socket.socket:
    """A stream whose reader reads the first line of the answer and nothing more."""
    host, port = cast.house.url.removeprefix("http://").split(":")
    unread = socket.socket()
    unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    unread.settimeout(5)
    unread.connect((host, int(port)))
    headers = "".join(f"{name}: {value}\r\n" for name, value in who.headers.items())
    unread.sendall(f"GET {path_of(cast)}/stream HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}\r\n".encode())
    assert unread.recv(15) == b"HTTP/1.1 200 OK"
    return unread


async def test_a_reader_that_stops_reading_is_cut_and_harms_nobody(cast: Cast) -> None:
    hub = cast.house.runtime.hub

    def write(tx: Transaction) -> int:
        session = session_for(tx, Actor(cast.alice.id, cast.alice.name), cast.session_id, "feed_agent").session
        return [append(tx, session, AgentMessage(turn_id="t", text="x" * 30_000)).seq for _ in range(5)][-1]

    bob = await cast.bob.open(cast.session_id)
    with await asyncio.to_thread(opened_and_left_alone, cast, cast.carol):
        (stuck,) = [one for one in hub.connections() if one.person.user_id == cast.carol.id]
        most = 0
        while stuck.wire.is_open:
            await bob.until_seq(await cast.house.runtime.db.write(write))
            most = max(most, stuck.wire.buffered)
        assert most <= CUT_ABOVE + 300_000, "what waits for one reader is bounded"
        assert (await bob.say("unharmed"))["type"] == "ack"
        async with asyncio.timeout(15):
            while hub.connections_of(cast.carol.id):  # noqa: ASYNC110 - nobody is told when a connection is gone
                await asyncio.sleep(0.05)
