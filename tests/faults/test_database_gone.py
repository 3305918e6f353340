"""The database goes away under live sockets, and comes back: people are told to wait, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.stories.house import Client, House, open_house
from tests.support.postgres import Postgres
from tests.support.proxy import bad_network


async def until_ready(house: House, status: int) -> None:
    while (await house.http.get("/readyz")).status_code != status:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.05)


async def until_stored(client: Client, content: str, key: str) -> int:
    """Says it again and again, as clients do, until it is acknowledged: its seq."""
    while True:
        answer = await client.say(content, client_msg_id=key)
        if answer["type"] == "ack":
            return answer["seq"]
        assert answer["retryable"], answer
        await asyncio.sleep(0.1)


@asynccontextmanager
async def conversation(house: House) -> AsyncGenerator[tuple[Client, Client]]:
    """Two people who have said something to each other."""
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    assert (await bob.accept(await alice.invite(session_id))).is_success
    clients = await alice.open(session_id), await bob.open(session_id)
    first = await clients[0].say("before")
    assert first["type"] == "ack"
    await clients[1].until_seq(first["seq"])
    yield clients
    await house.check()


async def test_a_crash_of_postgres_is_said_at_once_and_over_soon_after_its_return(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    with own_postgres.fresh_database() as url:
        async with open_house(url, tmp_path / "data") as house, conversation(house) as (alice, bob):
            await asyncio.to_thread(own_postgres.crash)
            async with asyncio.timeout(3):
                refused = await alice.say("during", client_msg_id="during")
            assert (refused["type"], refused["retryable"]) == ("error", True)
            await asyncio.wait_for(until_ready(house, 503), 3)
            assert (await house.http.get("/healthz")).status_code == 200
            assert alice.closed is bob.closed is None, "a socket does not need the database to stay open"
            await asyncio.to_thread(own_postgres.start_again)
            async with asyncio.timeout(5):
                await until_ready(house, 200)
                seq = await until_stored(alice, "during", "during")
            await bob.until_seq(seq)
            assert bob.texts == ["before", "during"]


async def stored_since(acknowledged: dict[str, int], more: int) -> None:
    """Until so many more were acknowledged."""
    wanted = len(acknowledged) + more
    while len(acknowledged) < wanted:  # noqa: ASYNC110 - whoever talks sets no event
        await asyncio.sleep(0.01)


async def test_of_what_is_said_while_postgres_crashes_nothing_acknowledged_is_lost(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    """The crash comes between wishes and their commits: some are stored and not acknowledged, none the other way."""
    acknowledged: dict[str, int] = {}

    async def talk(client: Client, name: str, stop: asyncio.Event) -> None:
        for number in range(90):
            if stop.is_set():
                return
            said = f"{name} says {number}"
            acknowledged[said] = await until_stored(client, said, said)

    with own_postgres.fresh_database() as url:
        async with open_house(url, tmp_path / "data") as house, conversation(house) as (alice, bob):
            stop = asyncio.Event()
            talking = [asyncio.create_task(talk(who, name, stop)) for who, name in ((alice, "A"), (bob, "B"))]
            for _ in range(3):
                await stored_since(acknowledged, 8)
                await asyncio.to_thread(own_postgres.crash)
                await asyncio.to_thread(own_postgres.start_again)
            stop.set()
            await asyncio.wait_for(asyncio.gather(*talking), 15)
            entries = await house.log_of(alice.frames[0]["session"]["id"])
            stored = {e["message"]["content"]: e["seq"] for e in entries if e["type"] == "chat_message"}
            assert len(stored) == sum(entry["type"] == "chat_message" for entry in entries), "something is there twice"
            assert {said: stored.get(said) for said in acknowledged} == acknowledged
            await alice.until_seq(len(entries))
            await bob.until_seq(len(entries))


async def test_a_database_that_does_not_answer_is_as_good_as_gone(own_postgres: Postgres, tmp_path: Path) -> None:
    """Its connections stay open and nothing comes back, as behind a pulled plug."""
    with own_postgres.fresh_database() as url:
        async with bad_network(own_postgres.port) as network:
            way = url.replace(f":{own_postgres.port}/", f":{network.listening_port}/")
            async with open_house(way, tmp_path / "data") as house, conversation(house) as (alice, bob):
                network.swallows = True
                refused = await asyncio.wait_for(until_refused(alice, "during"), 15)
                assert refused["retryable"]
                assert (await house.http.get("/healthz")).status_code == 200
                network.swallows = False
                network.reset()
                async with asyncio.timeout(15):
                    seq = await until_stored(alice, "during", "during")
                await bob.until_seq(seq)


async def until_refused(client: Client, key: str) -> dict[str, Any]:
    await client.send(type="chat_message", client_msg_id=key, content=key)
    return await client.until(lambda frame: frame.get("re") == key, 20)


async def test_a_database_that_takes_no_writes_is_still_read(own_postgres: Postgres, tmp_path: Path) -> None:
    """As after a failover that left us with the standby."""
    with own_postgres.fresh_database() as url:
        async with open_house(url, tmp_path / "data") as house, conversation(house) as (alice, bob):
            await asyncio.to_thread(own_postgres.take_writes, url, False)
            refused = await asyncio.wait_for(until_refused(alice, "during"), 3)
            assert refused["retryable"]
            session_id = alice.frames[0]["session"]["id"]
            assert (await house.log_of(session_id))[-1]["message"]["content"] == "before"
            assert alice.closed is bob.closed is None
            await asyncio.to_thread(own_postgres.take_writes, url, True)
            async with asyncio.timeout(5):
                seq = await until_stored(alice, "during", "during")
            await bob.until_seq(seq)
