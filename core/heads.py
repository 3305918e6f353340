"""How far the logs of many sessions have come, in one query: for whoever looks whether there is more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from core import tables
from core.db import Transaction

#: Sessions in one statement; a database takes so many values at most.
AT_ONCE = 5_000


def heads(tx: Transaction, session_ids: Sequence[str]) -> dict[str, int]:
    """The number of the last entry of each; sessions that do not exist are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(session_ids), AT_ONCE):
        some = session_ids[start : start + AT_ONCE]
        rows = tx.sql.exec(select(tables.Session.id, tables.Session.head).where(col(tables.Session.id).in_(some)))
        found.update(dict(rows.all()))
    return found
