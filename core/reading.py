"""How far each person has read a session, and what they have not read yet.

A read mark belongs to one person, on all their devices together; it only ever moves forward. It is no part of the log:
nobody else's business.
"""

from __future__ import annotations

from core import tables
from core.db import Transaction


def read_up_to(tx: Transaction, session_id: str, user_id: str) -> int:
    """The entry up to which this person has read, 0 for somebody who never has."""
    mark = tx.sql.get(tables.ReadMark, (session_id, user_id))
    return mark.seq if mark is not None else 0
