"""Keeps a reader running for every thread that has news, whether a commit pokes or a slow look finds it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from bot.desk import Desk
from bot.mirror import ThreadMirror
from core import mirrors
from core.db import Appended
from core.errors import CosessionError
from core.mirrors import Lease

log = logging.getLogger(__name__)


class Keeper:
    """The mirrors of this process, each at the desk of its realm. Everything here runs on one event loop.

    `shared` is any desk: what is asked of it is the same for every realm. `desk_of` is None where nothing is installed.
    """

    def __init__(self, shared: Desk, desk_of: Callable[[str], Awaitable[Desk | None]]) -> None:
        self._desk = shared
        self._desk_of = desk_of
        self._running: dict[str, tuple[ThreadMirror, Lease, asyncio.Task[None]]] = {}
        self._wake = asyncio.Event()
        #: Session → monotonic time before which its broken reader is not started again.
        self._resting: dict[str, float] = {}
        #: Sessions whose lease this process has had: what it finds on the others, a dead one has left.
        self._had: set[str] = set()
        #: What has had news since the last look, and what was found to have no thread: a busy session that nobody
        #: mirrors is not looked for after every commit, only when the time for a look has come anyway.
        self._poked: set[str] = set()
        self._threadless: set[str] = set()

    def poke(self, appended: Sequence[Appended]) -> None:
        """Something was committed; called on the event loop, after every commit."""
        self.wake({entry.session_id for entry in appended})

    def wake(self, session_ids: Collection[str]) -> None:
        """These sessions have news, whoever committed them."""
        for session_id in session_ids:
            running = self._running.get(session_id)
            if running is not None:
                running[0].wake()
            elif session_id not in self._threadless:
                self._poked.add(session_id)
                self._wake.set()

    async def leave(self, realm: str) -> None:
        """Nothing is posted there any more: the threads of that workspace stop where they are."""
        left = [entry for entry in self._running.values() if entry[0].realm == realm]
        for _, _, task in left:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in left), return_exceptions=True)
        await self._let_go(lease for _, lease, _ in left)

    def look(self) -> None:
        """A workspace has come: its threads may have news."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look()
            except CosessionError as error:
                log.warning("could not look for threads with news: %s", error)
            except Exception:
                log.exception("looking for threads with news failed")
            await asyncio.sleep(self._desk.pace.scan_every)
            try:
                async with asyncio.timeout(self._desk.pace.poll):
                    await self._wake.wait()
            except TimeoutError:
                self._threadless.clear()

    async def close(self) -> None:
        """Stops every reader where it is and gives the leases back."""
        running, self._running = list(self._running.values()), {}
        for _, _, task in running:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in running), return_exceptions=True)
        await self._let_go(lease for _, lease, _ in running)

    async def _let_go(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            try:
                await self._desk.db.write(lambda tx, lease=lease: mirrors.let_go(tx, lease))
            except CosessionError as error:
                log.warning("the lease on %s runs out by itself: %s", lease.session_id, error)

    async def _look(self) -> None:
        poked, self._poked = self._poked, set()
        found = await self._desk.db.read(mirrors.open_ones)
        self._threadless |= poked.difference(mirror.session_id for mirror in found)
        for mirror in found:
            is_wanted = mirror.is_due or bool(self._desk.present(mirror.session_id))
            is_resting = self._resting.get(mirror.session_id, 0.0) > time.monotonic()
            if is_wanted and not is_resting and mirror.session_id not in self._running:
                desk = await self._desk_of(mirror.realm)
                if desk is not None:
                    await self._start(mirror.session_id, desk)

    async def _start(self, session_id: str, desk: Desk) -> None:
        is_only_process = desk.settings.is_only_process and session_id not in self._had
        lease = await desk.db.write(
            lambda tx: mirrors.take(tx, session_id, desk.owner, desk.pace.lease, is_only_process=is_only_process)
        )
        if lease is None:
            return
        self._had.add(session_id)
        mirror = ThreadMirror(desk, lease)
        task = asyncio.create_task(mirror.run(), name=f"mirror of {session_id}")
        self._running[session_id] = (mirror, lease, task)
        task.add_done_callback(lambda done: self._ended(session_id, done))

    def _ended(self, session_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(session_id, None)
        if not task.cancelled() and task.exception() is not None:
            self._resting[session_id] = time.monotonic() + self._desk.pace.poll
            log.error("the mirror of %s broke; it is started again", session_id, exc_info=task.exception())
