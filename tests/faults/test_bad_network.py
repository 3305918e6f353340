"""Networks that are slow, that cut everything to pieces, and that swallow everything without a word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import websockets

from api.door.settings import DoorSettings
from core import presence
from tests.stories.house import Client, House, Someone, open_house
from tests.stories.lines import SocketLine
from tests.support.proxy import BadNetwork, bad_network

#: What a peer may take to answer, scaled down: the server asks after 0.3 s instead of 20.
IMPATIENT = DoorSettings(ping_interval=0.3, ping_timeout=0.5)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Wires are the matter here, not what is behind them."""
    return sqlite_url


async def open_through(network: BadNetwork, house: House, someone: Someone, session_id: str, **query: str) -> Client:
    """A tab behind a bad network."""
    words = "&".join(f"{name}={value}" for name, value in query.items())
    address = f"{house.url.replace('http', 'ws', 1)}/ws/session/{session_id}?token={await someone.ticket(session_id)}"
    line = await websockets.connect(f"{address}&{words}", host="127.0.0.1", port=network.listening_port, max_size=None)
    client = Client(house, SocketLine(line))
    client.start()
    house.clients.append(client)
    await client.until(lambda frame: frame["type"] == "connected")
    return client


async def two(house: House) -> tuple[str, Someone, Someone]:
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    assert (await bob.accept(await alice.invite(session_id))).is_success
    return session_id, alice, bob


def test_by_default_a_peer_that_is_gone_without_a_word_is_noticed_within_45_seconds() -> None:
    assert DoorSettings().ping_interval + DoorSettings().ping_timeout <= 45


async def test_a_peer_that_is_gone_without_a_word_is_noticed_and_shown_as_gone(
    database_url: str, tmp_path: Path
) -> None:
    async with open_house(database_url, tmp_path / "data", door=IMPATIENT) as house:
        session_id, alice, bob = await two(house)
        async with bad_network(house.runtime.settings.port) as network:
            stays = await alice.open(session_id)
            goes = await open_through(network, house, bob, session_id)
            await stays.until(lambda frame: frame["type"] == "user_joined" and frame["user"]["user_id"] == bob.id)
            network.swallows = True
            async with asyncio.timeout(15):
                while len(house.runtime.hub.connections()) > 1:  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(0.05)
            house.seconds.move(presence.GRACE)
            await stays.until(lambda frame: frame["type"] == "user_left" and frame["user_id"] == bob.id)
            assert stays.closed is None
            network.reset()
            await goes.until_closed()
        await house.check()


async def test_whoever_answers_slowly_stays(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url, tmp_path / "data", door=IMPATIENT) as house:
        session_id, alice, _ = await two(house)
        async with bad_network(house.runtime.settings.port) as network:
            network.delay = 0.05
            far = await open_through(network, house, alice, session_id)
            for number in range(15):
                assert (await far.say(f"message {number}"))["type"] == "ack"
            assert far.closed is None
            await house.check()


@pytest.mark.parametrize("size", [1, 2, 13, 1_000])
async def test_a_network_that_cuts_everything_to_pieces_changes_nothing(house: House, size: int) -> None:
    """Heads, frames and texts arrive in pieces, both ways; a character may be cut in two."""
    session_id, alice, bob = await two(house)
    near = await alice.open(session_id)
    async with bad_network(house.runtime.settings.port) as network:
        network.slice_bytes = size
        far = await open_through(network, house, bob, session_id)
        for number in range(5):
            texts = f"{number} grüßt 🎉", f"{number} " + "äöü🎉" * 300
            for speaker, text in zip((near, far), texts, strict=True):
                assert (await speaker.say(text))["type"] == "ack"
        head = len(await house.log_of(session_id))
        await near.until_seq(head)
        await far.until_seq(head)
        assert near.texts == far.texts
        assert len(near.texts) == 10


async def test_connections_that_break_off_lose_nothing_that_was_acknowledged(house: House) -> None:
    """Broken off with a reset between any two bytes, twenty times; what was not acknowledged is said again."""
    session_id, alice, bob = await two(house)
    near = await alice.open(session_id)
    acknowledged: dict[str, int] = {}
    held: list[int] = []
    epoch = near.frames[0]["epoch"]
    async with bad_network(house.runtime.settings.port) as network:
        network.slice_bytes = 64
        for round_number in range(20):
            since = str(held[-1] if held else 0)
            far = await open_through(network, house, bob, session_id, epoch=epoch, since=since)
            for number in range(3):
                key = f"{round_number}-{number}"
                frame = await far.say(key, client_msg_id=key)
                acknowledged[key] = frame["seq"]
            await far.send(type="chat_message", client_msg_id=f"{round_number}-last", content=f"{round_number}-last")
            network.reset()
            await far.until_closed()
            held += [entry["seq"] for entry in far.entries]
        far = await open_through(network, house, bob, session_id, epoch=epoch, since=str(held[-1]))
        for round_number in range(20):
            key = f"{round_number}-last"
            acknowledged[key] = (await far.say(key, client_msg_id=key))["seq"]
        head = len(await house.log_of(session_id))
        await far.until_seq(head)
        held += [entry["seq"] for entry in far.entries]
    assert held == list(range(1, head + 1)), "each entry once, over all connections"
    entries = await house.log_of(session_id)
    stored = {e["message"]["content"]: e["seq"] for e in entries if e["type"] == "chat_message"}
    assert stored == acknowledged
