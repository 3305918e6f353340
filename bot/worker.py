"""Works the inbox off: every stored request has its effect once, in order, and none holds up another.

A handler looks at a request and answers with what to do in the database; that runs in the same transaction that marks
the request as handled, so a crash before it changes nothing and a crash after it repeats nothing. Requests of one
person in one thread keep their order; one that has to wait steps aside for those of others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from bot.desk import backoff
from bot.settings import SlackSettings
from bot.thread import BROKEN
from bot.web import Ambiguous, Limited, Refused
from core import inbox
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import CosessionError, TooMany
from core.inbox import Item

log = logging.getLogger(__name__)


async def nothing(_result: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for. `effect` may run twice and is committed once; `then` follows the commit and may be lost
    by a crash; `refused` tells the person, before the request is marked as handled, together with `told`."""

    effect: Callable[[Transaction], Any]
    refused: Callable[[CosessionError], Awaitable[None]]
    then: Callable[[Any], Awaitable[None]] = nothing
    told: Callable[[Transaction], None] = lambda _tx: None


@dataclass(frozen=True, slots=True)
class Lane:
    """Requests of one thread run one after the other; those of one person in it also keep their order. `at` is when
    what they tell of happened, in seconds since 1970, where that is told: of those that wait the earlier come first."""

    thread: str
    person: str
    at: float | None = None
    #: The whole thread has to wait: something that happened before may still come.
    waits: bool = False


def _when(task: _Task) -> float:
    return task.lane.at if task.lane.at is not None else task.item.received_at.timestamp()


class Handler(Protocol):
    def lane(self, item: Item) -> Lane: ...

    async def handle(self, item: Item) -> Wish | None:
        """None when there is nothing to do. Raises what the Web API raises, and retryable refusals."""
        ...


class NotYet(LookupError):
    """It is not known yet which workspace a request belongs to; it waits where it is."""


@dataclass(frozen=True, slots=True)
class _Task:
    item: Item
    lane: Lane
    handler: Handler | None


#: Who handles a request; None for a workspace that nothing is installed in. Raises NotYet.
Find = Callable[[Item], Awaitable[Handler | None]]


