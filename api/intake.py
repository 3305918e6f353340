"""The way of committed entries into their rooms: from wherever they come, they are taken in by number, each once.

This process's own commits come here, what other processes tell, and what is read from the log, twice or in any order.
An entry that follows goes out at once; one that comes too early waits a moment for those in front of it. What does not
come by itself is read from the log. So nothing that was told is believed before its place has come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from api import metrics
from api.door.framing import frame_text
from api.room import Arrival, Room
from core import log as session_log
from core.db import Appended, Database
from core.errors import CosessionError
from core.log import Stored

log = logging.getLogger(__name__)

#: Entries that are read at once.
PAGE = 500
#: Seconds that a hole is given to close by itself: entries of two processes overtake each other by less.
PATIENCE = 0.02
#: Seconds after which a hole is read again when the log could not be read.
AGAIN = 1.0
#: Kinds of entries that change something for those who are connected; of all others only the frame is of interest.
TELLING = frozenset(
    {
        "role_changed",
        "participant_added",
        "participant_removed",
        "message_deleted",
        "comment_deleted",
        "person_erased",
    }
)


def of_commit(entry: Appended) -> Arrival:
    """What this process has just committed."""
    return Arrival(entry.seq, entry.event.type, frame_text(entry.frame), entry.event)


def of_log(entry: Stored) -> Arrival:
    """What was read back, here or in another process. Raises ValueError where a body is not what its type says."""
    event = entry.event() if entry.type in TELLING else None
    return Arrival(entry.seq, entry.type, frame_text(entry.frame), event)


class Intake:
    """`publish` sends an entry that follows its room's head to everybody in it, and moves the head."""

    def __init__(self, db: Database, publish: Callable[[Room, Arrival], None]) -> None:
        self._db = db
        self._publish = publish

    def take(self, room: Room, arrivals: Iterable[Arrival]) -> None:
        for arrival in arrivals:
            if arrival.event is not None and room.arriving:
                room.note(arrival)
            if room.is_placed and arrival.seq == room.head + 1:
                self._publish(room, arrival)
            else:
                room.keep(arrival)
        while (arrival := room.next_early()) is not None:
            self._publish(room, arrival)
        self._mind(room)

    def learn(self, room: Room, head: int) -> None:
        """The log goes up to `head`, as somebody has read."""
        room.known = max(room.known, head)
        self._mind(room)

    def _mind(self, room: Room) -> None:
        is_minded = room.is_forgotten or room.hole_timer is not None or room.filling is not None
        if room.has_hole and not is_minded:
            room.hole_timer = asyncio.get_running_loop().call_later(PATIENCE, self._begin, room, room.head)

    def _begin(self, room: Room, head: int) -> None:
        room.hole_timer = None
        if room.is_forgotten:
            return
        if room.head > head:
            self._mind(room)  # That hole has closed. Another one is given its own time.
        elif room.has_hole:
            room.filling = asyncio.create_task(self._fill(room), name="hole in a log")

    async def _fill(self, room: Room) -> None:
        try:
            while room.has_hole and not room.is_forgotten and await self._read_on(room):
                pass
        except CosessionError:
            log.warning("a hole in %s could not be read; it is read again soon", room.session_id)
            self._try_again(room)
        except Exception:
            log.exception("a hole in %s could not be filled; it is tried again soon", room.session_id)
            self._try_again(room)
        finally:
            room.filling = None
        self._mind(room)

    async def _read_on(self, room: Room) -> bool:
        """Takes in what the log holds after the head. Whether there may be more. Raises StorageUnavailable."""
        page = await self._db.read(lambda tx, at=room.head: session_log.read_after(tx, room.session_id, at, PAGE))
        if page:
            metrics.HOLES.inc()
            self.take(room, map(of_log, page))
        elif room.has_hole:
            log.error("entries of %s were told of that the log does not hold", room.session_id)
            room.known = room.head
            room.early.clear()
        return len(page) == PAGE

    def _try_again(self, room: Room) -> None:
        room.hole_timer = asyncio.get_running_loop().call_later(AGAIN, self._begin, room, room.head)

    @staticmethod
    def forget(room: Room) -> None:
        """The room is no more."""
        room.is_forgotten = True
        if room.hole_timer is not None:
            room.hole_timer.cancel()
        if room.filling is not None:
            room.filling.cancel()
