"""Who is here, as the others see it: quiet about reconnects, without ghosts, and never under a borrowed name.

Time passes by the clock that is handed in. What must not happen is checked once something later has.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.presence import GRACE, LEASE, STALE
from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame, Someone, open_house


async def until_true(claim: Callable[[], bool]) -> None:
    """Waits for something that no frame tells of."""
    async with asyncio.timeout(5.0):
        while not claim():  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)


async def alive(*tabs: Client) -> None:
    """Each says something, and the server has heard it."""
    for tab in tabs:
        before = len(tab.frames)
        await tab.send(type="ping")
        await tab.until(lambda frame: frame["type"] == "pong", after=before)


async def gone(tab: Client, who: Someone) -> None:
    await tab.close()
    await until_true(lambda: who.house.runtime.hub.connections_of(who.id) == 0)


def left(who: Someone) -> Callable[[Frame], bool]:
    return lambda frame: frame["type"] == "user_left" and frame["user_id"] == who.id


def shown(who: Someone, **state: Any) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        users = frame.get("users", []) if frame["type"] == "presence_update" else []
        return any(user["user_id"] == who.id and state.items() <= user.items() for user in users)

    return found


async def test_whoever_closes_the_page_is_gone_after_the_grace_period_and_whoever_is_back_never_left(
    cast: Cast,
) -> None:
    alice = await cast.alice.open(cast.session_id)
    bob, carol = await cast.bob.open(cast.session_id), await cast.carol.open(cast.session_id)
    await alice.until(lambda frame: frame["type"] == "user_joined" and frame["user"]["user_id"] == cast.carol.id)
    await gone(bob, cast.bob)
    await gone(carol, cast.carol)
    before = len(alice.frames)
    cast.house.seconds.move(GRACE - 1.0)
    await cast.bob.open(cast.session_id)
    cast.house.seconds.move(1.0)
    await alice.until(left(cast.carol))
    told = [frame for frame in alice.frames[before:] if frame["type"] in ("user_joined", "user_left")]
    assert [frame.get("user_id") for frame in told] == [cast.carol.id]


async def test_somebody_whose_machine_died_is_gone_within_thirty_seconds_and_comes_back_by_speaking(
    cast: Cast,
) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    cast.house.seconds.move(20.0)
    await alive(alice)
    assert {one.person.username for one in cast.house.runtime.hub.present(cast.session_id)} == {"Alice", "Bob"}
    cast.house.seconds.move(LEASE - 20.0)
    await alice.until(left(cast.bob))
    before = len(alice.frames)
    await alive(bob)
    await alice.until(lambda frame: frame["type"] == "user_joined", after=before)
    assert left(cast.alice) not in bob.frames


async def test_somebody_still_and_connected_does_not_vanish(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    await bob.send(type="cursor_update", file="main.py", line=42)
    await alice.until(shown(cast.bob, status="active"))
    for _ in range(int(STALE / 20.0) + 1):
        cast.house.seconds.move(20.0)
        await alive(alice, bob)
    asleep = await alice.until(shown(cast.bob, status="away"))
    assert next(user for user in asleep["users"] if user["user_id"] == cast.bob.id)["cursor"]["line"] == 42
    before = len(alice.frames)
    await bob.send(type="cursor_update", file="main.py", line=43)
    await alice.until(shown(cast.bob, status="active"), after=before)
    assert not {"user_left"} & set(alice.kinds())


async def test_closing_two_of_three_tabs_keeps_the_person_where_the_third_is(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    tabs = [await cast.bob.open(cast.session_id) for _ in range(3)]
    for number, tab in enumerate(tabs, start=1):
        await tab.send(type="cursor_update", file="main.py", line=number)
        await alice.until(lambda frame, n=number: any((u["cursor"] or {}).get("line") == n for u in users_of(frame)))
    await tabs[1].close()
    await tabs[2].close()
    await until_true(lambda: cast.house.runtime.hub.connections_of(cast.bob.id) == 1)
    await alice.until(
        lambda frame: any((user["cursor"] or {}).get("line") == 1 for user in users_of(frame)),
        after=len(alice.frames) - 1,
    )
    cast.house.seconds.move(GRACE + 2.0)
    carol = await cast.carol.open(cast.session_id)
    await gone(carol, cast.carol)
    cast.house.seconds.move(GRACE)
    await alice.until(left(cast.carol))
    assert not any(left(cast.bob)(frame) for frame in alice.frames)


def users_of(frame: Frame) -> list[dict[str, Any]]:
    return frame.get("users", [])


async def test_typing_is_forgotten_when_it_stops_and_when_the_tab_is_gone(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)

    def is_typing(is_so: bool) -> Callable[[Frame], bool]:
        return lambda frame: frame["type"] == "typing" and frame["is_typing"] is is_so

    await bob.send(type="typing")
    await alice.until(is_typing(True))
    cast.house.seconds.move(5.0)
    await alice.until(is_typing(False))
    before = len(alice.frames)
    await bob.send(type="typing")
    await alice.until(is_typing(True), after=before)
    await bob.close()
    silenced = await alice.until(is_typing(False), after=before)
    assert (silenced["user_id"], silenced["username"]) == (cast.bob.id, "Bob")


async def test_a_burst_of_movement_is_a_few_batches_of_those_who_moved_and_no_entry(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    await carol.until(shown(cast.carol))
    log_before, before = await cast.house.log_of(cast.session_id), len(carol.frames)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for line in range(1, 151):
        await bob.send(type="cursor_update", file="main.py", line=line)
    await carol.until(lambda frame: any((user["cursor"] or {}).get("line") == 150 for user in users_of(frame)))
    batches = [frame for frame in carol.frames[before:] if frame["type"] == "presence_update"]
    # Slower machines may get more of them: the bound moves with the time that it took.
    assert len(batches) <= (loop.time() - began) / 0.1 + 2
    assert {user["user_id"] for frame in batches for user in users_of(frame)} <= {cast.bob.id, cast.alice.id}
    assert await cast.house.log_of(cast.session_id) == log_before
    await alive(alice)


async def test_after_a_restart_there_are_no_ghosts(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url, tmp_path / "data") as house:
        alice, bob = await house.someone("Alice"), await house.someone("Bob")
        session_id = await alice.start()
        assert (await bob.accept(await alice.invite(session_id))).status_code == 200
        await bob.open(session_id)
        tab = await alice.open(session_id)
        assert {user["username"] for user in tab.frames[0]["presence"]} == {"Alice", "Bob"}
    async with open_house(database_url, tmp_path / "data") as again:
        tab = await Someone(again, alice.id, "Alice").open(session_id)
        assert {user["username"] for user in tab.frames[0]["presence"]} == {"Alice"}


# ── Borrowed names ────────────────────────────────────────────────────────────────────────────────────────────────────

FRAMES: list[Frame] = [
    {"type": "join_session"},
    {"type": "chat_message", "content": "it is me"},
    {"type": "edit_message", "message_id": "msg_x", "content": "it was me"},
    {"type": "delete_message", "message_id": "msg_x"},
    {"type": "add_reaction", "message_id": "msg_x", "emoji": "👍"},
    {"type": "remove_reaction", "message_id": "msg_x", "emoji": "👍"},
    {"type": "add_comment", "file": "a.py", "line": 1, "code_snippet": "x", "content": "mine"},
    {"type": "edit_comment", "comment_id": "com_x", "content": "mine"},
    {"type": "delete_comment", "comment_id": "com_x"},
    {"type": "resolve_comment", "comment_id": "com_x"},
    {"type": "reopen_comment", "comment_id": "com_x"},
    {"type": "read_up_to", "seq": 1},
    {"type": "cursor_update", "file": "main.py", "line": 3},
    {"type": "presence_update", "status": "idle", "viewport": {"surface": "transcript", "seq": 1}},
    {"type": "typing"},
    {"type": "follow", "user_id": "usr_x"},
    {"type": "unfollow"},
    {"type": "summon"},
    {"type": "refresh_token", "auth_token": "not.a.token"},
    {"type": "ping"},
    {"type": "pong"},
]
TABS, FRAMES_PER_TAB = 6, 170


def disguised(dice: random.Random, alice: Someone) -> Frame:
    """A frame of some kind that claims, in every way one can think of, to be Alice's, or a host's."""
    person = {"user_id": alice.id, "username": "Alice", "color": 11, "role": "host"}
    claims: Frame = {
        **person,
        "id": alice.id,
        "name": "Alice",
        "actor_id": alice.id,
        "is_admin": True,
        "seq": 1,
        "at": "2026-01-01T00:00:00.000Z",
        "actor": person,
        "person": person,
        "user": person,
        "you": person,
        "users": [person],
        "connection_id": "con_x",
        "following": alice.id,
        "__class__": "host",
        "": "Alice",
    }
    frame = dict(dice.choice(FRAMES))
    for name in dice.sample(sorted(claims), dice.randint(1, len(claims))):
        if name not in frame or (frame["type"] != "read_up_to" and name == "user_id" and dice.random() < 0.5):
            frame[name] = claims[name]
    if isinstance(frame.get("viewport"), dict) and dice.random() < 0.5:
        frame["viewport"] = {**frame["viewport"], **person}
    return frame


async def test_of_a_thousand_frames_in_disguise_none_is_taken_for_somebody_else_s(cast: Cast) -> None:
    dice = random.Random(20_260_701)
    alice, carol = await cast.alice.open(cast.session_id), await cast.carol.open(cast.session_id)
    tabs = [await cast.bob.open(cast.session_id) for _ in range(TABS)]
    true = {who.id: who.name for who in (cast.alice, cast.bob, cast.carol)}
    colors = {person["user_id"]: person["color"] for person in alice.frames[0]["participants"]}
    people = (await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/participants")).json()
    head = alice.frames[0]["seq"]
    sent = [disguised(dice, cast.alice) for _ in range(TABS * FRAMES_PER_TAB)]
    assert {frame["type"] for frame in sent} == {frame["type"] for frame in FRAMES}
    greeter = await cast.bob.open(cast.session_id)
    for number, frame in enumerate(sent):
        await (greeter if frame["type"] == "join_session" else tabs[number % TABS]).send(**frame)
    for tab in (*tabs, greeter):
        await tab.say("the last of it")  # Answered, whether posted or not, when all before it was.
    await alive(alice, carol)
    await alice.until(lambda frame: frame["type"] == "presence_update")

    for client in (alice, carol, greeter, *tabs):
        assert client.closed is None
        for frame in client.frames:
            for person in (*users_of(frame), *([frame["user"]] if frame["type"] == "user_joined" else [])):
                assert (person["username"], person["color"]) == (true[person["user_id"]], colors[person["user_id"]])
            if frame["type"] == "typing":
                assert (frame["user_id"], frame["username"]) == (cast.bob.id, "Bob")
    for one in cast.house.runtime.hub.present(cast.session_id):
        assert one.person.username == true[one.person.user_id]
        assert one.role == {"Alice": "host", "Bob": "editor", "Carol": "viewer"}[one.person.username]
        assert one.person.user_id == cast.bob.id or (one.cursor, one.viewport, one.following) == (None, None, None)
    for entry in (await cast.house.log_of(cast.session_id))[head:]:
        assert entry["actor_id"] == cast.bob.id
        written = entry.get("message") or entry.get("comment") or {"username": "Bob"}
        assert written["username"] == "Bob"
    assert "summoned" not in alice.kinds()
    # Each hello begins anew at the head, so this tab holds no contiguous piece of the log for the house to check.
    cast.house.clients.remove(greeter)
    await greeter.close()
    assert (await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/participants")).json() == people
