"""One server for all tests of a module, on asyncio's loop and on uvloop, with deadlines short enough to wait for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.door.settings import DoorSettings
from tests.api.door.support import Probe, Running, WebSocketClient, running

PATIENT = DoorSettings(
    head_timeout=0.5,
    keep_alive_timeout=1,
    body_bytes=100_000,
    body_timeout=0.5,
    body_bytes_for=lambda path: 10 if path == "/small" else None,
    close_timeout=0.5,
    linger=0.3,
    drain_patience=0.5,
)


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture(scope="module")
async def server(anyio_backend: object) -> AsyncGenerator[Running]:
    async with running(Probe(), PATIENT) as served:
        yield served


@pytest.fixture
async def neighbour(server: Running) -> AsyncGenerator[WebSocketClient]:
    """Somebody well-behaved, who must be served before, while and after others misbehave."""
    client = await server.websocket("/echo")
    await client.echo("before")
    yield client
    await client.echo("after")
    assert (await server.get("/healthz")).status == 200
    await server.sweep()
