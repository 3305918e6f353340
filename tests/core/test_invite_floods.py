"""Invites are no way to write to many strangers, or to one person again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import invites, sessions
from core.access import Actor
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.invites import Recipient
from core.invites.flooding import MOST_BY_ONE, MOST_TO_ONE, OF_LATE, WITHIN, TooManyInvites
from tests.core.conftest import person


async def invite(db: Database, actor: Actor, session_id: str, to: Recipient) -> None:
    await db.write(lambda tx: invites.create(tx, actor, session_id, "viewer", to=to))


async def test_one_person_invites_twenty_an_hour_over_all_sessions(db: Database, database_url: str) -> None:
    ann, ben = await person(db, "Ann"), await person(db, "Ben")
    one, two = [(await db.write(lambda tx, t=t: sessions.start(tx, ann, t))).id for t in ("One", "Two")]
    for number in range(MOST_BY_ONE):
        to = Recipient(email=f"{number}@example.com") if number % 2 else Recipient(realm="T1", external_id=f"U{number}")
        await invite(db, ann, one if number % 3 else two, to)
    with pytest.raises(TooManyInvites):
        await invite(db, ann, two, Recipient(user_id=ben.user_id))
    await db.write(lambda tx: invites.create(tx, ann, two, "viewer"))  # A link for all of them.
    later = Database(open_engine(database_url), lambda: system_clock() + WITHIN)
    later.start()
    try:
        await invite(later, ann, two, Recipient(user_id=ben.user_id))
    finally:
        await later.close()


@pytest.mark.parametrize(
    "to", [Recipient(email="Bob@Example.com"), Recipient(realm="T1", external_id="U1")], ids=["by mail", "in Slack"]
)
async def test_nobody_is_invited_again_and_again_whoever_invites_them(
    db: Database, database_url: str, to: Recipient
) -> None:
    hosts = [await person(db, f"Host{number}") for number in range(MOST_TO_ONE + 1)]
    started = [(await db.write(lambda tx, h=host: sessions.start(tx, h, "It"))).id for host in hosts]
    for host, session_id in zip(hosts[:-1], started, strict=False):
        await invite(db, host, session_id, to)
    with pytest.raises(TooManyInvites, match="Wait a day"):
        await invite(db, hosts[-1], started[-1], to)
    later = Database(open_engine(database_url), lambda: system_clock() + OF_LATE + timedelta(minutes=1))
    later.start()
    try:
        await invite(later, hosts[-1], started[-1], to)
    finally:
        await later.close()
