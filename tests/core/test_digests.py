"""Digests are made once for each person and period, and long afterwards all but the last are forgotten."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlmodel import select

from core import digests, outbox, tables
from core.clock import system_clock
from core.db import Database, Transaction
from core.digests import Told, Wish
from core.engines import open_engine
from tests.core.conftest import person

TOLD = Told({"title": "t", "sessions": [], "more_sessions": 0, "open": [], "more_open": 0, "numbers": []})


class At:
    """The database as seen some time later."""

    def __init__(self, database_url: str) -> None:
        self.passed = timedelta()
        self.db = Database(open_engine(database_url), self.clock)
        self.db.start()

    def clock(self) -> datetime:
        return system_clock() + self.passed


async def test_of_many_who_make_a_digest_one_does(database_url: str, db: Database) -> None:
    bob = await person(db, "Bob")
    await db.write(lambda tx: digests.choose(tx, bob.user_id, Wish("daily", 480, 0)))
    later = At(database_url)
    later.passed = timedelta(days=2)
    try:
        assert await db.read(digests.due) == [], "what was due before it was wished for is not made"
        (due,) = [one for one in await later.db.read(digests.due) if one.user_id == bob.user_id]
        made = await asyncio.gather(*(later.db.write(lambda tx: digests.make(tx, due, TOLD)) for _ in range(20)))
        assert made.count(True) == 1
        assert [mail.kind for mail in await later.db.read(outbox.due)] == ["digest"]
        assert bob.user_id not in {one.user_id for one in await later.db.read(digests.due)}
    finally:
        await later.db.close()


async def test_another_zone_or_another_time_tells_nothing_twice(database_url: str, db: Database) -> None:
    bob = await person(db, "Bob")
    await db.write(lambda tx: digests.choose(tx, bob.user_id, Wish("daily", 480, 0)))
    later = At(database_url)
    later.passed = timedelta(days=2)
    try:
        (due,) = await later.db.read(digests.due)
        await later.db.write(lambda tx: digests.make(tx, due, TOLD))

        def move(tx: Transaction) -> None:
            user = tx.sql.get(tables.User, bob.user_id)
            assert user is not None
            user.time_zone = "Pacific/Kiritimati"

        await later.db.write(move)
        covered = [due.covers_to]
        for hours in range(0, 72, 3):
            later.passed = timedelta(days=2, hours=hours)
            for one in await later.db.read(digests.due):
                assert one.covers_from >= covered[-1], "no moment is told of twice"
                assert await later.db.write(lambda tx, one=one: digests.make(tx, one, TOLD))
                covered.append(one.covers_to)
        assert 3 <= len(covered) <= 5, "still one a day"
    finally:
        await later.db.close()


async def test_long_afterwards_the_last_is_known_and_no_other(database_url: str, db: Database) -> None:
    bob = await person(db, "Bob")
    await db.write(lambda tx: digests.choose(tx, bob.user_id, Wish("daily", 480, 0)))
    later = At(database_url)
    try:
        for day in range(2, 5):
            later.passed = timedelta(days=day)
            for one in await later.db.read(digests.due):
                await later.db.write(lambda tx, one=one: digests.make(tx, one, None))
        assert await later.db.write(digests.prune) == 0
        later.passed = timedelta(days=200)
        assert await later.db.write(digests.prune) == 2
        assert len(await later.db.read(lambda tx: tx.sql.exec(select(tables.Digest)).all())) == 1
    finally:
        await later.db.close()
