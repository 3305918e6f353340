"""Two processes on one inbox: each request has one effect, and one that was killed is taken over within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.settings import Pace
from core.limits import TokenBuckets
from tests.bot.support.office import Office, open_office


@pytest.fixture
async def shared(database_url: str) -> AsyncGenerator[Office]:
    """An office whose processes know that they are not alone."""
    async with open_office(database_url, settings={"is_only_process": False}, inbox_lease=0.6) as office:
        office.budget = TokenBuckets(per_minute=60_000)
        await office.restart()
        yield office


async def write_a_lot(office: Office, count: int, channel: str = "#payments") -> None:
    await asyncio.gather(*(office.reply("bob" if n % 2 else "alice", f"line {n}", channel) for n in range(count)))


async def test_two_workers_give_every_request_one_effect(shared: Office) -> None:
    office = shared
    session_id = await office.start(channel="#general")
    first = office.door
    await office.take_over()
    await write_a_lot(office, 40, "#general")
    # One of them is told that its reply was not sent: once, though two could tell.
    await office.reply("mallory", "as a guest", "#general")
    await office.until_said(session_id, 40)
    await office.until_quiet()
    assert sorted(text for _, text, _ in await office.said(session_id)) == sorted(f"line {n}" for n in range(40))
    assert len(office.private("mallory", "#general")) == 1
    await first.close()


async def test_a_worker_that_was_killed_is_taken_over_without_its_having_let_go(shared: Office) -> None:
    office = shared
    session_id = await office.start()
    await office.until_quiet()
    killed, its_database = office.door, office.db
    await office.take_over()
    its_database.died.set()  # From now on nothing of it is written: it holds the lease and never gives it back.
    await write_a_lot(office, 10)
    await office.until_said(session_id, 10)
    await office.until_quiet()
    assert sorted(text for _, text, _ in await office.said(session_id)) == sorted(f"line {n}" for n in range(10))
    await killed.close()


async def test_a_call_that_takes_longer_than_the_lease_does_not_lose_it(shared: Office) -> None:
    """Slack takes its time; another process waits at the inbox and must not begin the same again."""
    office = shared
    await office.start()
    await office.until_quiet()
    first = office.door
    await office.take_over()
    asked = len([call for call in office.engine.calls if call.method == "conversations.info"])
    # Hangs for longer than the lease; then the call is given up and tried again, by the same one.
    office.engine.faults.hang("conversations.info")
    outcome = await office.engine.slash("alice", "#random", "/cosession", "start Another")
    assert outcome.ok
    await office.until(lambda: len(office.cards("#random")) == 1)
    assert len([call for call in office.engine.calls if call.method == "conversations.info"]) == asked + 1
    await first.close()


def test_in_production_a_killed_worker_is_taken_over_within_seven_seconds() -> None:
    """The lease, and a third of it until the next look."""
    pace = Pace()
    assert pace.inbox_lease * 4 / 3 < 7
    assert pace.lease > pace.call_timeout, "what is not guarded by the database alone outlives a call"
