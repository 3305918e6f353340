"""How often the Web API may be called: a budget per method and minute, and one post per second and channel.

Slack's tiers promise "1+, 20+, 50+, 100+ a minute"; the sandbox takes the promise as the limit, so that what runs here
runs there.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from datetime import datetime

from bot.sandbox.contract import MethodContract
from bot.sandbox.errors import RateLimited

#: Calls a minute, by tier. Special methods (5) but posting have an undisclosed, generous limit.
PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}

#: Posts to one channel: one a second, after a short burst.
POST_BURST = 4
POSTS_PER_SECOND = 1.0


class RateLimits:
    """Counts calls; raises `RateLimited` when one is too many. A refused call costs nothing."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[datetime]] = defaultdict(deque)
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def take(self, method: MethodContract, channel: str | None, now: datetime) -> None:
        """Accounts for one call at `now`."""
        recent = self._calls[method.name]
        while recent and (now - recent[0]).total_seconds() >= 60:
            recent.popleft()
        if len(recent) >= PER_MINUTE[method.tier]:
            raise RateLimited(math.ceil(60 - (now - recent[0]).total_seconds()))
        if method.name == "chat.postMessage" and channel:
            self._take_post(channel, now)
        recent.append(now)

    def _take_post(self, channel: str, now: datetime) -> None:
        tokens, since = self._buckets.get(channel, (float(POST_BURST), now))
        tokens = min(float(POST_BURST), tokens + (now - since).total_seconds() * POSTS_PER_SECOND)
        if tokens < 1:
            self._buckets[channel] = (tokens, now)
            raise RateLimited(math.ceil((1 - tokens) / POSTS_PER_SECOND))
        self._buckets[channel] = (tokens - 1, now)
