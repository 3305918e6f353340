"""One house for a whole table: rights do not depend on the engine, so SQLite stands for both."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.stories.conftest import cast
from tests.stories.house import House, open_house

__all__ = ["cast", "house"]


@pytest.fixture
async def house(sqlite_url: str, tmp_path: Path) -> AsyncGenerator[House]:
    async with open_house(sqlite_url, tmp_path / "data") as opened:
        yield opened
        await opened.check()
