"""A database on both engines, without any door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from core import accounts
from core.access import Actor
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.indexer import behind, catch_up
from core.migrations import upgrade
from cosession.compose import ensure_epoch


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    await asyncio.to_thread(upgrade, database_url)
    database = Database(open_engine(database_url), system_clock)
    database.start()
    await database.write(ensure_epoch)
    yield database
    await database.close()


async def person(db: Database, name: str) -> Actor:
    user = await db.write(lambda tx: accounts.add_user(tx, f"{name.lower()}@example.com", name))
    return accounts.actor_for(user, "web")


async def indexed(db: Database) -> None:
    """Everything that was said can be found."""
    await catch_up(db, await db.read(behind))
