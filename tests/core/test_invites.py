"""Invites: looking never consumes, accepting is exact, nobody gives more than they hold."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import accounts, erasing, identities, invites, log, outbox, sessions, tables
from core.access import Actor, session_for
from core.clock import system_clock
from core.db import Database, Transaction
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
    UserNotFound,
)
from core.events import Role
from core.invites import MAX_WAITING, Recipient
from core.invites.rules import DoorCrowded
from tests.core.conftest import person


async def invite(db: Database, actor: Actor, session_id: str, role: Any = "editor", **how: Any) -> invites.Issued:
    return await db.write(lambda tx: invites.create(tx, actor, session_id, role, **how))


def stranger(tx: Transaction, name: str) -> Actor:
    return accounts.actor_for(accounts.add_user(tx, None, name), "web")


async def kinds_of(db: Database, session_id: str) -> list[str]:
    return [entry.type for entry in await db.read(lambda tx: log.read_after(tx, session_id, 0))]


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


@pytest.mark.parametrize("uses", [1, 7])
async def test_of_a_hundred_who_accept_at_once_exactly_as_many_come_in_as_may(db: Database, uses: int) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Race"))
    issued = await invite(db, alice, session.id, max_uses=uses)
    guests = await db.write(lambda tx: [stranger(tx, f"Guest{number}") for number in range(100)])
    answers = await asyncio.gather(*(accept(db, guest, issued.secret) for guest in guests), return_exceptions=True)
    assert sum(answer == session.id for answer in answers) == uses
    assert sum(isinstance(answer, InviteUsedUp) for answer in answers) == 100 - uses
    members = await db.read(lambda tx: sessions.members(tx, session.id))
    assert len(members) == uses + 1


async def test_one_person_who_accepts_a_hundred_times_at_once_comes_in_once(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Impatient"))
    issued = await invite(db, alice, session.id, max_uses=5)
    answers = await asyncio.gather(*(accept(db, bob, issued.secret) for _ in range(100)))
    assert set(answers) == {session.id}
    kinds = await kinds_of(db, session.id)
    assert kinds.count("invite_accepted") == 1
    assert (await db.read(lambda tx: invites.of_session(tx, alice, session.id)))[0].invite.use_count == 1


async def test_of_two_processes_that_admit_the_last_guest_at_once_one_does(database_url: str, db: Database) -> None:
    """Two writers on Postgres; on SQLite there is only one, which takes them in turn."""
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Two doors"))
    issued = await invite(db, alice, session.id)
    guests = await db.write(lambda tx: [stranger(tx, f"Guest{number}") for number in range(20)])
    other = db
    if database_url.startswith("postgres"):
        other = Database(open_engine(database_url), system_clock)
        other.start()
    try:
        answers = await asyncio.gather(
            *(accept((db, other)[number % 2], guest, issued.secret) for number, guest in enumerate(guests)),
            return_exceptions=True,
        )
    finally:
        if other is not db:
            await other.close()
    assert sum(answer == session.id for answer in answers) == 1
    assert sum(isinstance(answer, InviteUsedUp) for answer in answers) == 19


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


async def test_whoever_knocks_holds_no_use_until_a_host_lets_them_in(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Knock"))
    issued = await invite(db, alice, session.id, needs_approval=True)
    for guest in (bob, carol, bob):
        assert (await db.write(lambda tx, g=guest: invites.accept(tx, g, issued.secret))).outcome == "waiting"
    waiting = await db.read(lambda tx: invites.at_the_door(tx, alice, session.id))
    assert [one.person.username for one in waiting] == ["Bob", "Carol"]
    assert (await kinds_of(db, session.id)).count("knocked") == 2
    with pytest.raises(SessionNotFound):
        await db.read(lambda tx: session_for(tx, bob, session.id, "read", lock=False))
    await db.write(lambda tx: invites.answer_knock(tx, alice, session.id, bob.user_id, is_admitted=True))
    assert (await db.read(lambda tx: session_for(tx, bob, session.id, "read", lock=False))).role == "editor"
    # The one use is gone: whoever else waits has nothing to wait for.
    assert await db.read(lambda tx: invites.at_the_door(tx, alice, session.id)) == []
    with pytest.raises(InviteUsedUp):
        await db.write(lambda tx: invites.answer_knock(tx, alice, session.id, carol.user_id, is_admitted=True))


async def test_whoever_is_not_let_in_comes_in_by_another_invite_only(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "No"))
    issued = await invite(db, alice, session.id, needs_approval=True, max_uses=5)
    await accept(db, bob, issued.secret)
    await db.write(lambda tx: invites.answer_knock(tx, alice, session.id, bob.user_id, is_admitted=False))
    assert (await db.read(lambda tx: invites.look(tx, issued.secret, bob.user_id))).status == "refused"
    with pytest.raises(NotAllowed):
        await accept(db, bob, issued.secret)
    other = await invite(db, alice, session.id, needs_approval=True)
    assert (await db.write(lambda tx: invites.accept(tx, bob, other.secret))).outcome == "waiting"


async def test_a_door_takes_so_many_who_wait_and_no_more(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Crowd"))
    issued = await invite(db, alice, session.id, needs_approval=True)
    guests = await db.write(lambda tx: [stranger(tx, f"Guest{number}") for number in range(MAX_WAITING + 1)])
    for guest in guests[:-1]:
        await accept(db, guest, issued.secret)
    with pytest.raises(DoorCrowded):
        await accept(db, guests[-1], issued.secret)


async def test_the_log_tells_once_that_an_invite_has_expired_and_never_of_one_that_is_over(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Expiry"))
    used, withdrawn, lapsed, lasting = [await invite(db, alice, session.id) for _ in range(4)]
    await accept(db, bob, used.secret)
    await db.write(lambda tx: invites.revoke(tx, alice, withdrawn.invite.id))

    def age(tx: Transaction) -> None:
        for one in (used, withdrawn, lapsed):
            row = tx.sql.get(tables.Invite, one.invite.id)
            assert row is not None
            row.expires_at = tx.now - timedelta(seconds=1)
            tx.sql.add(row)

    await db.write(age)
    assert [await db.write(invites.expire) for _ in range(3)] == [1, 0, 0]
    expired = [e.event() for e in await db.read(lambda tx: log.read_after(tx, session.id, 0)) if "expired" in e.type]
    assert [event.invite_id for event in expired if event.type == "invite_expired"] == [lapsed.invite.id]
    listed = await db.read(lambda tx: invites.of_session(tx, alice, session.id))
    assert {one.invite.id for one in listed if one.status == "live"} == {lasting.invite.id}


async def test_whoever_was_in_before_is_not_removed_with_an_invite_that_only_lifted_them(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Lifted"))
    await accept(db, bob, (await invite(db, alice, session.id, "viewer")).secret)
    shared = await invite(db, alice, session.id, "editor", max_uses=5)
    await accept(db, bob, shared.secret)
    await accept(db, carol, shared.secret)
    assert await db.write(lambda tx: invites.revoke(tx, alice, shared.invite.id, remove_people=True)) == 1
    members = await db.read(lambda tx: sessions.members(tx, session.id))
    assert [(member.person.username, member.role) for member in members] == [("Alice", "host"), ("Bob", "editor")]


async def test_a_host_who_tries_their_own_link_does_not_use_it_up(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Mine"))
    issued = await invite(db, alice, session.id)
    assert await accept(db, alice, issued.secret) == session.id
    assert await accept(db, bob, issued.secret) == session.id


async def test_invites_that_are_made_out_to_somebody_are_theirs_to_find(db: Database) -> None:
    alice, bob, carol = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "For you"))
    by_address = await invite(db, alice, session.id, to=Recipient(email="bob@example.com"))
    by_account = await invite(db, alice, session.id, "viewer", to=Recipient(user_id=bob.user_id))
    await invite(db, alice, session.id)
    found = await db.read(lambda tx: invites.mine(tx, bob))
    assert {one.invite.id for one in found} == {by_address.invite.id, by_account.invite.id}
    assert await db.read(lambda tx: invites.mine(tx, carol)) == []
    await db.write(lambda tx: invites.decline(tx, bob, by_account.invite.id))
    await accept(db, bob, by_address.invite.id)
    assert await db.read(lambda tx: invites.mine(tx, bob)) == []


async def test_an_invite_for_an_address_is_mailed_without_a_secret_and_not_after_it_was_withdrawn(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "By mail"))
    issued = await invite(db, alice, session.id, "viewer", to=Recipient(email="Zoe@Example.com"), needs_approval=True)
    [mail] = await db.read(outbox.due)
    assert (mail.kind, mail.recipient, mail.expires_at) == ("invite", "zoe@example.com", issued.invite.expires_at)
    assert mail.values["invite_id"] == issued.invite.id
    assert issued.secret not in str(mail)
    await db.write(lambda tx: invites.revoke(tx, alice, issued.invite.id))
    assert await db.read(outbox.due) == []


async def test_what_invites_know_of_somebody_goes_with_them_and_leaves_no_open_door(db: Database) -> None:
    alice, bob, eve = [await person(db, name) for name in ("Alice", "Bob", "Eve")]
    session = await db.write(lambda tx: sessions.start(tx, alice, "Erased"))
    await db.write(lambda tx: identities.link(tx, bob.user_id, "slack", "T1", "UBOB"))
    slack = Recipient(realm="T1", external_id="UBOB", name="Bob in Slack")
    made = [
        await invite(db, alice, session.id, to=to)
        for to in (Recipient(email="bob@example.com"), Recipient(user_id=bob.user_id), slack)
    ]
    door = await invite(db, alice, session.id, needs_approval=True)
    await accept(db, bob, door.secret)
    # Letters that stand in Slack are kept, so that they can be edited; those that do not are dropped.
    [letter] = await db.read(invites.letters.due)
    await db.write(lambda tx: invites.letters.intend(tx, letter, "D1"))
    await db.write(lambda tx: invites.letters.delivered(tx, letter, "1.1"))
    await db.write(lambda tx: erasing.erase_account(tx, bob.user_id))
    for one in made:
        with pytest.raises(InviteRevoked):
            await accept(db, eve, one.secret)
    for table in ("invites", "invite_letters", "knocks", "outgoing_mails"):
        rows = await db.read(lambda tx, t=table: tx.sql.connection().execute(text(f"select * from {t}")).all())
        assert not any(word in str(rows) for word in ("bob@example.com", "UBOB", "Bob in Slack")), table
    [letter] = await db.read(invites.letters.due)
    assert (letter.state, letter.ts) == ("revoked", "1.1")
    assert await db.read(lambda tx: invites.at_the_door(tx, alice, session.id)) == []
    assert (await kinds_of(db, session.id)).count("invite_revoked") == 3


async def test_an_invite_for_one_person_is_for_one_use(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    session = await db.write(lambda tx: sessions.start(tx, alice, "One"))
    for to in (Recipient(email="bob@example.com"), Recipient(user_id=bob.user_id)):
        with pytest.raises(Invalid):
            await invite(db, alice, session.id, to=to, max_uses=2)
    for nobody in (Recipient(email="bob@"), Recipient(user_id=alice.user_id)):
        with pytest.raises(Invalid):
            await invite(db, alice, session.id, to=nobody)
    with pytest.raises(UserNotFound):
        await invite(db, alice, session.id, to=Recipient(user_id="usr_" + "a" * 26))


async def test_a_sign_in_link_signs_one_browser_in(db: Database) -> None:
    alice = await person(db, "Alice")
    link = await db.write(lambda tx: accounts.new_sign_in_link(tx, alice.user_id))
    answers = await asyncio.gather(
        *(db.write(lambda tx: accounts.use_sign_in_link(tx, link)) for _ in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(answer, CosessionError) for answer in answers) == 1
