"""Postgres stops, is frozen behind a dead network, and comes back, under writers and readers: nobody waits long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import pytest

from core import chat, log, sessions
from core.access import Actor
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.errors import StorageUnavailable
from core.postgres import PATIENCE, READERS, Turns
from cosession.compose import ensure_epoch
from tests.core.conftest import person
from tests.support.postgres import Postgres, running_postgres
from tests.support.proxy import bad_network
from tests.support.schema import bring_up

#: Seconds that a busy machine is given beyond what is promised.
SLACK = 3.0


@pytest.fixture(scope="module")
def server() -> Generator[Postgres]:
    """One that may be stopped."""
    with running_postgres() as running:
        yield running


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[tuple[Database, Actor, str]]:
    await asyncio.to_thread(bring_up, url)
    db = Database(open_engine(url), system_clock)
    db.start()
    await db.write(ensure_epoch)
    alice = await person(db, "Alice")
    session_id = await db.write(lambda tx: sessions.start(tx, alice, "Weather").id)
    yield db, alice, session_id
    await db.close()


async def say(db: Database, actor: Actor, session_id: str, text: str) -> chat.Posted:
    return await db.write(lambda tx: chat.post_message(tx, actor, session_id, chat.Draft(text), key=text))


async def all_refused(db: Database, actor: Actor, session_id: str, count: int) -> None:
    """Writers and readers, more than there are connections."""
    writes = [say(db, actor, session_id, f"lost {number}") for number in range(count)]
    reads = [db.read(lambda tx: log.head(tx, session_id)) for _ in range(count)]
    async with asyncio.timeout(PATIENCE + SLACK):
        answers = await asyncio.gather(*writes, *reads, return_exceptions=True)
    assert all(isinstance(answer, StorageUnavailable) and answer.retryable for answer in answers)


async def goes_on(db: Database, actor: Actor, session_id: str) -> chat.Posted:
    """Until something can be said again."""
    async with asyncio.timeout(5 + SLACK):
        while True:
            try:
                return await say(db, actor, session_id, "again")
            except StorageUnavailable:
                await asyncio.sleep(0)


async def test_a_stopped_postgres_is_said_and_forgotten_when_it_is_back(server: Postgres) -> None:
    with server.fresh_database() as url:
        async with opened(url) as (db, alice, session_id):
            before = await say(db, alice, session_id, "before")
            await asyncio.to_thread(server.crash)
            await all_refused(db, alice, session_id, 3 * READERS)
            await asyncio.to_thread(server.start_again)
            after = await goes_on(db, alice, session_id)
            assert await db.read(lambda tx: log.head(tx, session_id)) == after.seq == before.seq + 1


async def test_a_restart_between_two_wishes_is_not_even_noticed(server: Postgres) -> None:
    with server.fresh_database() as url:
        async with opened(url) as (db, alice, session_id):
            before = await say(db, alice, session_id, "before")
            await asyncio.gather(*(db.read(lambda tx: log.head(tx, session_id)) for _ in range(READERS)))
            await asyncio.to_thread(server.crash)
            await asyncio.to_thread(server.start_again)
            await asyncio.sleep(0)
            heads = await asyncio.gather(*(db.read(lambda tx: log.head(tx, session_id)) for _ in range(2 * READERS)))
            assert set(heads) == {before.seq}
            assert (await say(db, alice, session_id, "after")).seq == before.seq + 1


async def test_nothing_acknowledged_is_lost_when_postgres_stops_under_writers(server: Postgres) -> None:
    acknowledged: dict[str, int] = {}
    with server.fresh_database() as url:
        async with opened(url) as (db, alice, session_id):

            async def insist(writer: int) -> None:
                for number in range(40):
                    text = f"{writer}-{number}"
                    while text not in acknowledged:
                        try:
                            acknowledged[text] = (await say(db, alice, session_id, text)).seq
                        except StorageUnavailable:
                            await asyncio.sleep(0)

            writers = [asyncio.create_task(insist(writer)) for writer in range(8)]
            while len(acknowledged) < 20:  # noqa: ASYNC110 - whoever insists sets no event
                await asyncio.sleep(0)
            await asyncio.to_thread(server.crash)
            await asyncio.to_thread(server.start_again)
            async with asyncio.timeout(30):
                await asyncio.gather(*writers)
            entries = await db.read(lambda tx: log.read_after(tx, session_id, 0))
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
            page = await db.read(lambda tx: chat.history(tx, session_id, before=None, limit=1_000))
            assert {view.message.content: view.seq for view in page} == acknowledged


async def test_a_postgres_that_does_not_answer_is_given_up_and_found_again(server: Postgres) -> None:
    with server.fresh_database() as url:
        async with bad_network(server.port) as network:
            way = url.replace(f":{server.port}/", f":{network.listening_port}/")
            async with opened(way) as (db, alice, session_id):
                await say(db, alice, session_id, "before")
                network.swallows = True
                await all_refused(db, alice, session_id, 3 * READERS)
                network.swallows = False
                network.reset()
                await goes_on(db, alice, session_id)


async def test_turns_are_given_in_order_and_none_is_lost_to_somebody_who_left() -> None:
    turns, order = Turns(1), list[int]()

    async def take(number: int) -> None:
        async with turns.one():
            order.append(number)
            await asyncio.sleep(0)

    first, left, second = (asyncio.create_task(take(number)) for number in range(3))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(first, left, second, return_exceptions=True)
    await asyncio.wait_for(take(3), 1)
    assert order == [0, 2, 3]
