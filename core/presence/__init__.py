"""Who is here now, where they look and whom they follow: never in the log, and in no database.

`people` is what is known of one person, `company` who comes and goes, `following` whom they go along with, `room` what
they do and how they are shown, and `sharing` how several processes show the same ones.
"""

from __future__ import annotations

from core.presence.company import GRACE, LEASE, STALE, TYPING
from core.presence.people import Shown, Status
from core.presence.room import SUMMON_EVERY, Room
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
