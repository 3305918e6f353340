"""Whoever goes on with an answer that another process began neither loses nor repeats any of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.bot.support.office import Office, eventually, open_office
from tests.bot.support.streamed import SAID, answers, begin, calls, check, finish, parts, say, until_over, until_told


async def test_a_stopped_door_goes_on_with_the_same_stream(office: Office) -> None:
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, SAID[0])
    await until_told(office, SAID[0])

    async def is_known() -> bool:
        return [one.sent for one in await answers(office)] == [len(SAID[0])]

    await eventually(is_known)
    await office.restart()
    await say(office, session_id, *SAID[1:])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert len(parts(office)) == 1
    assert len(calls(office, "chat.startStream")) == 1


async def test_of_two_processes_one_goes_on_with_what_the_other_began(database_url: str) -> None:
    shared = {"is_only_process": False}
    async with open_office(database_url, settings=shared, lease=1.0, call_timeout=0.5, inbox_lease=0.6) as office:
        session_id = await office.start()
        await begin(office, session_id)
        await say(office, session_id, SAID[0])
        await until_told(office, SAID[0])
        killed, its_database = office.door, office.db
        its_database.died.set()  # It holds the lease and never gives it back.
        await office.take_over()
        await say(office, session_id, SAID[1])
        await until_told(office, *SAID[:2])
        await say(office, session_id, SAID[2])
        await finish(office, session_id)
        await until_over(office)
        check(office, *SAID)
        await killed.close()


async def test_whoever_was_away_for_too_long_changes_nothing_any_more(sqlite_url: str) -> None:
    shared = {"is_only_process": False}
    async with open_office(sqlite_url, settings=shared, lease=1.0, call_timeout=0.5, inbox_lease=0.6) as office:
        session_id = await office.start()
        await begin(office, session_id)
        await say(office, session_id, SAID[0])
        await until_told(office, SAID[0])
        away, its_database = office.door, office.db
        its_database.is_open.clear()  # It stands still, and does not know that its lease runs out.
        await office.take_over()
        await say(office, session_id, SAID[1])
        await until_told(office, *SAID[:2])
        its_database.is_open.set()
        await say(office, session_id, SAID[2])
        await finish(office, session_id)
        await until_over(office)
        await away.close()
        check(office, *SAID)


async def until_dead_or(office: Office, is_over: Any) -> None:
    died, done = asyncio.create_task(office.db.died.wait()), asyncio.create_task(is_over)
    await asyncio.wait([died, done], return_when=asyncio.FIRST_COMPLETED)
    for task in (died, done):
        task.cancel()
    await asyncio.gather(died, done, return_exceptions=True)


async def converse(office: Office, session_id: str, turn: str) -> None:
    await begin(office, session_id, turn)
    await say(office, session_id, SAID[0], turn=turn)
    await office.write_in_browser(session_id, "bob", f"during {turn}")
    await say(office, session_id, SAID[1], turn=turn)
    await say(office, session_id, SAID[2], turn=turn)
    await finish(office, session_id, turn)


@pytest.mark.parametrize("first", range(1, 5))
async def test_killed_at_any_step_the_answer_is_there_once(first: int, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    turns: list[str] = []
    for step in range(first, 45, 4):
        turns.append(f"t{step}")
        await office.restart(kill_after=step)
        await converse(office, session_id, turns[-1])
        await until_dead_or(office, until_over(office))
        await office.restart()
        await until_over(office)
    check(office, *SAID * len(turns))
    assert [text for text in office.texts() if text.startswith("during")] == [f"during {turn}" for turn in turns]
