"""A mirror that was given up goes on from where it stopped, when a host says so."""

from __future__ import annotations

import pytest

from core import mirrors, sessions, tables
from core.access import Actor
from core.db import Database
from core.errors import CosessionError
from core.leases import LeaseLost
from tests.core.conftest import person


async def given_up(db: Database, host: Actor) -> tuple[str, mirrors.Lease]:
    """A session whose thread is gone, and the lease under which that was found."""
    sid = await db.write(lambda tx: sessions.start(tx, host, "Fix the login").id)
    await db.write(lambda tx: mirrors.open_mirror(tx, sid, realm="T1", channel="C1"))
    lease = await db.write(lambda tx: mirrors.take(tx, sid, "one", 30))
    assert lease is not None
    await db.write(lambda tx: mirrors.opened(tx, lease, "1.0", url="https://slack.example/1", card_hash="x"))
    await db.write(lambda tx: mirrors.advance(tx, lease, cursor=1, progress=("1.5", 1)))
    await db.write(lambda tx: mirrors.pause(tx, lease, "The Slack thread was deleted."))
    return sid, lease


async def row(db: Database, sid: str) -> tables.Mirror:
    found = await db.read(lambda tx: tx.sql.get(tables.Mirror, sid))
    assert found is not None
    return found


@pytest.mark.parametrize(("is_there", "status", "root"), [(True, "live", "1.0"), (False, "opening", None)])
async def test_a_paused_mirror_goes_on_from_its_cursor_once(
    db: Database, is_there: bool, status: str, root: str | None
) -> None:
    host = await person(db, "Alice")
    sid, old = await given_up(db, host)
    assert await db.read(mirrors.open_ones) == []
    assert await db.write(lambda tx: mirrors.resume(tx, host, sid, is_thread_there=is_there))
    assert not await db.write(lambda tx: mirrors.resume(tx, host, sid, is_thread_there=is_there))
    found = await row(db, sid)
    assert (found.status, found.root, found.cursor, found.status_reason) == (status, root, 1, "")
    assert found.progress_ts == ("1.5" if is_there else None)
    assert [(one.session_id, one.is_due) for one in await db.read(mirrors.open_ones)] == [(sid, True)]
    with pytest.raises(LeaseLost):
        await db.write(lambda tx: mirrors.held(tx, old))


async def test_whoever_is_no_host_cannot_resume_it(db: Database) -> None:
    host, mallory = await person(db, "Alice"), await person(db, "Mallory")
    sid, _ = await given_up(db, host)
    with pytest.raises(CosessionError):
        await db.write(lambda tx: mirrors.resume(tx, mallory, sid, is_thread_there=True))
    assert (await row(db, sid)).status == "paused"
