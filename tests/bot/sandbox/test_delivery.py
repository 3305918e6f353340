"""Events reach the app signed, in time, again when they must, and badly when asked to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.responses import PlainTextResponse

from bot.sandbox import SandboxEngine

from .conftest import REFERENCE, SECRET, ManualTime, Receiver

CHANNEL = "#payments"


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body)["event"] for _, body in receiver.requests]


def ids(receiver: Receiver) -> list[str]:
    return [json.loads(body)["event_id"] for _, body in receiver.requests]


def retries(receiver: Receiver) -> list[tuple[str | None, str | None]]:
    return [(head.get("x-slack-retry-num"), head.get("x-slack-retry-reason")) for head, _ in receiver.requests]


class StillClock(Clock):
    """The verifier's idea of now."""

    def __init__(self, time: ManualTime) -> None:
        self._time = time

    def now(self) -> float:
        return self._time.now.timestamp()


async def test_a_message_arrives_signed_in_slacks_envelope(
    engine: SandboxEngine, receiver: Receiver, time: ManualTime
) -> None:
    said = await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    head, body = receiver.requests[0]
    assert SignatureVerifier(SECRET, clock=StillClock(time)).is_valid_request(body, head)
    assert not SignatureVerifier("another", clock=StillClock(time)).is_valid_request(body, head)
    envelope = json.loads(body)
    assert (envelope["type"], envelope["team_id"], envelope["api_app_id"]) == (
        "event_callback",
        engine.team_id,
        engine.app_id,
    )
    assert envelope["authorizations"][0]["user_id"] == engine.bot_user_id
    event = envelope["event"]
    assert (event["type"], event["user"], event["text"], event["ts"]) == ("message", "U0ALICE001", "hello", said["ts"])
    assert (event["channel"], event["channel_type"]) == ("C0PAYMENTS", "channel")
    assert event["blocks"][0]["type"] == "rich_text"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference data is not beside this checkout")
async def test_events_carry_no_field_that_slack_does_not_have(engine: SandboxEngine, receiver: Receiver) -> None:
    ts = (await engine.say("alice", CHANNEL, "hello"))["ts"]
    await engine.react("bob", CHANNEL, ts, "eyes")
    await engine.edit("alice", CHANNEL, ts, "hello again")
    await engine.delete("alice", CHANNEL, ts)
    await engine.open_home("alice")
    engine.workspace.join(engine.workspace.channel(CHANNEL), "U0MALLORY1", inviter="U0ALICE001")
    await engine.settled()
    names = [
        "MessagePayload",
        "ReactionAddedPayload",
        "MessageChangedPayload",
        "MessageDeletedPayload",
        "AppHomeOpenedPayload",
        "MemberJoinedChannelPayload",
        "MessageChannelJoinPayload",
    ]
    by_kind = {(event["type"], event.get("subtype")): event for event in events(receiver)}
    assert len(by_kind) == len(names)
    for name in names:
        sample = json.loads((REFERENCE / "event_samples" / f"{name}.json").read_text())
        event = by_kind[(sample["event"]["type"], sample["event"].get("subtype") or None)]
        # The samples leave out the stamps of events that wrap another message.
        unknown = set(event) - set(sample["event"]) - {"ts", "event_ts", "channel_type"}
        assert unknown == set(), name
    sample = json.loads((REFERENCE / "event_samples" / "ReactionAddedPayload.json").read_text())
    assert set(json.loads(receiver.requests[0][1])) <= set(sample)


async def test_the_bot_hears_its_own_posts_edits_and_deletions(engine: SandboxEngine, receiver: Receiver) -> None:
    ts = engine.call("chat.postMessage", channel="C0PAYMENTS", text="hi", username="Ann")["ts"]
    engine.call("chat.update", channel="C0PAYMENTS", ts=ts, text="hi there")
    engine.call("chat.delete", channel="C0PAYMENTS", ts=ts)
    await engine.settled()
    posted, changed, deleted = sorted(events(receiver), key=lambda event: event["event_ts"])
    assert (posted["subtype"], posted["bot_id"], posted["app_id"]) == ("bot_message", engine.bot_id, engine.app_id)
    assert (changed["subtype"], changed["message"]["bot_id"]) == ("message_changed", engine.bot_id)
    assert "bot_id" not in changed
    assert changed["previous_message"]["text"] == "hi"
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_a_mention_arrives_twice_as_a_message_and_as_a_mention(engine: SandboxEngine, receiver: Receiver) -> None:
    said = await engine.say("alice", CHANNEL, "@cosession start please")
    await engine.settled()
    assert sorted(event["type"] for event in events(receiver)) == ["app_mention", "message"]
    assert {event["ts"] for event in events(receiver)} == {said["ts"]}
    assert len(set(ids(receiver))) == 2


