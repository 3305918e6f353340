"""Fixtures of the Slack door: an office on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.bot.support.office import Office, open_office


@pytest.fixture
async def office(database_url: str) -> AsyncGenerator[Office]:
    async with open_office(database_url) as opened:
        yield opened


@pytest.fixture
async def small_office(sqlite_url: str) -> AsyncGenerator[Office]:
    """On SQLite only, for what does not depend on the database."""
    async with open_office(sqlite_url) as opened:
        yield opened
