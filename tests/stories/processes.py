"""Several processes whose time and signals a story moves, and what its clients were told of each other.

Time passes by the seconds that each process is handed; a process that is killed says nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.stories.house import Client, Frame, House, Someone
from tests.stories.siblings import Siblings, siblings
from tests.support.signals import Lines


@dataclass
class Processes(Siblings):
    """`lines` connect them, where a real Redis does not."""

    lines: Lines = field(default_factory=Lines)

    def here(self, process: int) -> set[str]:
        """Whom that process shows."""
        return {shown.person.username for shown in self.houses[process].runtime.hub.present(self.session_id)}

    async def until_all_see(self, *names: str, processes: tuple[int, ...] | None = None) -> None:
        places = processes if processes is not None else tuple(range(len(self.houses)))
        await until(lambda: all(self.here(process) == set(names) for process in places))

    async def pass_seconds(self, seconds: float, *tabs: Client) -> None:
        """Lets time pass everywhere, in steps in which every process shows its tabs and each of `tabs` speaks."""
        left = seconds
        while left > 0:
            step = min(left, 4.0)
            left -= step
            for house in self.houses:
                house.seconds.move(step)
            for tab in tabs:
                await tab.ping()
            for house in self.houses:
                house.runtime.elsewhere.look()
            await asyncio.gather(*(settled(house) for house in self.houses))

    async def pass_until(self, claim: Callable[[], bool], *tabs: Client) -> None:
        """Lets time pass until that is so."""
        async with asyncio.timeout(20.0):
            while not claim():
                await self.pass_seconds(4.0, *tabs)

    async def kill(self, process: int) -> None:
        """Nothing comes from it any more: no signal, no word to a client."""
        house = self.houses[process]
        self.lines.cut(f"process {process}")
        for client in house.clients:
            await client.close()


async def settled(house: House) -> None:
    """One answered request: what was on its way in that process has arrived."""
    assert (await house.http.get("/healthz")).status_code == 200


async def until(claim: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for something that no frame tells of."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)


class Opener(Protocol):
    def __call__(self, processes: int, *, redis: str | None = None, **settings: str) -> Awaitable[Processes]: ...


@asynccontextmanager
async def processes_on(database_url: str, folder: Path) -> AsyncGenerator[Opener]:
    """What opens several processes on that database; they are closed at the end."""
    async with siblings(database_url, folder) as opener:

        async def start(processes: int, *, redis: str | None = None, **settings: str) -> Processes:
            """Connected through that Redis, or else by lines to order."""
            lines = Lines()
            if redis is None:
                cluster = await opener(processes, lines.process, **settings)
            else:
                cluster = await opener(processes, REDIS_URL=redis, **settings)
            return Processes(cluster.houses, cluster.session_id, cluster.cast, lines)

        yield start


def kinds(tab: Client, *wanted: str, after: int = 0) -> list[Frame]:
    return [frame for frame in tab.frames[after:] if frame["type"] in wanted]


def people_of(tab: Client) -> dict[str, Frame]:
    """Who is here, by what this tab was told."""
    people: dict[str, Frame] = {}
    for frame in tab.frames:
        if frame["type"] in ("connected", "presence_update"):
            people |= {user["user_id"]: user for user in frame.get("presence", frame.get("users", []))}
        elif frame["type"] == "user_left":
            del people[frame["user_id"]]
        elif frame["type"] == "followed":
            people[frame["user_id"]]["following"] = frame["target_id"]
    return {user["username"]: user for user in people.values()}


def shown(who: Someone, **state: Any) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        users = frame.get("users", []) if frame["type"] == "presence_update" else []
        return any(user["user_id"] == who.id and state.items() <= user.items() for user in users)

    return found


def at_line(who: Someone, line: int) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        users = frame.get("users", []) if frame["type"] == "presence_update" else []
        return any(user["user_id"] == who.id and (user["cursor"] or {}).get("line") == line for user in users)

    return found


def told(kind: str, who: Someone) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        subject = frame["user"]["user_id"] if kind == "user_joined" and frame["type"] == kind else frame.get("user_id")
        return frame["type"] == kind and subject == who.id

    return found


def followed(who: Someone, whom: Someone | None) -> Callable[[Frame], bool]:
    pair = (who.id, whom.id if whom else None)
    return lambda frame: frame["type"] == "followed" and (frame["user_id"], frame["target_id"]) == pair
