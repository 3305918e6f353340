"""One budget per key for all processes: token buckets in Redis, and in this process while Redis does not answer.

Nobody waits longer than `patience` seconds for an answer. Without one, this process decides from its own buckets, in
which each taking costs as many tokens as there are processes: so all of them together allow about what Redis would
have. What Redis allows is taken from the own buckets too, so that an outage is no present. While Redis is silent it is
asked by the way, and nobody waits for that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.errors import TooMany
from core.limits import TokenBuckets
from integrations.redis.script import Script

log = logging.getLogger(__name__)

#: Seconds that a caller waits at most for Redis, where nothing else is said.
PATIENCE = 0.05
#: Seconds between two tries to reach Redis again: the first, doubled with each failure, and the most.
TRY_AGAIN, TRY_AGAIN_MOST = 0.25, 5.0
#: Seconds that such a try may take: nobody waits for it.
TRY_FOR = 1.0
CONNECTIONS = 4

DECIDED_ALONE = Counter(
    "cosession_limits_decided_alone_total",
    "Times that this process decided about a limit by its share alone, because Redis did not answer in time.",
)

#: For each key, with its cost: takes the tokens and answers 0, or takes nothing and answers the milliseconds to wait.
#: The time is the server's, so that the clocks of the processes do not matter.
TAKE = Script("""
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local waits = {}
for index, key in ipairs(KEYS) do
  local cost = tonumber(ARGV[2 + index])
  local held = redis.call('HMGET', key, 'tokens', 'at')
  local tokens, at = tonumber(held[1]) or burst, tonumber(held[2]) or now
  tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
  if tokens < cost then
    waits[index] = math.ceil((cost - tokens) / rate * 1000)
  else
    redis.call('HSET', key, 'tokens', string.format('%.17g', tokens - cost), 'at', string.format('%.6f', now))
    redis.call('PEXPIRE', key, math.ceil(burst / rate * 1000))
    waits[index] = 0
  end
end
return waits
""")


@dataclass(slots=True)
class _Waiting:
    """One who wants tokens. The answer is the milliseconds to wait; None when Redis has not said."""

    key: str
    cost: float
    answer: asyncio.Future[int | None]


class RedisBuckets:
    """`per_minute` tokens flow into each key's bucket in each minute, `burst` fit. Belongs to one event loop.

    `processes` tells how many share the budget, as far as is known. `name` keeps one kind of budget from another.
    """

    def __init__(
        self,
        url: str,
        name: str,
        per_minute: float,
        burst: float | None = None,
        *,
        processes: Callable[[], int],
        patience: float = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=patience,
            socket_timeout=TRY_FOR,
            socket_connect_timeout=TRY_FOR,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
        self._client = Redis.from_pool(pool)
        self._prefix = f"cosession:limit:{name}:"
        self._rate = per_minute / 60.0
        self._burst = burst if burst is not None else per_minute
        self._own = TokenBuckets(per_minute, self._burst, monotonic)
        self._processes = processes
        self.patience = patience
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        #: False while this process decides by itself.
        self.is_healthy = True
        #: How often this process decided by itself.
        self.decided_alone = 0

    async def take(self, key: str, cost: float = 1.0) -> None:
        """Takes `cost` tokens of `key`. Raises TooMany, with the milliseconds to wait, when they are not there."""
        wait = await self._ask(key, cost) if self.is_healthy else None
        if wait is None:
            self.decided_alone += 1
            DECIDED_ALONE.inc()
            self._own.take(key, self._share(cost))
        elif wait:
            self._own.spend(key, self._burst)
            raise TooMany(retry_after_ms=wait)
        else:
            self._own.spend(key, self._share(cost))

    def _share(self, cost: float) -> float:
        return min(cost * max(1, self._processes()), self._burst)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    # ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, key: str, cost: float) -> int | None:
        """All who ask within one turn of the loop share a round trip."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(key, cost, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            loop.call_soon(self._send)
        return await waiting.answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._start(self._carry(waiting), "rate limits")

    async def _carry(self, waiting: Sequence[_Waiting]) -> None:
        answers: Sequence[int | None] = [None] * len(waiting)
        try:
            async with asyncio.timeout(self.patience):
                keys = [self._prefix + one.key for one in waiting]
                answers = await TAKE.run(self._client, keys, [self._rate, self._burst, *(one.cost for one in waiting)])
        except (RedisError, OSError, TimeoutError) as error:
            self._fell_silent(error)
        finally:
            for one, answer in zip(waiting, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)

    # ── While there is no answer ──────────────────────────────────────────────────────────────────────────────────────

    def _fell_silent(self, error: Exception) -> None:
        if self.is_healthy:
            log.warning("Redis does not answer (%s): this process limits by itself", type(error).__name__)
            self.is_healthy = False
            self._start(self._come_back(), "rate limits, again")

    async def _come_back(self) -> None:
        """Asks until Redis answers; whoever wants tokens meanwhile does not wait for that."""
        pause = TRY_AGAIN
        while not self.is_healthy:
            await asyncio.sleep(pause)
            pause = min(pause * 2, TRY_AGAIN_MOST)
            try:
                async with asyncio.timeout(TRY_FOR):
                    await TAKE.run(self._client, [], [self._rate, self._burst])
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("Redis does not answer yet: %s", type(error).__name__)
            else:
                log.info("Redis answers again: all processes share their limits")
                self.is_healthy = True

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
