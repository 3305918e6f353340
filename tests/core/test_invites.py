"""Invites: looking never consumes, accepting is exact, nobody gives more than they hold."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import accounts, invites, sessions
from core.access import Actor, session_for
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.errors import (
    CosessionError,
    Invalid,
    InviteExpired,
    InviteNotFound,
    InviteRevoked,
    InviteUsedUp,
    NotAllowed,
    SessionNotFound,
)
from core.events import Role
from core.invites import Recipient
from tests.core.conftest import person


async def invite(db: Database, actor: Actor, session_id: str, role: Any = "editor", **how: Any) -> invites.Issued:
    return await db.write(lambda tx: invites.create(tx, actor, session_id, role, **how))


async def accept(db: Database, actor: Actor, secret: str) -> str:
    return (await db.write(lambda tx: invites.accept(tx, actor, secret))).session_id


async def test_looking_a_hundred_times_uses_nothing_up(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Look"))
    issued = await invite(db, alice, session.id)
    for _ in range(100):
        seen = await db.read(lambda tx: invites.look(tx, issued.secret))
        assert (seen.status, seen.title, seen.host_name) == ("live", "Look", "Alice")
    assert await accept(db, bob, issued.secret) == session.id


async def test_of_fifty_who_accept_a_single_use_invite_at_once_one_comes_in(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Race"))
    issued = await invite(db, alice, session.id)
    guests = [await person(db, f"Guest{number}") for number in range(50)]
    answers = await asyncio.gather(*(accept(db, guest, issued.secret) for guest in guests), return_exceptions=True)
    assert sum(answer == session.id for answer in answers) == 1
    assert sum(isinstance(answer, InviteUsedUp) for answer in answers) == 49


async def test_accepting_twice_is_accepting_once(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Twice"))
    issued = await invite(db, alice, session.id)
    assert await accept(db, bob, issued.secret) == await accept(db, bob, issued.secret) == session.id
    assert (await db.read(lambda tx: invites.look(tx, issued.secret, bob.user_id))).status == "accepted"
    members = await db.read(lambda tx: sessions.members(tx, session.id))
    assert [member.person.username for member in members] == ["Alice", "Bob"]


async def test_an_expired_or_withdrawn_invite_lets_nobody_in(database_url: str, db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Late"))
    expiring = await invite(db, alice, session.id, expires_in=timedelta(minutes=1))
    withdrawn = await invite(db, alice, session.id)
    await db.write(lambda tx: invites.revoke(tx, alice, withdrawn.invite.id))
    with pytest.raises(InviteRevoked):
        await accept(db, bob, withdrawn.secret)
    later = Database(open_engine(database_url), lambda: system_clock() + timedelta(minutes=2))
    later.start()
    try:
        with pytest.raises(InviteExpired):
            await accept(later, bob, expiring.secret)
        assert (await later.read(lambda tx: invites.look(tx, expiring.secret))).status == "expired"
    finally:
        await later.close()
    with pytest.raises(SessionNotFound):
        await db.read(lambda tx: session_for(tx, bob, session.id, "read", lock=False))


async def test_an_editor_cannot_make_a_host_and_a_viewer_cannot_invite(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Rights"))
    await accept(db, bob, (await invite(db, alice, session.id, "editor")).secret)
    await accept(db, carol, (await invite(db, alice, session.id, "viewer")).secret)
    assert (await invite(db, bob, session.id, "editor")).invite.role == "editor"
    with pytest.raises(NotAllowed):
        await invite(db, bob, session.id, "host")
    with pytest.raises(NotAllowed):
        await invite(db, carol, session.id, "viewer")


async def test_an_invite_for_an_address_is_for_its_holder(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Bound"))
    issued = await invite(db, alice, session.id, to=Recipient(email="Bob@Example.com"))
    with pytest.raises(NotAllowed):
        await accept(db, carol, issued.secret)
    assert await accept(db, bob, issued.secret) == session.id


async def test_withdrawing_an_invite_can_remove_whoever_came_by_it(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Eject"))
    shared = await invite(db, alice, session.id, max_uses=5)
    other = await invite(db, alice, session.id)
    await accept(db, bob, shared.secret)
    await accept(db, carol, other.secret)
    await db.write(lambda tx: invites.revoke(tx, alice, shared.invite.id, remove_people=True))
    members = await db.read(lambda tx: sessions.members(tx, session.id))
    assert [member.person.username for member in members] == ["Alice", "Carol"]


async def test_a_better_invite_lifts_and_a_lesser_one_does_not_lower(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Lift"))

    async def role_of_bob() -> Role:
        return (await db.read(lambda tx: session_for(tx, bob, session.id, "read", lock=False))).role

    for offered, held in (("viewer", "viewer"), ("editor", "editor"), ("viewer", "editor")):
        await accept(db, bob, (await invite(db, alice, session.id, offered)).secret)
        assert await role_of_bob() == held


@pytest.mark.parametrize(
    "how", [{"expires_in": timedelta(seconds=5)}, {"expires_in": timedelta(weeks=20)}, {"max_uses": 0}]
)
async def test_an_impossible_invite_is_refused_in_words(db: Database, how: dict[str, object]) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Odd"))
    with pytest.raises(Invalid):
        await invite(db, alice, session.id, **how)


async def test_a_wrong_secret_tells_nothing(db: Database) -> None:
    bob = await person(db, "Bob")
    for secret in ("", "x" * 43, "é" * 10):
        with pytest.raises(InviteNotFound):
            await accept(db, bob, secret)


async def test_no_secret_is_stored_in_the_clear(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Hashed"))
    issued = await invite(db, alice, session.id)
    link = await db.write(lambda tx: accounts.new_sign_in_link(tx, alice.user_id))
    login, _ = await db.write(lambda tx: accounts.open_login(tx, alice.user_id))
    for table in ("invites", "sign_in_links", "logins", "events"):
        rows = await db.read(lambda tx, t=table: tx.sql.connection().execute(text(f"select * from {t}")).all())
        assert rows
        assert not any(secret in str(row) for row in rows for secret in (issued.secret, link, login))


async def test_a_sign_in_link_signs_one_browser_in(db: Database) -> None:
    alice = await person(db, "Alice")
    link = await db.write(lambda tx: accounts.new_sign_in_link(tx, alice.user_id))
    answers = await asyncio.gather(
        *(db.write(lambda tx: accounts.use_sign_in_link(tx, link)) for _ in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(answer, CosessionError) for answer in answers) == 1
