"""Slack, the network or the process fails while both sides go on talking: nothing is lost or doubled, the order is
kept, and no other channel waits.

Each story is told with a few messages; with `COSESSION_SLACK_MESSAGES=1000` with so many each way.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

import pytest

from bot.sandbox.faults import Faults
from tests.bot.conftest import APP_TOKEN
from tests.bot.support.office import Office, mount
from tests.bot.support.traffic import (
    MESSAGES,
    PATIENCE,
    Conversation,
    open_busy_office,
    refused,
    settle,
    waits_between,
)

pytestmark = pytest.mark.timeout(max(120.0, 4 * PATIENCE))

ONE, OTHER = "#payments", "#random"
NOBODY = "http://127.0.0.1:9/nobody"


@pytest.fixture
async def office(sqlite_url: str) -> AsyncGenerator[Office]:
    async with open_busy_office(sqlite_url, app_token=APP_TOKEN, ack_deadline=1.0, call_timeout=0.5) as opened:
        yield opened


def place(office: Office, channel: str) -> str:
    return office.engine.workspace.channel(channel).id


# ── An hour of outage ─────────────────────────────────────────────────────────────────────────────────────────────────


def cut_off(office: Office) -> str:
    """Slack does not reach the server any more; returns where it was."""
    if office.engine.sockets.is_on:
        pytest.skip("an address is HTTP's own")
    url, office.engine.request_url = office.engine.request_url, NOBODY
    assert url is not None
    return url


async def given_up(office: Office, events: int) -> None:
    """Slack has tried each of so many events for the last time."""

    async def has_tried() -> bool:
        return sum(attempt.number == 3 for attempt in office.engine.attempts) >= events

    await settle(has_tried)


async def test_after_an_hour_in_which_the_server_was_down_both_sides_have_everything(office: Office) -> None:
    talk = await Conversation.begin(office)
    await talk.both(MESSAGES // 4)
    await talk.arrive()
    await office.until_quiet()
    await office.door.close()
    url = cut_off(office)
    for _ in range(6):
        office.clock.passed += timedelta(minutes=10)
        await talk.both(MESSAGES // 12)
    await given_up(office, 6 * (MESSAGES // 12))
    office.engine.request_url = url
    await office.restart()
    await talk.both(MESSAGES // 4)
    await talk.arrive()
    await talk.check(slack_in_order=False)


async def test_after_an_hour_without_the_network_both_sides_have_everything(office: Office) -> None:
    """Neither reaches the other, and the server runs on."""
    talk = await Conversation.begin(office)
    await talk.both(MESSAGES // 4)
    await talk.arrive()
    await office.until_quiet()
    url = cut_off(office)
    office.engine.faults.fail(status=503, times=1_000_000)
    for _ in range(6):
        office.clock.passed += timedelta(minutes=10)
        await talk.both(MESSAGES // 12)
    await given_up(office, 6 * (MESSAGES // 12))
    office.engine.faults.clear()
    office.engine.request_url = url
    await talk.both(MESSAGES // 4)
    await talk.arrive()
    await talk.check(slack_in_order=False)


# ── One channel is held up ────────────────────────────────────────────────────────────────────────────────────────────

#: What may keep a channel's posts from being made, for as long as it lasts.
HELD_UP: dict[str, Callable[[Faults, str], None]] = {
    "429": lambda faults, channel: faults.fail("chat.postMessage", retry_after=1, times=1_000_000, channel=channel),
    "503": lambda faults, channel: faults.fail("chat.postMessage", status=503, times=1_000_000, channel=channel),
    "no answer": lambda faults, channel: faults.hang("chat.postMessage", times=1_000_000, channel=channel),
}


@pytest.mark.parametrize("why", HELD_UP)
async def test_while_one_channel_is_held_up_another_gets_everything(why: str, office: Office) -> None:
    slow, quick = await Conversation.begin(office, ONE), await Conversation.begin(office, OTHER)
    await office.until_quiet()
    HELD_UP[why](office.engine.faults, place(office, ONE))
    await slow.browsers(MESSAGES // 2)
    await settle(lambda: _has(bool(office.engine.faults.met)))
    await quick.both(MESSAGES)
    await quick.arrive()
    assert slow.posted() == [], "the one channel was held up all the time that the other took"
    assert refused(office, OTHER) == [], "nothing of what the other channel was for was held up"
    if why == "429":
        await settle(lambda: _has(len(office.engine.faults.met) > 2))
        assert min(waits_between(office, "chat.postMessage", ONE)) >= 1.0, "Slack's wait is kept"
    office.engine.faults.clear()
    await slow.slack(MESSAGES // 2)
    await slow.arrive()
    await slow.check()
    await quick.check()


async def _has(is_so: bool) -> bool:
    return is_so


# ── Storms ────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What happens every so many messages: to a post, and to the look whether it was made.
STORMS: dict[str, Callable[[Faults, int], None]] = {
    "429": lambda faults, number: faults.fail(status=429, retry_after=0, times=number % 3),
    "timeouts after the post": lambda faults, number: (
        faults.hang("chat.postMessage", after_effect=True)
        if number % 40 == 0
        else faults.reset("chat.postMessage", after_effect=True)
    ),
    "everything": lambda faults, number: [
        lambda: faults.fail(status=429, retry_after=0, times=2),
        lambda: faults.fail(status=503, times=2),
        lambda: faults.reset("chat.postMessage", after_effect=True),
        lambda: faults.reset("conversations.replies"),
        lambda: faults.reset("chat.postMessage"),
    ][number % 5](),
}


@pytest.mark.parametrize("storm", STORMS)
async def test_in_a_storm_everything_arrives_once_and_in_order(storm: str, office: Office) -> None:
    talk = await Conversation.begin(office)

    async def before(number: int) -> None:
        if number % 4 == 1:
            STORMS[storm](office.engine.faults, number // 4)
        if number % 20 == 0:
            # The storm and the posts go together: none is over before the other.
            await settle(lambda: _has(len(office.engine.faults.api) < 10))

    await asyncio.gather(talk.browsers(MESSAGES, before), talk.slack(MESSAGES))
    await talk.arrive()
    assert len(office.engine.faults.met) >= MESSAGES // 8
    await talk.check()


# ── Slack's events come twice, late, or not in order ──────────────────────────────────────────────────────────────────


async def test_events_that_come_several_times_have_one_effect_and_keep_their_order(office: Office) -> None:
    talk = await Conversation.begin(office)

    async def before(number: int) -> None:
        if number % 2:
            office.engine.faults.duplicate("message", copies=1 + number % 3)
        if number % 5 == 0:
            office.engine.faults.drop_ack("message")

    await asyncio.gather(talk.browsers(MESSAGES), talk.slack(MESSAGES, before))
    await talk.arrive()
    await talk.check()
    seen = Counter(attempt.event_id for attempt in office.engine.attempts if attempt.kind == "message")
    assert max(seen.values()) >= 3


async def test_events_that_come_late_or_overtake_each_other_are_all_there_once(office: Office) -> None:
    talk = await Conversation.begin(office)

    async def before(number: int) -> None:
        faults = office.engine.faults
        disorders = (
            lambda: faults.delay("message", seconds=60),
            lambda: faults.reorder("message"),
            lambda: faults.lose("message"),
            lambda: faults.duplicate("message"),
        )
        if number % 2:
            disorders[number // 2 % 4]()

    await talk.both(MESSAGES, before)
    office.engine.faults.clear()
    # What was held back until another event comes has one to come after.
    await talk.slack(1)
    await settle(lambda: _has(office.engine.delivery.is_done))
    # Among many, one may be lost in all of Slack's four tries: it is found in the thread when that is read again.
    office.clock.passed += timedelta(minutes=11)
    await talk.arrive()
    await talk.check(slack_in_order=False)


# ── kill -9 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_killed_again_and_again_at_any_step_nothing_is_lost_or_doubled(office: Office) -> None:
    chance = random.Random(25)
    talk = await Conversation.begin(office)
    talking = asyncio.create_task(talk.both(MESSAGES))
    kills = 0
    while not talking.done() or not await talk.has_arrived():
        await office.restart(kill_after=chance.randint(1, 50))
        died = asyncio.create_task(office.db.died.wait())
        arrived = asyncio.create_task(until_said_and_arrived(talking, talk))
        await asyncio.wait({died, arrived}, return_when=asyncio.FIRST_COMPLETED)
        kills += died.done()
        for task in (died, arrived):
            task.cancel()
        await asyncio.gather(died, arrived, return_exceptions=True)
    await talking
    await office.restart()
    await talk.arrive()
    await talk.check(slack_in_order=False)
    assert kills >= MESSAGES // 20


async def until_said_and_arrived(talking: asyncio.Task[None], talk: Conversation) -> None:
    await asyncio.wait({talking})
    await talk.arrive()


# ── Two processes ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_processes_one_of_which_is_killed_do_everything_once(database_url: str) -> None:
    async with open_busy_office(database_url, settings={"is_only_process": False}, inbox_lease=0.6) as office:
        talk = await Conversation.begin(office)
        await office.until_quiet()
        first, its_database = office.door, office.db
        await office.take_over()
        second = office.door
        doors = {"first": first, "second": second}

        async def before(number: int) -> None:
            """Slack's requests come now to the one, now to the other, until the first is dead."""
            if number == MESSAGES // 2:
                its_database.died.set()
                doors["first"] = second
            mount(office.app, doors["first" if number % 2 else "second"])

        await asyncio.gather(talk.browsers(MESSAGES), talk.slack(MESSAGES, before))
        mount(office.app, second)
        await talk.arrive()
        await talk.check(slack_in_order=False)
        await first.close()
