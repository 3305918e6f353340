"""Signals through a real server that dies, falls silent, comes back, is full or is shared with strangers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from prometheus_client import REGISTRY

from core.clock import system_clock
from integrations.redis.signals import MOST_WAITING, MOST_WAITING_BYTES, Pace, RedisSignals
from tests.support.valkey import restartable_valkey

SECRET = "a secret that all of these processes have in common"
#: So that a story about outages is short.
FAST = Pace(probe_every=0.1, probe_patience=0.5, retry_base=0.02, retry_most=0.1)

Opener = Callable[..., Awaitable[RedisSignals]]


@pytest.fixture
async def start() -> AsyncGenerator[Opener]:
    """`await start(url, name)`: the signals of one more process."""
    async with AsyncExitStack() as stack:

        async def begin(url: str, name: str, secret: str = SECRET) -> RedisSignals:
            signals = RedisSignals(url, secret, name, system_clock, FAST)
            await signals.start()
            stack.push_async_callback(signals.close)
            return signals

        yield begin


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("cosession_signals_total", {"outcome": outcome}) or 0.0


async def until(claim: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - nobody is told when signals change
            await asyncio.sleep(0.005)


async def test_a_server_that_dies_is_noticed_and_used_again_once_it_is_back(start: Opener) -> None:
    with restartable_valkey() as valkey:
        one, two = await start(valkey.url, "one"), await start(valkey.url, "two")
        heard: list[bytes] = []
        recoveries: list[str] = []
        two.subscribe("a", heard.append)
        two.on_recovery(lambda: recoveries.append("two"))
        await asyncio.to_thread(valkey.kill)
        await until(lambda: not one.is_healthy and not two.is_healthy)
        dropped = counted("dropped")
        one.publish("a", b"into nothing")
        assert counted("dropped") == dropped + 1
        two.subscribe("b", heard.append)
        await asyncio.to_thread(valkey.start_again)
        await until(lambda: one.is_healthy and two.is_healthy)
        assert recoveries == ["two"]
        one.publish("a", b"on the topic from before")
        one.publish("b", b"on the topic from meanwhile")
        await until(lambda: len(heard) == 2)
        assert heard == [b"on the topic from before", b"on the topic from meanwhile"]


async def test_a_server_that_answers_nobody_is_noticed_although_its_connections_stand(start: Opener) -> None:
    with restartable_valkey() as valkey:
        one, two = await start(valkey.url, "one"), await start(valkey.url, "two")
        recoveries: list[str] = []
        one.on_recovery(lambda: recoveries.append("one"))
        valkey.pause()
        await until(lambda: not one.is_healthy)
        valkey.go_on()
        await until(lambda: one.is_healthy and two.is_healthy)
        assert recoveries


async def test_a_server_that_is_not_there_stops_nothing(start: Opener, free_port: int) -> None:
    signals = await start(f"redis://127.0.0.1:{free_port}/0", "one")
    assert not signals.is_healthy
    signals.subscribe("a", lambda _payload: None)
    signals.publish("a", b"into nothing")


async def test_strangers_on_one_server_neither_hear_nor_disturb_each_other(start: Opener, valkey_url: str) -> None:
    """Pub/sub has no databases: two deployments on one server share its channels."""
    other, secret = valkey_url.replace("/0", "/1"), "the secret of another deployment, 0123456789"
    ours = [await start(valkey_url, name) for name in ("our one", "our two")]
    theirs = [await start(other, name, secret) for name in ("their one", "their two")]
    forged, heard = counted("forged"), {"ours": list[bytes](), "theirs": list[bytes]()}
    ours[1].subscribe("a", heard["ours"].append)
    theirs[1].subscribe("a", heard["theirs"].append)

    def have_both_heard() -> bool:
        ours[0].publish("a", b"for us")
        theirs[0].publish("a", b"for them")
        return bool(heard["ours"] and heard["theirs"])

    await until(have_both_heard)
    assert set(heard["ours"]) == {b"for us"}
    assert set(heard["theirs"]) == {b"for them"}
    assert counted("forged") == forged


async def test_what_waits_is_bounded_and_the_oldest_is_dropped_and_counted(start: Opener, valkey_url: str) -> None:
    one, two = await start(valkey_url, "one"), await start(valkey_url, "two")
    heard: list[bytes] = []
    two.subscribe("a", heard.append)

    def has_heard() -> bool:
        one.publish("a", b"hello")
        return bool(heard)

    await until(has_heard)
    await until(lambda: heard.count(b"hello") > 0)
    before = counted("dropped")
    for number in range(MOST_WAITING + 500):  # In one turn of the loop: nothing can leave meanwhile.
        one.publish("a", b"%d" % number)
    assert counted("dropped") >= before + 500
    last = b"%d" % (MOST_WAITING + 499)
    await until(lambda: last in heard)
    assert b"0" not in heard
    before = counted("dropped")
    piece = bytes(1024 * 1024)
    for _ in range(MOST_WAITING_BYTES // len(piece) + 3):
        one.publish("a", piece)
    assert counted("dropped") == before + 3


async def test_everything_goes_on_after_more_topics_than_fit_into_one_command(start: Opener, valkey_url: str) -> None:
    one, two = await start(valkey_url, "one"), await start(valkey_url, "two")
    heard: dict[int, bytes] = {}
    for number in range(1_300):
        two.subscribe(f"topic {number}", lambda payload, number=number: heard.update({number: payload}))

    def have_all_heard() -> bool:
        for number in set(range(1_300)) - heard.keys():
            one.publish(f"topic {number}", b"hello")
        return len(heard) == 1_300

    await until(have_all_heard)
    for number in range(1_300):
        two.unsubscribe(f"topic {number}")
    assert two.is_healthy
