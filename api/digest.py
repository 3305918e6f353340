"""A checksum of the newest entries, told to everybody now and then, so that whoever holds something else notices.

It is computed from the log itself, never from what this process remembers: what it guards against is exactly that
somebody was sent something else than what is stored.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable

from api.frames import Digest
from api.hub import Hub
from api.room import Room
from core import log as session_log
from core.db import Database
from core.errors import CosessionError

log = logging.getLogger(__name__)

#: Entries that one digest covers at most.
COVERED = 256
#: Times that a reading is tried anew because something was committed meanwhile that is not out yet.
ATTEMPTS = 3


def crc32(frames: Iterable[bytes]) -> int:
    """CRC-32 as in zlib (RFC 1952 §8) over the JSON texts of entries, exactly as they are sent, one after the other."""
    total = 0
    for frame in frames:
        total = zlib.crc32(frame, total)
    return total


class Digests:
    """Tells every room its digest. Rooms where nothing is new to anybody are left in peace."""

    def __init__(self, hub: Hub, db: Database) -> None:
        self._hub = hub
        self._db = db

    async def tell_all(self) -> None:
        for room in self._hub.rooms():
            if room.is_digest_due and room.connections:
                try:
                    await self.tell(room)
                except CosessionError:
                    log.warning("a digest could not be read; it is due again with the next round")

    async def tell(self, room: Room) -> None:
        """One query. Nothing is said where what was read does not fit what was sent: the next round tries again."""
        for _ in range(ATTEMPTS):
            room.is_digest_due = True
            redactions = room.redactions
            after = max(0, room.head - COVERED)
            page = await self._db.read(
                lambda tx, after=after: session_log.read_after(tx, room.session_id, after, 2 * COVERED)
            )
            # An entry that is stored and not yet sent may have taken text out of one that everybody holds as it was.
            if page and page[-1].seq <= room.head and redactions == room.redactions:
                covered = page[-COVERED:]
                room.is_digest_due = not all(connection.is_live for connection in room.connections.values())
                checksum = crc32(entry.frame for entry in covered)
                self._hub.broadcast(room, Digest(from_seq=covered[0].seq, to_seq=covered[-1].seq, crc32=checksum))
                return
