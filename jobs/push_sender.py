"""Sends what people get by web push: one process at a time, under a lease whose number is checked at every step.

What goes to which browser is stored before anything is handed over; that a message is being handed over is stored
before it is, and what became of it afterwards. Whoever dies in between leaves a message that is sent once more, by
whoever takes the lease over, under the same topic and tag. What failed waits twice as long each time, until the next
way takes what it tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from core import leases
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import StorageUnavailable
from core.notifications import OUTSIDE, Outside, delivering, pushing, vapid
from core.notifications.delivering import Due
from core.notifications.pusher import BrowserGone, Pusher, PushProblem, TryLater
from core.notifications.pushing import Attempt
from core.notifications.vapid import KeyPair
from core.sealing import Sealer

log = logging.getLogger(__name__)

PUSHES = Counter("cosession_pushes_total", "Pushes, by what became of an attempt to send them.", ["outcome"])
WAITING = Gauge("cosession_pushes_waiting", "Pushes that are stored and not sent yet.")

LEASE = "push"
#: Longer than one attempt can take.
LEASE_SECONDS = 60.0
#: Seconds between two looks.
LOOK_EVERY = 2.0
#: Seconds that what is being handed over gets when the process stops.
CLOSE_WITHIN = 5.0
#: Attempts at once.
AT_ONCE = 8
#: Seconds before the second attempt, and the longest time between two.
FIRST_WAIT, LONGEST_WAIT = 15.0, 900.0

#: Who has a session before their eyes now.
Looking = Callable[[str], Awaitable[Collection[str]]]


class PushSender:
    """Belongs to the event loop that `start` ran on. `channels` are the ways out that this server has;
    `is_only_process` takes the lease from a holder that cannot be alive any more."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        pusher: Pusher,
        sealer: Sealer,
        looking: Looking,
        process_id: str,
        *,
        channels: Collection[Outside] = OUTSIDE,
        is_only_process: bool = False,
    ) -> None:
        self._db = db
        self._clock = clock
        self._pusher = pusher
        self._sealer = sealer
        self._looking = looking
        self._process_id = process_id
        self._channels = frozenset(channels)
        self._is_only_process = is_only_process
        self._wake = asyncio.Event()
        self._is_closing = False
        #: Services that asked to be left alone, by their place, and until when.
        self._rests: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._send_forever(), name="push sender")

    async def close(self) -> None:
        """Waits a little for what is being handed over."""
        if self._task is None:
            return
        self._is_closing = True
        self._wake.set()
        await asyncio.wait({self._task}, timeout=CLOSE_WITHIN)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._pusher.rest()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def _send_forever(self) -> None:
        while not self._is_closing:
            self._wake.clear()
            try:
                while await self.send_due():
                    pass
                await self._pusher.rest()
            except StorageUnavailable:
                log.warning("what is to be pushed could not be read; looked at again soon")
            except leases.LeaseLost:
                log.info("another process sends the pushes now")
            except Exception:  # whatever it is, it is tried again
                log.exception("sending pushes failed")
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Stores what goes to which browser, tries every message that is due now, once, and returns how many those
        were. Writes nothing where nothing is due. Raises LeaseLost."""
        people, messages, backlog = await self._db.read(
            lambda tx: (delivering.due(tx, "push"), pushing.due(tx), pushing.backlog(tx))
        )
        WAITING.set(backlog.waiting)
        if not people and not messages:
            return 0
        fence = await self._db.write(self._take)
        if fence is None:
            return 0
        for what in people:
            await self._take_over(what, fence)
        if people:
            messages = await self._db.read(pushing.due)
        ready = await self._without_resting(messages)
        if ready:
            pair = await self._db.write(lambda tx: vapid.ensure(tx, self._sealer))
            await self._send_all(ready, pair)
        await self._db.write(lambda tx: leases.let_go(tx, LEASE, self._process_id))
        return len(ready)

    def _take(self, tx: Transaction) -> int | None:
        only = self._is_only_process
        return leases.take(tx, LEASE, self._process_id, LEASE_SECONDS, is_only_process=only)

    async def _take_over(self, what: Due, fence: int) -> None:
        looking = {session_id: await self._looking(session_id) for session_id in what.session_ids}

        def store(tx: Transaction) -> None:
            leases.check(tx, LEASE, fence)
            pushing.take_over(tx, what, looking, self._channels)

        await self._db.write(store)

    async def _without_resting(self, messages: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Messages whose service may be asked; the others wait."""
        now = self._clock()
        self._rests = {place: until for place, until in self._rests.items() if until > now}
        for place, until in self._rests.items():
            held = [message_id for message_id, at in messages if at == place]
            if held:
                await self._db.write(lambda tx, held=held, until=until: pushing.hold(tx, held, until))
        return [one for one in messages if one[1] not in self._rests]

    async def _send_all(self, messages: Collection[tuple[str, str]], pair: KeyPair) -> None:
        """Each under the lease, extended before it begins. The first trouble ends the others, at their next step."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(message_id: str, place: str) -> None:
            async with turns:
                if not self._is_closing and place not in self._rests:
                    await self._send(message_id, place, pair)

        outcomes = await asyncio.gather(*(one(*message) for message in messages), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _send(self, message_id: str, place: str, pair: KeyPair) -> None:
        attempt = await self._db.write(lambda tx: self._begin(tx, message_id))
        if attempt is None:
            return
        try:
            await self._pusher.push(attempt.push, pair)
        except PushProblem as problem:
            if isinstance(problem, TryLater) and problem.seconds:
                self._rests[place] = self._clock() + timedelta(seconds=problem.seconds)
            await self._db.write(lambda tx, reason=problem: self._failed(tx, attempt, reason))
            _tell(problem)
        else:
            # A fact, whoever has the lease by now.
            await self._db.write(lambda tx: pushing.sent(tx, attempt.id, self._channels))
            PUSHES.labels("sent again" if attempt.may_be_there else "sent").inc()

    def _begin(self, tx: Transaction, message_id: str) -> Attempt | None:
        if self._take(tx) is None:
            raise leases.LeaseLost
        return pushing.begin(tx, message_id, self._channels)

    def _failed(self, tx: Transaction, attempt: Attempt, problem: PushProblem) -> None:
        words = str(problem)
        if isinstance(problem, BrowserGone):
            pushing.browser_gone(tx, attempt.id, attempt.push.endpoint, self._channels)
        elif isinstance(problem, TryLater):
            wait = min(FIRST_WAIT * 2**attempt.attempts, LONGEST_WAIT)
            seconds = max(wait, problem.seconds or 0.0)
            pushing.postpone(tx, attempt.id, seconds, words, self._channels, may_be_there=problem.may_be_there)
        else:
            pushing.refused(tx, attempt.id, words, self._channels)


def _tell(problem: PushProblem) -> None:
    """What the service says, without the browser's address."""
    if isinstance(problem, TryLater):
        PUSHES.labels("put off").inc()
        log.warning("a push is put off: %s", problem)
    elif isinstance(problem, BrowserGone):
        PUSHES.labels("gone").inc()
        log.info("a browser takes no pushes any more: %s", problem)
    else:
        PUSHES.labels("refused").inc()
        log.error("a push is given up: %s", problem)
