"""The search's reader of the log: takes up what was said a moment after it was stored, and before anybody searches.

Storing a message is what people wait for; finding it can wait until it is looked for. So a session's entries are taken
up from where that was left, in quiet moments, in pages; whoever searches has what is missing taken up first. A session
is locked meanwhile, as for every writer: a text that is being deleted cannot slip in behind the deletion.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlmodel import col, func, select

from core import access, indexing, log, tables
from core.access import Actor
from core.db import Appended, Database, Transaction
from core.errors import CosessionError

logger = logging.getLogger(__name__)

#: Entries in one transaction.
PAGE = 100
#: Pages that one search waits for. What is more is found a little later.
MOST_PAGES = 50
#: Seconds without a commit after which what was stored is taken up; and how long that may be put off.
QUIET = 0.5
LATEST = 5.0
#: Sessions that are looked for at once.
SESSIONS = 500


def behind(tx: Transaction, actor: Actor | None = None, session_id: str | None = None) -> Sequence[str]:
    """Sessions with entries that cannot be found yet: of all, of those that `actor` may see, or just this one."""
    session, place = tables.Session, tables.SearchPlace
    query = (
        select(session.id)
        .outerjoin(place, col(place.session_id) == col(session.id))
        .where(col(session.head) > func.coalesce(col(place.seq), 0))
        .limit(SESSIONS)
    )
    if session_id is not None:
        query = query.where(session.id == session_id)
    elif actor is not None:
        query = query.where(col(session.id).in_(access.visible_to(tx, actor)))
    return tx.sql.exec(query).all()


def take_up(tx: Transaction, session_id: str) -> bool:
    """Makes the next page of a session's entries findable. False when none is left."""
    session = tables.Session
    if tx.sql.exec(select(session.id).where(session.id == session_id).with_for_update()).first() is None:
        return False
    place = tx.sql.get(tables.SearchPlace, session_id) or tables.SearchPlace(session_id=session_id, seq=0)
    page = log.read_after(tx, session_id, place.seq, PAGE)
    if not page:
        return False
    indexing.record(tx.sql.connection(), session_id, page)
    place.seq = page[-1].seq
    tx.sql.add(place)
    return len(page) == PAGE


async def catch_up(db: Database, session_ids: Sequence[str], pages: int | None = None) -> None:
    """Takes up everything, or `pages` pages at most. Raises StorageUnavailable."""
    done = 0
    for session_id in session_ids:
        while (pages is None or done < pages) and await db.write(lambda tx, s=session_id: take_up(tx, s)):
            done += 1


async def before_search(db: Database, actor: Actor, session_id: str | None = None) -> None:
    """Makes findable what the actor may be looking for. Raises NotSignedIn, StorageUnavailable."""
    await catch_up(db, await db.read(lambda tx: behind(tx, actor, session_id)), MOST_PAGES)


class Indexer:
    """Takes up what this process has stored, and at its start what another has left. Belongs to one event loop."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        db.on_commit(self._poke)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="search index")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _poke(self, appended: Sequence[Appended]) -> None:
        self._waiting.update(entry.session_id for entry in appended)
        self._wake.set()

    async def _run(self) -> None:
        is_first = True
        while True:
            try:
                if is_first:
                    self._waiting.update(await self._db.read(behind))
                    is_first = False
                while self._waiting:
                    await catch_up(self._db, [self._waiting.pop()])
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
        self._wake.clear()
