"""The reader dies between any two steps: nothing is lost, and nothing is told or sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection

import pytest

from core.db import Database
from core.engines import open_engine
from jobs.notify import Notifier
from tests.bot.support.office import MortalDatabase
from tests.core.notification_stage import HandClock, Stage, stage_on
from tests.support.schema import bring_up

#: A look takes fewer steps than this; a step is the moment before or after a transaction.
STEPS = 7


@pytest.fixture
async def stage(sqlite_url: str) -> AsyncGenerator[Stage]:
    await asyncio.to_thread(bring_up, sqlite_url)
    clock = HandClock()
    db = Database(open_engine(sqlite_url), clock)
    db.start()
    yield await stage_on(db, clock)
    await db.close()


async def die_within(stage: Stage, steps: int) -> bool:
    """One look of a reader that dies after so many steps. False where it came to its end."""
    db = MortalDatabase(stage.db, steps)

    async def nobody(_session_id: str) -> Collection[str]:
        return ()

    def changed(_people: Collection[str], _is_feed_new: bool) -> None: ...

    look = asyncio.create_task(Notifier(db, stage.clock, nobody, changed, "mortal", is_only_process=True).step())
    died = asyncio.create_task(db.died.wait())
    await asyncio.wait([look, died], return_when=asyncio.FIRST_COMPLETED)
    for task in (look, died):
        task.cancel()
    await asyncio.gather(look, died, return_exceptions=True)
    return db.died.is_set()


async def test_killed_at_any_step_everything_is_told_and_mailed_once(stage: Stage) -> None:
    deaths = 0
    for steps in range(1, STEPS + 1):
        before = len(await stage.mails())
        await stage.say(stage.ann, f"@Ben {steps}")
        await stage.say(stage.ann, f"@Cid {steps}")
        deaths += await die_within(stage, steps)
        await stage.notify()
        for who in (stage.ben, stage.cid):
            latest = (await stage.inbox(who))[0]
            assert (latest.count, latest.lines[0].text) == (1, f"@{who.name} {steps}")
        stage.clock.move(minutes=6)
        deaths += await die_within(stage, steps)
        await stage.notify()
        assert len(await stage.mails()) - before == 2
        stage.clock.move(minutes=10)
    assert await stage.unread(stage.ben) == STEPS
    assert deaths > STEPS, "it did die, again and again"