async def test_nothing_is_heard_from_where_the_bot_is_not(engine: SandboxEngine, receiver: Receiver) -> None:
    engine.workspace.leave(engine.workspace.channel(CHANNEL), engine.bot_user_id)
    await engine.settled()
    assert [event["type"] for event in events(receiver)] == ["member_left_channel"]
    await engine.say("alice", CHANNEL, "are you there?")
    await engine.settled()
    assert len(receiver.requests) == 1


async def test_a_preview_is_a_change_that_nobody_edited(engine: SandboxEngine, receiver: Receiver) -> None:
    ts = (await engine.say("alice", CHANNEL, "https://x.example"))["ts"]
    await engine.unfurl(CHANNEL, ts, {"title": "X", "fallback": "X"})
    await engine.settled()
    assert "edited" not in events(receiver)[1]["message"]
    await engine.edit("alice", CHANNEL, ts, "other")
    await engine.settled()
    assert events(receiver)[2]["message"]["edited"]["user"] == "U0ALICE001"


async def test_a_refused_event_comes_again_at_once_after_a_minute_and_after_five(
    engine: SandboxEngine, receiver: Receiver, time: ManualTime
) -> None:
    receiver.answers = [PlainTextResponse("no", 500)] * 4
    await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    assert retries(receiver) == [(None, None), ("1", "http_error")]
    await time.advance(60)
    await engine.settled()
    assert retries(receiver)[2:] == [("2", "http_error")]
    await time.advance(300)
    await engine.settled()
    assert retries(receiver)[3:] == [("3", "http_error")]
    assert len(set(ids(receiver))) == 1


async def test_an_app_may_refuse_retries(engine: SandboxEngine, receiver: Receiver) -> None:
    receiver.answers = [PlainTextResponse("no", 500, {"x-slack-no-retry": "1"})]
    await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    assert len(receiver.requests) == 1


async def test_an_app_that_does_not_answer_in_time_is_asked_again(
    engine: SandboxEngine, receiver: Receiver, time: ManualTime
) -> None:
    slow = SandboxEngine(
        signing_secret=SECRET,
        bot_token="t",
        clock=time,
        sleep=time.sleep,
        request_url=engine.request_url,
        ack_deadline=0.05,
    )
    receiver.hold = asyncio.Event()
    await slow.say("alice", CHANNEL, "hello")
    await slow.settled()
    assert [attempt.reason for attempt in slow.attempts] == ["http_timeout", "http_timeout"]
    receiver.hold.set()
    await time.advance(60)
    await slow.settled()
    assert retries(receiver)[-1] == ("2", "http_timeout")
    assert slow.attempts[-1].status == 200
    await slow.aclose()


async def test_an_app_that_is_not_there_is_tried_again(engine: SandboxEngine, time: ManualTime) -> None:
    engine.request_url = "http://127.0.0.1:1/slack/events"
    await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    assert [attempt.reason for attempt in engine.attempts] == ["connection_failed"] * 2


async def test_on_demand_an_event_arrives_several_times(engine: SandboxEngine, receiver: Receiver) -> None:
    engine.faults.duplicate("message", copies=2)
    await engine.say("alice", CHANNEL, "hello")
    await engine.say("alice", CHANNEL, "again")
    await engine.settled()
    assert sorted(event["text"] for event in events(receiver)) == ["again", "hello", "hello", "hello"]
    assert len(set(ids(receiver))) == 2


async def test_on_demand_an_event_arrives_late(engine: SandboxEngine, receiver: Receiver, time: ManualTime) -> None:
    engine.faults.delay("message", seconds=30)
    await engine.say("alice", CHANNEL, "first")
    await engine.say("alice", CHANNEL, "second")
    await engine.settled()
    assert [event["text"] for event in events(receiver)] == ["second"]
    await time.advance(30)
    await engine.settled()
    assert [event["text"] for event in events(receiver)] == ["second", "first"]


async def test_on_demand_events_change_places(engine: SandboxEngine, receiver: Receiver) -> None:
    engine.faults.reorder("message")
    await engine.say("alice", CHANNEL, "first")
    await engine.say("alice", CHANNEL, "second")
    await engine.settled()
    assert [event["text"] for event in events(receiver)] == ["second", "first"]


async def test_on_demand_an_event_arrives_only_by_its_retry(engine: SandboxEngine, receiver: Receiver) -> None:
    engine.faults.lose("message")
    await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    assert retries(receiver) == [("1", "connection_failed")]


async def test_on_demand_the_answer_to_an_event_is_lost(engine: SandboxEngine, receiver: Receiver) -> None:
    engine.faults.drop_ack("message")
    await engine.say("alice", CHANNEL, "hello")
    await engine.settled()
    assert retries(receiver) == [(None, None), ("1", "http_timeout")]
    assert len(set(ids(receiver))) == 1
