"""Digests come exactly once for each person and period: over three processes at a time, fifty kills, and a clock that
is moved through both changes of daylight saving, and back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from core import accounts, chat, digests, outbox, sessions, tables
from core.access import add_participant
from core.clock import system_clock
from core.db import Database, Transaction
from core.digests import Wish
from core.engines import open_engine
from tests.support.chromium import ROOT
from tests.support.schema import bring_up
from tests.support.smtp import mail_server

STEP = timedelta(hours=12)
#: Later than any lease of whoever was killed in the same round.
LATER = timedelta(minutes=6)
CAST = {
    "ann": (Wish("daily", 8 * 60, 0), "Europe/Berlin"),
    "bob": (Wish("weekly", 2 * 60 + 30, 6), "America/New_York"),  # on the Sunday of the change
    "carol": (Wish("daily", 2 * 60 + 30, 0), "Europe/Berlin"),  # in the hour that is skipped, or comes twice
    "dan": (Wish("off", 8 * 60, 0), "Europe/Berlin"),
}
BEGIN = datetime(2026, 3, 25, 12, tzinfo=UTC)
SPRING = [datetime(2026, 3, 26, 12, tzinfo=UTC) + n * STEP for n in range(12)]
AUTUMN = [datetime(2026, 10, 22, 12, tzinfo=UTC) + n * STEP for n in range(12)]
#: The clock goes back for a moment, too.
ROUNDS = [*SPRING[:8], SPRING[4], *SPRING[8:], *AUTUMN]


class Nursery:
    """The process that the others are forks of."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(15):
            return (await self._process.stdout.readline()).decode().strip()

    async def go(self, now: datetime) -> int:
        return int(await self._ask(f"go {(now - system_clock()).total_seconds()}"))

    async def wait(self, pid: int) -> int:
        return int((await self._ask(f"wait {pid}")).split()[1])


def periods(wish: Wish, zone: str, after: datetime, until: datetime) -> list[str]:
    """The names of the last periods that become due in between, found by looking at the clock on the wall."""
    found: dict[str, None] = {}
    moment = max(after, until - timedelta(days=8)) - timedelta(days=1)
    while wish.cadence != "off" and moment <= until:
        local = moment.astimezone(ZoneInfo(zone))
        on_its_day = wish.cadence == "daily" or local.weekday() == wish.weekday
        name = f"{local:%Y-%m-%d}" if wish.cadence == "daily" else f"{local:%G-W%V}"
        if on_its_day and local.hour * 60 + local.minute >= wish.minute and name not in found:
            found[name] = None
            if moment <= after:
                found.pop(name)
                found = {**found, f"old {name}": None, name: None}
        moment += timedelta(minutes=1)
    old = {name.removeprefix("old ") for name in found if name.startswith("old ")}
    return [name for name in found if not name.startswith("old ") and name not in old]


async def cast_of(db: Database) -> tuple[str, dict[str, str]]:
    """A session with everybody in it: its id, and theirs."""

    def make(tx: Transaction) -> tuple[str, dict[str, str]]:
        zed = accounts.actor_for(accounts.add_user(tx, "zed@example.com", "Zed"), "web")
        digests.choose(tx, zed.user_id, Wish("off", 0, 0))
        session = sessions.start(tx, zed, "Daylight")
        ids: dict[str, str] = {}
        for name, (wish, zone) in CAST.items():
            user = accounts.add_user(tx, f"{name}@example.com", name)
            user.time_zone = zone
            digests.choose(tx, user.id, wish)
            add_participant(tx, session, accounts.actor_for(user, "web").person, "viewer", via="invite")
            ids[name] = user.id
        return session.id, ids | {"zed": zed.user_id}

    return await db.write(make)


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def test_each_digest_is_made_and_sent_once_whoever_is_killed(postgres_url: str, stack: AsyncExitStack) -> None:
    await asyncio.to_thread(bring_up, postgres_url)
    now = BEGIN
    db = Database(open_engine(postgres_url), lambda: now)
    db.start()
    stack.push_async_callback(db.close)
    session_id, ids = await cast_of(db)
    zed = await db.read(lambda tx: accounts.actor_for(accounts.get_user(tx, ids["zed"]), "web"))
    chance, kills, expected = random.Random(7), 0, set[str]()
    looked = dict.fromkeys(CAST, BEGIN)
    async with mail_server() as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.jobs.nursery", postgres_url, str(server.port)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        nursery = Nursery(process)
        try:
            for place, moment in enumerate(ROUNDS):
                # In the half year in which nothing runs, something happens shortly before its end.
                now = moment - (timedelta(days=5) if moment == AUTUMN[0] else timedelta(hours=1))
                await db.write(lambda tx: chat.post_message(tx, zed, session_id, chat.Draft("something new")))
                victims = [await nursery.go(moment) for _ in range(2)]
                survivor = await nursery.go(moment + LATER)
                for victim in victims:
                    await asyncio.sleep(chance.uniform(0, 0.08))  # any moment of its short life
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
                    await nursery.wait(victim)
                assert await nursery.wait(survivor) == 0
                for name, (wish, zone) in CAST.items():
                    until = moment + LATER - timedelta(minutes=1)
                    due = periods(wish, zone, looked[name], until) if until > looked[name] else []
                    looked[name] = max(looked[name], until)
                    if due:
                        expected.add(outbox.mail_id("digest", f"{name}@example.com", f"{ids[name]}:{due[-1]}"))
                sent = {str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in server.mails}
                assert sent == expected, f"in round {place}, {moment}"
        finally:
            process.kill()
            await process.wait()
        rows = await db.read(lambda tx: list(tx.sql.exec(select(tables.Digest))))
    assert kills == 50
    assert {row.mail_id for row in rows} == expected
    assert len(rows) == len(expected) > 25
    repeats = [many for many in Counter(str(mail["Message-ID"]) for mail in server.mails).values() if many > 1]
    assert sum(repeats) - len(repeats) <= kills, "a mail is sent again only where a process was killed over it"
    for name in CAST:
        own = sorted((row for row in rows if row.user_id == ids[name]), key=lambda row: row.covers_to)
        assert all(before.covers_to <= after.covers_from for before, after in pairwise(own))
