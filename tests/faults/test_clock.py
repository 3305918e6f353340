"""The clock jumps by two hours, either way, and steps to and fro: the log keeps its order, and nobody is thrown out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.stories.house import Client, House, Someone

HOURS = [timedelta(hours=2), timedelta(hours=-2)]


async def two(house: House) -> tuple[str, Someone, Someone]:
    """Both signed in for a day."""
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    assert (await bob.accept(await alice.invite(session_id))).is_success
    return session_id, alice, bob


async def open_for_a_day(house: House, someone: Someone, session_id: str) -> Client:
    token = house.runtime.tokens.issue("api", someone.id, 0, timedelta(days=1))
    answer = await house.http.post(f"/api/sessions/{session_id}/tickets", headers={"Authorization": f"Bearer {token}"})
    client = await house.connect(session_id, token=answer.json()["ticket"])
    await client.until(lambda frame: frame["type"] == "connected")
    return client


@pytest.mark.parametrize("jump", HOURS, ids=["forward", "back"])
async def test_a_jump_of_the_clock_drops_nobody_and_keeps_the_order(house: House, jump: timedelta) -> None:
    session_id, alice, bob = await two(house)
    tabs = await open_for_a_day(house, alice, session_id), await open_for_a_day(house, bob, session_id)
    before = await tabs[0].say("before")
    house.clock.move(jump)
    after = await tabs[1].say("after")
    assert after["seq"] == before["seq"] + 1
    house.clock.move(-jump)
    last = await tabs[0].say("back again")
    for tab in tabs:
        await tab.until_seq(last["seq"])
        assert tab.texts == ["before", "after", "back again"]
        assert tab.closed is None
    assert not [kind for tab in tabs for kind in tab.kinds() if kind in ("user_left", "error")]


async def test_a_step_of_the_clock_lets_the_same_wish_have_one_effect(house: House) -> None:
    session_id, alice, bob = await two(house)
    tab = await open_for_a_day(house, alice, session_id)
    first = await tab.say("once", client_msg_id="once")
    for step in (1, -2, 7_200, -14_400, 7_201):
        house.clock.move(timedelta(seconds=step))
        again = await tab.say("once", client_msg_id="once")
        assert again["seq"] == first["seq"]
    late = await bob.open(session_id, since=0)
    await late.until_seq(first["seq"])
    assert late.texts == ["once"]


async def test_an_invite_is_judged_by_the_clock_as_it_is_now(house: House) -> None:
    session_id, alice, bob = await two(house)
    carol, dora = await house.someone("Carol"), await house.someone("Dora")
    invite = await alice.invite(session_id, expires_in=3_600, max_uses=5)
    house.clock.move(timedelta(hours=2))
    assert (await carol.accept(invite)).status_code == 410
    house.clock.move(timedelta(hours=-2))
    assert (await dora.accept(invite)).is_success
    assert (await bob.open(session_id)).closed is None


@pytest.mark.parametrize("jump", HOURS, ids=["forward", "back"])
async def test_a_ticket_from_before_a_jump_is_old_or_good_and_a_new_one_is_always_good(
    house: House, jump: timedelta
) -> None:
    session_id, alice, _ = await two(house)
    old = await alice.ticket(session_id)
    house.clock.move(jump)
    client = await house.connect(session_id, token=old)
    if jump > timedelta():
        assert (await client.until_closed())[0] == 4401
    else:
        await client.until(lambda frame: frame["type"] == "connected")
    assert (await (await alice.open(session_id)).say("in"))["type"] == "ack"


@pytest.mark.parametrize("jump", HOURS, ids=["forward", "back"])
async def test_who_says_too_much_is_not_let_off_by_the_clock(house: House, jump: timedelta) -> None:
    """Budgets count on a clock that does not jump."""
    session_id, alice, _ = await two(house)
    tab = await open_for_a_day(house, alice, session_id)
    assert await refused(tab, "message", 140) > 0
    house.clock.move(jump)
    assert await refused(tab, "more", 40) > 10


async def refused(tab: Client, name: str, count: int) -> int:
    """How many of so many messages, said without a pause, were."""
    answers: set[str] = set()
    before = len(tab.frames)
    for number in range(count):
        await tab.send(type="chat_message", client_msg_id=f"{name} {number}", content=f"{name} {number}")

    def is_last(frame: dict[str, Any]) -> bool:
        answers.add(str(frame.get("client_msg_id") or frame.get("re")))
        return {f"{name} {number}" for number in range(count)} <= answers

    await tab.until(is_last, 20, after=before)
    return sum(frame["type"] == "error" for frame in tab.frames[before:])
