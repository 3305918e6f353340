"""Makes every digest whose time has come. Each is read first and then stored together with its mail, once."""

from __future__ import annotations

from core import digests
from core.db import Database
from core.digests import Due, Told


async def make_digests(db: Database) -> int:
    """Returns how many mails that were. Several may do this at once: each digest is made by one of them."""
    made = 0
    for one in await db.read(digests.due):
        told = await db.read(
            lambda tx, due=one: digests.compile_digest(tx, due.user_id, due.covers_from, due.covers_to, due.title)
        )
        made += await _make(db, one, told)
    return made


async def _make(db: Database, one: Due, told: Told | None) -> int:
    return int(await db.write(lambda tx: digests.make(tx, one, told)) and told is not None)
