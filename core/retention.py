"""Ended sessions are kept for as long as whoever runs the server says, and then go whole: log, chat, files, search.

First nobody can see it any more, in one step; then it goes piece by piece, so that no commit is long; its own row goes
last. A process that dies in between leaves it to the next run. Live sessions are never touched.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Table, delete, func
from sqlmodel import SQLModel, col, select

from core import audit, tables
from core.db import Database, Transaction

#: Sessions that one run takes away.
AT_ONCE = 20
#: Entries of a log that one commit takes away.
PIECE = 2_000
#: Tables with a row for each entry, or nearly: they go by pieces.
_LONG = ("search_entries", "events")
#: Rows that belong to a session by way of another row: column → table whose `id` it holds.
_BY_WAY_OF = {"invite_uses": ("invite_id", "invites"), "invite_letters": ("invite_id", "invites")}


async def delete_old(db: Database, kept: timedelta) -> int:
    """Takes away sessions that ended longer ago than `kept`; how many those were."""
    ids = await db.read(lambda tx: _due(tx, kept))
    done = 0
    for session_id in ids:
        if await db.write(lambda tx, one=session_id: _hide(tx, one, kept)):
            await _take_away(db, session_id)
            done += 1
    return done


def _due(tx: Transaction, kept: timedelta) -> list[str]:
    row = tables.Session
    query = select(row.id).where(row.status == "ended", col(row.ended_at) <= tx.now - kept).order_by(col(row.ended_at))
    return list(tx.sql.exec(query.limit(AT_ONCE)))


def _hide(tx: Transaction, session_id: str, kept: timedelta) -> bool:
    """Takes every seat and the team's door away. False for a session that has gone, or is live, by now."""
    row = tables.Session
    query = select(row).where(row.id == session_id).with_for_update().execution_options(populate_existing=True)
    session = tx.sql.exec(query).first()
    if session is None or session.status != "ended" or session.ended_at is None or session.ended_at > tx.now - kept:
        return False
    session.team_id = None
    tx.sql.add(session)
    seat = tables.Participation
    if tx.sql.exec(delete(seat).where(col(seat.session_id) == session_id)).rowcount:
        audit.record(tx, "session_deleted", None, session_id=session_id)
    return True


async def _take_away(db: Database, session_id: str) -> None:
    for name in _LONG:
        while await db.write(lambda tx, one=name: _piece(tx, one, session_id)):
            pass
    await db.write(lambda tx: _rest(tx, session_id))


def _piece(tx: Transaction, name: str, session_id: str) -> bool:
    """The oldest rows of a long table. False when there were none."""
    table = _table(name)
    of_it = table.c.session_id == session_id
    connection: Any = tx.sql.connection()
    first = connection.execute(select(func.min(table.c.seq)).where(of_it)).scalar_one()
    if first is None:
        return False
    connection.execute(delete(table).where(of_it, table.c.seq < first + PIECE))
    return True


def _rest(tx: Transaction, session_id: str) -> None:
    """What refers to something goes before it."""
    connection: Any = tx.sql.connection()
    for table in reversed(SQLModel.metadata.sorted_tables):
        way = _BY_WAY_OF.get(table.name)
        if way is not None:
            owner = _table(way[1])
            theirs = select(owner.c.id).where(owner.c.session_id == session_id)
            connection.execute(delete(table).where(table.c[way[0]].in_(theirs)))
        elif "session_id" in table.c:
            connection.execute(delete(table).where(table.c.session_id == session_id))
    connection.execute(delete(_table("sessions")).where(_table("sessions").c.id == session_id))


def _table(name: str) -> Table:
    return tables.table_of(name)
