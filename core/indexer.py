"""The search's reader of all logs: takes up what was said a moment after it was stored, and before anybody searches.

Storing a message is what people wait for; finding it can wait until it is looked for. So what was said is taken up in
quiet moments, page by page, in the order of time over all sessions, which is the order in which search shows it. A
session is locked meanwhile, as for every writer: a text that is being deleted cannot slip in behind its deletion.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, func, select

from core import indexing, log, tables
from core.db import Appended, Database, Transaction
from core.errors import CosessionError
from core.log import Stored

logger = logging.getLogger(__name__)

#: Sessions in one transaction, and entries of each.
SESSIONS = 20
PAGE = 100
#: Transactions that one search waits for. What is more is found a little later.
PATIENCE = 50
#: Seconds without a commit after which what was stored is taken up; and how long that may be put off.
QUIET = 0.5
LATEST = 5.0


def behind(tx: Transaction) -> Sequence[str]:
    """Sessions with entries that cannot be found yet, those first in which nothing happens any more."""
    session, place = tables.Session, tables.SearchPlace
    return tx.sql.exec(
        select(session.id)
        .outerjoin(place, col(place.session_id) == col(session.id))
        .where(col(session.head) > func.coalesce(col(place.seq), 0))
        .order_by(col(session.last_activity_at))
        .limit(SESSIONS)
    ).all()


def take_up(tx: Transaction) -> bool:
    """Makes a few pages of entries findable. Whether there may be more."""
    late = behind(tx)
    session = tables.Session
    # Whatever is locked is being written to: it is waited for by nobody, and its turn comes again.
    free = select(session.id).where(col(session.id).in_(late)).with_for_update(skip_locked=True)
    pages = [_page(tx, session_id) for session_id in tx.sql.exec(free).all()]
    # Of a session that goes on beyond its page, nobody knows yet what comes next.
    end = min((page.entries[-1].at for page in pages if page.is_full), default=None)
    said: list[tuple[str, Stored]] = []
    for page in pages:
        taken = [entry for entry in page.entries if end is None or entry.at <= end]
        if taken:
            said += [(page.place.session_id, entry) for entry in taken]
            page.place.seq = taken[-1].seq
            tx.sql.add(page.place)
    said.sort(key=lambda one: one[1].at)
    indexing.record(tx.sql.connection(), said)
    return bool(said) and (end is not None or len(late) == SESSIONS)


@dataclass(frozen=True, slots=True)
class _Page:
    """What follows the place up to which a session was taken up."""

    place: tables.SearchPlace
    entries: Sequence[Stored]

    @property
    def is_full(self) -> bool:
        return len(self.entries) == PAGE


def _page(tx: Transaction, session_id: str) -> _Page:
    place = tx.sql.get(tables.SearchPlace, session_id) or tables.SearchPlace(session_id=session_id, seq=0)
    return _Page(place, log.read_after(tx, session_id, place.seq, PAGE))


async def catch_up(db: Database, patience: int | None = None) -> None:
    """Takes up everything, in so many transactions at most. Raises StorageUnavailable."""
    done = 0
    while (patience is None or done < patience) and await db.write(take_up):
        done += 1


async def before_search(db: Database) -> None:
    """Makes findable what was said up to now. Raises StorageUnavailable."""
    if await db.read(behind):
        await catch_up(db, PATIENCE)


class Indexer:
    """Belongs to the event loop that `start` ran on."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        db.on_commit(self._poke)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="search index")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _poke(self, _appended: Sequence[Appended]) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await before_search(self._db)
            except CosessionError as error:
                logger.warning("the search has to wait: %s", error)
            except Exception:
                logger.exception("what was said could not be taken up for the search; it is when somebody searches")
            await self._wait()

    async def _wait(self) -> None:
        """Until something was stored, and nothing more for a while."""
        await self._wake.wait()
        loop = asyncio.get_running_loop()
        latest = loop.time() + LATEST
        while self._wake.is_set() and loop.time() < latest:
            self._wake.clear()
            await asyncio.sleep(QUIET)
