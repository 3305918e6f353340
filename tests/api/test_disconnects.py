"""A thousand connections break off at random, for up to two minutes each, while twenty entries a second are written.

Time is virtual: a second is a turn in which twenty entries are committed and whoever is due comes back, at once. A
connection that breaks off loses whatever was still on its way, so its client goes on from an earlier place than the
server thinks. In the end every client must hold exactly the log.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from api.connection import Connection
from api.entering import CONNECTIONS_PER_USER
from api.frames import Position
from api.room import Room
from core import log
from core.access import Actor, session_for
from core.db import Transaction
from core.events import AgentMessage
from tests.api.support import Notes, Place, open_place

CLIENTS = 120
DISCONNECTS = 1_000
PER_SECOND = 20
LONGEST = 120.0
SEED = 20260923

SEQ = re.compile(rb'^\{"type":"[a-z_]+","seq":(\d+),"at":')
GAP = re.compile(rb'^\{"type":"gap","from_seq":(\d+),"to_seq":(\d+)\}$')


@dataclass
class Tab:
    """A client that keeps what it was sent, and resumes from there."""

    place: Place
    who: Actor
    chance: random.Random
    due: float = 0.0
    held: list[bytes] = field(default_factory=list[bytes])
    gaps: int = 0
    wire: Notes | None = None
    seat: tuple[Room, Connection] | None = None

    async def come_back(self) -> None:
        since = Position(epoch="", seq=len(self.held))
        self.wire = Notes()
        self.seat = await self.place.come_in(self.who, self.wire, since)

    async def break_off(self) -> None:
        """Some of the newest frames were still on their way; what had arrived is taken."""
        assert self.wire is not None
        assert self.seat is not None
        self.wire.is_open = False
        self.place.api.hub.leave(*self.seat)
        lost = self.chance.choice([0, 0, 1, 5, 40])
        arrived = self.wire.payloads[: max(0, len(self.wire.payloads) - lost)]
        self.wire = self.seat = None
        await self.take(arrived)

    async def take(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            entry, gap = SEQ.match(payload), GAP.match(payload)
            if gap is not None:
                assert int(gap[1]) == len(self.held) + 1
                await self.read_history(int(gap[2]))
                self.gaps += 1
            elif entry is not None:
                assert int(entry[1]) == len(self.held) + 1, "an entry was left out, doubled or out of order"
                self.held.append(payload)

    async def read_history(self, to: int) -> None:
        """As over HTTP."""
        db, session_id = self.place.api.db, self.place.session_id
        while len(self.held) < to:
            page = await db.read(lambda tx: log.read_after(tx, session_id, len(self.held), 1_000))
            self.held += [entry.frame for entry in page if entry.seq <= to]


async def write(place: Place, chance: random.Random) -> None:
    texts = ["x" * chance.choice([10, 100, 900]) for _ in range(PER_SECOND)]

    def work(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "feed_agent").session
        for text in texts:
            log.append(tx, session, AgentMessage(turn_id="t", text=text))

    await place.api.db.write(work)


async def test_after_a_thousand_disconnects_every_client_holds_the_log(sqlite_url: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with open_place(sqlite_url, tmp_path / "data") as place:
        people = (place.host, place.editor)
        tabs = [Tab(place, people[n % 2], chance, due=chance.uniform(0, LONGEST)) for n in range(CLIENTS)]
        disconnects, now = 0, 0.0
        while disconnects < DISCONNECTS:
            now += 1.0
            due = [tab for tab in tabs if tab.due <= now]
            leaving = [tab for tab in due if tab.seat is not None]
            coming = [tab for who in people for tab in that_may_come(who, tabs, now)]
            disconnects += len(leaving)
            await asyncio.gather(
                write(place, chance), *(tab.break_off() for tab in leaving), *(tab.come_back() for tab in coming)
            )
            for tab in leaving:
                tab.due = now + chance.uniform(0, LONGEST)
            for tab in coming:
                tab.due = now + chance.uniform(0, LONGEST) / 10
        entries = await settle(place, tabs)
    assert len(entries) > PER_SECOND * LONGEST
    for tab in tabs:
        assert tab.held == entries[: len(tab.held)]
    assert all(len(tab.held) == len(entries) for tab in tabs)
    assert sum(tab.gaps for tab in tabs) > 0, "nobody was ever so far behind that they were sent a gap"


def that_may_come(who: Actor, tabs: list[Tab], now: float) -> list[Tab]:
    """Twenty connections of one person are allowed: some who are due have to wait."""
    theirs = [tab for tab in tabs if tab.who == who]
    there = sum(tab.seat is not None for tab in theirs)
    return [tab for tab in theirs if tab.seat is None and tab.due <= now][: CONNECTIONS_PER_USER - there]


async def settle(place: Place, tabs: list[Tab]) -> list[bytes]:
    """Everybody breaks off once more, comes back, and stays until they hold the head. The whole log."""
    session_id = place.session_id
    head = await place.api.db.read(lambda tx: log.head(tx, session_id))
    for tab in tabs:
        if tab.seat is not None:
            await tab.break_off()
    for tab in tabs:
        await tab.come_back()
        assert tab.seat is not None
        assert tab.wire is not None
        room, connection = tab.seat
        async with asyncio.timeout(20):
            while connection.cursor < head:
                assert connection.catch_up is not None, "somebody is behind and nobody brings them up"
                await connection.catch_up
        payloads = tab.wire.payloads
        place.api.hub.leave(room, connection)
        await tab.take(payloads)
    entries: list[bytes] = []
    while len(entries) < head:
        at = len(entries)
        page = await place.api.db.read(lambda tx, at=at: log.read_after(tx, session_id, at, 1_000))
        entries += [entry.frame for entry in page]
    return entries
