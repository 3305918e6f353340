"""A database on both engines, without any door."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from core import accounts
from core.access import Actor
from core.clock import Clock, system_clock
from core.db import Database
from core.engines import open_engine
from core.indexer import catch_up
from cosession.compose import ensure_epoch
from tests.support.schema import bring_up

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def opened(url: str, clock: Clock) -> AsyncGenerator[Database]:
    await asyncio.to_thread(bring_up, url)
    database = Database(open_engine(url), clock)
    database.start()
    await database.write(ensure_epoch)
    yield database
    await database.close()


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    async with opened(database_url, system_clock) as database:
        yield database


@pytest.fixture
async def ticking_db(database_url: str) -> AsyncGenerator[Database]:
    """Everything that is written here has a time of its own."""
    seconds = itertools.count()
    async with opened(database_url, lambda: BEGAN + timedelta(seconds=next(seconds))) as database:
        yield database


async def person(db: Database, name: str) -> Actor:
    user = await db.write(lambda tx: accounts.add_user(tx, f"{name.lower()}@example.com", name))
    return accounts.actor_for(user, "web")


async def indexed(db: Database) -> None:
    """Everything that was said can be found."""
    await catch_up(db)
