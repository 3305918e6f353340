"""The audit tells who was let in, linked, promoted, removed and erased; nobody can change it, and it names nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import accounts, audit, chat, erasing, identities, invites, sessions
from core.access import Actor
from core.db import Database, Transaction
from core.errors import CosessionError
from tests.core.conftest import person

pytestmark = pytest.mark.usefixtures("anyio_backend")


async def told(db: Database, user: Actor | None = None) -> list[tuple[str, str | None]]:
    def read(tx: Transaction) -> list[audit.Entry]:
        return audit.since(tx, tx.now - timedelta(days=1), user.user_id if user is not None else None)

    return [(entry.act, entry.user_id) for entry in await db.read(read)]


async def test_what_is_done_to_an_account_is_told_in_order(ticking_db: Database) -> None:
    db = ticking_db
    ann, ben = await person(db, "Ann"), await person(db, "Ben")
    await db.write(lambda tx: accounts.open_login(tx, ben.user_id))
    await db.write(lambda tx: identities.link(tx, ben.user_id, "slack", "T1", "U1"))
    await db.write(lambda tx: identities.link(tx, ben.user_id, "slack", "T1", "U1"))  # again: nothing new
    await db.write(lambda tx: identities.unlink(tx, ben.user_id, "slack"))
    await db.write(lambda tx: erasing.export(tx, ben.user_id))
    await db.write(lambda tx: erasing.deactivate(tx, ben.user_id))
    await db.write(lambda tx: erasing.reactivate(tx, ben.user_id))
    acts = [
        "account_added",
        "signed_in",
        "identity_linked",
        "identity_unlinked",
        "account_exported",
        "signed_out_everywhere",
        "account_deactivated",
        "account_reactivated",
    ]
    assert await told(db, ben) == [(act, ben.user_id) for act in acts]
    assert (await told(db))[0] == ("account_added", ann.user_id)


async def test_roles_invites_and_deletions_are_told_from_the_sessions(ticking_db: Database) -> None:
    db = ticking_db
    ann, ben = await person(db, "Ann"), await person(db, "Ben")
    session_id = (await db.write(lambda tx: sessions.start(tx, ann, "Fix the login bug"))).id
    made = await db.write(lambda tx: invites.create(tx, ann, session_id, "editor"))
    await db.write(lambda tx: invites.accept(tx, ben, made.secret))
    await db.write(lambda tx: sessions.change_role(tx, ann, session_id, ben.user_id, "viewer"))
    said = await db.write(lambda tx: chat.post_message(tx, ann, session_id, chat.Draft("a secret plan"), key="k"))
    await db.write(lambda tx: chat.delete_message(tx, ann, session_id, said.message_id))
    await db.write(lambda tx: sessions.remove(tx, ann, session_id, ben.user_id))
    entries = await db.read(lambda tx: audit.since(tx, tx.now - timedelta(days=1)))
    in_session = [entry for entry in entries if entry.session_id == session_id]
    assert [entry.act for entry in in_session] == [
        "session_started",
        "participant_added",
        "invite_created",
        "invite_accepted",
        "participant_added",
        "role_changed",
        "message_deleted",
        "participant_removed",
    ]
    [changed] = [entry for entry in in_session if entry.act == "role_changed"]
    assert changed.line() | {"at": ""} == {
        "at": "",
        "act": "role_changed",
        "user_id": ann.user_id,
        "session_id": session_id,
        "about_user_id": ben.user_id,
        "role": "viewer",
    }
    everything = repr([entry.line() for entry in entries])
    assert not [word for word in ("secret plan", "Ann", "Ben", "login bug", made.secret) if word in everything]


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET act = 'x'", "DELETE FROM audit_entries"])
async def test_the_database_lets_nobody_change_it(db: Database, statement: str) -> None:
    await person(db, "Ann")
    before = await told(db)
    with pytest.raises((DBAPIError, CosessionError)):
        await db.write(lambda tx: tx.sql.connection().execute(text(statement)))
    assert await told(db) == before != []


async def test_an_erased_person_is_an_id_in_it_and_nothing_else(ticking_db: Database) -> None:
    db = ticking_db
    await person(db, "Ann")
    ben = await person(db, "Ben")
    await db.write(lambda tx: identities.link(tx, ben.user_id, "slack", "T1", "U0BENSID"))
    await db.write(lambda tx: erasing.erase_account(tx, ben.user_id))
    lines = repr([entry.line() for entry in await db.read(lambda tx: audit.since(tx, tx.now - timedelta(days=1)))])
    assert "account_erased" in lines
    assert not [word for word in ("Ben", "ben@", "U0BENSID") if word in lines]
