"""Fixtures for every test: databases, servers, a browser. What is costly is started once, and when first used."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import fastapi.dependencies.models
import pytest
from hypothesis import settings

from tests.support import bounded, ports
from tests.support.postgres import Postgres, running_postgres
from tests.support.server import ServerProcess, running_server
from tests.support.valkey import running_valkey

pytest_plugins = ["tests.support.browser"]
pytest.register_assert_rewrite("tests.bot.support", "tests.faults")

# How long an example takes says nothing on a machine that others use.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        bounded.bound(item)


def pytest_collection_finish() -> None:
    # As `cosession serve` does: what is loaded by now stays, and need not be looked through with every few objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The event loop of production."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Generator[str]:
    """A Postgres database of this test's own, with the schema and without rows."""
    with postgres.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file of this test's own, which does not exist yet."""
    return f"sqlite:///{tmp_path}/cosession.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def valkey_url() -> Generator[str]:
    """An empty Valkey of this test's own, as `redis://…`."""
    with running_valkey() as url:
        yield url


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture
def server_process(tmp_path: Path) -> Iterator[ServerProcess]:
    """`cosession serve` on SQLite in an empty data folder."""
    with running_server(tmp_path / "data") as server:
        yield server


@pytest.fixture(autouse=True)
def _forgotten_apps() -> Generator[None]:
    """FastAPI remembers every endpoint that it has ever looked at, and with it the whole app: one in a server's life,
    but hundreds in a run of the tests, which would fill the memory and slow the collector down."""
    yield
    for remembered in vars(fastapi.dependencies.models).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()
