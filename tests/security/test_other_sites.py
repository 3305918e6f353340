"""Another site's page, open in a browser that is signed in here, can change nothing: no route is forgotten."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest

from core import accounts
from tests.security.test_routes import ELSEWHERE, ROUTES, SHA, filled
from tests.stories.conftest import Cast

UNSAFE = [(method, path) for method, path in (*ROUTES, *ELSEWHERE) if method != "GET" and "/operator/" not in path]
#: What these routes take, so that a refusal is not for the body's sake.
BODIES = {"/api/sign-in": {"token": "x"}, "/api/sessions": {"title": "Stolen"}}
#: What a browser says when another page sends: `null` is a sandboxed frame, the last looks like us and is not.
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "{url}.evil.example"},
)


@asynccontextmanager
async def browser_of(cast: Cast) -> AsyncGenerator[httpx2.AsyncClient]:
    """Alice's browser: it has her cookie, and sends it with whatever any page asks for."""
    secret = await cast.house.runtime.db.write(lambda tx: accounts.new_sign_in_link(tx, cast.alice.id))
    async with httpx2.AsyncClient(base_url=cast.house.url, timeout=10.0) as browser:
        signed_in = await browser.post("/api/sign-in", json={"token": secret})
        assert signed_in.status_code == 200
        yield browser


@pytest.mark.parametrize(("method", "path"), UNSAFE, ids=lambda part: part)
async def test_an_unsafe_request_from_another_site_is_refused(cast: Cast, method: str, path: str) -> None:
    row = ROUTES.get((method, path))
    target = path.replace("{session_id}", cast.session_id).replace("{user_id}", cast.bob.id).replace("{sha256}", SHA)
    for name in ("invite_id", "token", "message_id", "thread_id"):
        target = target.replace("{" + name + "}", "x" * 30)
    body = filled(row.json, "x") if row else BODIES.get(path, {})
    before = await cast.house.log_of(cast.session_id)
    async with browser_of(cast) as browser:
        for headers in FOREIGN:
            sent = {name: value.replace("{url}", cast.house.url) for name, value in headers.items()}
            answer = await browser.request(method, target, headers=sent, json=body)
            assert answer.status_code == 403, (headers, answer.text)
        # A form needs no permission to be sent across sites; it cannot say that it carries JSON.
        form = await browser.request(
            method, target, headers={"Origin": "https://evil.example"}, data={"title": "Stolen"}
        )
        assert form.status_code in (403, 415, 422)
    assert await cast.house.log_of(cast.session_id) == before
