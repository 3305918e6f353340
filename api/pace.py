"""How many frames one connection may send, whatever they say."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.errors import TooMany

#: Frames of any kind that one connection may send each minute, and at once.
FRAMES_PER_MINUTE = 3_000
FRAMES_AT_ONCE = 200
#: Times that one connection may ask to be told everything anew: each reads the database.
REJOINS_PER_MINUTE = 30
REJOINS_AT_ONCE = 10


class Pace:
    """Two buckets of tokens, small because every connection has them. Counts on `monotonic`, in seconds."""

    __slots__ = ("_at", "_complained_at", "_frames", "_monotonic", "_rejoined_at", "_rejoins")

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._frames: float = FRAMES_AT_ONCE
        self._rejoins: float = REJOINS_AT_ONCE
        self._at = self._rejoined_at = monotonic()
        self._complained_at = 0.0

    def take(self) -> None:
        """Counts one frame. Raises TooMany."""
        now = self._monotonic()
        rate = FRAMES_PER_MINUTE / 60.0
        self._frames = _taken(min(FRAMES_AT_ONCE, self._frames + (now - self._at) * rate), rate)
        self._at = now

    def take_rejoin(self) -> None:
        """Raises TooMany."""
        now = self._monotonic()
        rate = REJOINS_PER_MINUTE / 60.0
        self._rejoins = _taken(min(REJOINS_AT_ONCE, self._rejoins + (now - self._rejoined_at) * rate), rate)
        self._rejoined_at = now

    def allows_one_more(self) -> bool:
        """False for a frame to be dropped. Raises TooMany instead at most once a second, so that a flood is told."""
        try:
            self.take()
        except TooMany:
            now = self._monotonic()
            if now - self._complained_at < 1.0:
                return False
            self._complained_at = now
            raise
        return True


def _taken(tokens: float, rate: float) -> float:
    """What is left of `tokens`, which come at `rate` per second. Raises TooMany where there is not one."""
    if tokens < 1.0:
        raise TooMany(retry_after_ms=int((1.0 - tokens) / rate * 1_000) + 1)
    return tokens - 1.0
