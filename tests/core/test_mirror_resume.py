"""A mirror that was given up goes on in a new thread, when a host says so; and how it stands is known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import chat, log, mirror_lag, mirrors, sessions, tables
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Transaction
from core.errors import CosessionError
from core.leases import LeaseLost
from core.mirror_lag import State
from tests.core.conftest import opened, person


async def mirrored(db: Database, host: Actor, channel: str = "C1") -> tuple[str, mirrors.Lease]:
    """A session with a thread, and a lease on it."""
    sid = await db.write(lambda tx: sessions.start(tx, host, "Fix the login").id)
    await db.write(lambda tx: mirrors.open_mirror(tx, sid, realm="T1", channel=channel, channel_name=channel.lower()))
    lease = await db.write(lambda tx: mirrors.take(tx, sid, "one", 30))
    assert lease is not None
    await db.write(lambda tx: mirrors.opened(tx, lease, "1.0", url="https://slack.example/1", card_hash="x"))
    return sid, lease


async def given_up(db: Database, host: Actor) -> tuple[str, mirrors.Lease]:
    """A session whose thread is gone, and the lease under which that was found."""
    sid, lease = await mirrored(db, host)

    def posts(tx: Transaction) -> None:
        row = tx.sql.get(tables.Mirror, sid)
        assert row is not None
        mirrors.link(tx, row, "1.1", "msg_ours", "session")
        mirrors.link(tx, row, "1.2", "msg_theirs", "thread")
        mirrors.advance(tx, lease, cursor=1, progress=("1.5", 1))

    await db.write(posts)
    await db.write(lambda tx: mirrors.pause(tx, lease, "The Slack thread was deleted."))
    return sid, lease


async def row(db: Database, sid: str) -> tables.Mirror:
    found = await db.read(lambda tx: tx.sql.get(tables.Mirror, sid))
    assert found is not None
    return found


async def events(db: Database, sid: str) -> list[str]:
    return [entry.type for entry in await db.read(lambda tx: log.read_after(tx, sid, 0, 100))]


async def state_of(db: Database, sid: str) -> State:
    return (await db.read(lambda tx: mirror_lag.states(tx, [sid])))[sid]


async def test_a_paused_mirror_begins_anew_once_and_the_log_says_so(db: Database) -> None:
    host = await person(db, "Alice")
    sid, old = await given_up(db, host)
    assert await db.read(mirrors.open_ones) == []
    assert await db.write(lambda tx: mirrors.resume(tx, host, sid))
    assert not await db.write(lambda tx: mirrors.resume(tx, host, sid)), "it is at work already"
    found = await row(db, sid)
    said = await events(db, sid)
    assert said.count("mirror_resumed") == 1
    assert (found.status, found.root, found.status_reason, found.round) == ("opening", None, "", 1)
    assert found.cursor == len(said), "what was said before is not copied"
    assert found.progress_ts is None
    assert [(one.session_id, one.is_due) for one in await db.read(mirrors.open_ones)] == [(sid, True)]
    with pytest.raises(LeaseLost):
        await db.write(lambda tx: mirrors.held(tx, old))


async def test_of_the_old_thread_only_our_own_posts_in_the_same_channel_are_known(db: Database) -> None:
    host = await person(db, "Alice")
    sid, _ = await given_up(db, host)
    await mirrored(db, host, "C2")
    await db.write(lambda tx: mirrors.resume(tx, host, sid))
    assert await db.read(lambda tx: mirrors.linked(tx, sid, ["msg_ours", "msg_theirs"])) == {"msg_ours"}
    lease = await db.write(lambda tx: mirrors.take(tx, sid, "two", 30))
    assert lease is not None
    await db.write(lambda tx: mirrors.pause(tx, lease, "The Slack channel was archived."))
    assert await db.write(lambda tx: mirrors.resume(tx, host, sid, "C2"))
    assert await db.read(lambda tx: mirrors.linked(tx, sid, ["msg_ours", "msg_theirs"])) == frozenset()
    assert (await row(db, sid)).channel == "C2"


async def test_it_goes_on_in_no_channel_that_the_host_sees_nothing_of(db: Database) -> None:
    host, other = await person(db, "Alice"), await person(db, "Bob")
    sid, _ = await given_up(db, host)
    await mirrored(db, other, "C3")
    for channel in ("C3", "C4"):
        with pytest.raises(mirrors.ThreadNotLinked):
            await db.write(lambda tx, channel=channel: mirrors.resume(tx, host, sid, channel))
    assert (await row(db, sid)).status == "paused"


async def test_whoever_is_no_host_cannot_resume_it(db: Database) -> None:
    host, mallory = await person(db, "Alice"), await person(db, "Mallory")
    sid, _ = await given_up(db, host)
    with pytest.raises(CosessionError):
        await db.write(lambda tx: mirrors.resume(tx, mallory, sid))
    assert (await row(db, sid)).status == "paused"
    assert await db.write(lambda tx: mirrors.resume(tx, host, sid))


async def test_it_is_known_how_far_a_thread_is_behind_and_why_it_is_paused(database_url: str) -> None:
    passed = [timedelta()]
    async with opened(database_url, lambda: system_clock() + passed[0]) as db:
        host = await person(db, "Alice")
        sid, lease = await mirrored(db, host)
        head = len(await events(db, sid))
        await db.write(lambda tx: mirrors.advance(tx, lease, cursor=head))
        passed[0] += timedelta(seconds=100)
        assert (await state_of(db, sid)).behind_s == 0, "nothing is lacking, however long ago it was said"
        await db.write(lambda tx: chat.post_message(tx, host, sid, chat.Draft("hello"), key="key-0001"))
        passed[0] += timedelta(seconds=40)
        late = await state_of(db, sid)
        assert (late.status, late.url, late.reason) == ("live", "https://slack.example/1", "")
        assert 40 <= late.behind_s < 100
        await db.write(lambda tx: mirrors.pause(tx, lease, "The Slack thread was deleted."))
        paused = await state_of(db, sid)
        assert (paused.status, paused.behind_s, paused.reason) == ("paused", 0, "The Slack thread was deleted.")
