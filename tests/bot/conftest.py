"""Fixtures of the Slack door: an office on each kind of database.

With `COSESSION_TEST_SLACK=sockets` every story runs over Socket Mode instead of HTTP; the main ones always run over
both (`test_socket_mode`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator

import pytest

from tests.bot.support.office import Office, open_office

APP_TOKEN = "xapp-of-the-tests" if os.environ.get("COSESSION_TEST_SLACK") == "sockets" else None


@pytest.fixture
async def office(database_url: str) -> AsyncGenerator[Office]:
    async with open_office(database_url, app_token=APP_TOKEN) as opened:
        yield opened


@pytest.fixture
async def small_office(sqlite_url: str) -> AsyncGenerator[Office]:
    """On SQLite only, for what does not depend on the database."""
    async with open_office(sqlite_url, app_token=APP_TOKEN) as opened:
        yield opened