class Worker:
    """The one handler of the inbox: it works while it holds the lease. Should two ever work at once, because one was
    stopped and goes on, each request still has its effect once: it is marked in the same transaction.

    `owner` names the process in leases.
    """

    def __init__(
        self, db: Database, clock: Clock, settings: SlackSettings, owner: str, kinds: Collection[str], find: Find
    ) -> None:
        self._db = db
        self._clock = clock
        self._pace = settings.pace
        self._owner = owner
        self._kinds = kinds
        self._find = find
        self._wake = asyncio.Event()
        self._takes_over = settings.is_only_process
        #: Alone there is nobody to take over, and no need to write every other second.
        self._lease = self._pace.lease if settings.is_only_process else self._pace.inbox_lease
        self._held_at = float("-inf")

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        holding = asyncio.create_task(self._hold(), name="slack inbox lease")
        try:
            await self._work_on()
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def _hold(self) -> None:
        """Takes the lease, and keeps it also while a call is waited for: a process that lives is never overtaken, and
        one that was killed is taken over when a lease of seconds has run out."""
        while True:
            try:
                await self._renew()
            except CosessionError as error:
                log.warning("the lease on the inbox could not be renewed: %s", error)
            except Exception:
                log.exception("renewing the lease on the inbox failed; it is tried again")
            await asyncio.sleep(self._lease / 3)

    async def _renew(self) -> None:
        owner, seconds, takes_over, asked_at = self._owner, self._lease, self._takes_over, time.monotonic()
        had_it = self._is_holder
        if await self._db.write(lambda tx: inbox.hold(tx, owner, seconds, is_only_process=takes_over)):
            self._takes_over, self._held_at = False, asked_at
            if not had_it:
                self._wake.set()
        else:
            self._held_at = float("-inf")

    @property
    def _is_holder(self) -> bool:
        return time.monotonic() - self._held_at < self._lease

    async def _work_on(self) -> None:
        while True:
            self._wake.clear()
            left = self._pace.poll
            try:
                left = await self._work()
            except CosessionError as error:
                log.warning("the inbox has to wait: %s", error)
            except Exception:
                log.exception("working the inbox off failed; it is tried again")
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        try:
            await self._db.write(lambda tx: inbox.let_go(tx, self._owner))
        except CosessionError as error:
            log.warning("the lease on the inbox runs out by itself: %s", error)

    async def _work(self) -> float:
        """Handles what can be handled now; returns the seconds until something else can."""
        if not self._is_holder:
            return self._pace.poll
        items = await self._db.read(lambda tx: inbox.pending(tx, self._kinds))
        threads: dict[str, list[_Task]] = defaultdict(list)
        for item in items:
            try:
                handler, lane = await self._lane(item)
            except NotYet:
                continue
            threads[lane.thread].append(_Task(item, lane, handler))
        ready = (queue for queue in threads.values() if not any(task.lane.waits for task in queue))
        work = (self._work_thread(sorted(queue, key=_when)) for queue in ready)
        handled = await asyncio.gather(*work, return_exceptions=True)
        for outcome in handled:
            if isinstance(outcome, BaseException):
                raise outcome
        if any(handled):
            return 0.0
        waits = [(item.not_before - self._clock()).total_seconds() for item in items]
        return min([self._pace.poll, *(wait for wait in waits if wait > 0)])

    async def _lane(self, item: Item) -> tuple[Handler | None, Lane]:
        handler = None
        try:
            handler = await self._find(item)
            if handler is None:
                log.warning("%s came from a workspace that Cosession is not installed in", item.id)
            return handler, handler.lane(item) if handler is not None else Lane(item.id, "")
        except (ValueError, TypeError, AttributeError, KeyError):
            # Whoever handles it will say what is wrong with it; until then it is in nobody's way.
            if handler is None:
                log.exception("%s does not say which workspace it came from", item.id)
            return handler, Lane(item.id, "")

    async def _work_thread(self, queue: list[_Task]) -> bool:
        """True when anything was handled. Whoever's request has to wait, their later ones wait behind it."""
        waiting: set[str] = set()
        has_handled = False
        for task in queue:
            item, lane = task.item, task.lane
            if not self._is_holder:
                return has_handled
            if lane.person in waiting:
                continue
            if item.not_before > self._clock() or not await self._work_item(item, task.handler):
                waiting.add(lane.person)
            else:
                has_handled = True
        return has_handled

    async def _work_item(self, item: Item, handler: Handler | None) -> bool:
        """False when it has to be tried again."""
        try:
            wish = await handler.handle(item) if handler is not None else None
            await self._grant(item, wish)
        except Limited as wait:
            await self._postpone(item, wait.seconds)
        except TooMany as wait:
            await self._postpone(item, (wait.retry_after_ms or 1_000) / 1_000)
        except (Ambiguous, CosessionError) as failure:
            log.warning("a request from Slack has to wait: %s", failure)
            await self._postpone(item, self._pace.retry_base + backoff(self._pace, 3))
        except Refused as refusal:
            if refusal.code in BROKEN:
                log.error("Slack refuses the bot's token: %s", refusal.code)
                await self._postpone(item, self._pace.retry_most)
            else:
                log.exception("Slack refused what a request needs")
                await self._fail(item, refusal)
        except Exception as error:
            log.exception("a request from Slack could not be handled")
            await self._fail(item, error)
        else:
            return True
        return False

    async def _grant(self, item: Item, wish: Wish | None) -> None:
        def run(tx: Transaction) -> tuple[bool, Any]:
            if not inbox.begin(tx, item.id):
                return False, None
            return True, wish.effect(tx) if wish is not None else None

        try:
            is_first, result = await self._db.write(run)
        except CosessionError as error:
            if error.retryable or wish is None:
                raise
            await wish.refused(error)
            await self._db.write(lambda tx: inbox.begin(tx, item.id) and wish.told(tx))
            return
        if is_first and wish is not None:
            await self._follow_up(item, wish, result)

    async def _follow_up(self, item: Item, wish: Wish, result: Any) -> None:
        try:
            await wish.then(result)
        except (Limited, Ambiguous, Refused) as failure:
            # The effect is there; only the private note about it is not.
            log.warning("could not answer %s: %s", item.id, failure)

    async def _postpone(self, item: Item, seconds: float) -> None:
        await self._db.write(lambda tx: inbox.postpone(tx, item.id, seconds, has_failed=False))

    async def _fail(self, item: Item, error: Exception) -> None:
        failures = item.attempts + 1
        if failures >= self._pace.max_tries:
            reason = f"Given up after {failures} tries: {type(error).__name__}: {error}"
            log.error("a request from Slack is parked: %s", reason)
            await self._db.write(lambda tx: inbox.park(tx, item.id, reason))
            return
        seconds = backoff(self._pace, failures)
        await self._db.write(lambda tx: inbox.postpone(tx, item.id, seconds, has_failed=True))
