"""The door of the sandbox's page: what a person may see and do through it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import httpx2
import pytest

from bot.sandbox import SandboxEngine

CHANNEL = "C0PAYMENTS"
HEAD = {"x-sandbox": "1"}


@pytest.fixture
async def page(slack_url: str) -> AsyncGenerator[httpx2.AsyncClient, None]:
    async with httpx2.AsyncClient(base_url=f"{slack_url}/ui/", trust_env=False) as client:
        yield client


async def test_a_person_sees_their_channels_and_no_others(page: httpx2.AsyncClient) -> None:
    alice = (await page.get("state", params={"user": "U0ALICE001"})).json()
    assert [channel["name"] for channel in alice["channels"]] == ["general", "payments", "random", "alice"]
    guest = (await page.get("state", params={"user": "U0MALLORY1"})).json()
    assert [channel["name"] for channel in guest["channels"]] == ["general", "mallory"]
    assert (await page.get("messages", params={"user": "U0MALLORY1", "channel": CHANNEL})).status_code == 404


async def test_an_action_needs_the_header_that_other_sites_cannot_send(
    page: httpx2.AsyncClient, engine: SandboxEngine
) -> None:
    said = {"user": "U0ALICE001", "channel": CHANNEL, "text": "hello"}
    assert (await page.post("say", json=said)).status_code == 403
    assert engine.messages(CHANNEL) == []
    assert (await page.post("say", json=said, headers=HEAD)).json()["result"]["text"] == "hello"


async def test_a_refusal_is_told_in_slacks_words(page: httpx2.AsyncClient) -> None:
    refused = await page.post("say", json={"user": "U0MALLORY1", "channel": CHANNEL, "text": "x"}, headers=HEAD)
    assert (refused.status_code, refused.json()["error"]) == (409, "not_in_channel")
    assert (await page.post("say", json={"user": "U0ALICE001"}, headers=HEAD)).json()["error"] == "missing channel"
    assert (await page.post("dance", json={}, headers=HEAD)).status_code == 404


async def test_the_stream_tells_of_changes_to_those_who_may_see_them(
    page: httpx2.AsyncClient, engine: SandboxEngine
) -> None:
    async with page.stream("GET", "stream", params={"user": "U0MALLORY1"}) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        await engine.say("alice", "#payments", "not for guests")
        engine.call("chat.postEphemeral", channel="C0GENERAL1", user="U0BOB00001", text="for Bob alone")
        await engine.say("alice", "#general", "for all")
        data = next_line = ""
        while not data:
            next_line = await anext(lines)
            data = next_line.removeprefix("data: ") if next_line.startswith("data: ") else ""
        assert json.loads(data)["message"]["text"] == "for all"


async def test_faults_are_queued_and_cleared_from_the_page(page: httpx2.AsyncClient, engine: SandboxEngine) -> None:
    queued = (await page.post("faults", json={"kind": "429", "times": 2}, headers=HEAD)).json()["result"]
    assert [(fault["method"], fault["times"]) for fault in queued] == [("chat.postMessage", 2)]
    assert len(engine.faults.api) == 1
    assert (await page.post("faults", json={"kind": "clear"}, headers=HEAD)).json()["result"] == []
    assert (await page.post("faults", json={"kind": "flood"}, headers=HEAD)).status_code == 409
