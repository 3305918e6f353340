"""A new role holds on open sockets at once; and a session changes hands."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame, Someone


async def refusal_of(tab: Client, **frame: Any) -> str:
    """The code with which a frame is refused, or nothing."""
    before = len(tab.frames)
    await tab.send(**frame)
    await tab.send(type="ping")
    await tab.until(lambda answer: answer["type"] == "pong", after=before)
    return next((answer["error_code"] for answer in tab.frames[before:] if answer["type"] == "error"), "")


async def share_a_file(cast: Cast) -> None:
    """`a.py`, for comments to be made on."""
    content = b"x = 1\n"
    version = hashlib.sha256(content).hexdigest()
    session, extra = f"/api/sessions/{cast.session_id}", {"Content-Type": "application/octet-stream"}
    kept = await cast.alice.call("PUT", f"{session}/blobs/{version}", content=content, extra=extra)
    assert kept.status_code == 201, kept.text
    item = {"key": "a", "path": "a.py", "change": "added", "version": version, "size": len(content)}
    shared = await cast.alice.call("POST", f"{session}/files", json={"items": [item]})
    assert shared.status_code == 200, shared.text


async def give(cast: Cast, who: Someone, role: str, *, by: Someone | None = None) -> int:
    path = f"/api/sessions/{cast.session_id}/participants/{who.id}"
    return (await (by or cast.alice).call("PATCH", path, json={"role": role})).status_code


async def hand_over(cast: Cast, by: Someone, to: Someone) -> Any:
    return await by.call("POST", f"/api/sessions/{cast.session_id}/hand-over", json={"user_id": to.id})


def is_role_of(who: Someone, role: str) -> Any:
    def found(frame: Frame) -> bool:
        return frame["type"] == "role_changed" and frame["user_id"] == who.id and frame["role"] == role

    return found


async def test_each_promotion_opens_what_the_role_may_do_and_each_demotion_closes_it(cast: Cast) -> None:
    await share_a_file(cast)
    carol = await cast.carol.open(cast.session_id)
    steps = [
        ("viewer", "not_allowed", "not_allowed"),
        ("editor", "", "not_allowed"),
        ("host", "", ""),
        ("editor", "", "not_allowed"),
        ("viewer", "not_allowed", "not_allowed"),
    ]
    comment = {"type": "add_comment", "file": "a.py", "line": 1, "code_snippet": "x = 1", "content": "why?"}
    for number, (role, writing, summon) in enumerate(steps):
        if number:
            before = len(carol.frames)
            assert await give(cast, cast.carol, role) == 204
            await carol.until(is_role_of(cast.carol, role), after=before, seconds=1.0)
        assert await refusal_of(carol, type="typing") == writing
        assert await refusal_of(carol, **comment) == writing
        assert await refusal_of(carol, type="summon") == summon
        assert await refusal_of(carol, type="cursor_update", file="a.py", line=1) == ""
    assert carol.closed is None


async def test_a_demoted_host_does_not_call_anybody_any_more(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    assert await give(cast, cast.bob, "host") == 204
    assert await give(cast, cast.alice, "editor", by=cast.bob) == 204
    await alice.until(is_role_of(cast.alice, "editor"))
    assert await refusal_of(alice, type="summon") == "not_allowed"
    assert await refusal_of(bob, type="summon") == ""
    await alice.until(lambda frame: frame["type"] == "summoned")
    assert "summoned" not in bob.kinds()


async def test_a_session_changes_hands(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    head = alice.frames[0]["seq"]
    answer = await hand_over(cast, cast.alice, cast.bob)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["role"], answer.json()["host"]["user_id"]) == ("editor", cast.bob.id)
    for tab in (alice, bob):
        await tab.until_seq(head + 3)
    told = [
        (entry["type"], entry.get("user_id"), entry.get("role"), (entry.get("host") or {}).get("username"))
        for entry in alice.entries
    ]
    assert told == [
        ("role_changed", cast.bob.id, "host", None),
        ("role_changed", cast.alice.id, "editor", None),
        ("session_update", None, None, "Bob"),
    ]
    assert {entry["actor_id"] for entry in alice.entries} == {cast.alice.id}
    assert await refusal_of(alice, type="summon") == "not_allowed"
    assert await refusal_of(bob, type="summon") == ""
    assert await give(cast, cast.carol, "editor", by=cast.alice) == 403
    assert await give(cast, cast.carol, "editor", by=cast.bob) == 204
    shown = await cast.carol.call("GET", f"/api/sessions/{cast.session_id}")
    assert shown.json()["host"]["username"] == "Bob"


async def test_only_a_host_hands_a_session_over_and_only_to_somebody_in_it(cast: Cast) -> None:
    before = await cast.house.log_of(cast.session_id)
    refusals = [
        (cast.bob, cast.carol, 403, "not_allowed"),
        (cast.carol, cast.carol, 403, "not_allowed"),
        (cast.mallory, cast.bob, 404, "session_not_found"),
        (cast.alice, cast.mallory, 404, "user_not_found"),
        (cast.alice, await cast.house.someone("Eve"), 404, "user_not_found"),
        (cast.alice, cast.alice, 422, "invalid"),
    ]
    for by, to, status, code in refusals:
        answer = await hand_over(cast, by, to)
        assert (answer.status_code, answer.json()["error_code"]) == (status, code), f"{by.name} to {to.name}"
    assert await cast.house.log_of(cast.session_id) == before
    assert (await hand_over(cast, cast.alice, cast.carol)).status_code == 200


async def test_whoever_hands_over_twice_at_once_hands_over_once(cast: Cast) -> None:
    answers = await asyncio.gather(hand_over(cast, cast.alice, cast.bob), hand_over(cast, cast.alice, cast.carol))
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    people = (await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/participants")).json()["items"]
    assert [person["role"] for person in people].count("host") == 1


async def test_there_is_always_a_host(cast: Cast) -> None:
    assert await give(cast, cast.alice, "editor") == 409
    mine = f"/api/sessions/{cast.session_id}/participants/{cast.alice.id}"
    assert (await cast.alice.call("DELETE", mine)).status_code == 409
    assert (await hand_over(cast, cast.alice, cast.bob)).status_code == 200
    assert (await cast.alice.call("DELETE", mine)).status_code == 204
    assert await give(cast, cast.bob, "viewer", by=cast.bob) == 409
