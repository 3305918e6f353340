"""Ends sessions in which nothing has happened for long, where whoever runs the server has asked for it."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from core import log, tables
from core.db import Transaction
from core.events import SessionEnded

#: Most that one run ends.
AT_ONCE = 100


def end_idle(tx: Transaction, after: timedelta) -> int:
    """Ends live sessions whose last entry is older than `after`, and returns how many those were. They stay readable.

    Whether something has happened meanwhile is asked again once a session is locked.
    """
    row = tables.Session
    since = tx.now - after
    ids = tx.sql.exec(
        select(row.id).where(row.status == "live", row.last_activity_at < since).order_by(col(row.id)).limit(AT_ONCE)
    ).all()
    ended = 0
    for session_id in ids:
        query = select(row).where(row.id == session_id).with_for_update().execution_options(populate_existing=True)
        session = tx.sql.exec(query).one()
        if session.status != "live" or session.last_activity_at >= since:
            continue
        session.status, session.ended_at = "ended", tx.now
        tx.sql.add(session)
        log.append(tx, session, SessionEnded(reason=f"Nothing has happened for {_in_words(after)}."))
        ended += 1
    return ended


def _in_words(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3_600
    if hours >= 48:
        return f"{hours // 24} days"
    return "an hour" if hours == 1 else f"{hours} hours" if hours else f"{int(length.total_seconds()) // 60} minutes"
