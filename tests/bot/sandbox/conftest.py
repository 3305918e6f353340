"""The sandbox with a clock that stands still, and real servers on loopback ports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bot.sandbox import SandboxEngine, sandbox_app

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-sandbox-token"
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "slack-contract"

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[str]]


class ManualTime:
    """A clock that moves only when told, and the sleep that belongs to it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []
        self._somebody_sleeps = asyncio.Event()

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + timedelta(seconds=seconds), woken))
        self._somebody_sleeps.set()
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Waits until somebody sleeps, then lets the time pass."""
        await self._somebody_sleeps.wait()
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self.now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        if not self._sleepers:
            self._somebody_sleeps.clear()
        for _, woken in due:
            woken.set()


class Receiver:
    """An app that keeps what it is sent. `answers` are given first to last, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Response] = []
        self.hold: asyncio.Event | None = None
        self.app = Starlette(routes=[Route("/slack/events", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        if self.hold is not None:
            await self.hold.wait()
        return self.answers.pop(0) if self.answers else JSONResponse({})


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
async def engine(time: ManualTime) -> AsyncGenerator[SandboxEngine, None]:
    made = SandboxEngine(signing_secret=SECRET, bot_token=TOKEN, clock=time, sleep=time.sleep)
    yield made
    await made.aclose()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncGenerator[str, None]:
    """Serves an app on a loopback port that the system chooses; yields its base URL."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Listening before the server runs, so that nobody has to wait for it to come up.
    listener.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=2))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()


@pytest.fixture
async def receiver(engine: SandboxEngine) -> AsyncGenerator[Receiver, None]:
    """An app that the engine delivers to."""
    taken = Receiver()
    async with serving(taken.app) as url:
        engine.request_url = f"{url}/slack/events"
        yield taken
        await engine.aclose()


@pytest.fixture
async def slack_url(engine: SandboxEngine) -> AsyncGenerator[str, None]:
    """Where the sandbox is mounted, over real HTTP."""
    root = Starlette(routes=[Mount("/sandbox/slack", app=sandbox_app(engine))])
    async with serving(root) as url:
        engine.base_url = f"{url}/sandbox/slack"
        yield engine.base_url
        await engine.aclose()
