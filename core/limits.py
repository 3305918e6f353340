"""Rate limits as token buckets: a steady rate, a burst, and an exact answer to "when again?"."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from core.errors import TooMany


class Limits(Protocol):
    """A budget of tokens for each key, for one process or for all of them together."""

    def take(self, key: str, cost: float = 1.0) -> Awaitable[None] | None:
        """Takes `cost` tokens of `key`. Raises TooMany, with the milliseconds to wait, when they are not there: at
        once, or, where others have to be asked, when what is returned is awaited."""
        ...


async def take(limits: Limits, key: str, cost: float = 1.0) -> None:
    """The same, wherever the budget is kept; does not let go of the loop where it need not. Raises TooMany."""
    asked = limits.take(key, cost)
    if asked is not None:
        await asked


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """One bucket per key, for one process. `per_minute` tokens flow in each minute, `burst` fit.

    Buckets that have refilled are forgotten, so memory follows the number of people who are busy now.
    """

    def __init__(
        self, per_minute: float, burst: float | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = per_minute / 60.0
        self._burst = burst if burst is not None else per_minute
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._sweep_at = 0.0

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def take(self, key: str, cost: float = 1.0) -> None:
        """Takes `cost` tokens of `key`. Raises TooMany, with the milliseconds to wait, when they are not there."""
        self.check(key, cost)
        self._buckets[key].tokens -= cost

    def spend(self, key: str, cost: float) -> None:
        """Takes as many of `cost` tokens as are there: somebody else has allowed it."""
        bucket = self._bucket(key)
        bucket.tokens = max(0.0, bucket.tokens - cost)

    def check(self, key: str, cost: float = 1.0) -> None:
        """Takes nothing. Raises TooMany when `cost` tokens of `key` are not there."""
        bucket = self._bucket(key)
        if bucket.tokens < cost:
            wait = (cost - bucket.tokens) / self._rate
            raise TooMany(retry_after_ms=int(wait * 1_000) + 1)

    def _bucket(self, key: str) -> _Bucket:
        """What is in it now."""
        now = self._monotonic()
        self._sweep(now)
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        return bucket

    def _sweep(self, now: float) -> None:
        if now < self._sweep_at:
            return
        self._sweep_at = now + 60.0
        refill = self._burst / self._rate
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket.at < refill}
