"""What people do, what the app is sent, and what they see then."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.responses import JSONResponse, PlainTextResponse

from bot.sandbox import SandboxEngine, SlackError

from .conftest import SECRET, ManualTime, Receiver

CHANNEL = "#payments"
BUTTON = {"type": "button", "action_id": "join", "value": "ses_1", "text": {"type": "plain_text", "text": "Join"}}
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "start",
    "title": {"type": "plain_text", "text": "Start"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "title",
            "label": {"type": "plain_text", "text": "Title"},
            "element": {"type": "plain_text_input", "action_id": "title_input"},
        }
    ],
}


def form(receiver: Receiver, index: int = -1) -> dict[str, str]:
    return {
        name: values[0]
        for name, values in parse_qs(receiver.requests[index][1].decode(), keep_blank_values=True).items()
    }


def payload(receiver: Receiver, index: int = -1) -> dict[str, Any]:
    return dict(json.loads(form(receiver, index)["payload"]))


async def test_a_slash_command_is_a_signed_form_and_its_answer_is_seen_by_one(
    engine: SandboxEngine, receiver: Receiver
) -> None:
    receiver.answers = [JSONResponse({"response_type": "ephemeral", "text": "Started"})]
    outcome = await engine.slash("alice", CHANNEL, "/cosession", "start Fix <it> with @bob")
    head, body = receiver.requests[0]
    assert SignatureVerifier(SECRET).is_valid_request(body, head)
    assert head["content-type"] == "application/x-www-form-urlencoded"
    sent = form(receiver)
    assert (sent["command"], sent["user_id"], sent["channel_name"]) == ("/cosession", "U0ALICE001", "payments")
    assert sent["text"] == "start Fix &lt;it&gt; with <@U0BOB00001|bob>"
    assert "thread_ts" not in sent
    assert outcome.message is not None
    assert outcome.message["text"] == "Started"
    assert engine.ephemerals("alice", CHANNEL) == [outcome.message]
    assert engine.messages(CHANNEL) == []


async def test_an_answer_in_channel_is_a_message(engine: SandboxEngine, receiver: Receiver) -> None:
    receiver.answers = [JSONResponse({"response_type": "in_channel", "text": "Started"})]
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    assert [message["text"] for message in engine.messages(CHANNEL)] == ["Started"]


async def test_a_command_that_fails_is_said_to_the_one_who_typed_it(engine: SandboxEngine, receiver: Receiver) -> None:
    receiver.answers = [PlainTextResponse("no", 500)]
    outcome = await engine.slash("alice", CHANNEL, "/cosession", "start")
    assert (outcome.ok, outcome.error) == (False, "dispatch_failed")
    assert engine.ephemerals("alice", CHANNEL)[0]["user"] == "USLACKBOT"
    unknown = await engine.slash("alice", CHANNEL, "/nothing")
    assert unknown.error == "invalid_command"
    assert len(receiver.requests) == 1


async def test_a_click_tells_which_button_of_which_message(engine: SandboxEngine, receiver: Receiver) -> None:
    blocks = [{"type": "actions", "block_id": "b", "elements": [BUTTON]}]
    ts = engine.call("chat.postMessage", channel="C0PAYMENTS", text="card", blocks=blocks)["ts"]
    await engine.settled()
    assert (await engine.click("bob", CHANNEL, ts, "join")).ok
    sent = payload(receiver)
    assert (sent["type"], sent["user"]["id"], sent["container"]["message_ts"]) == ("block_actions", "U0BOB00001", ts)
    action = sent["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"], action["type"]) == (
        "join",
        "b",
        "ses_1",
        "button",
    )
    with pytest.raises(SlackError, match="no_such_action"):
        await engine.click("bob", CHANNEL, ts, "other")


async def test_a_trigger_opens_one_view_and_only_soon(
    engine: SandboxEngine, receiver: Receiver, time: ManualTime
) -> None:
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    trigger = form(receiver)["trigger_id"]
    assert engine.call("views.open", trigger_id="nonsense", view=MODAL)["error"] == "invalid_trigger_id"
    assert engine.call("views.open", trigger_id=trigger, view=MODAL)["ok"]
    assert engine.call("views.open", trigger_id=trigger, view=MODAL)["error"] == "exchanged_trigger_id"
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    time.pass_by(3.5)
    late = engine.call("views.open", trigger_id=form(receiver)["trigger_id"], view=MODAL)
    assert late["error"] == "expired_trigger_id"


async def test_a_modal_is_filled_in_refused_and_taken(engine: SandboxEngine, receiver: Receiver) -> None:
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    view = engine.call("views.open", trigger_id=form(receiver)["trigger_id"], view=MODAL)["view"]
    empty = await engine.submit_view("alice", view["id"], {})
    assert empty.errors == {"title": "Please complete this required field."}
    assert len(receiver.requests) == 1
    receiver.answers = [JSONResponse({"response_action": "errors", "errors": {"title": "Too short"}})]
    refused = await engine.submit_view("alice", view["id"], {"title_input": "x"})
    assert (refused.ok, refused.errors) == (False, {"title": "Too short"})
    taken = await engine.submit_view("alice", view["id"], {"title_input": "Fix the login"})
    assert (taken.ok, taken.view) == (True, None)
    state = payload(receiver)["view"]["state"]["values"]
    assert state == {"title": {"title_input": {"type": "plain_text_input", "value": "Fix the login"}}}


async def test_a_modal_may_become_another_one(engine: SandboxEngine, receiver: Receiver) -> None:
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    view = engine.call("views.open", trigger_id=form(receiver)["trigger_id"], view=MODAL)["view"]
    done = {"type": "modal", "title": {"type": "plain_text", "text": "Done"}, "blocks": [{"type": "divider"}]}
    receiver.answers = [JSONResponse({"response_action": "update", "view": done})]
    outcome = await engine.submit_view("alice", view["id"], {"title_input": "x"})
    assert outcome.view is not None
    assert (outcome.view["id"], outcome.view["title"]["text"]) == (view["id"], "Done")


async def test_the_home_tab_is_guarded_by_its_hash(engine: SandboxEngine, receiver: Receiver) -> None:
    assert await engine.open_home("alice") is None
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = engine.call("views.publish", user_id="U0ALICE001", view=home)["view"]
    second = engine.call("views.publish", user_id="U0ALICE001", view=home, hash=first["hash"])
    assert second["ok"]
    stale = engine.call("views.publish", user_id="U0ALICE001", view=home, hash=first["hash"])
    assert stale["error"] == "hash_conflict"
    shown = await engine.open_home("alice")
    assert shown is not None
    assert shown["hash"] == second["view"]["hash"]


async def test_a_response_url_answers_five_times_within_half_an_hour(
    engine: SandboxEngine, receiver: Receiver, slack_url: str, time: ManualTime
) -> None:
    await engine.slash("alice", CHANNEL, "/cosession", "start")
    url = form(receiver)["response_url"]
    assert url.startswith(slack_url + "/response/")
    async with httpx2.AsyncClient(trust_env=False) as client:
        for number in range(5):
            assert (await client.post(url, json={"text": f"step {number}"})).status_code == 200
        used = await client.post(url, json={"text": "more"})
        assert (used.status_code, used.json()["error"]) == (404, "used_url")
        await engine.slash("alice", CHANNEL, "/cosession", "start")
        time.pass_by(31 * 60)
        late = await client.post(form(receiver)["response_url"], json={"text": "late"})
        assert late.json()["error"] == "expired_url"
    assert [message["text"] for message in engine.ephemerals("alice", CHANNEL)] == [f"step {n}" for n in range(5)]


async def test_a_response_url_of_a_button_replaces_the_message_it_is_on(
    engine: SandboxEngine, receiver: Receiver, slack_url: str
) -> None:
    blocks = [{"type": "actions", "elements": [BUTTON]}]
    ts = engine.call("chat.postMessage", channel="C0PAYMENTS", text="card", blocks=blocks)["ts"]
    await engine.settled()
    await engine.click("bob", CHANNEL, ts, "join")
    async with httpx2.AsyncClient(trust_env=False) as client:
        url = payload(receiver)["response_url"]
        assert (await client.post(url, json={"replace_original": True, "text": "Joined"})).status_code == 200
    assert [(message["ts"], message["text"]) for message in engine.messages(CHANNEL)] == [(ts, "Joined")]


async def test_a_guest_is_only_where_they_were_let_in(engine: SandboxEngine, receiver: Receiver) -> None:
    assert (await engine.say("mallory", "#general", "hello"))["user"] == "U0MALLORY1"
    with pytest.raises(SlackError, match="not_in_channel"):
        await engine.say("mallory", CHANNEL, "hello")


async def test_a_direct_message_reaches_the_app(engine: SandboxEngine, receiver: Receiver) -> None:
    await engine.say("carol", "@cosession", "help")
    await engine.settled()
    event = json.loads(receiver.requests[0][1])["event"]
    assert (event["channel_type"], event["channel"]) == ("im", "D0CAROL001")
