"""Who may do what over HTTP: a row for each route, a cell for each kind of caller. A route without a row fails."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from core import mirrors
from core.db import Transaction
from tests.stories.conftest import Cast
from tests.stories.house import House, Someone

BLOB = b"print('hello')\n"
SHA = hashlib.sha256(BLOB).hexdigest()
#: From the least to the most that somebody may do, so that the last of them may change what the others asked for.
CALLERS = ("anonymous", "stranger", "removed", "viewer", "editor", "host")


@dataclass(frozen=True)
class Row:
    """The status that each caller gets. `guest` is everybody without a seat, whether they had one once or not."""

    anonymous: int
    guest: int
    viewer: int
    editor: int
    host: int
    json: Any = None
    content: bytes | None = None
    query: str = ""
    #: Makes what the route is about; its result fills `{made}` in the path and in the body.
    make: Callable[[Scene], Awaitable[str]] | None = None

    def of(self, caller: str) -> int:
        return int(getattr(self, "guest" if caller in ("stranger", "removed") else caller))


def reading(**fields: Any) -> Row:
    return Row(401, 404, 200, 200, 200, **fields)


def hosting(status: int, **fields: Any) -> Row:
    return Row(401, 404, 403, 403, status, **fields)


@dataclass
class Scene:
    """A session of its own for each row, with something in it to act upon."""

    house: House
    session_id: str
    people: dict[str, Someone] = field(default_factory=dict[str, Someone])

    async def invite(self) -> str:
        answer = await self.people["host"].call(
            "POST", f"/api/sessions/{self.session_id}/invites", json={"role": "viewer"}
        )
        return answer.json()["id"]

    async def bystander(self) -> str:
        """Somebody with a seat who is none of the callers: everybody may give up their own."""
        dave = await self.house.someone("Dave")
        answer = await dave.accept(await self.people["host"].invite(self.session_id, "viewer"))
        assert answer.status_code == 200
        return dave.id

    async def visitor(self) -> str:
        """Somebody who waits at the door."""
        vic = await self.house.someone("Vic")
        secret = await self.people["host"].invite(self.session_id, "viewer", needs_approval=True)
        answer = await vic.accept(secret)
        assert answer.json()["is_waiting"]
        return vic.id

    async def blob(self) -> str:
        target = f"/api/sessions/{self.session_id}/blobs/{SHA}"
        extra = {"Content-Type": "application/octet-stream"}
        answer = await self.people["host"].call("PUT", target, content=BLOB, extra=extra)
        assert answer.status_code in (201, 204), answer.text
        return SHA

    async def file(self) -> str:
        version = await self.blob()
        item = {"key": "f-1", "path": "app.py", "change": "added", "version": version, "size": len(BLOB)}
        answer = await self.people["host"].call(
            "POST", f"/api/sessions/{self.session_id}/files", json={"items": [item]}
        )
        assert answer.status_code == 200, answer.text
        return "app.py"

    async def _command(self, **frame: Any) -> Any:
        target = f"/api/sessions/{self.session_id}/commands"
        answer = await self.people["host"].call("POST", target, json={"frames": [frame]})
        assert answer.json()["items"][0]["type"] == "ack", answer.text
        return (await self.house.log_of(self.session_id))[-1]

    async def message(self) -> str:
        entry = await self._command(type="chat_message", content="something said")
        return str(entry["message"]["id"])

    async def paused_thread(self) -> str:
        """A thread outside that was given up."""

        def work(tx: Transaction) -> None:
            mirrors.open_mirror(tx, self.session_id, realm="T1", channel="C1", channel_name="payments")
            lease = mirrors.take(tx, self.session_id, "own_test", 60)
            assert lease is not None
            mirrors.pause(tx, lease, "The Slack thread was deleted.")

        await self.house.runtime.db.write(work)
        return ""

    async def thread(self) -> str:
        await self.file()
        entry = await self._command(type="add_comment", file="app.py", line=1, content="why?")
        return str(entry["comment"]["thread_id"])


REPORT = {"items": [{"key": "k-1", "event": {"type": "agent_message", "turn_id": "t", "text": "x"}}]}

S = "/api/sessions/{session_id}"
ROUTES: dict[tuple[str, str], Row] = {
    ("GET", S): reading(),
    ("PATCH", S): hosting(200, json={"title": "Another"}),
    ("POST", S + "/end"): hosting(200),
    ("POST", S + "/hand-over"): hosting(200, json={"user_id": "{made}"}, make=Scene.bystander),
    ("GET", S + "/participants"): reading(),
    ("PATCH", S + "/participants/{user_id}"): hosting(204, json={"role": "editor"}, make=Scene.bystander),
    ("DELETE", S + "/participants/{user_id}"): hosting(204, make=Scene.bystander),
    ("POST", S + "/tickets"): reading(),
    ("GET", S + "/events"): reading(),
    ("GET", S + "/snapshot"): reading(),
    ("GET", S + "/messages"): reading(),
    ("GET", S + "/search"): reading(query="?q=row"),
    ("POST", S + "/agent-events"): hosting(200, json=REPORT),
    ("POST", S + "/invites"): Row(401, 404, 403, 201, 201, json={"role": "viewer"}),
    ("GET", S + "/invites"): Row(401, 404, 403, 200, 200),
    ("POST", S + "/knocks/{user_id}"): hosting(204, json={"admit": True}, make=Scene.visitor),
    ("GET", S + "/messages/{message_id}/history"): reading(make=Scene.message),
    ("GET", S + "/feed"): reading(),
    ("GET", S + "/thread"): reading(),
    ("POST", S + "/thread/resume"): Row(401, 404, 403, 403, 204, json={}, make=Scene.paused_thread),
    ("PUT", S + "/mute"): Row(401, 404, 204, 204, 204, json={"is_muted": True}),
    ("POST", S + "/read"): reading(json={"seq": 1}),
    ("POST", S + "/commands"): reading(json={"frames": [{"type": "pong"}]}),
    ("POST", S + "/attachments"): Row(401, 404, 403, 201, 201, query="?name=a.txt", content=BLOB),
    ("PUT", S + "/blobs/{sha256}"): hosting(201, content=BLOB),
    ("GET", S + "/blobs/{sha256}"): reading(make=Scene.blob),
    ("POST", S + "/files"): hosting(
        200,
        json={"items": [{"key": "k", "path": "b.py", "change": "added", "version": SHA, "size": len(BLOB)}]},
        make=Scene.blob,
    ),
    ("GET", S + "/files"): reading(make=Scene.file),
    ("GET", S + "/files/versions"): reading(query="?path=app.py", make=Scene.file),
    ("GET", S + "/comments"): reading(make=Scene.thread),
    ("GET", S + "/comments/{thread_id}"): reading(make=Scene.thread),
    ("DELETE", "/api/invites/{invite_id}"): hosting(204, make=Scene.invite),
}

#: Answered for as long as it is read, or not about one session: each has its own tests, named here.
ELSEWHERE = {
    ("GET", S + "/stream"): "test_the_stream_is_for_participants",
    ("POST", "/api/sign-in"): "tests/stories/test_http.py",
    ("POST", "/api/sign-out"): "tests/stories/test_http.py",
    ("GET", "/api/me"): "tests/stories/test_http.py",
    ("GET", "/api/sign-in"): "tests/stories/test_sign_in_in_browser.py",
    ("POST", "/api/sign-in/email"): "tests/stories/test_sign_in_by_mail.py",
    ("POST", "/api/sign-in/email/look"): "tests/stories/test_sign_in_by_mail.py",
    ("POST", "/api/sign-in/email/code"): "tests/stories/test_sign_in_by_mail.py",
    ("GET", "/api/me/profile"): "tests/stories/test_leaving.py",
    ("PATCH", "/api/me/profile"): "tests/stories/test_leaving.py",
    ("GET", "/api/me/digest"): "tests/stories/test_digests.py",
    ("PUT", "/api/me/digest"): "tests/stories/test_digests.py",
    ("POST", "/api/me/sign-out-everywhere"): "tests/stories/test_leaving.py",
    ("GET", "/api/me/identities"): "tests/bot/test_sign_in.py",
    ("DELETE", "/api/me/identities/{provider}"): "tests/bot/test_sign_in.py",
    ("GET", "/api/admin/live"): "tests/stories/test_admin.py",
    ("GET", "/api/inbox"): "tests/stories/test_inbox.py",
    ("GET", "/api/inbox/stream"): "tests/stories/test_inbox.py",
    ("POST", "/api/inbox/read"): "tests/stories/test_inbox.py",
    ("POST", "/api/inbox/read-all"): "tests/stories/test_inbox.py",
    ("GET", "/api/feed"): "tests/stories/test_feed.py",
    ("GET", "/api/me/notifications"): "tests/stories/test_inbox.py",
    ("PATCH", "/api/me/notifications"): "tests/stories/test_inbox.py",
    ("GET", "/api/me/push"): "tests/stories/test_push.py",
    ("POST", "/api/me/push"): "tests/stories/test_push.py",
    ("DELETE", "/api/me/push/{browser_id}"): "tests/stories/test_push.py",
    ("POST", "/api/me/push/{browser_id}/test"): "tests/stories/test_push.py",
    ("POST", "/api/sessions"): "test_everybody_with_an_account_may_start_and_list",
    ("GET", "/api/search"): "tests/stories/test_search.py",
    ("GET", "/api/sessions"): "test_everybody_with_an_account_may_start_and_list",
    ("GET", "/api/invites/{token}"): "tests/core/test_invites.py",
    ("POST", "/api/invites/{token}/accept"): "tests/core/test_invites.py",
    ("POST", "/api/invites/{token}/decline"): "tests/core/test_invite_matrix.py",
    ("GET", "/api/me/invites"): "tests/stories/test_invites.py",
    ("GET", "/api/operator/audit"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/backups"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("GET", "/api/operator/users"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("GET", "/api/operator/users/{email}"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users/{email}/sign-in-links"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users/{email}/deactivate"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users/{email}/reactivate"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("GET", "/api/operator/users/{email}/export"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users/{email}/erase"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("GET", "/api/operator/jobs"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/jobs/{name}/run"): "test_the_operator_s_routes_are_closed_to_everybody_else",
    ("POST", "/api/operator/users/{email}/sign-out"): "test_the_operator_s_routes_are_closed_to_everybody_else",
}


def routes_of(house: House) -> set[tuple[str, str]]:
    """FastAPI keeps an included router as it is, and asks it when a request comes."""
    found: list[BaseRoute] = []
    for route in house.runtime.app.routes:
        included = getattr(route, "original_router", None)
        found += included.routes if included is not None else [route]
    return {
        (method, route.path)
        for route in found
        if isinstance(route, APIRoute) and route.path.startswith("/api/")
        for method in route.methods or ()
        if method != "HEAD"
    }


async def test_every_route_has_a_row(house: House) -> None:
    assert routes_of(house) == ROUTES.keys() | ELSEWHERE.keys()


async def scene_of(cast: Cast) -> Scene:
    alice, bob, carol = cast.alice, cast.bob, cast.carol
    session_id = await alice.start("One row")
    for guest, role in ((bob, "editor"), (carol, "viewer"), (cast.mallory, "editor")):
        answer = await guest.accept(await alice.invite(session_id, role))
        assert answer.status_code == 200
    gone = await alice.call("DELETE", f"/api/sessions/{session_id}/participants/{cast.mallory.id}")
    assert gone.status_code == 204
    people = {"host": alice, "editor": bob, "viewer": carol, "removed": cast.mallory}
    return Scene(cast.house, session_id, people | {"stranger": await stranger_of(cast.house)})


async def stranger_of(house: House) -> Someone:
    return await house.someone("Eve")


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)
async def test_each_caller_gets_what_the_table_says(cast: Cast, method: str, path: str) -> None:
    row = ROUTES[method, path]
    scene = await scene_of(cast)
    made = await row.make(scene) if row.make else ""
    target = path.replace("{session_id}", scene.session_id)
    for name in ("user_id", "invite_id", "message_id", "thread_id"):
        target = target.replace("{" + name + "}", made)
    target = target.replace("{sha256}", SHA) + row.query
    for caller in CALLERS:
        answer = await ask(scene, caller, method, target, row, made)
        assert answer.status_code == row.of(caller), f"{caller}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"


async def ask(scene: Scene, caller: str, method: str, target: str, row: Row, made: str) -> Any:
    body = filled(row.json, made)
    kwargs: dict[str, Any] = {"json": body} if body is not None else {}
    extra = {}
    if row.content is not None:
        kwargs, extra = {"content": row.content}, {"Content-Type": "application/octet-stream"}
    if caller == "anonymous":
        return await scene.house.http.request(method, target, headers=extra, **kwargs)
    return await scene.people[caller].call(method, target, extra=extra, **kwargs)


def filled(value: Any, made: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, made) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, made) for inner in value]
    return made if value == "{made}" else value


async def test_a_stranger_cannot_tell_a_session_that_is_not_theirs_from_none(cast: Cast) -> None:
    missing = "ses_" + "a" * 26
    for method, path in ROUTES:
        if "{session_id}" not in path or ROUTES[method, path].content is not None:
            continue
        bodies = []
        for session_id in (cast.session_id, missing):
            target = path.replace("{session_id}", session_id).replace("{user_id}", cast.bob.id)
            target = target.replace("{message_id}", "msg_" + "a" * 26).replace("{thread_id}", "com_" + "a" * 26)
            target = target.replace("{sha256}", SHA) + ROUTES[method, path].query
            json = filled(ROUTES[method, path].json, "msg_" + "a" * 26)
            answer = await cast.mallory.call(method, target, **({"json": json} if json is not None else {}))
            bodies.append((answer.status_code, answer.content))
        assert bodies[0] == bodies[1], f"{method} {path}"
        assert bodies[0][0] == 404


async def test_everybody_with_an_account_may_start_and_list(cast: Cast) -> None:
    eve = await stranger_of(cast.house)
    assert (await eve.call("POST", "/api/sessions", json={"title": "Mine"})).status_code == 201
    listed = await eve.call("GET", "/api/sessions")
    assert [item["title"] for item in listed.json()["items"]] == ["Mine"]
    for method in ("GET", "POST"):
        assert (await cast.house.http.request(method, "/api/sessions")).status_code == 401


async def test_the_operator_s_routes_are_closed_to_everybody_else(cast: Cast) -> None:
    for method, path in ELSEWHERE:
        if not path.startswith("/api/operator"):
            continue
        target = path.replace("{email}", "alice@example.com")
        body = {"path": "/copy.db"} if path.endswith("backups") else {"email": "new@example.com", "name": "New"}
        assert (await cast.house.http.request(method, target, json=body)).status_code == 401
        assert (await cast.alice.call(method, target, json=body)).status_code == 401


async def test_the_stream_is_for_participants(cast: Cast) -> None:
    scene = await scene_of(cast)
    target = f"/api/sessions/{scene.session_id}/stream"
    statuses: dict[str, int] = {}
    for caller in CALLERS:
        headers = {} if caller == "anonymous" else scene.people[caller].headers
        async with scene.house.http.stream("GET", target, headers=headers) as answer:
            statuses[caller] = answer.status_code
    assert statuses == {"anonymous": 401, "stranger": 404, "removed": 404, "viewer": 200, "editor": 200, "host": 200}
