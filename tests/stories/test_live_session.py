"""What people live through in a session: through the real door, on a real database, over either transport."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

from core import accounts
from tests.stories.conftest import Cast
from tests.stories.lines import Transport


@pytest.fixture(params=["websocket", "sse"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """Everything here holds over both."""
    chosen: Transport = request.param
    return chosen


async def test_a_message_reaches_everybody_once_and_in_order(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    for number in range(20):
        speaker = (alice, bob)[number % 2]
        assert (await speaker.say(f"message {number}"))["type"] == "ack"
    last = (await alice.say("the last"))["seq"]
    for client in (alice, bob, carol):
        await client.until_seq(last)
        assert client.texts == [*(f"message {number}" for number in range(20)), "the last"]


async def test_a_message_sent_twice_is_posted_once_and_acknowledged_twice(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    first = await bob.say("only once", client_msg_id="same")
    again = await bob.say("only once", client_msg_id="same")
    assert first["seq"] == again["seq"]
    another_tab = await cast.bob.open(cast.session_id, since=0)
    third = await another_tab.say("only once", client_msg_id="same")
    assert third["seq"] == first["seq"]
    assert bob.texts == ["only once"]


async def test_who_comes_back_gets_exactly_what_they_missed(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    epoch = bob.frames[0]["epoch"]
    seen = (await bob.say("before"))["seq"]
    await bob.close()
    reports = [
        {"key": f"k{n}", "event": {"type": "agent_message", "turn_id": "t", "text": f"line {n}"}} for n in range(1_400)
    ]
    last = 0
    for start in range(0, 1_400, 200):
        path = f"/api/sessions/{cast.session_id}/agent-events"
        answer = await cast.alice.call("POST", path, json={"items": reports[start : start + 200]})
        assert answer.status_code == 200, answer.text
        last = answer.json()["items"][-1]["seq"]
    back = await cast.bob.open(cast.session_id, epoch=epoch, since=seen)
    await back.until_seq(last)
    assert back.frames[0]["is_resumed"] is True
    assert [entry["seq"] for entry in back.entries] == list(range(seen + 1, last + 1))


async def test_a_stranger_to_this_history_is_told_and_gets_no_half_truth(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id, epoch="epo_of_another_server", since=3)
    assert bob.frames[0]["is_resumed"] is False
    from_the_future = await cast.bob.open(cast.session_id, epoch=bob.frames[0]["epoch"], since=10_000)
    assert from_the_future.frames[0]["is_resumed"] is False
    await from_the_future.say("live from here on")
    assert from_the_future.texts == ["live from here on"]


async def test_connected_comes_first_then_what_was_missed_then_what_is_new(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    await alice.say("one")
    client = await cast.bob.open(cast.session_id, since=0)
    head = client.frames[0]["seq"]
    await client.until_seq(head)
    assert client.frames[0]["type"] == "connected"
    assert [frame.get("seq") for frame in client.frames[1 : head + 1]] == list(range(1, head + 1))


async def test_an_editor_writes_where_a_viewer_is_refused_in_words(cast: Cast) -> None:
    bob, carol = await cast.bob.open(cast.session_id), await cast.carol.open(cast.session_id)
    assert (await bob.say("I may"))["type"] == "ack"
    refusal = await carol.say("may I?")
    assert (refusal["type"], refusal["error_code"], refusal["retryable"]) == ("error", "not_allowed", False)
    assert "viewer" in refusal["message"]
    assert carol.closed is None


async def test_a_new_role_holds_at_once_on_an_open_socket(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    assert (await carol.say("not yet"))["error_code"] == "not_allowed"
    path = f"/api/sessions/{cast.session_id}/participants/{cast.carol.id}"
    assert (await cast.alice.call("PATCH", path, json={"role": "editor"})).status_code == 204
    await carol.until(lambda frame: frame["type"] == "role_changed")
    assert (await carol.say("now I may"))["type"] == "ack"


async def test_somebody_removed_is_cut_off_and_hears_nothing_later(cast: Cast) -> None:
    bob, alice = await cast.bob.open(cast.session_id), await cast.alice.open(cast.session_id)
    path = f"/api/sessions/{cast.session_id}/participants/{cast.bob.id}"
    assert (await cast.alice.call("DELETE", path)).status_code == 204
    assert (await bob.until_closed())[0] == 4403
    said = await alice.say("he is gone")
    assert all(entry["seq"] < said["seq"] for entry in bob.entries)
    assert (await cast.bob.call("POST", f"/api/sessions/{cast.session_id}/tickets")).status_code == 404
    await alice.until(lambda frame: frame["type"] == "user_left" and frame["user_id"] == cast.bob.id)


async def test_three_tabs_are_one_person(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    tabs = [await cast.bob.open(cast.session_id) for _ in range(3)]
    await alice.until(lambda frame: frame["type"] == "user_joined" and frame["user"]["user_id"] == cast.bob.id)
    await tabs[0].close()
    await tabs[1].close()
    await tabs[2].say("still here")
    await alice.until(lambda frame: frame["type"] == "chat_message")
    assert alice.kinds().count("user_joined") == 1
    assert "user_left" not in alice.kinds()


async def test_cursors_and_typing_are_seen_under_the_name_of_the_login(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    await bob.send(type="cursor_update", file="main.py", line=42, column=7, user_id=cast.alice.id, username="Alice")
    await bob.send(type="typing", username="Alice")

    def shows_bob(frame: dict[str, object]) -> bool:
        users = frame.get("users", [])
        assert isinstance(users, list)
        return any(user["user_id"] == cast.bob.id and (user["cursor"] or {}).get("line") == 42 for user in users)

    seen = await alice.until(shows_bob)
    assert {user["username"] for user in seen["users"] if user["cursor"]} == {"Bob"}
    typing = await alice.until(lambda frame: frame["type"] == "typing")
    assert typing["username"] == "Bob"
    assert not any(entry["type"] in ("typing", "cursor_update") for entry in await cast.house.log_of(cast.session_id))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", "bad_frame"),
        ("[]", "bad_frame"),
        ("{}", "bad_frame"),
        ('{"type":"grant_host"}', "bad_frame"),
        ('{"type":"chat_message","content":7}', "bad_frame"),
        ('{"type":"cursor_update","file":"a","line":0}', "bad_frame"),
        ('{"type":"chat_message","content":"   "}', "body_empty"),
        (json.dumps({"type": "chat_message", "content": "x" * 12_001}), "body_too_long"),
        ('{"type":"chat_message","content":"hi","parent_id":"msg_elsewhere"}', "parent_not_found"),
    ],
)
async def test_a_bad_frame_is_answered_and_harms_nothing(cast: Cast, text: str, code: str) -> None:
    bob = await cast.bob.open(cast.session_id)
    if text == "not json" and cast.house.transport == "sse":
        pytest.skip("a request that is not JSON has no frames to answer")
    await bob.send_text(text)
    refusal = await bob.until(lambda frame: frame["type"] == "error")
    assert refusal["error_code"] == code
    assert refusal["message"]
    assert (await bob.say("all is well"))["type"] == "ack"


async def test_a_socket_ends_with_the_sign_in_behind_it(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)  # By a ticket of a minute, fetched with a token of an hour.
    cast.house.clock.move(timedelta(minutes=50))
    assert (await bob.say("the ticket is long over"))["type"] == "ack"
    cast.house.clock.move(timedelta(minutes=11))
    assert (await bob.until_closed())[0] == 4501


async def test_somebody_signed_out_everywhere_is_out_within_seconds(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    await cast.house.runtime.db.write(lambda tx: accounts.sign_out_everywhere(tx, cast.bob.id))
    assert (await bob.until_closed(8.0))[0] == 4401
    assert (await cast.bob.call("GET", "/api/me")).status_code == 401
    assert (await alice.say("still here"))["type"] == "ack"


async def test_a_flood_of_messages_is_slowed_for_one_person_and_nobody_else(cast: Cast) -> None:
    alice, tabs = await cast.alice.open(cast.session_id), [await cast.bob.open(cast.session_id) for _ in range(3)]
    began = time.monotonic()
    for number in range(40):
        for index, tab in enumerate(tabs):
            await tab.send(type="chat_message", client_msg_id=f"{index}-{number}", content="spam")
    refusal = await tabs[0].until(lambda frame: frame.get("error_code") == "too_many")
    assert refusal["retryable"] is True
    assert refusal["retry_after_ms"] > 0
    assert (await alice.say("I am not slowed"))["type"] == "ack"
    said = sum(entry["type"] == "chat_message" for entry in await cast.house.log_of(cast.session_id))
    # A hundred at once, what flowed in meanwhile, and Alice's one.
    assert said <= 100 + (time.monotonic() - began) * 100 / 60 + 2


async def test_an_ended_session_can_be_read_and_not_written(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    assert (await cast.bob.call("POST", f"/api/sessions/{cast.session_id}/end")).status_code == 403
    assert (await cast.alice.call("POST", f"/api/sessions/{cast.session_id}/end")).status_code == 200
    await bob.until(lambda frame: frame["type"] == "session_ended")
    assert (await bob.say("too late"))["error_code"] == "session_has_ended"
    later = await cast.carol.open(cast.session_id, since=0)
    await later.until(lambda frame: frame["type"] == "session_ended")
