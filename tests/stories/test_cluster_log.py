"""One log over several processes: everybody sees the same entries in the same order, each once, wherever they are.

Every story holds over a real Valkey, over nothing but the database, and over signals that are lost, doubled, delayed
and overtake each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core import log
from core.access import Actor, session_for
from core.db import Transaction
from core.events import AgentMessage
from tests.stories.house import Client
from tests.stories.siblings import Siblings, siblings, talk_until
from tests.support.signals import Lines

Start = Callable[[int], Awaitable[Siblings]]
KINDS = ("redis", "polling", "faulty")


@pytest.fixture(params=KINDS)
async def start(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> AsyncGenerator[Start]:
    """Starts so many processes; after the story, every client must have been shown what the log holds."""
    settings: dict[str, Any] = {}
    lines = Lines(loss=0.3, doubles=0.3, delay=0.05)
    if request.param == "redis":
        settings["REDIS_URL"] = request.getfixturevalue("valkey_url")
    signals = lines.process if request.param == "faulty" else lambda _name: None
    started: list[Siblings] = []
    async with siblings(postgres_url, tmp_path) as opener:

        async def begin(count: int) -> Siblings:
            started.append(await opener(count, signals, **settings))
            return started[-1]

        yield begin
        for cluster in started:
            await cluster.check()


async def talk(tab: Client, name: str, count: int) -> None:
    for number in range(count):
        assert (await tab.say(f"{name} {number}"))["type"] == "ack"


async def feed(cluster: Siblings, process: int, texts: list[str]) -> None:
    """What a sharing agent says, committed by one process."""
    alice = cluster.cast["Alice"]

    def work(tx: Transaction) -> None:
        session = session_for(tx, Actor(alice.id, alice.name), cluster.session_id, "feed_agent").session
        for text in texts:
            log.append(tx, session, AgentMessage(turn_id="t", text=text))

    await cluster.houses[process].runtime.db.write(work)


async def test_everybody_sees_the_same_log_while_people_talk_on_both_processes(start: Start) -> None:
    cluster = await start(2)
    tabs = [await cluster.open(name, process) for name in ("Alice", "Bob", "Carol") for process in (0, 1)]
    await asyncio.gather(*(talk(tab, f"tab {number}", 8) for number, tab in enumerate(tabs)))
    await cluster.everybody_has_all()
    head = await cluster.head()
    for tab in tabs:
        seqs = [entry["seq"] for entry in tab.entries]
        assert seqs == list(range(seqs[0], head + 1))
        assert len(set(tab.texts)) == 48


async def test_whoever_moves_from_process_to_process_misses_nothing_and_sees_nothing_twice(start: Start) -> None:
    cluster = await start(2)
    speakers = [await cluster.open("Alice", 0), await cluster.open("Bob", 1)]
    is_over = asyncio.Event()
    talking = asyncio.gather(*(talk_until(tab, f"speaker {number}", is_over) for number, tab in enumerate(speakers)))
    first = await cluster.open("Dora", 0)
    hello = first.frames[0]
    seen, held = [], hello["seq"]
    for move in range(6):
        tab = await cluster.open("Dora", (move + 1) % 2, epoch=hello["epoch"], since=held)
        await tab.until(lambda frame, held=held: frame.get("seq", 0) > held + 1 and "at" in frame, 20)
        await tab.close()
        seen += [entry["seq"] for entry in tab.entries]
        held = seen[-1]
    is_over.set()
    await talking
    last = await cluster.open("Dora", 1, epoch=hello["epoch"], since=held)
    head = await cluster.head()
    if held < head:
        await last.until_seq(head)
    seen += [entry["seq"] for entry in last.entries]
    assert seen == list(range(hello["seq"] + 1, head + 1))


async def test_somebody_removed_through_another_process_is_sent_away_and_hears_nothing_later(start: Start) -> None:
    cluster = await start(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    path = f"/api/sessions/{cluster.session_id}/participants/{cluster.cast['Bob'].id}"
    assert (await cluster.at("Alice", 0).call("DELETE", path)).status_code == 204
    await talk(alice, "later", 3)
    assert (await bob.until_closed(10))[0] == 4403
    entries = await cluster.houses[0].log_of(cluster.session_id)
    removal = next(entry["seq"] for entry in entries if entry["type"] == "participant_removed")
    assert max((entry["seq"] for entry in bob.entries), default=0) <= removal
    assert all("later" not in text for text in bob.texts)


async def test_a_role_changed_through_another_process_is_the_one_that_holds(start: Start) -> None:
    cluster = await start(2)
    bob = await cluster.open("Bob", 1)
    assert (await bob.say("I may"))["type"] == "ack"
    path = f"/api/sessions/{cluster.session_id}/participants/{cluster.cast['Bob'].id}"
    assert (await cluster.at("Alice", 0).call("PATCH", path, json={"role": "viewer"})).status_code == 204
    await bob.until(lambda frame: frame["type"] == "role_changed", 10)
    found = cluster.houses[1].runtime.hub.connection(
        cluster.session_id, bob.frames[0]["connection_id"], cluster.cast["Bob"].id
    )
    assert found is not None
    assert found[1].role == "viewer"
    assert (await bob.say("I may not"))["error_code"] == "not_allowed"


async def test_a_text_deleted_through_another_process_is_remembered_nowhere(start: Start) -> None:
    cluster = await start(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    hello = bob.frames[0]
    await alice.say("the secret is 42")
    said = await bob.until(lambda frame: frame["type"] == "chat_message" and "42" in frame["message"]["content"], 10)
    await alice.send(type="delete_message", client_msg_id="delete", message_id=said["message"]["id"])
    await bob.until(lambda frame: frame["type"] == "message_deleted", 10)
    again = await cluster.open("Carol", 1, epoch=hello["epoch"], since=hello["seq"])
    await again.until_seq(await cluster.head())
    assert again.texts == [""]


async def test_what_is_too_large_for_a_signal_is_read_from_the_log(start: Start) -> None:
    cluster = await start(2)
    bob = await cluster.open("Bob", 1)
    texts = ["small", "x" * 40_000, "small again", *(f"{number}" * 3_000 for number in range(30))]
    await feed(cluster, 0, texts)
    await cluster.everybody_has_all()
    assert [entry["text"] for entry in bob.entries if entry["type"] == "agent_message"] == texts


async def test_how_the_agent_is_doing_is_told_on_every_process(start: Start) -> None:
    cluster = await start(2)
    bob = await cluster.open("Bob", 1)
    await feed(cluster, 0, ["working on it"])
    await bob.until(lambda frame: frame["type"] == "session_update" and "context" in frame, 10)
