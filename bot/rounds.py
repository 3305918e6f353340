"""Going round: work that one process at a time does, under a lease that every step asks for, whenever it is woken or
something is due. It may die anywhere: what it knows is in the database."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable

from bot.settings import SlackSettings
from core import leases
from core.db import Database, Transaction
from core.errors import CosessionError
from core.leases import LeaseLost

log = logging.getLogger(__name__)


class Rounds(ABC):
    """`lease` names the work, `what` is that in words. `owner` names this process. Belongs to one event loop."""

    def __init__(self, db: Database, settings: SlackSettings, owner: str, *, lease: str, what: str) -> None:
        self._db = db
        self._settings = settings
        self._owner = owner
        self._lease = lease
        self._what = what
        self._wake = asyncio.Event()
        self._takes_over = settings.is_only_process
        self._fence = 0

    def wake(self) -> None:
        """There is something to do, now or soon."""
        self._wake.set()

    @abstractmethod
    async def work(self) -> float:
        """Does what is to be done now; the seconds until there may be more. Raises LeaseLost, CosessionError."""

    async def run(self) -> None:
        while True:
            self._wake.clear()
            left = self._settings.pace.poll
            try:
                left = await self.work()
            except LeaseLost:
                log.info("another process sees to %s now", self._what)
            except CosessionError as error:
                log.warning("%s: they have to wait: %s", self._what, error)
            except Exception:
                log.exception("%s: that failed; it is tried again", self._what)
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        try:
            await self._db.write(lambda tx: leases.let_go(tx, self._lease, self._owner))
        except CosessionError as error:
            log.warning("the lease on %s runs out by itself: %s", self._what, error)

    async def take_lease(self) -> bool:
        """Whether it is this process that works now."""
        seconds, takes_over = self._settings.pace.lease, self._takes_over
        fence = await self._db.write(
            lambda tx: leases.take(tx, self._lease, self._owner, seconds, is_only_process=takes_over)
        )
        if fence is None:
            return False
        self._takes_over, self._fence = False, fence
        return True

    def hold(self, tx: Transaction) -> None:
        """Extends the lease. Raises LeaseLost when somebody else has taken it since."""
        if leases.take(tx, self._lease, self._owner, self._settings.pace.lease) != self._fence:
            raise LeaseLost

    async def write(self, work: Callable[[Transaction], None]) -> None:
        """Under the lease. Raises LeaseLost."""

        def run(tx: Transaction) -> None:
            self.hold(tx)
            work(tx)

        await self._db.write(run)
