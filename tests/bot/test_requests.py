"""What arrives at the door: only what Slack signed a moment ago gets in, and it is stored before it is answered."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from bot.intake import MAX_BODY
from bot.signature import is_genuine, sign
from core import inbox, tables
from core.clock import system_clock
from core.limits import TokenBuckets
from tests.bot.support.office import SECRET, Office, eventually


async def send(office: Office, body: bytes, **headers: str) -> httpx2.Response:
    """Sends what Slack would, over HTTP: the stories that do are about that way in."""
    if office.engine.sockets.is_on and not office.settings["signing_secret"]:
        pytest.skip("this story is about HTTP")
    return await post(office, body, **headers)


async def post(office: Office, body: bytes, **headers: str) -> httpx2.Response:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(f"{office.base_url}/slack/events", content=body, headers=raw)


def signed(office: Office, body: bytes, *, seconds: float = 0, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int((office.clock() + timedelta(seconds=seconds)).timestamp()))
    return {
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": sign(secret, timestamp, body),
        "content-type": "application/json",
    }


def event(event_id: str, **fields: Any) -> bytes:
    envelope = {"type": "event_callback", "event_id": event_id, "team_id": "T0ACME0001", "api_app_id": "A0COSESS01"}
    return json.dumps({**envelope, "event": {"type": "message", **fields}}).encode()


async def test_only_what_slack_signed_just_now_is_let_in(small_office: Office) -> None:
    office = small_office
    body = event("Ev1")
    good = signed(office, body)
    refused: dict[str, tuple[bytes, dict[str, str]]] = {
        "no signature": (body, {}),
        "a wrong signature": (body, {**good, "x-slack-signature": "v0=" + "0" * 64}),
        "a signature that is not ASCII": (body, {**good, "x-slack-signature": "v0=\u00e9"}),
        "another secret": (body, signed(office, body, secret="another")),
        "another body": (body + b" ", good),
        "301 seconds old": (body, signed(office, body, seconds=-301.5)),
        "301 seconds ahead": (body, signed(office, body, seconds=302)),
        "a timestamp that is no number": (body, {**good, "x-slack-request-timestamp": "yesterday"}),
        "an empty timestamp": (body, {**good, "x-slack-request-timestamp": ""}),
        "a huge timestamp": (body, {**good, "x-slack-request-timestamp": "9" * 400}),
        "a body that is not UTF-8": (b"\xff\xfe", signed(office, b"\xff\xfe")),
    }
    for what, (content, headers) in refused.items():
        answer = await send(office, content, **headers)
        assert answer.status_code == 401, what
        assert answer.json()["error_code"] == "not_signed_in", what
        assert answer.headers["content-type"] == "application/problem+json"
    assert await office.inbox() == []
    assert (await send(office, body, **good)).status_code == 200
    assert (await send(office, body, **signed(office, body, seconds=-290))).status_code == 200
    assert [row.id for row in await office.inbox()] == ["Ev1"]


async def test_a_body_beyond_any_of_slacks_is_not_read(small_office: Office) -> None:
    office = small_office
    body = b" " * (MAX_BODY + 1)
    assert (await send(office, body, **signed(office, body))).status_code == 413


async def test_a_challenge_is_answered_and_not_stored(small_office: Office) -> None:
    office = small_office
    body = json.dumps({"type": "url_verification", "challenge": "3eZb"}).encode()
    answer = await send(office, body, **signed(office, body))
    assert (answer.status_code, "3eZb" in answer.text) == (200, True)
    assert await office.inbox() == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "app_rate_limited", "team_id": "T0ACME0001", "minute_rate_limited": 1, "api_app_id": "A0COSESS01"},
        {"type": "event_callback", "event_id": "Ev9", "event": {"type": "something_new", "channel": {"id": "C1"}}},
        {"type": "event_callback", "event_id": "Ev9", "event": {"type": "user_change", "user": {"id": "U1"}}},
        {"type": "event_callback", "event_id": "E" * 500, "event": {"type": "message"}},
        {"type": "something_else"},
    ],
)
async def test_what_is_not_used_is_taken_all_the_same(body: dict[str, Any], small_office: Office) -> None:
    """An unhandled event answered with 404 would count as a failure and be sent again."""
    office = small_office
    raw = json.dumps(body).encode()
    assert (await send(office, raw, **signed(office, raw))).status_code == 200
    await office.until_quiet()
    # That something may be missing now is noted there, too, for as long as it is looked for.
    assert [row.error for row in await office.inbox() if row.kind != inbox.NOTE] == [None]


async def test_if_it_cannot_be_stored_slack_is_told_to_send_it_again(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.db.died.set()
    await office.reply("bob", "hold on to this")
    await office.until(lambda: any(attempt.status == 500 for attempt in office.engine.attempts))
    assert await office.said(session_id) == []
    await office.restart()
    assert await office.until_said(session_id, 1) == [("Bob Chen", "hold on to this", "slack")]


async def test_the_answer_does_not_wait_for_slacks_web_api(small_office: Office) -> None:
    office = small_office
    await office.start()
    office.engine.faults.hang("conversations.info")
    began = asyncio.get_running_loop().time()
    await office.engine.slash("alice", "#random", "/cosession", "start Another")
    assert asyncio.get_running_loop().time() - began < 1.0
    await office.until(lambda: len(office.cards("#random")) == 1)


async def test_an_item_that_cannot_be_handled_is_parked_with_the_reason_and_holds_nobody_up(
    small_office: Office,
) -> None:
    office = small_office
    office.budget = TokenBuckets(per_minute=6_000)
    session_id = await office.start()
    [card] = office.cards()
    broken = event("EvBroken", channel="C0PAYMENTS", thread_ts=card["ts"], ts="1.000001", user="U0BOB00001", blocks=7)
    assert (await send(office, broken, **signed(office, broken))).status_code == 200
    await office.reply("alice", "meanwhile")
    await office.until_said(session_id, 1)

    async def parked_items() -> list[tables.Inbox]:
        return [row for row in await office.inbox() if row.error]

    [parked] = await eventually(parked_items)
    assert parked.id == "EvBroken"
    assert parked.handled_at is None
    assert str(parked.error).startswith("Given up after 8 tries")


def test_a_signature_is_bound_to_the_time_and_the_body() -> None:
    now = system_clock()
    timestamp = str(int(now.timestamp()))
    assert is_genuine("s", timestamp, sign("s", timestamp, b"body"), b"body", now)
    assert not is_genuine("s", timestamp, sign("s", timestamp, b"body"), b"other", now)
    assert not is_genuine("", timestamp, sign("", timestamp, b"body"), b"body", now)


def test_while_the_secret_is_replaced_both_count_and_no_third() -> None:
    now = system_clock()
    timestamp = str(int(now.timestamp()))
    for secret, counts in (("old", True), ("new", True), ("old,new", False), ("other", False), ("", False)):
        assert is_genuine("old, new", timestamp, sign(secret, timestamp, b"body"), b"body", now) is counts, secret
    assert not is_genuine(" , ", timestamp, sign("", timestamp, b"body"), b"body", now), "an empty secret is none"


async def test_a_captured_request_that_is_sent_again_has_no_second_effect(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    [card] = office.cards()
    place = {"channel": "C0PAYMENTS", "thread_ts": card["ts"], "ts": "1800000000.000001", "user": "U0BOB00001"}
    body = event("EvCaptured", text="only once", **place)
    headers = signed(office, body)
    for _ in range(3):
        assert (await send(office, body, **headers)).status_code == 200
    await office.until_said(session_id, 1)
    assert (await send(office, body, **headers)).status_code == 200
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["only once"]
