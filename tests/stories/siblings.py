"""Several processes on one database that each take their signals from their own settings, and a cast with its seats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.signals import Signals
from tests.stories.house import Client, House, Someone, open_house

KEY = "a key that all of these processes have in common, 0123456789"


@dataclass
class Siblings:
    """`houses[n]` is one process. `at` says through which process somebody acts."""

    houses: list[House]
    session_id: str
    cast: dict[str, Someone]

    def at(self, name: str, process: int) -> Someone:
        known = self.cast[name]
        return Someone(self.houses[process], known.id, known.name)

    async def open(self, name: str, process: int, **query: Any) -> Client:
        return await self.at(name, process).open(self.session_id, **query)

    @property
    def clients(self) -> list[Client]:
        return [client for house in self.houses for client in house.clients]

    async def head(self) -> int:
        return len(await self.houses[0].log_of(self.session_id))

    async def everybody_has_all(self, seconds: float = 20.0) -> None:
        """Waits until every open client holds the newest entry."""
        head = await self.head()
        for client in self.clients:
            if client.closed is None:
                await client.until(lambda frame: frame.get("seq", 0) >= head and "at" in frame, seconds)

    async def check(self) -> None:
        """The log equals the tables, and every client of every process was shown a piece of it, each entry once."""
        for house in self.houses:
            await house.check()

    async def readiness(self, process: int) -> dict[str, str]:
        answer = await self.houses[process].http.get("/readyz")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until_signals(self, state: str, seconds: float = 20.0) -> None:
        """Until every process says this of its signals."""
        async with asyncio.timeout(seconds):
            for process in range(len(self.houses)):
                while not (await self.readiness(process))["signals"].startswith(state):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.02)


async def talk_until(tab: Client, name: str, is_over: asyncio.Event) -> int:
    """Says one thing after the other, each acknowledged, until it is over. How many."""
    count = 0
    while not is_over.is_set():
        assert (await tab.say(f"{name} {count}"))["type"] == "ack"
        count += 1
        await asyncio.sleep(0.3)  # The pace of somebody who may say 100 things a minute, for a minute.
    return count


NewSignals = Callable[[str], Signals | None]
Opener = Callable[..., Awaitable[Siblings]]


@asynccontextmanager
async def siblings(database_url: str, folder: Path) -> AsyncGenerator[Opener]:
    """`await open(count, signals, **settings)`: `signals` makes those of a process by its name, where it is not what
    the settings say."""
    async with AsyncExitStack() as stack:

        async def start(count: int, signals: NewSignals = lambda _name: None, **settings: Any) -> Siblings:
            houses = [
                await stack.enter_async_context(
                    open_house(
                        database_url,
                        folder / f"data {number}",
                        signals=signals(f"process {number}"),
                        **{"JWT_SECRET_KEY": KEY, **settings},
                    )
                )
                for number in range(count)
            ]
            cast = {name: await houses[0].someone(name) for name in ("Alice", "Bob", "Carol", "Dora")}
            session_id = await cast["Alice"].start()
            for name, role in (("Bob", "editor"), ("Carol", "editor"), ("Dora", "viewer")):
                answer = await cast[name].accept(await cast["Alice"].invite(session_id, role))
                assert answer.status_code == 200, answer.text
            return Siblings(houses, session_id, cast)

        yield start
