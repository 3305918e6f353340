"""What Slack does with messages, including what it does silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.sandbox import RateLimited, SandboxEngine, SlackError

from .conftest import SECRET, TOKEN, ManualTime

CHANNEL = "C0PAYMENTS"


def post(engine: SandboxEngine, text: str = "hello", **more: object) -> str:
    answer = engine.call("chat.postMessage", channel=CHANNEL, text=text, **more)
    assert answer["ok"], answer
    return str(answer["ts"])


async def test_a_reply_lands_in_its_thread_and_the_root_counts_it(engine: SandboxEngine) -> None:
    root = post(engine)
    reply = await engine.say("alice", "#payments", "looking", thread_ts=root)
    assert reply["thread_ts"] == root
    summary = engine.messages(CHANNEL)[0]
    assert (summary["reply_count"], summary["latest_reply"]) == (1, reply["ts"])
    assert summary["reply_users"] == ["U0ALICE001"]


async def test_a_reply_to_a_reply_belongs_to_the_root(engine: SandboxEngine) -> None:
    root = post(engine)
    reply = await engine.say("alice", "#payments", "looking", thread_ts=root)
    assert (
        engine.call("chat.postMessage", channel=CHANNEL, text="me too", thread_ts=reply["ts"])["message"]["thread_ts"]
        == root
    )


async def test_a_post_to_an_unknown_thread_lands_at_the_root_without_a_word(engine: SandboxEngine) -> None:
    answer = engine.call("chat.postMessage", channel=CHANNEL, text="hi", thread_ts="1700000000.000001")
    assert answer["ok"]
    assert "thread_ts" not in answer["message"]


async def test_a_deleted_root_with_replies_leaves_a_tombstone_and_takes_no_more_replies(engine: SandboxEngine) -> None:
    root = post(engine)
    await engine.say("alice", "#payments", "looking", thread_ts=root)
    assert engine.call("chat.delete", channel=CHANNEL, ts=root)["ok"]
    assert engine.messages(CHANNEL)[0]["subtype"] == "tombstone"
    assert engine.call("chat.update", channel=CHANNEL, ts=root, text="again")["error"] == "message_not_found"
    assert "thread_ts" not in engine.call("chat.postMessage", channel=CHANNEL, text="hi", thread_ts=root)["message"]


async def test_a_root_without_replies_goes_entirely(engine: SandboxEngine) -> None:
    root = post(engine)
    assert engine.call("chat.delete", channel=CHANNEL, ts=root)["ok"]
    assert engine.messages(CHANNEL) == []
    assert engine.call("conversations.replies", channel=CHANNEL, ts=root)["error"] == "thread_not_found"


async def test_a_bot_changes_only_its_own_messages(engine: SandboxEngine) -> None:
    theirs = (await engine.say("alice", "#payments", "mine"))["ts"]
    assert engine.call("chat.update", channel=CHANNEL, ts=theirs, text="x")["error"] == "cant_update_message"
    assert engine.call("chat.delete", channel=CHANNEL, ts=theirs)["error"] == "cant_delete_message"
    ours = post(engine)
    assert engine.call("chat.update", channel=CHANNEL, ts=ours, text="edited")["text"] == "edited"
    with pytest.raises(SlackError, match="cant_update_message"):
        await engine.edit("alice", "#payments", ours, "x")


async def test_a_post_under_a_custom_name_has_a_bot_but_no_user(engine: SandboxEngine) -> None:
    shown = engine.call("chat.postMessage", channel=CHANNEL, text="hi", username="Ann", icon_emoji=":wave:")["message"]
    assert (shown["subtype"], shown["username"], shown["bot_id"]) == ("bot_message", "Ann", engine.bot_id)
    assert "user" not in shown


async def test_metadata_is_read_back_only_when_asked_for(engine: SandboxEngine) -> None:
    metadata = {"event_type": "session_message", "event_payload": {"id": "m1"}}
    root = post(engine, metadata=metadata)
    plain = engine.call("conversations.replies", channel=CHANNEL, ts=root)["messages"][0]
    full = engine.call("conversations.replies", channel=CHANNEL, ts=root, include_all_metadata=True)["messages"][0]
    assert "metadata" not in plain
    assert full["metadata"] == metadata
    engine.call("chat.update", channel=CHANNEL, ts=root, text="kept")
    assert engine.messages(CHANNEL)[0]["metadata"] == metadata
    engine.call("chat.update", channel=CHANNEL, ts=root, text="removed", metadata={})
    assert "metadata" not in engine.messages(CHANNEL)[0]


async def test_replies_come_oldest_first_in_pages_each_led_by_the_root(engine: SandboxEngine) -> None:
    root = post(engine, "root")
    for number in range(5):
        post(engine, f"reply {number}", thread_ts=root)
    seen: list[str] = []
    cursor = ""
    while True:
        answer = engine.call("conversations.replies", channel=CHANNEL, ts=root, limit=2, cursor=cursor)
        assert answer["messages"][0]["text"] == "root"
        seen += [message["text"] for message in answer["messages"][1:]]
        cursor = answer["response_metadata"]["next_cursor"]
        assert answer["has_more"] == bool(cursor)
        if not cursor:
            break
    assert seen == [f"reply {number}" for number in range(5)]


async def test_history_is_newest_first_and_leaves_replies_out(engine: SandboxEngine) -> None:
    first = post(engine, "first")
    post(engine, "reply", thread_ts=first)
    post(engine, "second")
    texts = [message["text"] for message in engine.call("conversations.history", channel=CHANNEL)["messages"]]
    assert texts == ["second", "first"]
    after = engine.call("conversations.history", channel=CHANNEL, oldest=first)["messages"]
    assert [message["text"] for message in after] == ["second"]


async def test_an_ephemeral_message_is_seen_by_one_and_stored_nowhere(engine: SandboxEngine) -> None:
    answer = engine.call("chat.postEphemeral", channel=CHANNEL, user="U0BOB00001", text="only you")
    assert answer["ok"]
    assert [message["text"] for message in engine.ephemerals("bob", CHANNEL)] == ["only you"]
    assert engine.ephemerals("alice", CHANNEL) == []
    assert engine.messages(CHANNEL) == []
    outsider = engine.call("chat.postEphemeral", channel=CHANNEL, user="U0MALLORY1", text="psst")
    assert outsider["error"] == "user_not_in_channel"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
    ],
)
async def test_what_slack_refuses_is_refused_and_noted(
    engine: SandboxEngine, args: dict[str, object], error: str
) -> None:
    assert engine.call("chat.postMessage", channel=CHANNEL, **args)["error"] == error
    assert [violation.error for violation in engine.violations] == [error]


PICTURE = {"type": "image", "image_url": "https://x.example/a.png"}
WORDS = {"type": "section", "text": {"type": "mrkdwn", "text": "Words"}}


@pytest.mark.parametrize(
    "args",
    [
        {"blocks": [WORDS]},
        {"blocks": [WORDS], "text": " \u2060"},
        {"blocks": [WORDS], "text": "…"},
        {"blocks": json.dumps([WORDS])},
        {"blocks": [{**PICTURE, "alt_text": " "}], "text": "A picture"},
        {"blocks": [{**WORDS, "accessory": {**PICTURE, "alt_text": "image"}}], "text": "Words"},
        {"blocks": json.dumps([{**PICTURE, "alt_text": " "}]), "text": "A picture"},
    ],
)
async def test_what_slack_takes_and_not_everybody_can_read_is_noted(
    engine: SandboxEngine, args: dict[str, object]
) -> None:
    assert engine.call("chat.postMessage", channel=CHANNEL, **args)["ok"]
    assert [violation.error for violation in engine.violations] == ["not_readable"]


async def test_what_can_be_read_is_not_noted(engine: SandboxEngine) -> None:
    picture = {**PICTURE, "alt_text": "Alice's picture"}
    assert engine.call("chat.postMessage", channel=CHANNEL, text="Words", blocks=[WORDS, picture])["ok"]
    assert engine.call("chat.postMessage", channel=CHANNEL, text="???")["ok"]
    assert engine.violations == []


async def test_places_that_cannot_be_posted_to_say_why(engine: SandboxEngine) -> None:
    assert engine.call("chat.postMessage", channel="C0NOWHERE", text="x")["error"] == "channel_not_found"
    channel = engine.workspace.channel(CHANNEL)
    engine.workspace.leave(channel, engine.bot_user_id)
    assert engine.call("chat.postMessage", channel=CHANNEL, text="x")["error"] == "not_in_channel"
    engine.workspace.join(channel, engine.bot_user_id)
    engine.workspace.archive(channel, "U0ALICE001")
    assert engine.call("chat.postMessage", channel=CHANNEL, text="x")["error"] == "is_archived"
    assert engine.violations == []


async def test_reactions_are_one_of_a_kind_for_each_user(engine: SandboxEngine) -> None:
    ts = post(engine)
    assert engine.call("reactions.add", channel=CHANNEL, timestamp=ts, name="eyes")["ok"]
    assert engine.call("reactions.add", channel=CHANNEL, timestamp=ts, name="eyes")["error"] == "already_reacted"
    await engine.react("alice", "#payments", ts, "eyes")
    got = engine.call("reactions.get", channel=CHANNEL, timestamp=ts)["message"]["reactions"]
    assert got == [{"name": "eyes", "users": [engine.bot_user_id, "U0ALICE001"], "count": 2}]
    assert engine.call("reactions.remove", channel=CHANNEL, timestamp=ts, name="eyes")["ok"]
    assert engine.call("reactions.remove", channel=CHANNEL, timestamp=ts, name="eyes")["error"] == "no_reaction"


async def test_stamps_are_unique_and_grow_while_the_clock_stands_still(engine: SandboxEngine) -> None:
    stamps = [post(engine, str(number)) for number in range(50)]
    assert stamps == sorted(set(stamps))


async def test_a_stream_grows_one_message_and_dies_after_five_minutes(engine: SandboxEngine, time: ManualTime) -> None:
    root = post(engine)
    to = {"recipient_user_id": "U0ALICE001", "recipient_team_id": engine.team_id}
    ts = engine.call("chat.startStream", channel=CHANNEL, thread_ts=root, **to)["ts"]
    for part in ("Hel", "lo"):
        assert engine.call("chat.appendStream", channel=CHANNEL, ts=ts, markdown_text=part)["ok"]
    assert engine.messages(CHANNEL, root)[1]["text"] == "Hello"
    assert engine.call("chat.update", channel=CHANNEL, ts=ts, text="x")["error"] == "streaming_state_conflict"
    time.pass_by(301)
    late = engine.call("chat.appendStream", channel=CHANNEL, ts=ts, markdown_text="!")
    assert late["error"] == "message_not_in_streaming_state"


async def test_posting_is_limited_to_one_a_second_and_channel_after_a_burst(
    engine: SandboxEngine, time: ManualTime
) -> None:
    engine.rate_limits_on = True
    for number in range(4):
        post(engine, str(number))
    with pytest.raises(RateLimited) as refused:
        post(engine, "too much")
    assert refused.value.retry_after == 1
    assert engine.call("chat.postMessage", channel="C0RANDOM01", text="elsewhere")["ok"]
    time.pass_by(1)
    post(engine, "now")
    assert [message["text"] for message in engine.messages(CHANNEL)] == ["0", "1", "2", "3", "now"]


async def test_a_method_is_limited_by_its_tier(engine: SandboxEngine, time: ManualTime) -> None:
    engine.rate_limits_on = True
    for _ in range(50):
        assert engine.call("conversations.history", channel=CHANNEL)["ok"]
    time.pass_by(20)
    with pytest.raises(RateLimited) as refused:
        engine.call("conversations.history", channel=CHANNEL)
    assert refused.value.retry_after == 40
    time.pass_by(40)
    assert engine.call("conversations.history", channel=CHANNEL)["ok"]


async def test_people_are_found_by_id_and_by_mail(engine: SandboxEngine) -> None:
    assert engine.call("users.lookupByEmail", email="Alice@acme.example")["user"]["id"] == "U0ALICE001"
    assert engine.call("users.lookupByEmail", email="nobody@acme.example")["error"] == "users_not_found"
    assert engine.call("users.info", user="U0MALLORY1")["user"]["is_restricted"] is True
    engine.scopes.discard("users:read.email")
    assert "email" not in engine.call("users.info", user="U0ALICE001")["user"]["profile"]


async def test_a_workspace_that_is_kept_in_a_file_is_there_again(time: ManualTime, tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    for number in range(2):
        engine = SandboxEngine(signing_secret=SECRET, bot_token=TOKEN, clock=time)
        engine.keep_in(file)
        await engine.say("alice", "#payments", f"run {number}")
        await engine.aclose()
    again = SandboxEngine(signing_secret=SECRET, bot_token=TOKEN, clock=time)
    assert again.load(file)
    assert [message["text"] for message in again.messages(CHANNEL)] == ["run 0", "run 1"]
    for broken in ("{}", "[]", '{"version": 1}'):
        file.write_text(broken)
        with pytest.raises(ValueError, match="not a workspace"):
            again.load(file)
    assert len(again.messages(CHANNEL)) == 2


async def test_a_workspace_survives_a_restart(engine: SandboxEngine, time: ManualTime, tmp_path: Path) -> None:
    root = post(engine, "root", metadata={"event_type": "a", "event_payload": {"id": "1"}})
    await engine.say("alice", "#payments", "reply", thread_ts=root)
    await engine.react("bob", "#payments", root, "eyes")
    engine.dump(tmp_path / "data" / "slack.json")
    again = SandboxEngine(signing_secret=SECRET, bot_token=TOKEN, clock=time)
    assert again.load(tmp_path / "data" / "slack.json")
    assert again.messages(CHANNEL, root) == engine.messages(CHANNEL, root)
    assert float((await again.say("bob", "#payments", "later"))["ts"]) > float(root)
    assert not again.load(tmp_path / "none.json")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"slack.json", "slack.files"}
