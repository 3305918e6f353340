"""Several processes of the product in this one, on one database: each house shares nothing else but the signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core import log
from core.signals import Signals
from tests.stories.house import Client, House, Someone, open_house

KEY = "a key that all of these processes have in common, 0123456789"


@dataclass
class Cluster:
    """`houses[n]` is one process. The cast has its seats; `at` says where somebody acts."""

    houses: list[House]
    session_id: str
    cast: dict[str, Someone]

    def at(self, name: str, process: int) -> Someone:
        known = self.cast[name]
        return Someone(self.houses[process], known.id, known.name)

    async def open(self, name: str, process: int, **query: Any) -> Client:
        return await self.at(name, process).open(self.session_id, **query)

    async def head(self) -> int:
        return await self.houses[0].runtime.db.read(lambda tx: log.head(tx, self.session_id))

    async def everybody_has_all(self) -> int:
        """Waits until every open tab was shown the whole log; where that ends."""
        head = await self.head()
        tabs = [tab for house in self.houses for tab in house.clients if tab.closed is None]
        await asyncio.gather(
            *(tab.until(lambda frame: frame.get("seq", 0) >= head and "at" in frame, 20) for tab in tabs)
        )
        return head

    async def check(self) -> None:
        """The log equals the tables, and every tab on every process holds a contiguous piece of it."""
        for house in self.houses:
            await house.check()


class Opener(Protocol):
    async def __call__(
        self, processes: int, signals: Callable[[str], Signals | None], **settings: Any
    ) -> Cluster: ...


@asynccontextmanager
async def clusters(database_url: str, folder: Path) -> AsyncGenerator[Opener]:
    """What opens a cluster on that database; it is closed at the end. `signals` are made by the process's name; None:
    as the settings say."""
    async with AsyncExitStack() as stack:

        async def start(processes: int, signals: Callable[[str], Signals | None], **settings: Any) -> Cluster:
            houses = [
                await stack.enter_async_context(
                    open_house(
                        database_url,
                        folder / f"data {number}",
                        signals=signals(f"process {number}"),
                        JWT_SECRET_KEY=KEY,
                        **settings,
                    )
                )
                for number in range(processes)
            ]
            cast = {name: await houses[0].someone(name) for name in ("Alice", "Bob", "Carol", "Dora")}
            session_id = await cast["Alice"].start()
            for name, role in (("Bob", "editor"), ("Carol", "editor"), ("Dora", "viewer")):
                secret = await cast["Alice"].invite(session_id, role)
                assert (await cast[name].accept(secret)).status_code == 200
            return Cluster(houses, session_id, cast)

        yield start
