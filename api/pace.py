"""How many frames one connection may send, whatever they say."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.errors import TooMany
from core.limits import TokenBuckets

#: Frames of any kind that one connection may send each minute, and at once.
FRAMES_PER_MINUTE = 3_000
FRAMES_AT_ONCE = 200
#: Times that one connection may ask to be told everything anew: each reads the database.
REJOINS_PER_MINUTE = 30
REJOINS_AT_ONCE = 10


class Pace:
    """Counts on `monotonic`, in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._frames = TokenBuckets(FRAMES_PER_MINUTE, FRAMES_AT_ONCE, monotonic)
        self._rejoins = TokenBuckets(REJOINS_PER_MINUTE, REJOINS_AT_ONCE, monotonic)
        self._complained_at = 0.0

    def take(self) -> None:
        """Counts one frame. Raises TooMany."""
        self._frames.take("")

    def take_rejoin(self) -> None:
        """Raises TooMany."""
        self._rejoins.take("")

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
