"""The timetable: what is past its time is forgotten, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlmodel import select

from core import accounts, leases, tables
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.errors import Invalid
from core.prune import prune
from jobs.schedule import TIMETABLE, Job
from jobs.scheduler import TURN, Scheduler
from tests.support.schema import bring_up


async def test_what_is_past_its_time_is_forgotten_and_the_rest_is_kept(database_url: str) -> None:
    await asyncio.to_thread(bring_up, database_url)
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
    await asyncio.to_thread(bring_up, sqlite_url)
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
        await scheduler.close()
        await db.close()


def test_every_job_has_a_name_of_its_own() -> None:
    names = [job.name for job in TIMETABLE]
    assert len(set(names)) == len(names) > 0


async def test_of_many_processes_one_gets_the_turn_of_each_period(database_url: str) -> None:
    """A job that fails has not run; a period in which nobody asked is made good once."""
    await asyncio.to_thread(bring_up, database_url)
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
    await asyncio.to_thread(bring_up, database_url)
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


async def test_a_job_with_steps_runs_once_and_whoever_fails_or_dies_leaves_it_to_the_next(database_url: str) -> None:
    await asyncio.to_thread(bring_up, database_url)
    passed = timedelta()

    def clock() -> datetime:
        return system_clock() + passed

    db = Database(open_engine(database_url), clock)
    db.start()
    runs: list[str] = []
    outcome: list[BaseException] = []

    async def steps(_db: Database) -> int:
        runs.append("begun")
        if outcome:
            raise outcome.pop()
        return 1

    job = Job("steps", timedelta(hours=1), steps=steps)
    one, two = Scheduler(db, clock, "prc_one", [job]), Scheduler(db, clock, "prc_two", [job])
    try:
        outcome.append(Invalid("not today"))
        await one.run(job)
        assert REGISTRY.get_sample_value("cosession_job_failing", {"job": "steps"}) == 1, "it is seen from outside"
        await asyncio.gather(one.run(job), two.run(job), two.run(job))
        assert len(runs) == 2, "once by whoever failed, once by one of them"
        assert REGISTRY.get_sample_value("cosession_job_failing", {"job": "steps"}) == 0
        status = (await one.statuses())[0]
        assert status.last_at is not None
        assert status.next_at - status.last_at == timedelta(hours=1)
        passed += timedelta(hours=1, seconds=1)
        await two.run(job)
        assert len(runs) == 3
        passed += timedelta(hours=1, seconds=1)
        # One that was killed says nothing any more: its turn ends by itself.
        assert await db.write(lambda tx: leases.take_turn(tx, "job:steps", "prc_dead", TURN))
        await two.run(job)
        assert len(runs) == 3
        passed += TURN + timedelta(seconds=1)
        await two.run(job)
        assert len(runs) == 4
    finally:
        await db.close()


async def test_the_slow_do_not_end_the_turn_of_whoever_overtook_them(database_url: str) -> None:
    await asyncio.to_thread(bring_up, database_url)
    passed = timedelta()
    db = Database(open_engine(database_url), lambda: system_clock() + passed)
    db.start()
    try:
        assert await db.write(lambda tx: leases.take_turn(tx, "job:x", "slow", TURN))
        fence = await db.write(lambda tx: leases.fence_of(tx, "job:x"))
        passed += TURN + timedelta(seconds=1)
        assert await db.write(lambda tx: leases.take_turn(tx, "job:x", "quick", TURN))
        assert not await db.write(lambda tx: leases.hand_on(tx, "job:x", fence, timedelta()))
        assert not await db.write(lambda tx: leases.take_turn(tx, "job:x", "third", TURN))
    finally:
        await db.close()


async def test_a_job_that_is_broken_off_gives_its_turn_back_before_the_database_closes(database_url: str) -> None:
    await asyncio.to_thread(bring_up, database_url)
    db = Database(open_engine(database_url), system_clock)
    db.start()
    begun = asyncio.Event()

    async def steps(_db: Database) -> int:
        begun.set()
        await asyncio.Event().wait()
        return 0

    job = Job("endless", timedelta(hours=1), steps=steps)
    scheduler = Scheduler(db, system_clock, "prc_one", [job])
    scheduler.start()
    await begun.wait()
    await scheduler.close()
    lease = await db.read(lambda tx: tx.sql.get(tables.Lease, "job:endless"))
    assert lease is not None
    assert lease.until is None or lease.until <= system_clock()
    await db.close()
