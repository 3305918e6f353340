"""Signals between processes through Redis's pub/sub: sealed, at most once, and never in anybody's way.

Publishing puts a signal into a bounded queue; a task of its own sends what is there in one write. Everything that is
said is lost while Redis is away, and whoever relies on signals is told so: `is_healthy` is true only while a probe that
this process sends to itself comes back, over the same two connections as everything else. When one of them breaks, both
are given up and opened anew, after a pause that grows.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import RedisError

from core.clock import Clock
from core.signals import Handler
from integrations.redis.line import Line, lines, new_line
from integrations.redis.metrics import HEALTHY, SIGNALS
from integrations.redis.seal import Refused, Seal, signing_key

log = logging.getLogger(__name__)

#: What may wait to be sent, in signals and in bytes; beyond that the oldest is dropped.
MOST_WAITING, MOST_WAITING_BYTES = 20_000, 16 * 1024 * 1024
#: What is sent in one write, likewise.
BATCH, BATCH_BYTES = 256, 512 * 1024
#: Topics in one command.
TOPICS_AT_ONCE = 500

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds."""

    #: Longest that connecting, or an answer, may take.
    patience: float = 1.0
    #: Between two probes; and how long one may be on its way.
    probe_every: float = 1.0
    probe_patience: float = 2.0
    #: Pauses before connecting again: full jitter below the first, doubled each time, at most the second.
    retry_base: float = 0.1
    retry_most: float = 2.0
    #: How long the start waits to be connected, and the end for what is still to be sent.
    start_patience: float = 1.0
    end_patience: float = 0.5


