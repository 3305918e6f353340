"""Slack is slow, refuses, breaks off, or loses a thread: everything arrives once and in order, or is said."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.sandbox import SandboxEngine
from core import tables
from core.db import Transaction
from tests.bot.support.office import Office, eventually, open_office

#: What may go wrong with a post, and whether it was made all the same.
FAULTS = {
    "429": lambda faults: faults.fail("chat.postMessage", status=429, retry_after=0, times=2),
    "500": lambda faults: faults.fail("chat.postMessage", status=500, times=2),
    "503": lambda faults: faults.fail("chat.postMessage", status=503, times=2),
    "cut off before the post": lambda faults: faults.reset("chat.postMessage", times=2),
    "cut off after the post": lambda faults: faults.reset("chat.postMessage", after_effect=True, times=2),
    "no answer, not posted": lambda faults: faults.hang("chat.postMessage"),
    "no answer, but posted": lambda faults: faults.hang("chat.postMessage", after_effect=True),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_any_fault_every_message_is_there_once_and_in_order(fault: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    for number in range(6):
        if number in (0, 3):
            FAULTS[fault](office.engine.faults)
        await office.write_in_browser(session_id, "bob", f"message {number}")
    await office.until_quiet()
    assert office.texts() == [f"message {number}" for number in range(6)]
    assert office.at_root() == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_any_fault_there_is_one_card(fault: str, small_office: Office) -> None:
    office = small_office
    FAULTS[fault](office.engine.faults)
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "hello")
    await office.until_quiet()
    assert len(office.cards()) == 1
    assert office.texts() == ["hello"]
    assert office.at_root() == []


async def test_slack_asks_to_wait_and_another_channel_goes_on(small_office: Office) -> None:
    office = small_office
    first = await office.start(channel="#payments")
    await office.engine.slash("alice", "#random", "/cosession", "start The other")
    await office.until(lambda: len(office.cards("#random")) == 1)
    await office.until_quiet()
    [second] = [row.session_id for row in await office.web.read(_mirrors) if row.session_id != first]
    office.engine.faults.fail("chat.postMessage", status=429, retry_after=2)
    await office.write_in_browser(first, "alice", "held up")
    await office.until(lambda: not office.engine.faults.api)
    await office.write_in_browser(second, "alice", "not held up")
    await office.until(lambda: len(office.thread("#random")) == 1, seconds=1.5)
    assert office.thread("#payments") == []
    await office.until_quiet()
    assert office.texts("#payments") == ["held up"]


def _mirrors(tx: Transaction) -> list[tables.Mirror]:
    return list(tx.sql.exec(select(tables.Mirror)))


async def test_posting_keeps_to_slacks_limits_and_loses_nothing(sqlite_url: str) -> None:
    async with open_office(sqlite_url, posts_per_minute=60.0, posts_burst=3.0) as office:
        office.engine.rate_limits_on = True
        session_id = await office.start()
        for number in range(6):
            await office.write_in_browser(session_id, "bob", f"message {number}")
        await office.until_quiet()
        assert office.texts() == [f"message {number}" for number in range(6)]
        refused = [call for call in office.engine.calls if call.error and "limited" in call.error]
        assert [call.method for call in refused if call.method == "chat.postMessage"] == []


async def test_a_deleted_thread_pauses_the_mirror_and_nothing_lands_in_the_channel(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "before")
    await office.until(lambda: len(office.thread()) == 1)
    delete_root(office.engine, office.cards()[0]["ts"])
    await office.write_in_browser(session_id, "bob", "after")
    row = await office.until_row(lambda row: row.status == "paused")
    assert "deleted" in row.status_reason
    assert office.at_root() == []
    paused = [event for event in await office.log(session_id) if event.type == "mirror_paused"]
    assert len(paused) == 1


async def test_a_post_that_lands_in_the_channel_is_taken_back(sqlite_url: str) -> None:
    async with open_office(sqlite_url, thread_check_every=3600.0) as office:
        session_id = await office.start()
        await office.write_in_browser(session_id, "bob", "before")
        await office.until(lambda: len(office.thread()) == 1)
        root = office.cards()[0]["ts"]
        # The door does not hear of the deletion: its events are lost.
        office.engine.request_url = None
        delete_root(office.engine, root)
        await office.write_in_browser(session_id, "bob", "after")
        await office.until_row(lambda row: row.status == "paused")
        assert office.at_root() == []


@pytest.mark.parametrize("what", ["archived", "removed"])
async def test_a_channel_that_takes_no_posts_pauses_only_its_own_mirror(what: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start(channel="#payments")
    await office.engine.slash("alice", "#random", "/cosession", "start The other")
    await office.until(lambda: len(office.cards("#random")) == 1)
    await office.until_quiet()
    other = next(row.session_id for row in await office.web.read(_mirrors) if row.session_id != session_id)
    workspace = office.engine.workspace
    channel = workspace.channel("#payments")
    if what == "archived":
        workspace.archive(channel, "U0ALICE001")
    else:
        workspace.leave(channel, office.engine.bot_user_id)
    await office.write_in_browser(session_id, "bob", "anybody?")
    await office.write_in_browser(other, "bob", "we go on")
    await office.until(lambda: office.texts("#random") == ["we go on"])

    async def paused() -> list[str]:
        return [row.session_id for row in await office.web.read(_mirrors) if row.status == "paused"]

    assert await eventually(paused) == [session_id]


def delete_root(engine: SandboxEngine, ts: str) -> None:
    channel = engine.workspace.channel("#payments")
    engine.workspace.delete_message(channel, engine.workspace.message(channel, ts))
