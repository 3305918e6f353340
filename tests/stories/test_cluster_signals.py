"""Presence while signals between processes get lost, and through a real Redis."""

from __future__ import annotations

import asyncio
import json

from redis.asyncio import Redis

from core.presence import GRACE
from tests.stories.processes import (
    Opener,
    at_line,
    followed,
    kinds,
    people_of,
    told,
    until,
)

# ── Signals that get lost ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_lost_is_made_good_by_what_comes_after(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.lines.loss = 1.0
    await bob.send(type="cursor_update", file="main.py", line=3)
    await bob.until(at_line(cluster.cast["Bob"], 3))
    await bob.send(type="follow", user_id=cluster.cast["Alice"].id)
    await bob.until(followed(cluster.cast["Bob"], cluster.cast["Alice"]))
    cluster.lines.loss = 0.0  # And nobody is told of it.
    carol = await cluster.open("Carol", 1)
    await alice.until(followed(cluster.cast["Bob"], cluster.cast["Alice"]))
    await alice.until(at_line(cluster.cast["Bob"], 3))
    await cluster.until_all_see("Alice", "Bob", "Carol")
    await carol.ping()


async def test_over_lines_that_lose_double_and_delay_everybody_ends_up_seeing_the_same(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    cluster.lines.loss, cluster.lines.doubles, cluster.lines.delay = 0.3, 0.3, 0.2
    tabs = {name: await cluster.open(name, n % 3) for n, name in enumerate(("Alice", "Bob", "Carol", "Dora"))}
    for line in range(1, 21):
        for tab in tabs.values():
            await tab.send(type="cursor_update", file="main.py", line=line)
            await tab.ping()
    assert cluster.lines.lost > 0
    cluster.lines.loss = cluster.lines.delay = 0.0

    def states(process: int) -> dict[str, int]:
        people = cluster.houses[process].runtime.hub.present(cluster.session_id)
        return {one.person.username: one.cursor.line if one.cursor else 0 for one in people}

    async with asyncio.timeout(10.0):
        while any(states(process) != dict.fromkeys(tabs, 20) for process in range(3)):
            await cluster.pass_seconds(4.0, *tabs.values())
    for tab in tabs.values():
        assert not kinds(tab, "user_left")


async def test_after_an_outage_of_the_signals_everything_is_right_again(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.lines.go_down()
    await cluster.pass_seconds(16.0, alice, bob)
    assert cluster.here(0) == cluster.here(1) == {"Alice", "Bob"}, "signals are lost, not people"
    await cluster.pass_until(lambda: cluster.here(0) == {"Alice"} and cluster.here(1) == {"Bob"}, alice, bob)
    cluster.lines.come_back()
    await cluster.until_all_see("Alice", "Bob")


# ── Through a real Redis ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_through_redis_everybody_sees_everybody_and_who_goes_with_whom(
    open_cluster: Opener, valkey_url: str
) -> None:
    cluster = await open_cluster(3, redis=valkey_url)
    cast = cluster.cast
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await alice.until(told("user_joined", cast["Bob"]))
    await bob.send(type="cursor_update", file="main.py", line=7)
    await alice.until(at_line(cast["Bob"], 7))
    carol = await cluster.open("Carol", 2)
    await cluster.until_all_see("Alice", "Bob", "Carol")
    await carol.send(type="follow", user_id=cast["Bob"].id)
    for tab in (alice, bob, carol):
        await tab.until(followed(cast["Carol"], cast["Bob"]))
    await bob.send(type="typing")
    await carol.until(lambda frame: frame["type"] == "typing" and frame["is_typing"])
    await alice.send(type="summon")
    await carol.until(lambda frame: frame["type"] == "summoned")
    await bob.close()
    await until(lambda: cluster.houses[1].runtime.hub.connections_of(cast["Bob"].id) == 0)
    back = await cluster.open("Bob", 0)
    await cluster.pass_seconds(GRACE + 4.0, alice, carol, back)
    for tab in (alice, carol):
        assert not kinds(tab, "user_left")
        assert len([frame for frame in kinds(tab, "user_joined") if told("user_joined", cast["Bob"])(frame)]) <= 1
    assert cluster.here(0) == {"Alice", "Bob", "Carol"}


async def test_when_redis_drops_every_connection_everything_is_right_again_by_itself(
    open_cluster: Opener, valkey_url: str
) -> None:
    cluster = await open_cluster(2, redis=valkey_url)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    redis = Redis.from_url(valkey_url)
    for kind in ("pubsub", "normal"):
        await redis.client_kill_filter(_type=kind, skipme=True)
    await bob.send(type="cursor_update", file="main.py", line=5)
    carol = await cluster.open("Carol", 1)
    await until(lambda: people_of(alice).get("Bob", {}).get("cursor", None) is not None, 20.0)
    await cluster.until_all_see("Alice", "Bob", "Carol")
    assert not kinds(alice, "user_left")
    await carol.ping()
    await redis.aclose()


async def test_what_somebody_else_says_in_redis_is_not_believed(open_cluster: Opener, valkey_url: str) -> None:
    cluster = await open_cluster(2, redis=valkey_url)
    alice = await cluster.open("Alice", 0)
    redis = Redis.from_url(valkey_url, decode_responses=True)
    (channel,) = [str(name) for name in await redis.pubsub_channels() if "presence:" in str(name)]
    forged = {
        "connection_id": "con_x",
        "person": {"user_id": cluster.cast["Bob"].id, "username": "Bob", "color": 0},
        "role": "host",
        "status": "active",
        "version": 1,
        "age": 0.0,
        "still": 0.0,
        "has_told": True,
    }
    signal = {"kind": "tabs", "origin": "prc_x", "number": [1, 1], "is_full": True, "tabs": [forged], "left": []}
    say = {"kind": "say", "user_id": None, "frame": json.dumps({"type": "typing", "user_id": "x", "username": "x"})}
    for payload in (signal, say):
        for sealed in (b"", bytes(32), bytes(80)):
            assert await redis.publish(channel, sealed + json.dumps(payload).encode()) == 1
    await cluster.open("Carol", 1)
    await alice.until(told("user_joined", cluster.cast["Carol"]))
    assert cluster.here(0) == {"Alice", "Carol"}
    assert "typing" not in alice.kinds()
    await redis.aclose()
