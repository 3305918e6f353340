"""Runs the reader that tells people what concerns them, and puts into the outbox what they get by mail.

One process reads at a time, under a lease whose number is checked in every step. Between two looks it waits for a poke;
what nobody pokes about is found by a slow look. Everything that it knows is in the database: it may die anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from core import leases
from core.clock import Clock
from core.db import Appended, Database
from core.errors import StorageUnavailable
from core.leases import LeaseLost
from core.notifications import OUTSIDE, Outside, delivering, mailing, taking_up
from core.notifications.taking_up import LEASE, Taken

log = logging.getLogger(__name__)

TOLD = Counter("cosession_inboxes_changed_total", "Times that somebody's inbox was added to.")
BEHIND = Gauge("cosession_notifications_behind_sessions", "Sessions with entries that were not read yet.")

LEASE_SECONDS = 30.0
#: Seconds between two steps at least, and between two looks at everything.
PACE, LOOK_EVERY = 0.1, 10.0

#: Who has a session before their eyes now.
Looking = Callable[[str], Awaitable[Collection[str]]]
#: These people's inboxes changed; the feed did.
Changed = Callable[[Collection[str], bool], None]


class Notifier:
    """Belongs to the event loop that `start` ran on. `channels` are the ways out that this server has; `changed` is
    called after each step; `is_only_process` takes the lease from a holder that cannot be alive any more."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        looking: Looking,
        changed: Changed,
        process_id: str,
        *,
        channels: Collection[Outside] = OUTSIDE,
        is_only_process: bool = False,
    ) -> None:
        self._db = db
        self._clock = clock
        self._looking = looking
        self._changed = changed
        self._process_id = process_id
        self._channels = frozenset(channels)
        self._is_only_process = is_only_process
        self._poked: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fence: int | None = None
        self._extend_at = clock()
        #: Called when something waits to be sent by another channel.
        self.on_deliveries: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._db.on_commit(self._poke)
        self._task = asyncio.create_task(self._run(), name="notifications")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            try:
                await self._db.write(lambda tx: leases.let_go(tx, LEASE, self._process_id))
            except StorageUnavailable:
                log.warning("the lease on notifications runs out by itself")

    def wake(self, session_ids: Iterable[str]) -> None:
        """These sessions have news, whichever process committed them."""
        self._poked.update(session_ids)
        self._wake.set()

    def _poke(self, appended: Sequence[Appended]) -> None:
        """What means nothing to anybody, which is most of what is said, waits for the slow look."""
        telling = {e.session_id for e in appended if taking_up.is_telling(e.event.type, e.frame)}
        if telling:
            self.wake(telling)

    async def _run(self) -> None:
        is_slow_look = True
        while True:
            self._wake.clear()
            poked, self._poked = self._poked, set()
            try:
                # What is due is looked at even while nothing happens.
                await self.step(None if is_slow_look else poked)
            except LeaseLost:
                self._fence = None
                log.info("another process tells people now")
            except StorageUnavailable:
                log.warning("telling people has to wait: nothing can be stored")
            except Exception:
                # Whatever it is, it is tried again from the log.
                log.exception("telling people failed; it is tried again")
            await asyncio.sleep(PACE)
            is_slow_look = not await self._woken()

    async def _woken(self) -> bool:
        """False where nobody woke it in the time between two looks at everything."""
        wait = LOOK_EVERY
        try:
            due_at = await self._db.read(lambda tx: delivering.next_due_at(tx, "email"))
            wait = self._until(due_at)
        except StorageUnavailable:
            log.warning("what is due could not be read")
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _until(self, due_at: datetime | None) -> float:
        if due_at is None:
            return LOOK_EVERY
        return min(LOOK_EVERY, max(PACE, (due_at - self._clock()).total_seconds()))

    async def step(self, session_ids: Collection[str] | None = None) -> None:
        """Reads what is new in these sessions, or in all, and sends what is due by mail. Nothing while another process
        does. Raises LeaseLost."""
        fence = await self._lease()
        if fence is None:
            return
        found = await self._db.read(lambda tx: taking_up.behind(tx, session_ids))
        BEHIND.set(len(found))
        if len(found) == taking_up.SESSIONS:
            self.wake(found)
        for session_id in found:
            await self._read_up(session_id, fence)
        await self._mail()

    async def _lease(self) -> int | None:
        """The number of the lease, taken or extended where it is time; every step checks it anyway."""
        now = self._clock()
        if self._fence is None or now >= self._extend_at:
            only = self._is_only_process
            self._fence = await self._db.write(
                lambda tx: leases.take(tx, LEASE, self._process_id, LEASE_SECONDS, is_only_process=only)
            )
            self._extend_at = now + timedelta(seconds=LEASE_SECONDS / 3)
        return self._fence

    async def _read_up(self, session_id: str, fence: int) -> None:
        while True:
            page = await self._db.read(lambda tx: taking_up.read_page(tx, session_id))
            if page is None:
                return
            taken = await self._db.write(lambda tx, page=page: taking_up.take_up(tx, page, fence, self._channels))
            self._tell(taken)
            if page.end - page.start < taking_up.PAGE:
                return

    def _tell(self, taken: Taken) -> None:
        TOLD.inc(len(taken.user_ids))
        if taken.user_ids or taken.is_feed_new:
            self._changed(taken.user_ids, taken.is_feed_new)
        if taken.has_deliveries:
            self.on_deliveries()

    async def _mail(self) -> None:
        if "email" not in self._channels:
            return
        for what in await self._db.read(lambda tx: delivering.due(tx, "email")):
            looking = {session_id: await self._looking(session_id) for session_id in what.session_ids}
            await self._db.write(lambda tx, what=what, looking=looking: mailing.mail(tx, what, looking))
