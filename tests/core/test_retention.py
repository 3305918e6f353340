"""Ended sessions go whole when their time is over; live ones and others stay, and a death in between leaves no half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from core import chat, invites, sessions, tables
from core.access import session_for
from core.clock import system_clock
from core.db import Database, Transaction, Work
from core.engines import open_engine
from core.errors import SessionNotFound, StorageUnavailable
from core.retention import delete_old
from tests.api.support import Place, open_place
from tests.core.conftest import person
from tests.properties.test_snapshots import Story

KEPT = timedelta(days=90)


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with open_place(database_url, tmp_path) as opened:
        yield opened


async def naming(db: Database, session_id: str) -> set[str]:
    """The tables in which something of a session is left."""

    def look(tx: Transaction) -> set[str]:
        connection = tx.sql.connection()
        names = inspect(connection).get_table_names()
        return {name for name in names if session_id in str(connection.execute(text(f"SELECT * FROM {name}")).all())}

    return await db.read(look)


async def until_told(place: Place) -> None:
    """The search and the notifications have followed the log."""

    async def is_behind() -> bool:
        follows = await place.api.db.read(lambda tx: tx.sql.get(tables.SearchPlace, place.session_id))
        told = await place.api.db.read(lambda tx: tx.sql.get(tables.NotificationPlace, place.session_id))
        head = await place.api.db.read(lambda tx: tx.sql.get_one(tables.Session, place.session_id).head)
        return follows is None or told is None or min(follows.seq, told.seq) < head

    async with asyncio.timeout(20):
        while await is_behind():  # noqa: ASYNC110 - the readers tell nobody
            await asyncio.sleep(0.02)


def later(db_url: str, by: timedelta) -> Database:
    database = Database(open_engine(db_url), lambda: system_clock() + by)
    database.start()
    return database


async def test_everything_of_an_ended_session_goes_when_its_time_is_over(place: Place, database_url: str) -> None:
    db = place.api.db
    story = Story(place)
    for step in story.steps():
        await db.write(step)
    other = (await db.write(lambda tx: sessions.start(tx, place.host, "Another"))).id
    await until_told(place)
    full = await naming(db, place.session_id)
    assert {"events", "messages", "comments", "files", "blobs", "search_entries", "invites", "mirrors"} <= full
    before = await naming(db, other)
    early, late = later(database_url, KEPT - timedelta(hours=1)), later(database_url, KEPT + timedelta(hours=1))
    try:
        assert await delete_old(early, KEPT) == 0
        assert await naming(db, place.session_id) == full
        assert await delete_old(late, KEPT) == 1
        assert await delete_old(late, KEPT) == 0
    finally:
        await early.close()
        await late.close()
    assert await naming(db, place.session_id) == {"audit_entries"}
    assert await naming(db, other) == before, "a live session stays, however old"


class Dying(Database):
    """Stops after some transactions, as a killed process does."""

    def __init__(self, behind: Database, lives: int) -> None:
        self._behind, self._lives = behind, lives

    async def read(self, work: Work) -> object:
        return await self._behind.read(work)

    async def write(self, work: Work) -> object:
        if self._lives == 0:
            raise StorageUnavailable
        self._lives -= 1
        return await self._behind.write(work)


@pytest.mark.parametrize("lives", range(1, 5))
async def test_a_death_in_between_leaves_it_out_of_sight_and_the_next_run_goes_on(
    db: Database, database_url: str, lives: int
) -> None:
    ann, ben = await person(db, "Ann"), await person(db, "Ben")
    session_id = (await db.write(lambda tx: sessions.start(tx, ann, "Old"))).id
    secret = (await db.write(lambda tx: invites.create(tx, ann, session_id, "viewer"))).secret
    await db.write(lambda tx: invites.accept(tx, ben, secret))
    await db.write(lambda tx: chat.post_message(tx, ann, session_id, chat.Draft("hello"), key="k"))
    await db.write(lambda tx: sessions.end(tx, ann, session_id))
    late = later(database_url, KEPT + timedelta(hours=1))
    try:
        with pytest.raises(StorageUnavailable):
            await delete_old(Dying(late, lives), KEPT)
        with pytest.raises(SessionNotFound):
            await db.read(lambda tx: session_for(tx, ann, session_id, "read", lock=False))
        await delete_old(late, KEPT)
    finally:
        await late.close()
    assert await naming(db, session_id) == {"audit_entries"}
