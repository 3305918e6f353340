"""A budget of tokens, wherever it is kept: one suite for this process's own buckets and for those in Redis.

Redis counts on its own clock, so time is real here: rates are high, and bounds move with the time that has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

import pytest
from redis.asyncio import Redis

from core.errors import TooMany
from core.limits import Limits, TokenBuckets, take
from integrations.redis.limits import RedisBuckets

BURST = 20.0
#: Tokens that flow in each second: slow enough that a test sees the bottom, fast enough that it need not wait long.
RATE = 10.0

Opener = Callable[[str], Limits]


@pytest.fixture(params=["own", "redis"])
def shared_at(request: pytest.FixtureRequest) -> str | None:
    """Where processes share budgets; None for one process alone."""
    return request.getfixturevalue("valkey_url") if request.param == "redis" else None


@pytest.fixture
async def open_limits(shared_at: str | None) -> AsyncGenerator[Opener]:
    """Opens the same budget in one process more, where processes can share one."""
    if shared_at is None:
        own = TokenBuckets(RATE * 60.0, BURST)
        yield lambda _name: own
        return
    url = shared_at
    opened: list[RedisBuckets] = []

    def start(name: str) -> Limits:
        # A loaded machine may miss the patience: what is then decided alone must not blur what is tested here.
        opened.append(RedisBuckets(url, name, RATE * 60.0, BURST, processes=lambda: 1, patience=10.0))
        return opened[-1]

    yield start
    for buckets in opened:
        assert buckets.decided_alone == 0
        await buckets.close()


async def takes(limits: Limits, key: str, cost: float = 1.0) -> bool:
    try:
        await take(limits, key, cost)
    except TooMany:
        return False
    return True


async def refusal(limits: Limits, key: str, cost: float = 1.0) -> TooMany:
    """Takes until there is no more."""
    async with asyncio.timeout(20.0):
        while True:
            try:
                await take(limits, key, cost)
            except TooMany as refused:
                return refused


async def test_a_burst_is_let_through_and_then_no_more(open_limits: Opener) -> None:
    limits = open_limits("messages")
    began = time.monotonic()
    allowed = [await takes(limits, "ann") for _ in range(60)]
    assert all(allowed[: int(BURST)])
    assert sum(allowed) <= BURST + RATE * (time.monotonic() - began) + 1


async def test_never_more_than_the_burst_and_what_has_flowed_in_since_whoever_asks(open_limits: Opener) -> None:
    processes = [open_limits("messages") for _ in range(3)]
    began, allowed = time.monotonic(), 0
    while time.monotonic() - began < 0.5:
        answers = await asyncio.gather(*(takes(limits, "ann") for limits in processes for _ in range(5)))
        allowed += sum(answers)
    assert BURST <= allowed <= BURST + RATE * (time.monotonic() - began) + 1


async def test_a_refusal_says_when_again_and_that_is_true(open_limits: Opener) -> None:
    limits = open_limits("messages")
    refused = await refusal(limits, "ann")
    assert refused.retry_after_ms is not None
    assert 0 < refused.retry_after_ms <= 1_000.0 / RATE + 1
    await asyncio.sleep(refused.retry_after_ms / 1_000.0 + 0.001)
    assert await takes(limits, "ann")


async def test_what_costs_more_is_refused_whole_and_takes_nothing(open_limits: Opener) -> None:
    limits = open_limits("messages")
    await take(limits, "ann", BURST - 1)
    refused = await refusal(limits, "ann", BURST)
    assert refused.retry_after_ms is not None
    assert refused.retry_after_ms > 1_000.0
    assert await takes(limits, "ann", 1.0)


async def test_one_person_s_flood_is_not_another_s(open_limits: Opener) -> None:
    limits = open_limits("messages")
    await refusal(limits, "ann")
    assert await takes(limits, "ben")
    assert await takes(limits, "ann and ben: {*}")


# ── In Redis alone ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_budgets_of_different_names_do_not_meet(valkey_url: str) -> None:
    budgets = [
        RedisBuckets(valkey_url, name, RATE * 60.0, BURST, processes=lambda: 1, patience=10.0) for name in ("a", "b")
    ]
    await refusal(budgets[0], "ann")
    assert await takes(budgets[1], "ann")
    for budget in budgets:
        await budget.close()


async def test_a_restarted_redis_takes_the_script_again(valkey_url: str) -> None:
    budget = RedisBuckets(valkey_url, "messages", RATE * 60.0, BURST, processes=lambda: 1, patience=10.0)
    await take(budget, "ann")
    client = Redis.from_url(valkey_url)
    await client.script_flush()
    assert await takes(budget, "ann")
    assert budget.decided_alone == 0
    await client.aclose()
    await budget.close()


# ── Without Redis ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_without_redis_all_processes_together_allow_what_one_budget_holds(free_port: int) -> None:
    seconds = Seconds()
    address = f"redis://127.0.0.1:{free_port}/0"
    processes = [
        RedisBuckets(address, "messages", 60.0, BURST, processes=lambda: 3, monotonic=seconds) for _ in range(3)
    ]
    allowed = sum([await takes(limits, "ann") for limits in processes for _ in range(50)])
    assert 0 < allowed <= BURST
    seconds.now += 30.0
    more = sum([await takes(limits, "ann") for limits in processes for _ in range(50)])
    assert 0 < more <= 30.0 + 1
    assert all(limits.decided_alone == 100 for limits in processes)
    for limits in processes:
        await limits.close()


async def test_what_redis_allowed_counts_when_it_falls_silent(valkey_url: str) -> None:
    seconds, client = Seconds(), Redis.from_url(valkey_url)
    limits = RedisBuckets(valkey_url, "messages", 6.0, BURST, processes=lambda: 2, patience=10.0, monotonic=seconds)
    await refusal(limits, "ann")
    await take(limits, "ben", BURST / 4)
    limits.patience = 0.05
    await client.client_pause(60_000)
    assert not await takes(limits, "ann"), "an outage is no present"
    left = sum([await takes(limits, "ben") for _ in range(50)])
    assert left == BURST / 4, "of 20 tokens 5 were taken, and the other process may have taken as many"
    await client.aclose()
    await limits.close()


async def test_a_silent_redis_is_not_waited_for_and_is_used_again_once_it_answers(valkey_url: str) -> None:
    client = Redis.from_url(valkey_url)
    limits = RedisBuckets(valkey_url, "messages", 6.0, BURST, processes=lambda: 1)
    await take(limits, "ann")
    await client.client_pause(500)
    while limits.is_healthy:
        await take(limits, "ann", 0.0)
    alone = limits.decided_alone
    # Decided without letting go of the loop: nothing has been waited for.
    for _ in range(5):
        with pytest.raises(StopIteration):
            limits.take("ann").send(None)
    assert limits.decided_alone == alone + 5
    async with asyncio.timeout(20.0):
        while not limits.is_healthy:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    limits.patience = 10.0
    assert await takes(limits, "ben")
    assert limits.decided_alone == alone + 5
    await client.aclose()
    await limits.close()
