"""Who is here now, where they look and whom they follow: never in the log, and in no database.

`people` is what is known of one person, `following` whom they go along with, `room` a session's people, and `sharing`
how several processes show the same ones.
"""

from __future__ import annotations

from core.presence.people import Shown, Status
from core.presence.room import GRACE, LEASE, STALE, SUMMON_EVERY, TYPING, Room
from core.presence.sharing import Departure, Heard, Share, Tab, hear

__all__ = [
    "GRACE",
    "LEASE",
    "STALE",
    "SUMMON_EVERY",
    "TYPING",
    "Departure",
    "Heard",
    "Room",
    "Share",
    "Shown",
    "Status",
    "Tab",
    "hear",
]
