"""Values that JSON allows and a database does not: each is refused in words, and nothing else happens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.conftest import Cast

HUGE = 10**30
MESSAGE = {"type": "agent_message", "turn_id": "t", "text": "x"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/events?after=" + str(HUGE), None),
        ("GET", "/events?before=" + str(HUGE), None),
        ("GET", "/messages?before=" + str(HUGE), None),
        ("POST", "/invites", {"role": "viewer", "expires_in": HUGE}),
        ("POST", "/invites", {"role": "viewer", "expires_in": -HUGE}),
        ("POST", "/invites", {"role": "viewer", "max_uses": HUGE}),
        ("PATCH", "", {"title": "\ud800"}),
        ("PATCH", "", {"title": "\x00"}),
        ("POST", "/agent-events", {"items": [{"key": "a\x00b", "event": MESSAGE}]}),
        ("POST", "/agent-events", {"items": [{"key": "\ud800", "event": MESSAGE}]}),
        ("POST", "/agent-events", {"items": [{"key": "k", "event": {**MESSAGE, "text": "\ud800"}}]}),
        ("POST", "/agent-events", {"items": [{"key": "k", "event": {**MESSAGE, "text": "a\x00b"}}]}),
        (
            "POST",
            "/agent-events",
            {
                "items": [
                    {"key": "k", "event": {"type": "usage_updated", "tokens": {"total": HUGE, "input": 1, "output": 1}}}
                ]
            },
        ),
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused_over_http(
    cast: Cast, method: str, path: str, body: dict[str, Any] | None
) -> None:
    before = await cast.house.log_of(cast.session_id)
    content = None if body is None else json.dumps(body).encode()
    answer = await cast.alice.call(
        method, f"/api/sessions/{cast.session_id}{path}", content=content, extra={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]
    assert await cast.house.log_of(cast.session_id) == before


async def test_an_odd_id_in_a_path_is_simply_not_found(cast: Cast) -> None:
    for path in ("/api/sessions/%00", "/api/sessions/%ED%A0%80", f"/api/sessions/{'x' * 5_000}", "/api/invites/%00"):
        assert (await cast.alice.call("GET", path)).status_code == 404, path


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"chat_message","content":"hi","code_ref":{"file":"a.py","line":HUGE}}',
        '{"type":"chat_message","content":"hi","client_msg_id":"a\\u0000b"}',
        '{"type":"chat_message","content":"hi","client_msg_id":"\\ud800"}',
        '{"type":"chat_message","content":"hi","code_ref":{"file":"a\\u0000.py","line":1}}',
        '{"type":"chat_message","content":"hi","parent_id":"\\u0000"}',
        '{"type":"cursor_update","file":"a.py","line":HUGE}',
        '{"type":"chat_message","content":"hi","mentions":["\\u0000"]}',
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused_on_the_socket(cast: Cast, frame: str) -> None:
    bob = await cast.bob.open(cast.session_id)
    await bob.socket.send(frame.replace("HUGE", str(HUGE)))
    assert (await bob.until(lambda found: found["type"] == "error"))["message"]
    assert (await bob.say("all is well"))["type"] == "ack"
    assert bob.texts == ["all is well"]


@pytest.mark.parametrize("since", ["²", "9" * 5_000, str(HUGE), "-1", "x"])
async def test_an_odd_position_in_the_url_is_a_fresh_start(cast: Cast, since: str) -> None:
    client = await cast.bob.open(cast.session_id, since=since)
    assert client.frames[0]["is_resumed"] is False
    assert (await client.say("fine"))["type"] == "ack"
