"""The HTTP door: who comes in, what is refused and in which words, and what history gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from core import accounts
from tests.stories.conftest import Cast
from tests.stories.house import House


async def sign_in_link(house: House, user_id: str) -> str:
    return await house.runtime.db.write(lambda tx: accounts.new_sign_in_link(tx, user_id))


@asynccontextmanager
async def browser(house: House, user_id: str) -> AsyncGenerator[httpx2.AsyncClient]:
    """A browser that has just signed in by a link."""
    async with httpx2.AsyncClient(base_url=house.url, headers={"Origin": house.url}) as client:
        answer = await client.post("/api/sign-in", json={"token": await sign_in_link(house, user_id)})
        assert answer.status_code == 200, answer.text
        yield client


async def test_a_one_time_link_signs_one_browser_in_and_says_so_to_the_second(house: House) -> None:
    alice = await house.someone("Alice")
    link = await sign_in_link(house, alice.id)
    first = await house.http.post("/api/sign-in", json={"token": link})
    assert first.json()["username"] == "Alice"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    house.http.cookies.clear()
    second = await house.http.post("/api/sign-in", json={"token": link})
    assert (second.status_code, second.json()["error_code"]) == (410, "link_expired")


async def test_a_link_for_somebody_else_switches_the_browser_and_says_who_was_here(house: House) -> None:
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    async with browser(house, alice.id) as client:
        alices = {"Cookie": f"cosession={client.cookies['cosession']}"}
        again = await client.post("/api/sign-in", json={"token": await sign_in_link(house, alice.id)})
        assert (again.json()["username"], again.json()["replaces"]) == ("Alice", None)
        dead = await client.post("/api/sign-in", json={"token": "spent"})
        assert (dead.status_code, (await client.get("/api/me")).json()["username"]) == (410, "Alice")
        switched = await client.post("/api/sign-in", json={"token": await sign_in_link(house, bob.id)})
        assert (switched.json()["username"], switched.json()["replaces"]) == ("Bob", "Alice")
        assert (await client.get("/api/me")).json()["username"] == "Bob"
        assert (await house.http.get("/api/me", headers=alices)).status_code == 401


async def test_signing_out_ends_the_login_for_good(house: House) -> None:
    alice = await house.someone("Alice")
    async with browser(house, alice.id) as client:
        assert (await client.get("/api/me")).json()["username"] == "Alice"
        stolen = {"Cookie": f"cosession={client.cookies['cosession']}"}
        assert (await house.http.get("/api/me", headers=stolen)).status_code == 200
        assert (await client.post("/api/sign-out")).status_code == 204
        assert (await house.http.get("/api/me", headers=stolen)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_another_sites_page_cannot_act_with_a_browsers_cookie(house: House, headers: dict[str, str]) -> None:
    alice = await house.someone("Alice")
    async with browser(house, alice.id) as client:
        assert (await client.post("/api/sessions", json={"title": "Mine"})).status_code == 201
        forged = await client.post("/api/sessions", json={"title": "Forged"}, headers=headers)
        assert (forged.status_code, forged.json()["error_code"]) == (403, "not_allowed")
        assert [item["title"] for item in (await client.get("/api/sessions")).json()["items"]] == ["Mine"]


async def test_every_refusal_is_a_problem_document_with_a_code(cast: Cast) -> None:
    expected: list[tuple[str, str, Any, int, str]] = [
        ("GET", "/api/sessions/ses_nope", None, 404, "session_not_found"),
        ("POST", "/api/sessions", {"title": "  "}, 422, "invalid"),
        ("POST", "/api/sessions", {"title": 7}, 422, "invalid"),
        ("POST", "/api/sessions", {"title": "x", "owner": "me"}, 422, "invalid"),
        ("GET", f"/api/sessions/{cast.session_id}/events?limit=99999", None, 422, "invalid"),
        ("POST", f"/api/sessions/{cast.session_id}/invites", {"role": "emperor"}, 422, "invalid"),
        ("GET", "/api/invites/nothing", None, 404, "invite_not_found"),
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("PUT", "/api/sessions", {}, 405, "method_not_allowed"),
    ]
    for method, path, body, status, code in expected:
        answer = await cast.alice.call(method, path, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (status, code), (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    stranger = await cast.house.http.get("/api/sessions")
    assert (stranger.status_code, stranger.json()["error_code"]) == (401, "not_signed_in")


async def test_a_request_for_another_host_is_refused_but_health_is_answered(house: House) -> None:
    rebound = {"Host": "attacker.example"}
    assert (await house.http.get("/api/me", headers=rebound)).status_code == 421
    assert (await house.http.get("/healthz", headers=rebound)).status_code == 200
    assert (await house.http.get("/readyz")).json()["database"] == "ok"


async def test_history_by_page_gives_every_entry_once_in_both_directions(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    for number in range(25):
        await alice.say(f"line {number}")
    whole = await cast.house.log_of(cast.session_id)
    path = f"/api/sessions/{cast.session_id}/events"
    forwards: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = (await cast.bob.call("GET", path, params={"after": after, "limit": 7})).json()
        forwards += page["items"]
        after = page["next"]
    assert forwards == whole
    backwards: list[Any] = []
    before: int | None = len(whole) + 1
    while before is not None:
        page = (await cast.bob.call("GET", path, params={"before": before, "limit": 7})).json()
        backwards = page["items"] + backwards
        before = page["next"]
    assert backwards == whole


async def test_chat_alone_can_be_read_backwards(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    for number in range(12):
        await alice.say(f"line {number}")
    path = f"/api/sessions/{cast.session_id}/messages"
    last = (await cast.carol.call("GET", path, params={"limit": 5})).json()
    assert [item["message"]["content"] for item in last["items"]] == [f"line {number}" for number in range(7, 12)]
    earlier = (await cast.carol.call("GET", path, params={"limit": 50, "before": last["next"]})).json()
    assert [item["message"]["content"] for item in earlier["items"]] == [f"line {number}" for number in range(7)]
    assert earlier["next"] is None


async def test_looking_at_an_invite_as_a_robot_does_never_uses_it_up(cast: Cast) -> None:
    secret = await cast.alice.invite(cast.session_id, "viewer")
    for _ in range(30):
        seen = await cast.house.http.get(f"/api/invites/{secret}")
        assert (seen.status_code, seen.json()["status"]) == (200, "live")
    dave = await cast.house.someone("Dave")
    assert (await dave.accept(secret)).json() == {"session_id": cast.session_id, "is_waiting": False}
    assert (await dave.call("GET", f"/api/invites/{secret}")).json()["status"] == "accepted"
    assert (await cast.house.http.get(f"/api/invites/{secret}")).json()["status"] == "used_up"


async def test_a_guest_without_an_account_gives_a_name_and_is_in(cast: Cast) -> None:
    secret = await cast.alice.invite(cast.session_id, "editor")
    async with httpx2.AsyncClient(base_url=cast.house.url, headers={"Origin": cast.house.url}) as guest:
        nameless = await guest.post(f"/api/invites/{secret}/accept", json={})
        assert (nameless.status_code, nameless.json()["error_code"]) == (401, "not_signed_in")
        addressed = await guest.post(f"/api/invites/{secret}/accept", json={"name": "Gast", "email": "g@example.com"})
        assert (addressed.status_code, addressed.json()["error_code"]) == (422, "invalid")
        accepted = await guest.post(f"/api/invites/{secret}/accept", json={"name": "Gast"})
        assert accepted.json() == {"session_id": cast.session_id, "is_waiting": False}
        assert (await guest.get("/api/me")).json()["username"] == "Gast"
        listed = (await guest.get("/api/sessions")).json()["items"]
        assert [(item["id"], item["role"]) for item in listed] == [(cast.session_id, "editor")]


async def test_an_expired_invite_is_gone_without_any_job_running(cast: Cast) -> None:
    secret = await cast.alice.invite(cast.session_id, "viewer", expires_in=60)
    dave = await cast.house.someone("Dave")
    cast.house.clock.move(timedelta(seconds=61))
    assert (await cast.house.http.get(f"/api/invites/{secret}")).json()["status"] == "expired"
    answer = await dave.accept(secret)
    assert (answer.status_code, answer.json()["error_code"]) == (410, "invite_expired")


async def test_whoever_guesses_secrets_is_slowed_down(cast: Cast) -> None:
    good = await cast.alice.invite(cast.session_id, "viewer")
    statuses = [(await cast.house.http.get(f"/api/invites/guess-{number}")).status_code for number in range(30)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert (await cast.house.http.get(f"/api/invites/{good}")).status_code == 429
    cast.house.runtime.app.state.api.tries.take("somebody else's address")


async def test_only_a_host_feeds_the_agents_work_and_each_record_counts_once(cast: Cast) -> None:
    path = f"/api/sessions/{cast.session_id}/agent-events"
    event = {"type": "agent_message", "turn_id": "t1", "text": "Done."}
    body = {"items": [{"key": "record-1", "event": event}, {"key": "record-2", "event": event}]}
    assert (await cast.bob.call("POST", path, json=body)).status_code == 403
    first = (await cast.alice.call("POST", path, json=body)).json()
    again = (await cast.alice.call("POST", path, json=body)).json()
    assert first == again
    entries = await cast.house.log_of(cast.session_id)
    assert sum(entry["type"] == "agent_message" for entry in entries) == 2
    bad = {"items": [{"key": "record-3", "event": {"type": "grant_everything"}}]}
    assert (await cast.alice.call("POST", path, json=bad)).status_code == 422


async def test_the_last_host_cannot_leave_and_an_editor_cannot_manage(cast: Cast) -> None:
    mine = f"/api/sessions/{cast.session_id}/participants/{cast.alice.id}"
    assert (await cast.alice.call("DELETE", mine)).json()["error_code"] == "last_host"
    assert (await cast.alice.call("PATCH", mine, json={"role": "editor"})).json()["error_code"] == "last_host"
    bobs = f"/api/sessions/{cast.session_id}/participants/{cast.bob.id}"
    assert (await cast.bob.call("PATCH", bobs, json={"role": "host"})).status_code == 403
    assert (await cast.alice.call("PATCH", bobs, json={"role": "host"})).status_code == 204
    assert (await cast.alice.call("DELETE", mine)).status_code == 204
    assert (await cast.alice.call("GET", f"/api/sessions/{cast.session_id}")).status_code == 404


async def test_no_answer_carries_a_token_that_was_sent(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    ticket = await cast.bob.ticket(cast.session_id)
    client = await cast.house.connect(cast.session_id, token=ticket)
    await client.until(lambda frame: frame["type"] == "connected")
    secret = await cast.alice.invite(cast.session_id, "viewer")
    await cast.house.http.get(f"/api/invites/{secret}")
    await asyncio.sleep(0)
    assert ticket not in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize("path", ["/nothing", "/s/ses_x/y", "/apiary", "/sign-in/elsewhere"])
async def test_a_mistyped_address_shows_a_person_the_web_view_and_tells_a_program_the_problem(
    house: House, path: str
) -> None:
    page = await house.http.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert page.text == (await house.http.get("/")).text
    program = await house.http.get(path, headers={"Accept": "*/*"})
    assert (program.status_code, program.json()["error_code"]) == (404, "not_found")
    assert (await house.http.post(path, headers={"Accept": "text/html"})).json()["error_code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/nothing", "/api", "/assets/nothing.js", "/docs/nothing", "/slack/nothing"])
async def test_what_is_missing_where_programs_ask_is_a_problem_even_to_a_browser(house: House, path: str) -> None:
    answer = await house.http.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "not_found")


async def test_the_api_reference_is_a_page_of_this_server(house: House) -> None:
    page = await house.http.get("/docs", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "/api/sessions" in (await house.http.get("/openapi.json")).json()["paths"]


async def test_pages_and_answers_carry_the_security_headers(house: House) -> None:
    for path in ("/", "/healthz", "/api/me", "/nothing"):
        headers = (await house.http.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
