"""A database of any earlier version is brought forward: its history stays as it is, and everything works on it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Generator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from api.errors import Close
from core import accounts
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.migrations import is_current, upgrade
from tests.faults.history import ANN, SESSION, bring_to, fill, on_connection, released
from tests.faults.rounds import WHOLE
from tests.stories.house import Client, Someone, open_house
from tests.support.postgres import Postgres

#: 20,000 where everything is asked for.
ENTRIES = 20_000 if WHOLE else 1_500


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> Generator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield sqlite_url
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.fresh_database(has_schema=False) as url:
        yield url


def fingerprint(connection: Connection) -> tuple[int, str]:
    """How many entries there are, and a hash over all that they say, in order."""
    rows = connection.execute(sa.text("SELECT seq, type, actor_id, key, frame FROM events ORDER BY session_id, seq"))
    digest, count = hashlib.sha256(), 0
    for row in rows:
        digest.update(repr(tuple(row)).encode())
        count += 1
    return count, digest.hexdigest()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("revision", released())
def test_what_an_earlier_version_wrote_is_kept_to_the_letter(revision: str, database_url: str) -> None:
    def begin(connection: Connection) -> tuple[int, str]:
        bring_to(connection, revision)
        fill(connection, ENTRIES)
        return fingerprint(connection)

    before = on_connection(database_url, begin)
    assert before[0] == ENTRIES
    upgrade(database_url)
    assert on_connection(database_url, is_current)
    assert on_connection(database_url, fingerprint) == before


@pytest.mark.timeout(300)
@pytest.mark.parametrize("revision", released())
async def test_people_go_on_where_an_earlier_version_left_them(
    revision: str, database_url: str, tmp_path: Path
) -> None:
    def begin(connection: Connection) -> None:
        bring_to(connection, revision)
        fill(connection, 400)

    await asyncio.to_thread(on_connection, database_url, begin)
    async with open_house(database_url, tmp_path / "data") as house:
        ann = Someone(house, ANN, "Ann")
        tab = await come_back(ann)
        assert tab.frames[0]["is_resumed"]
        await tab.until_seq(400)
        assert (await tab.say("and on it goes"))["seq"] == 401
        found = await ann.call("GET", f"/api/sessions/{SESSION}/search", params={"q": "paragraph204"})
        assert found.is_success, found.text
        assert "paragraph204" in found.text
        await house.check()


async def come_back(ann: Someone) -> Client:
    """Opens the session; like every client, again when the database took too long and the door says so."""
    while True:
        tab = await ann.house.connect(SESSION, token=await ann.ticket(SESSION), epoch="epo_old", since=0)
        if await tab.until_taken_or_refused():
            return tab
        assert tab.closed is not None
        assert tab.closed[0] == Close.UNAVAILABLE, tab.closed


async def test_an_older_version_starts_on_a_database_that_a_newer_one_has_brought_forward(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url)
    db = Database(open_engine(database_url), system_clock)
    db.start()
    try:
        await db.write(
            lambda tx: tx.sql.connection().execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        )
        await asyncio.to_thread(upgrade, database_url)
        user = await db.write(lambda tx: accounts.add_user(tx, "ann@example.com", "Ann"))
        assert user.email == "ann@example.com"
        asked = sa.text("SELECT version_num FROM alembic_version")
        assert await db.read(lambda tx: tx.sql.connection().execute(asked).scalar_one()) == "9999"
    finally:
        await db.close()
