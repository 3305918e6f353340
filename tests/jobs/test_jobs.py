"""The timetable: what is past its time is forgotten, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlmodel import select

from core import accounts, tables
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.migrations import upgrade
from core.prune import prune
from jobs.schedule import TIMETABLE
from jobs.scheduler import Scheduler


async def test_what_is_past_its_time_is_forgotten_and_the_rest_is_kept(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url)
    passed = timedelta()
    db = Database(open_engine(database_url), lambda: system_clock() + passed)
    db.start()
    try:
        user = await db.write(lambda tx: accounts.add_user(tx, "ann@example.com", "Ann"))
        old_login, _ = await db.write(lambda tx: accounts.open_login(tx, user.id))
        await db.write(lambda tx: accounts.use_ticket(tx, "old", tx.now + timedelta(seconds=60)))
        old_link = await db.write(lambda tx: accounts.new_sign_in_link(tx, user.id))
        passed = accounts.LOGIN_LIFETIME + timedelta(minutes=1)
        login, _ = await db.write(lambda tx: accounts.open_login(tx, user.id))
        await db.write(lambda tx: accounts.use_ticket(tx, "new", tx.now + timedelta(seconds=60)))
        link = await db.write(lambda tx: accounts.new_sign_in_link(tx, user.id))
        assert await db.write(prune) == 3
        assert await db.write(prune) == 0
        assert (await db.read(lambda tx: accounts.by_login(tx, login))).actor.user_id == user.id
        assert (await db.write(lambda tx: accounts.use_sign_in_link(tx, link))).actor.user_id == user.id
        left = await db.read(lambda tx: list(tx.sql.exec(select(tables.UsedTicket.jti))))
        assert left == ["new"]
        assert old_login != login
        assert old_link != link
    finally:
        await db.close()


async def test_the_timetable_is_kept_from_the_start(sqlite_url: str) -> None:
    await asyncio.to_thread(upgrade, sqlite_url)
    db = Database(open_engine(sqlite_url), system_clock)
    db.start()
    await db.write(lambda tx: accounts.use_ticket(tx, "old", tx.now - timedelta(seconds=1)))
    scheduler = Scheduler(db, system_clock)
    scheduler.start()
    try:
        async with asyncio.timeout(10):
            while await db.read(lambda tx: list(tx.sql.exec(select(tables.UsedTicket.jti)))):  # noqa: ASYNC110 - the clock tells nobody
                await asyncio.sleep(0.02)
    finally:
        scheduler.close()
        await db.close()


def test_every_job_has_a_name_of_its_own() -> None:
    names = [job.name for job in TIMETABLE]
    assert len(set(names)) == len(names) > 0
