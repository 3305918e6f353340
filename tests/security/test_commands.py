"""Who may send which command: a row for each frame, a cell for each role and way in. A frame without a row fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest

from api.commands import COMMANDS
from tests.security.test_routes import Scene
from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame, Someone

#: Written by hand, not derived from the product's own table. Everything else is refused.
READERS = {"host", "editor", "viewer"}
WRITERS = {"host", "editor"}
ALLOWED: dict[str, set[str]] = {
    "chat_message": WRITERS,
    "edit_message": WRITERS,
    "delete_message": WRITERS,
    "add_reaction": WRITERS,
    "remove_reaction": WRITERS,
    "add_comment": WRITERS,
    "edit_comment": WRITERS,
    "delete_comment": WRITERS,
    "resolve_comment": WRITERS,
    "reopen_comment": WRITERS,
    "typing": WRITERS,
    "cursor_update": READERS,
    "presence_update": READERS,
    "read_up_to": READERS,
    "follow": READERS,
    "unfollow": READERS,
    "summon": {"host"},
    "refresh_token": READERS,
    "ping": READERS,
    "pong": READERS,
}
ROLES = ("viewer", "editor", "host")


@dataclass
class Things:
    """What there is to act upon: something of the role's own, or of the host's where the role can make nothing."""

    message_id: str
    comment_id: str
    other_id: str
    token: str


def frame_of(kind: str, things: Things) -> Frame:
    message, comment = {"message_id": things.message_id}, {"comment_id": things.comment_id}
    bodies: dict[str, Frame] = {
        "chat_message": {"content": "hello"},
        "edit_message": {**message, "content": "changed"},
        "delete_message": message,
        "add_reaction": {**message, "emoji": "👍"},
        "remove_reaction": {**message, "emoji": "👍"},
        "add_comment": {"file": "app.py", "line": 1, "content": "why?"},
        "edit_comment": {**comment, "content": "changed"},
        "delete_comment": comment,
        "resolve_comment": comment,
        "reopen_comment": comment,
        "cursor_update": {"file": "app.py", "line": 1},
        "follow": {"user_id": things.other_id},
        "read_up_to": {"seq": 1},
        "refresh_token": {"auth_token": things.token},
    }
    return {"type": kind, **bodies.get(kind, {})}


def test_every_command_has_a_row() -> None:
    kinds = {get_args(frame.model_fields["type"].annotation)[0] for frame in COMMANDS}
    assert kinds == ALLOWED.keys()


async def things_of(cast: Cast, who: Someone, owner: Someone) -> Things:
    await Scene(cast.house, cast.session_id, {"host": cast.alice}).file()
    tab = await owner.open(cast.session_id)
    await tab.say("something to act upon")
    posted = await tab.until(lambda frame: frame["type"] == "chat_message")
    await tab.send(type="add_comment", file="app.py", line=1, content="why?")
    commented = await tab.until(lambda frame: frame["type"] == "code_comment")
    other = cast.alice if who is not cast.alice else cast.bob
    await other.open(cast.session_id)
    return Things(posted["message"]["id"], commented["comment"]["id"], other.id, await who.ticket(cast.session_id))


async def outcome_on_socket(tab: Client, frame: Frame) -> str:
    """The code of the refusal, or nothing."""
    before = len(tab.frames)
    await tab.send(**frame)
    await tab.send(type="ping")
    await tab.until(lambda answer: answer["type"] == "pong", after=before)
    refused = [answer["error_code"] for answer in tab.frames[before:] if answer["type"] == "error"]
    return refused[0] if refused else ""


async def outcome_of_request(who: Someone, session_id: str, connection_id: str, frame: Frame) -> str:
    body = {"connection_id": connection_id, "frames": [frame]}
    answer = await who.call("POST", f"/api/sessions/{session_id}/commands", json=body)
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    return item["error_code"] if item and item["type"] == "error" else ""


@pytest.mark.parametrize("way", ["socket", "request"])
@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_send_what_the_table_says(cast: Cast, role: str, way: str) -> None:
    who = {"host": cast.alice, "editor": cast.bob, "viewer": cast.carol}[role]
    wrong: dict[str, Any] = {}
    for kind, allowed in ALLOWED.items():
        things = await things_of(cast, who, who if role != "viewer" else cast.alice)
        tab = await who.open(cast.session_id)
        frame = frame_of(kind, things)
        if way == "socket":
            code = await outcome_on_socket(tab, frame)
        else:
            code = await outcome_of_request(who, cast.session_id, tab.frames[0]["connection_id"], frame)
        if code != ("" if role in allowed else "not_allowed"):
            wrong[kind] = code
        for client in cast.house.clients:
            await client.close()
    assert wrong == {}


@pytest.mark.parametrize("kind", ALLOWED)
async def test_a_request_by_somebody_without_a_seat_is_told_that_there_is_no_such_session(
    cast: Cast, kind: str
) -> None:
    frame = frame_of(kind, Things("msg_" + "a" * 26, "com_" + "a" * 26, cast.alice.id, "x"))
    target = f"/api/sessions/{cast.session_id}/commands"
    answer = await cast.mallory.call("POST", target, json={"frames": [frame]})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "session_not_found")
    assert (await cast.house.http.request("POST", target, json={"frames": [frame]})).status_code == 401


async def test_nobody_speaks_through_somebody_else_s_connection(cast: Cast) -> None:
    tab = await cast.alice.open(cast.session_id)
    code = await outcome_of_request(
        cast.bob, cast.session_id, tab.frames[0]["connection_id"], {"type": "cursor_update", "file": "a.py", "line": 1}
    )
    assert code != ""
    assert all(person.cursor is None for person in cast.house.runtime.hub.present(cast.session_id))
