"""Token buckets: never more than the rate, an exact answer to "when again?", and no memory of the idle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TooMany
from core.limits import TokenBuckets


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_wait_that_is_named_is_long_enough_and_not_much_longer() -> None:
    ticks = Ticks()
    buckets = TokenBuckets(per_minute=100, monotonic=ticks)
    for _ in range(100):
        buckets.take("ann")
    with pytest.raises(TooMany) as refused:
        buckets.take("ann")
    wait = refused.value.retry_after_ms
    assert wait is not None
    ticks.now += (wait - 2) / 1_000
    with pytest.raises(TooMany):
        buckets.take("ann")
    ticks.now += 2 / 1_000
    buckets.take("ann")


def test_one_persons_flood_is_not_anothers() -> None:
    buckets = TokenBuckets(per_minute=1, monotonic=Ticks())
    buckets.take("ann")
    with pytest.raises(TooMany):
        buckets.take("ann")
    buckets.take("ben")


@given(gaps=st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=300))
def test_no_window_holds_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    ticks = Ticks()
    buckets = TokenBuckets(per_minute=60, burst=10, monotonic=ticks)
    taken: list[float] = []
    for gap in gaps:
        ticks.now += gap
        try:
            buckets.take("ann")
        except TooMany:
            continue
        taken.append(ticks.now)
    for start in taken:
        within = sum(start <= moment <= start + 30.0 for moment in taken)
        assert within <= 10 + 30 + 1


def test_buckets_that_have_refilled_are_forgotten() -> None:
    ticks = Ticks()
    buckets = TokenBuckets(per_minute=60, burst=1, monotonic=ticks)
    for number in range(1_000):
        buckets.take(f"visitor {number}")
    ticks.now += 120
    buckets.take("the next")
    assert len(buckets) == 1
