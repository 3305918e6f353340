"""Fixtures of the faults: things that break, and the product on them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.stories.house import House, open_house
from tests.support.postgres import Postgres, running_postgres


@pytest.fixture
def own_postgres() -> Generator[Postgres]:
    """A Postgres that nobody else relies on: it may crash."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncGenerator[House]:
    """The running product; in the end the log must equal the tables and what every client was shown."""
    async with open_house(database_url, tmp_path / "data") as opened:
        yield opened
        await opened.check()
