"""How a socket is entered: tickets, tokens in the first frame, deadlines, and whom the door refuses."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
import websockets

from tests.stories.conftest import Cast
from tests.stories.house import House


async def test_somebody_removed_yesterday_cannot_come_back_with_an_old_ticket(cast: Cast) -> None:
    ticket = await cast.bob.ticket(cast.session_id)
    path = f"/api/sessions/{cast.session_id}/participants/{cast.bob.id}"
    assert (await cast.alice.call("DELETE", path)).status_code == 204
    client = await cast.house.connect(cast.session_id, token=ticket)
    assert (await client.until_closed())[0] == 4404


async def test_a_frame_over_the_limit_closes_its_own_socket_only(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    await bob.socket.send("x" * (65 * 1024))
    assert (await bob.until_closed())[0] == 1009
    assert (await alice.say("unharmed"))["type"] == "ack"


async def test_a_ticket_opens_one_socket(cast: Cast) -> None:
    ticket = await cast.bob.ticket(cast.session_id)
    first = await cast.house.connect(cast.session_id, token=ticket)
    await first.until(lambda frame: frame["type"] == "connected")
    second = await cast.house.connect(cast.session_id, token=ticket)
    assert (await second.until_closed())[0] == 4401
    assert second.frames[0]["error_code"] == "not_signed_in"


async def test_of_fifty_at_once_with_one_ticket_one_comes_in(cast: Cast) -> None:
    ticket = await cast.bob.ticket(cast.session_id)
    clients = await asyncio.gather(*(cast.house.connect(cast.session_id, token=ticket) for _ in range(50)))
    answers = await asyncio.gather(*(client.until(lambda frame: True) for client in clients))
    assert sorted(answer["type"] for answer in answers) == ["connected", *(["error"] * 49)]


async def test_a_ticket_is_good_for_a_minute_and_for_its_own_session(cast: Cast) -> None:
    elsewhere = await cast.bob.start("Another session")
    foreign = await cast.house.connect(elsewhere, token=await cast.bob.ticket(cast.session_id))
    assert (await foreign.until_closed())[0] == 4401
    ticket = await cast.bob.ticket(cast.session_id)
    cast.house.clock.move(timedelta(seconds=61))
    late = await cast.house.connect(cast.session_id, token=ticket)
    assert (await late.until_closed())[0] == 4401


async def test_a_long_lived_token_is_refused_in_the_url_and_taken_in_the_first_frame(cast: Cast) -> None:
    token = cast.bob.headers["Authorization"].removeprefix("Bearer ")
    in_the_url = await cast.house.connect(cast.session_id, token=token)
    assert (await in_the_url.until_closed())[0] == 4401
    in_a_frame = await cast.house.connect(cast.session_id)
    await in_a_frame.send(type="join_session", auth_token=token, since={"epoch": "", "seq": 0})
    await in_a_frame.until(lambda frame: frame["type"] == "session_started")
    assert in_a_frame.frames[0]["type"] == "connected"


async def test_a_silent_socket_is_closed_after_five_seconds(cast: Cast) -> None:
    silent = await cast.house.connect(cast.session_id)
    assert (await silent.until_closed(7.0))[0] == 4508


async def test_an_unknown_and_a_foreign_session_look_the_same(cast: Cast) -> None:
    token = cast.mallory.headers["Authorization"].removeprefix("Bearer ")
    answers: list[object] = []
    for session_id in (cast.session_id, "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa"):
        client = await cast.house.connect(session_id)
        await client.send(type="join_session", auth_token=token)
        answers.append((await client.until_closed(), client.frames))
        answer = await cast.mallory.call("GET", f"/api/sessions/{session_id}")
        answers.append((answer.status_code, answer.json()))
    assert answers[:2] == answers[2:]


async def test_another_sites_page_is_refused_at_the_door(cast: Cast) -> None:
    address = f"{cast.house.url.replace('http', 'ws', 1)}/ws/session/{cast.session_id}"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address, origin=websockets.Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
    own = await websockets.connect(address, origin=websockets.Origin(cast.house.url))
    await own.close()


async def test_the_console_snippet_works_as_printed(house: House) -> None:
    """`new WebSocket("ws://…/ws/session/abc?token=…")`, then one `chat_message` with nothing but its content."""
    alice = await house.someone("Alice")
    session_id = await alice.start()
    console = await house.connect(session_id, token=await alice.ticket(session_id))
    await console.socket.send(json.dumps({"type": "chat_message", "content": "Hello"}))
    posted = await console.until(lambda frame: frame["type"] == "chat_message")
    assert posted["message"]["content"] == "Hello"
    assert posted["message"]["username"] == "Alice"
