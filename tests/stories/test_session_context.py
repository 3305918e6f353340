"""How the agent is doing, as everybody in the session sees it: from the first event on, and as time passes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.stories.conftest import Cast
from tests.stories.house import Frame

KEYS = itertools.count()


async def report(cast: Cast, *events: dict[str, Any]) -> None:
    """What the agent on Alice's machine did."""
    items = [{"key": f"k{next(KEYS)}", "event": event} for event in events]
    answer = await cast.alice.call("POST", f"/api/sessions/{cast.session_id}/agent-events", json={"items": items})
    assert answer.status_code == 200, answer.text


def usage(used: int) -> dict[str, Any]:
    tokens = {"total": used, "input": used, "output": 0}
    return {"type": "usage_updated", "tokens": tokens, "context_used": used, "context_limit": 200_000}


TURN = {"type": "turn_started", "turn_id": "t-1", "agent": "claude-code"}
DONE = {"type": "turn_finished", "turn_id": "t-1", "status": "completed"}


def call(name: str) -> dict[str, Any]:
    return {"type": "tool_call_started", "turn_id": "t-1", "call_id": name, "tool": "Bash", "title": name}


def edit(path: str) -> dict[str, Any]:
    return {
        "type": "file_changed",
        "turn_id": "t-1",
        "path": path,
        "change": "modified",
        "added": 1,
        "removed": 0,
    }


def told(**context: Any) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        return frame["type"] == "session_update" and context.items() <= (frame.get("context") or {}).items()

    return found


async def test_before_an_agent_is_there_the_session_waits_without_a_score(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    context = carol.frames[0]["context"]
    assert (context["status"], context["health_score"], context["health_reasons"]) == ("waiting", None, [])
    view = (await cast.carol.call("GET", f"/api/sessions/{cast.session_id}")).json()
    assert view["health_score"] is None


async def test_everybody_sees_what_the_agent_does_to_its_context_and_why_the_score_falls(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    await report(cast, TURN, call("ls"), edit("a.py"), edit("b.py"), edit("a.py"), usage(184_000))
    update = (await carol.until(told(status="working", context_used=184_000)))["context"]
    assert (update["token_count"], update["context_limit"]) == (184_000, 200_000)
    assert (update["tool_calls"], update["files_touched"], update["turns"]) == (1, 2, 1)
    assert update["health_score"] == 66
    assert update["health_reasons"] == [{"code": "context_used", "points": 34, "text": "Context is 92 % full"}]
    await report(cast, DONE)
    await carol.until(told(status="waiting"))

    late = await cast.bob.open(cast.session_id)
    assert late.frames[0]["context"] == {**update, "status": "waiting"}
    view = (await cast.bob.call("GET", f"/api/sessions/{cast.session_id}")).json()
    assert view["health_score"] == 66
    listed = (await cast.bob.call("GET", "/api/sessions")).json()["items"]
    assert [item["health_score"] for item in listed if item["id"] == cast.session_id] == [66]


async def test_silence_alone_is_told_too(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    await report(cast, TURN)
    await carol.until(told(status="working"))
    cast.house.clock.move(timedelta(minutes=12))
    cast.house.runtime.contexts.look()
    update = await carol.until(told(status="idle"))
    (reason,) = update["context"]["health_reasons"]
    assert (reason["code"], reason["text"]) == ("idleness", "No sign of the running turn for 12 minutes")
    await report(cast, DONE)
    await carol.until(told(status="waiting", health_score=100))


async def test_the_end_is_told(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    await report(cast, TURN)
    assert (await cast.alice.call("POST", f"/api/sessions/{cast.session_id}/end")).status_code == 200
    await carol.until(told(status="ended"))


async def test_a_burst_of_work_is_told_at_most_once_a_second_and_to_its_end(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1, 31):
        await report(cast, call(f"c{number}"))
    await carol.until(told(tool_calls=30))
    updates = [frame for frame in carol.frames if told()(frame)]
    # Slower machines may get more of them: the bound moves with the time that it took.
    assert len(updates) <= (loop.time() - began) / 1.0 + 2
    seen = [frame["context"]["tool_calls"] for frame in updates]
    assert seen == sorted(set(seen))


async def test_what_changes_nothing_about_the_agent_is_not_told_as_if_it_did(cast: Cast) -> None:
    carol, bob = await cast.carol.open(cast.session_id), await cast.bob.open(cast.session_id)
    await report(cast, TURN)
    await carol.until(told(status="working"))
    before = len(carol.frames)
    await bob.say("how is it going?")
    cast.house.runtime.contexts.look()
    await report(cast, usage(150_000))
    await carol.until(told(context_used=150_000))
    assert len([frame for frame in carol.frames[before:] if told()(frame)]) == 1


async def test_nobody_outside_the_session_hears_of_it(cast: Cast) -> None:
    elsewhere = await cast.bob.start("Another session")
    outside, carol = await cast.bob.open(elsewhere), await cast.carol.open(cast.session_id)
    await report(cast, TURN)
    await carol.until(told(status="working"))
    await outside.say("nothing here")
    assert not any(told()(frame) for frame in outside.frames)
