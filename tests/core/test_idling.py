"""Sessions in which nothing happens end by themselves, where that is asked for, and no others."""

from __future__ import annotations

from datetime import timedelta

from core import chat, log, sessions, tables
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.idling import end_idle
from tests.core.conftest import person


async def test_a_session_ends_once_after_its_last_entry_is_old(database_url: str, db: Database) -> None:
    alice = await person(db, "Alice")
    quiet = await db.write(lambda tx: sessions.start(tx, alice, "Quiet"))
    busy = await db.write(lambda tx: sessions.start(tx, alice, "Busy"))
    passed = timedelta(days=29)
    later = Database(open_engine(database_url), lambda: system_clock() + passed)
    later.start()
    try:
        await later.write(lambda tx: chat.post_message(tx, alice, busy.id, chat.Draft("still here")))
        assert await later.write(lambda tx: end_idle(tx, timedelta(days=30))) == 0
        passed = timedelta(days=31)
        assert await later.write(lambda tx: end_idle(tx, timedelta(days=30))) == 1
        assert await later.write(lambda tx: end_idle(tx, timedelta(days=30))) == 0
        entries = await later.read(lambda tx: log.read_after(tx, quiet.id, 0, 100))
        assert entries[-1].type == "session_ended"
        assert entries[-1].actor_id is None
        assert b"Nothing has happened for 30 days." in entries[-1].frame
        state = await later.read(lambda tx: tx.sql.get(tables.Session, busy.id))
        assert state is not None
        assert state.status == "live"
    finally:
        await later.close()
