"""The timetable: what is past its time is forgotten, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from core import accounts, leases, tables
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.errors import Invalid
from core.migrations import upgrade
from core.prune import prune
from jobs.schedule import TIMETABLE, Job
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
    scheduler = Scheduler(db, system_clock, "prc_one")
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


async def test_of_many_processes_one_gets_the_turn_of_each_period(database_url: str) -> None:
    """A job that fails has not run; a period in which nobody asked is made good once."""
    await asyncio.to_thread(upgrade, database_url)
    passed = timedelta()
    processes = [Database(open_engine(database_url), lambda: system_clock() + passed) for _ in range(3)]
    # On SQLite one process owns the file.
    processes = processes if "postgres" in database_url else processes[:1]
    for db in processes:
        db.start()
    runs: list[int] = []
    fails = True

    def work(tx: Transaction) -> int:
        if fails:
            raise Invalid("not today")
        tx.sql.add(tables.UsedTicket(jti=f"run-{len(runs)}-{tx.now.timestamp()}", expires_at=tx.now))
        return 1

    job = Job("count", timedelta(minutes=10), work)
    schedulers = [Scheduler(db, system_clock, f"prc_{number}") for number, db in enumerate(processes) for _ in range(2)]

    async def effects() -> int:
        return len(await processes[0].read(lambda tx: list(tx.sql.exec(select(tables.UsedTicket.jti)))))

    try:
        await asyncio.gather(*(scheduler.run(job) for scheduler in schedulers))
        assert await effects() == 0
        fails = False
        for period in range(4):
            for _ in range(3):
                await asyncio.gather(*(scheduler.run(job) for scheduler in schedulers))
            assert await effects() == period + 1
            passed += timedelta(hours=5) if period == 2 else timedelta(minutes=10, seconds=1)
    finally:
        for db in processes:
            await db.close()


async def test_whoever_was_overtaken_finds_out_before_anything_is_done(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url)
    passed = timedelta()
    db = Database(open_engine(database_url), lambda: system_clock() + passed)
    db.start()
    try:
        first = await db.write(lambda tx: leases.take(tx, "mail", "one", 30))
        assert first is not None
        assert await db.write(lambda tx: leases.take(tx, "mail", "two", 30)) is None
        assert await db.write(lambda tx: leases.take(tx, "mail", "one", 30)) == first, "who has it may keep it"
        passed += timedelta(seconds=31)
        assert await db.write(lambda tx: leases.take(tx, "mail", "two", 30)) == first + 1
        with pytest.raises(leases.LeaseLost):
            await db.write(lambda tx: leases.check(tx, "mail", first))
        await db.write(lambda tx: leases.let_go(tx, "mail", "one"))
        assert await db.write(lambda tx: leases.take(tx, "mail", "one", 30)) is None, "only the holder lets go"
        await db.write(lambda tx: leases.let_go(tx, "mail", "two"))
        assert await db.write(lambda tx: leases.take(tx, "mail", "one", 30)) == first + 2
    finally:
        await db.close()
