"""Hosts are reminded of those who still wait at the door: after an hour, after a day, and then no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from core import invites, leases, log, sessions
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.events import Knocked
from core.notifications import inbox
from core.notifications.taking_up import LEASE, read_page, take_up
from tests.core.conftest import person
from tests.support.schema import bring_up

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class House:
    """A session with Ann as its host, at whose door Ben waits; and a clock that can be moved."""

    def __init__(self, url: str) -> None:
        self.passed = timedelta()
        self.db = Database(open_engine(url), lambda: system_clock() + self.passed)
        self.ann: Actor
        self.ben: Actor
        self.session_id = self.invite_id = ""

    async def begin(self) -> None:
        self.db.start()
        self.ann, self.ben = await person(self.db, "Ann"), await person(self.db, "Ben")
        self.session_id = (await self.db.write(lambda tx: sessions.start(tx, self.ann, "Fix it"))).id
        made = await self.db.write(
            lambda tx: invites.create(tx, self.ann, self.session_id, "viewer", needs_approval=True)
        )
        self.invite_id = made.invite.id
        await self.db.write(lambda tx: invites.accept(tx, self.ben, made.secret))

    async def remind(self) -> int:
        return await self.db.write(invites.remind)

    async def knocks(self) -> list[int]:
        """Which reminder each knock in the log was."""
        entries = await self.db.read(lambda tx: log.read_after(tx, self.session_id, 0))
        events = [entry.event() for entry in entries]
        return [event.reminder for event in events if isinstance(event, Knocked)]


@pytest.fixture
async def house(database_url: str) -> AsyncGenerator[House]:
    await asyncio.to_thread(bring_up, database_url)
    house = House(database_url)
    await house.begin()
    yield house
    await house.db.close()


async def test_a_host_is_reminded_after_an_hour_and_after_a_day_and_then_no_more(house: House) -> None:
    assert await house.remind() == 0
    for passed, reminded in ((HOUR, 1), (HOUR * 2, 0), (DAY, 1), (DAY * 2, 0), (DAY * 6, 0)):
        house.passed = passed + timedelta(seconds=1)
        assert await house.remind() == reminded
        assert await house.remind() == 0
    assert await house.knocks() == [0, 1, 2]


async def test_whom_no_job_has_reminded_for_a_day_is_reminded_once(house: House) -> None:
    house.passed = DAY + HOUR
    assert await house.remind() == 1
    assert await house.remind() == 0
    assert await house.knocks() == [0, 2]


@pytest.mark.parametrize("way", ["admitted", "refused", "revoked", "ended"])
async def test_nobody_is_reminded_of_what_is_settled(house: House, way: str) -> None:
    ann, session_id = house.ann, house.session_id

    def settle(tx: Transaction) -> None:
        match way:
            case "admitted" | "refused":
                invites.answer_knock(tx, ann, session_id, house.ben.user_id, is_admitted=way == "admitted")
            case "revoked":
                invites.revoke(tx, ann, house.invite_id)
            case _:
                sessions.end(tx, ann, session_id)

    await house.db.write(settle)
    house.passed = DAY
    assert await house.remind() == 0
    assert await house.knocks() == [0]


async def test_each_reminder_is_news_in_the_inbox_and_the_answer_settles_them_all(house: House) -> None:
    async def unread() -> int:
        def follow(tx: Transaction) -> int:
            fence = leases.take(tx, LEASE, "test", 30)
            assert fence is not None
            while (page := read_page(tx, house.session_id)) is not None:
                take_up(tx, page, fence)
            return inbox.unread(tx, house.ann)

        return await house.db.write(follow)

    assert await unread() == 1
    house.passed = HOUR
    await house.remind()
    assert await unread() == 2
    await house.db.write(
        lambda tx: invites.answer_knock(tx, house.ann, house.session_id, house.ben.user_id, is_admitted=True)
    )
    assert await unread() == 0
