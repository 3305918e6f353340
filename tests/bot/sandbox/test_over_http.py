"""Slack's own libraries against the sandbox, over real HTTP: the SDK's client, and a Bolt app as the receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox import SandboxEngine

from .conftest import SECRET, TOKEN, serving

CHANNEL = "C0PAYMENTS"


@pytest.fixture
async def client(slack_url: str) -> AsyncGenerator[AsyncWebClient, None]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=TOKEN, base_url=f"{slack_url}/api/", retry_handlers=[], session=session, timeout=5)


def data(answer: AsyncSlackResponse) -> dict[str, Any]:
    """The answer as a plain object."""
    assert isinstance(answer.data, dict)
    return answer.data


async def test_the_sdk_posts_reads_and_edits(client: AsyncWebClient, engine: SandboxEngine) -> None:
    assert data(await client.auth_test())["user_id"] == engine.bot_user_id
    metadata = {"event_type": "session_message", "event_payload": {"id": "m1"}}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}]
    posted = await client.chat_postMessage(channel=CHANNEL, text="hi", blocks=blocks, metadata=metadata)
    root = data(posted)["ts"]
    await client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=root, username="Ann")
    read = await client.conversations_replies(channel=CHANNEL, ts=root, include_all_metadata=True, limit=10)
    thread = data(read)
    assert [message["text"] for message in thread["messages"]] == ["hi", "reply"]
    assert thread["messages"][0]["metadata"] == metadata
    await client.chat_update(channel=CHANNEL, ts=root, text="hello")
    assert data(await client.chat_getPermalink(channel=CHANNEL, message_ts=root))["permalink"].startswith("https://")
    listed = data(await client.conversations_list(types="public_channel,im", exclude_archived=True))
    assert {channel["id"] for channel in listed["channels"]} > {CHANNEL}
    pages = [data(page)["members"] async for page in await client.users_list(limit=2)]
    assert [user["name"] for page in pages for user in page] == [person.name for person in engine.people]
    await client.reactions_add(channel=CHANNEL, timestamp=root, name="eyes")
    await client.chat_delete(channel=CHANNEL, ts=root)
    assert engine.violations == []


async def test_the_sdk_hears_a_refusal_as_an_error(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0NOWHERE", text="x")
    assert refused.value.response["error"] == "channel_not_found"


async def test_forms_and_multipart_are_read_as_json_is(client: AsyncWebClient, engine: SandboxEngine) -> None:
    await client.api_call("chat.postMessage", params={"channel": CHANNEL, "text": "from a form"})
    await client.api_call("chat.postMessage", data={"channel": CHANNEL, "text": "from a body"})
    parts = aiohttp.FormData({"channel": CHANNEL, "text": "from parts é"})
    parts._is_multipart = True
    async with aiohttp.ClientSession() as session:
        url, head = f"{engine.base_url}/api/chat.postMessage", {"Authorization": f"Bearer {TOKEN}"}
        async with session.post(url, data=parts, headers=head) as answer:
            assert (await answer.json())["ok"]
    texts = [message["text"] for message in engine.messages(CHANNEL)]
    assert texts == ["from a form", "from a body", "from parts é"]


async def test_a_429_names_the_seconds_to_wait(client: AsyncWebClient, engine: SandboxEngine) -> None:
    engine.faults.fail("chat.postMessage", status=429, retry_after=7)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=CHANNEL, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    assert engine.messages(CHANNEL) == []
    assert (await client.chat_postMessage(channel=CHANNEL, text="x"))["ok"]


@pytest.mark.parametrize("status", [500, 503])
async def test_an_outage_has_no_effect(client: AsyncWebClient, engine: SandboxEngine, status: int) -> None:
    engine.faults.fail("chat.postMessage", status=status)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=CHANNEL, text="x")
    assert refused.value.response.status_code == status
    assert engine.messages(CHANNEL) == []


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_call_that_is_never_answered_may_have_had_its_effect(
    client: AsyncWebClient, engine: SandboxEngine, after_effect: bool
) -> None:
    engine.faults.hang("chat.postMessage", after_effect=after_effect)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.chat_postMessage(channel=CHANNEL, text="x"), 0.3)
    assert len(engine.messages(CHANNEL)) == int(after_effect)


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_connection_that_breaks_may_have_had_its_effect(
    client: AsyncWebClient, engine: SandboxEngine, after_effect: bool
) -> None:
    engine.faults.reset("chat.postMessage", after_effect=after_effect)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=CHANNEL, text="x")
    assert len(engine.messages(CHANNEL)) == int(after_effect)


@pytest.fixture
async def bolt(slack_url: str, client: AsyncWebClient) -> AsyncGenerator[tuple[AsyncApp, str], None]:
    app = AsyncApp(token=TOKEN, signing_secret=SECRET, client=client)
    handler = AsyncSlackRequestHandler(app)

    async def endpoint(request: Request) -> Response:
        return await handler.handle(request)

    async with serving(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])) as url:
        yield app, f"{url}/slack/events"


async def test_a_command_to_a_bolt_app_posts_a_thread_and_a_reply_comes_back(
    engine: SandboxEngine, bolt: tuple[AsyncApp, str]
) -> None:
    app, engine.request_url = bolt
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.command("/cosession")
    async def start(ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        await ack(text="Starting")
        await client.chat_postMessage(channel=command["channel_id"], text=f"Session: {command['text']}")

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.put_nowait(event)

    outcome = await engine.slash("alice", "#payments", "/cosession", "start Fix it")
    assert outcome.message is not None
    assert outcome.message["text"] == "Starting"
    root = engine.messages(CHANNEL)[0]
    assert root["text"] == "Session: start Fix it"
    await engine.say("bob", "#payments", "on it", thread_ts=root["ts"])
    reply = await asyncio.wait_for(heard.get(), 5)
    assert (reply["user"], reply["text"], reply["thread_ts"]) == ("U0BOB00001", "on it", root["ts"])
    await engine.settled()
    assert {attempt.status for attempt in engine.attempts} == {200}
    assert engine.violations == []


async def test_a_button_of_a_bolt_app_opens_a_modal_that_is_submitted(
    engine: SandboxEngine, bolt: tuple[AsyncApp, str]
) -> None:
    app, engine.request_url = bolt
    submitted: asyncio.Queue[str] = asyncio.Queue()
    title = {"type": "plain_text_input", "action_id": "title"}
    view = {
        "type": "modal",
        "callback_id": "start",
        "title": {"type": "plain_text", "text": "Start"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [
            {"type": "input", "block_id": "t", "label": {"type": "plain_text", "text": "Title"}, "element": title}
        ],
    }

    @app.action("open")
    async def clicked(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("start")
    async def sent(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        submitted.put_nowait(view["state"]["values"]["t"]["title"]["value"])

    @app.event("message")
    async def message() -> None:
        """Every subscribed event needs a listener."""

    opener = {"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Start"}}
    blocks = [{"type": "actions", "elements": [opener]}]
    ts = engine.call("chat.postMessage", channel=CHANNEL, text="card", blocks=blocks)["ts"]
    opened: asyncio.Event = asyncio.Event()
    engine.workspace.on_change.append(lambda change: opened.set() if change["kind"] == "views" else None)
    await engine.click("alice", "#payments", ts, "open")
    await asyncio.wait_for(opened.wait(), 5)
    modal = engine.workspace.views.current("U0ALICE001")
    assert modal is not None
    assert (await engine.submit_view("alice", modal["id"], {"title": "Fix the login"})).ok
    assert await asyncio.wait_for(submitted.get(), 5) == "Fix the login"
    await engine.settled()