class RedisSignals:
    """See `core.signals.Signals`. `secret` is known to the processes of this deployment and to nobody else."""

    is_alone = False

    def __init__(self, url: str, secret: str, process_id: str, clock: Clock, pace: Pace | None = None) -> None:
        key = signing_key(secret)
        self.process_id = process_id
        self._pace = pace or Pace()
        self._pool = lines(url)
        self._seal = Seal(key, process_id, clock)
        # Pub/sub knows no database numbers: deployments on one Redis are told apart by this.
        self._prefix = f"cosession:{hashlib.sha256(key).hexdigest()[:12]}:"
        self._handlers: dict[str, Handler] = {}
        self._on_recovery: list[Callable[[], None]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._failures = 0
        self._is_healthy = self._is_closing = False
        self._became_healthy = asyncio.Event()
        # Outgoing.
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._waiting_bytes = self._under_way = 0
        self._has_waiting = asyncio.Event()
        self._is_sent = asyncio.Event()
        self._is_sent.set()
        # Subscriptions that the present connection does not know of yet: topic → wanted or not.
        self._changes: dict[str, bool] = {}
        self._has_changes = asyncio.Event()
        self._probe_topic = f"probe:{process_id}"
        self._probe = b""
        self._is_probe_due = False
        self._is_subscribed = asyncio.Event()
        self._probe_came_back = asyncio.Event()

    @property
    def is_healthy(self) -> bool:
        return self._is_healthy

    def publish(self, topic: str, payload: bytes) -> None:
        if not self._is_healthy:
            SIGNALS.labels("dropped").inc()
            return
        while self._waiting and (
            len(self._waiting) >= MOST_WAITING or self._waiting_bytes + len(payload) > MOST_WAITING_BYTES
        ):
            self._waiting_bytes -= len(self._waiting.popleft()[1])
            SIGNALS.labels("dropped").inc()
        self._waiting.append((topic, payload))
        self._waiting_bytes += len(payload)
        self._is_sent.clear()
        self._has_waiting.set()

    def subscribe(self, topic: str, handler: Handler) -> None:
        self._handlers[topic] = handler
        self._changes[topic] = True
        self._has_changes.set()

    def unsubscribe(self, topic: str) -> None:
        if self._handlers.pop(topic, None) is not None:
            self._changes[topic] = False
            self._has_changes.set()

    def on_recovery(self, callback: Callable[[], None]) -> None:
        self._on_recovery.append(callback)

    async def start(self) -> None:
        """Waits a moment for Redis, and goes on without."""
        self._keeper = asyncio.create_task(self._keep(), name="signals")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.start_patience):
                await self._became_healthy.wait()

    async def close(self) -> None:
        if self._keeper is None:
            return
        # A group of tasks in which one fails while it is cancelled raises that, and not that it was cancelled.
        self._is_closing = True
        if self._is_healthy:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.end_patience):
                    await self._is_sent.wait()
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    # ── The two connections ───────────────────────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        while not self._is_closing:
            try:
                await self._carry()
            except* (RedisError, OSError) as failures:
                self._lost(failures)
            except* Exception as failures:
                log.exception("signals broke; they are set up anew", exc_info=failures)
            finally:
                self._end()
            pause = min(self._pace.retry_most, self._pace.retry_base * 2 ** min(self._failures, 16))
            self._failures += 1
            await asyncio.sleep(_random.uniform(0.0, pause))

    async def _carry(self) -> None:
        """Until something breaks: then that is raised, among other things, in a group."""
        hearing, telling = (new_line(self._pool, self._pace.patience) for _ in range(2))
        try:
            async with asyncio.TaskGroup() as tasks:
                await hearing.open()
                await telling.open()
                self._changes = dict.fromkeys(self._handlers, True)
                self._is_subscribed.clear()
                tasks.create_task(self._hear(hearing), name="signals: hear")
                tasks.create_task(self._subscribe(hearing), name="signals: subscribe")
                tasks.create_task(self._tell(telling), name="signals: tell")
                tasks.create_task(self._prove(), name="signals: probe")
        finally:
            await hearing.close()
            await telling.close()

    def _lost(self, failures: BaseExceptionGroup[Exception]) -> None:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if self._is_healthy or self._failures == 0:
            log.warning("signals are not carried, the log is polled instead: %s: %s", type(first).__name__, first)

    def _end(self) -> None:
        self._is_healthy = False
        HEALTHY.set(0)
        SIGNALS.labels("dropped").inc(len(self._waiting) + self._under_way)
        self._under_way = 0
        self._waiting.clear()
        self._waiting_bytes = 0
        self._is_sent.set()

    # ── Out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, line: Line) -> None:
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            while self._is_probe_due or self._waiting:
                if self._is_probe_due:
                    self._is_probe_due = False
                    await self._send(line, [(self._probe_topic, self._probe)])
                batch = self._batch()
                self._under_way = len(batch)
                await self._send(line, batch)
                self._under_way = 0
                SIGNALS.labels("published").inc(len(batch))
            self._is_sent.set()

    async def _send(self, line: Line, batch: Sequence[tuple[str, bytes]]) -> None:
        if not batch:
            return
        await line.send(("PUBLISH", self._prefix + topic, said) for topic, said in batch)
        async with asyncio.timeout(self._pace.patience):
            for _ in batch:
                await line.receive()

    def _batch(self) -> list[tuple[str, bytes]]:
        batch: list[tuple[str, bytes]] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            topic, payload = self._waiting.popleft()
            size += len(payload)
            batch.append((topic, self._seal.seal(topic, payload)))
        self._waiting_bytes -= size
        return batch

    # ── In ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _subscribe(self, line: Line) -> None:
        is_first = True
        while True:
            changes, self._changes = self._changes, {}
            self._has_changes.clear()
            wanted = [topic for topic, is_wanted in changes.items() if is_wanted]
            if is_first:
                # Redis answers in order: once it says this one, it has said all of them.
                wanted.append(self._probe_topic)
                is_first = False
            await self._command(line, "SUBSCRIBE", wanted)
            await self._command(line, "UNSUBSCRIBE", [topic for topic, is_wanted in changes.items() if not is_wanted])
            await self._has_changes.wait()

    async def _command(self, line: Line, command: str, topics: list[str]) -> None:
        slices = [topics[start : start + TOPICS_AT_ONCE] for start in range(0, len(topics), TOPICS_AT_ONCE)]
        if slices:
            await line.send((command, *(self._prefix + topic for topic in some)) for some in slices)

    async def _hear(self, line: Line) -> None:
        while True:
            kind, channel, data = await line.receive()
            topic = channel.decode().removeprefix(self._prefix)
            if kind == b"message":
                self._heard(topic, data)
            elif kind == b"subscribe" and topic == self._probe_topic:
                self._is_subscribed.set()

    def _heard(self, topic: str, sealed: bytes) -> None:
        if topic == self._probe_topic:
            if sealed == self._probe:
                self._probe_came_back.set()
            return
        try:
            payload = self._seal.open(topic, sealed)
        except Refused as refused:
            SIGNALS.labels(refused.reason).inc()
            return
        handler = self._handlers.get(topic)
        if payload is None or handler is None:
            return
        SIGNALS.labels("received").inc()
        try:
            handler(payload)
        except Exception:
            log.exception("a signal on %s could not be handled", topic)

    async def _prove(self) -> None:
        """Says something to itself, again and again: what comes back proves that signals are carried."""
        async with asyncio.timeout(self._pace.probe_patience):
            await self._is_subscribed.wait()
        while True:
            self._probe_came_back.clear()
            self._probe = secrets.token_bytes(16)
            self._is_probe_due = True
            self._has_waiting.set()
            async with asyncio.timeout(self._pace.probe_patience):
                await self._probe_came_back.wait()
            self._is_carried()
            await asyncio.sleep(self._pace.probe_every)

    def _is_carried(self) -> None:
        if self._is_healthy:
            return
        if self._failures:
            log.info("signals are carried again")
        self._is_healthy = True
        self._failures = 0
        HEALTHY.set(1)
        self._became_healthy.set()
        for callback in self._on_recovery:
            callback()
