"""The activity of a session, and of all that somebody may see: told from the logs, to those who may read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.conftest import Cast
from tests.stories.house import Someone
from tests.stories.test_inbox import page_of, say

AGENT = [
    {"type": "prompt_submitted", "turn_id": "t", "text": "fix it"},
    {"type": "turn_started", "turn_id": "t", "agent": "codex"},
    {"type": "agent_message", "turn_id": "t", "text": "on it"},
    {"type": "file_changed", "turn_id": "t", "path": "app.py", "change": "modified", "added": 1, "removed": 0},
    {"type": "agent_failed", "turn_id": "t", "message": "overloaded"},
    {"type": "turn_finished", "turn_id": "t", "status": "failed"},
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What differs between databases is tested in `tests/core`."""
    return sqlite_url


async def feed_of(who: Someone, session_id: str | None = None, query: str = "") -> dict[str, Any]:
    path = "/api/feed" if session_id is None else f"/api/sessions/{session_id}/feed"
    answer = await who.call("GET", path + query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(who: Someone, session_id: str, claim: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The reader is a moment behind the log."""
    async with asyncio.timeout(10):
        while True:
            items = (await feed_of(who, session_id))["items"]
            if claim(items):
                return items
            await asyncio.sleep(0.02)


async def told(cast: Cast) -> list[dict[str, Any]]:
    """A session in which much has happened; the feed is complete."""
    items = [{"key": f"k{number}", "event": event} for number, event in enumerate(AGENT)]
    path = f"/api/sessions/{cast.session_id}"
    assert (await cast.alice.call("POST", f"{path}/agent-events", json={"items": items})).status_code == 200
    await say(cast.alice, cast.session_id, "only chat")
    await say(cast.alice, cast.session_id, "@Bob have a look")
    frame = {"type": "add_comment", "file": "app.py", "line": 1, "code_snippet": "x", "content": "why?"}
    answer = await cast.bob.call("POST", f"{path}/commands", json={"frames": [frame]})
    assert answer.json()["items"][0]["type"] == "ack", answer.text
    return await until(cast.bob, cast.session_id, lambda items: items[0]["what"] == "code_comment")


async def test_the_feed_shows_what_happened_the_latest_first(cast: Cast) -> None:
    items = await told(cast)
    assert [item["what"] for item in items[:7]] == [
        *("code_comment", "chat_message", "turn_finished", "agent_failed", "file_changed", "prompt_submitted"),
        "participant_removed",
    ]
    assert [item["seq"] for item in items] == sorted((item["seq"] for item in items), reverse=True)
    comment, mention = items[:2]
    assert (comment["user"]["username"], comment["target"], comment["text"]) == ("Bob", "app.py:1", "why?")
    assert (mention["kind"], mention["text"]) == ("mention", "@Bob have a look")
    assert items[6]["target"] == "Mallory"
    assert "only chat" not in [item["text"] for item in items]


async def test_the_feed_can_be_asked_for_some_kinds_and_page_by_page(cast: Cast) -> None:
    everything = await told(cast)
    some = (await feed_of(cast.bob, cast.session_id, "?kinds=error,file,nonsense"))["items"]
    assert [item["what"] for item in some] == ["agent_failed", "file_changed"]
    paged: list[dict[str, Any]] = []
    query = "?limit=3"
    while True:
        page = await feed_of(cast.bob, cast.session_id, query)
        paged += page["items"]
        if page["next"] is None:
            break
        query = f"?limit=3&before={page['next']}"
    assert paged == everything


async def test_the_feed_of_everything_holds_what_one_may_see_and_nothing_else(cast: Cast) -> None:
    await told(cast)
    secret = await cast.alice.start("Secret plans")
    await until(cast.alice, secret, lambda items: len(items) == 2)
    assert {item["session_title"] for item in (await feed_of(cast.alice))["items"]} == {
        "Fix the login bug",
        "Secret plans",
    }
    assert {item["session_id"] for item in (await feed_of(cast.bob))["items"]} == {cast.session_id}
    assert (await feed_of(cast.mallory))["items"] == [], "removed yesterday"


async def test_a_text_that_was_taken_back_is_gone_from_the_feed(cast: Cast) -> None:
    ack = await say(cast.alice, cast.session_id, "@Bob the password is hunter2")
    await until(cast.bob, cast.session_id, lambda items: items[0]["what"] == "chat_message")
    message = (await cast.house.log_of(cast.session_id))[ack["seq"] - 1]["message"]["id"]
    frame = {"type": "delete_message", "message_id": message}
    await cast.alice.call("POST", f"/api/sessions/{cast.session_id}/commands", json={"frames": [frame]})
    answer = await cast.bob.call("GET", f"/api/sessions/{cast.session_id}/feed")
    assert "hunter2" not in answer.text
    assert answer.json()["items"][0]["is_gone"]


async def test_a_page_that_shows_the_feed_is_told_when_there_is_more(cast: Cast) -> None:
    async with page_of(cast.bob, "?feed=true") as page, page_of(cast.bob) as other:
        await page.until(type="inbox")
        await say(cast.alice, cast.session_id, "@Carol have a look")
        await page.until(type="feed")
        assert all(one["type"] == "inbox" for one in other.told), "whoever does not show it is not told"
