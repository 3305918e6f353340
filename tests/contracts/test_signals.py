"""What everybody may rely on between processes, whatever carries it: one suite for every kind of signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from core.clock import system_clock
from core.signals import NoSignals, PollingOnly, Signals
from integrations.redis.signals import RedisSignals
from tests.support.signals import Lines

SECRET = "a secret that all of these processes have in common"


@dataclass
class Kind:
    """One implementation: how another process of the deployment is made, and whether anything is carried at all."""

    new: Callable[[str], Signals]
    carries: bool
    stack: AsyncExitStack

    async def process(self, name: str) -> Signals:
        signals = self.new(name)
        await signals.start()
        self.stack.push_async_callback(signals.close)
        return signals


@dataclass
class Ears:
    """What one process has heard on one topic."""

    heard: list[bytes] = field(default_factory=list[bytes])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, payload: bytes) -> None:
        self.heard.append(payload)
        self._news.set()

    async def until(self, payload: bytes) -> None:
        async with asyncio.timeout(10):
            while payload not in self.heard:
                self._news.clear()
                await self._news.wait()


@pytest.fixture(params=["alone", "polling", "fake", "redis"])
async def kind(request: pytest.FixtureRequest) -> AsyncGenerator[Kind]:
    lines = Lines()
    async with AsyncExitStack() as stack:
        match request.param:
            case "alone":
                yield Kind(NoSignals, False, stack)
            case "polling":
                yield Kind(PollingOnly, False, stack)
            case "fake":
                yield Kind(lines.process, True, stack)
            case _:
                url: str = request.getfixturevalue("valkey_url")
                yield Kind(lambda name: RedisSignals(url, SECRET, name, system_clock), True, stack)


async def connect(speaker: Signals, listener: Signals, topic: str) -> Ears:
    """Ears that hear what is said from now on: a subscription holds from some moment soon after it was made."""
    ears = Ears()
    listener.subscribe(topic, ears)
    async with asyncio.timeout(10):
        while b"can you hear me" not in ears.heard:
            speaker.publish(topic, b"can you hear me")
            await asyncio.sleep(0.005)  # Nobody tells when a subscription holds.
    return ears


async def test_each_process_has_a_name_of_its_own(kind: Kind) -> None:
    first, second = await kind.process("first"), await kind.process("second")
    assert (first.process_id, second.process_id) == ("first", "second")


async def test_whoever_is_alone_says_so_and_whoever_carries_is_healthy(kind: Kind) -> None:
    signals = await kind.process("one")
    assert signals.is_alone == isinstance(signals, NoSignals)
    assert signals.is_healthy == (kind.carries or signals.is_alone)


async def test_what_is_said_is_heard_by_the_others_and_not_by_whoever_said_it(kind: Kind) -> None:
    one, two, three = [await kind.process(name) for name in ("one", "two", "three")]
    own = Ears()
    one.subscribe("a", own)
    if not kind.carries:
        one.publish("a", b"hello")  # Nobody hears it, and nothing fails.
        assert own.heard == []
        return
    second, third = await connect(one, two, "a"), await connect(one, three, "a")
    one.publish("a", b"hello")
    await second.until(b"hello")
    await third.until(b"hello")
    two.publish("a", b"an answer")
    await own.until(b"an answer")
    assert set(own.heard) == {b"an answer"}


async def test_a_signal_is_heard_on_its_own_topic_only(kind: Kind) -> None:
    one, two = await kind.process("one"), await kind.process("two")
    if not kind.carries:
        return
    a, b = await connect(one, two, "a"), await connect(one, two, "b")
    one.publish("b", b"for b")
    one.publish("unheard", b"for nobody")
    one.publish("a", b"for a")
    await a.until(b"for a")
    await b.until(b"for b")
    assert b"for b" not in a.heard
    assert b"for a" not in b.heard


async def test_whoever_has_stopped_listening_hears_no_more(kind: Kind) -> None:
    one, two = await kind.process("one"), await kind.process("two")
    two.unsubscribe("never subscribed")
    if not kind.carries:
        return
    a, b = await connect(one, two, "a"), await connect(one, two, "b")
    two.unsubscribe("a")
    one.publish("a", b"too late")
    one.publish("b", b"after it")
    await b.until(b"after it")
    assert b"too late" not in a.heard
    again = await connect(one, two, "a")
    one.publish("a", b"welcome back")
    await again.until(b"welcome back")


async def test_bytes_of_any_kind_and_size_arrive_as_they_were(kind: Kind) -> None:
    one, two = await kind.process("one"), await kind.process("two")
    if not kind.carries:
        return
    ears = await connect(one, two, "session:ses_1")
    for payload in (b"", bytes(range(256)), b"\r\n$3\r\n", b"x" * 300_000):
        one.publish("session:ses_1", payload)
        await ears.until(payload)


async def test_what_one_process_says_in_a_row_arrives_whole(kind: Kind) -> None:
    one, two = await kind.process("one"), await kind.process("two")
    if not kind.carries:
        return
    ears = await connect(one, two, "a")
    said = [b"number %d" % number for number in range(1_000)]
    for payload in said:
        one.publish("a", payload)
    await ears.until(said[-1])
    assert set(said) <= set(ears.heard)


async def test_nothing_fails_before_the_start_or_after_the_end(kind: Kind) -> None:
    signals = kind.new("early")
    signals.publish("a", b"too early")
    signals.subscribe("a", Ears())
    signals.on_recovery(lambda: None)
    await signals.start()
    await signals.close()
    signals.publish("a", b"too late")
    signals.unsubscribe("a")


async def test_what_was_said_before_the_end_still_goes_out(kind: Kind) -> None:
    leaving, staying = kind.new("leaving"), await kind.process("staying")
    await leaving.start()
    if kind.carries:
        ears = await connect(leaving, staying, "a")
        leaving.publish("a", b"goodbye")
        await leaving.close()
        await ears.until(b"goodbye")
    else:
        leaving.publish("a", b"goodbye")
        await leaving.close()


async def test_a_handler_that_fails_does_not_make_the_others_deaf(kind: Kind) -> None:
    """Handlers must not raise; over a real line one that does is reported and nothing else happens."""
    one, two = await kind.process("one"), await kind.process("two")
    if not isinstance(two, RedisSignals):
        return
    ears = await connect(one, two, "a")

    def fail(payload: bytes) -> None:
        raise RuntimeError("a bug")

    two.subscribe("broken", fail)
    for number in range(50):
        one.publish("broken", b"%d" % number)
    one.publish("a", b"still here")
    await ears.until(b"still here")
