"""The outbox: a mail is stored with its cause, once, and settled once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from core import outbox, tables
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.errors import Conflict, Invalid


def mention(tx: Transaction, key: str = "ses_1:4", to: str = "bob@example.com") -> str:
    return outbox.enqueue(tx, "notification", to, {"heading": "Ann mentioned you"}, key=key, user_id="usr_bob")


async def rows(db: Database) -> list[tables.OutgoingMail]:
    return await db.read(lambda tx: list(tx.sql.exec(select(tables.OutgoingMail))))


async def test_a_cause_makes_one_mail_however_often_it_is_told_of(db: Database) -> None:
    ids = await asyncio.gather(*(db.write(mention) for _ in range(20)))
    assert len(set(ids)) == 1
    assert len(await rows(db)) == 1
    assert await db.write(lambda tx: mention(tx, "ses_1:5")) != ids[0], "another cause"
    assert await db.write(lambda tx: mention(tx, to="Ann@Example.com ")) != ids[0], "another person"
    assert {row.recipient for row in await rows(db)} == {"bob@example.com", "ann@example.com"}


async def test_a_cause_that_is_undone_leaves_no_mail(db: Database) -> None:
    def refused(tx: Transaction) -> None:
        mention(tx)
        raise Conflict("no")

    with pytest.raises(Conflict):
        await db.write(refused)
    assert await rows(db) == []


@pytest.mark.parametrize("address", ["", "bob", "bob@example.com\r\nBcc: all@example.com", "a@b, c@d", "Bob <b@c.de>"])
async def test_what_is_no_address_gets_no_mail(db: Database, address: str) -> None:
    with pytest.raises(Invalid):
        await db.write(lambda tx: mention(tx, to=address))


async def test_a_mail_that_was_sent_is_not_due_and_its_words_are_gone(db: Database) -> None:
    mail = await db.write(mention)
    begun = await db.write(lambda tx: outbox.begin(tx, mail))
    assert begun is not None
    assert begun.values == {"heading": "Ann mentioned you"}
    assert not begun.may_be_sent
    await db.write(lambda tx: outbox.sent(tx, mail))
    assert await db.read(outbox.due) == []
    assert await db.write(lambda tx: outbox.begin(tx, mail)) is None
    assert await db.write(mention) == mail, "the same cause, told of again"
    (row,) = await rows(db)
    assert (row.content, row.problem, row.settled_at is not None) == ({}, "", True)


async def test_an_attempt_that_broke_off_is_known_to_the_next(db: Database) -> None:
    mail = await db.write(mention)
    await db.write(lambda tx: outbox.begin(tx, mail))
    again = await db.write(lambda tx: outbox.begin(tx, mail))
    assert again is not None
    assert again.may_be_sent


async def test_a_mail_that_failed_waits_and_one_that_is_too_late_is_given_up(database_url: str, db: Database) -> None:
    mail = await db.write(mention)
    await db.write(lambda tx: outbox.begin(tx, mail))
    await db.write(lambda tx: outbox.postpone(tx, mail, 60, "busy"))
    assert await db.read(outbox.due) == []
    passed = timedelta(seconds=61)
    later = Database(open_engine(database_url), lambda: system_clock() + passed)
    later.start()
    try:
        (found,) = await later.read(outbox.due)
        assert (found.id, found.attempts, found.may_be_sent) == (mail, 1, False)
        passed = outbox.LIFETIME + timedelta(seconds=1)
        assert await later.write(lambda tx: outbox.begin(tx, mail)) is None
        assert (await later.read(outbox.backlog)).waiting == 0
        assert "too late: busy" in (await rows(db))[0].problem
        passed = outbox.LIFETIME + outbox.KEEP_SETTLED + timedelta(seconds=2)
        assert await later.write(outbox.prune) == 1
    finally:
        await later.close()


async def test_who_wants_no_mail_of_a_kind_gets_none_of_it_and_the_others(db: Database) -> None:
    bob = outbox.address_hash("bob@example.com")
    waiting = await db.write(mention)
    await db.write(lambda tx: outbox.stop(tx, bob, "notification", "unsubscribed"))
    assert await db.write(lambda tx: outbox.begin(tx, waiting)) is None, "the one that was waiting already"
    await db.write(lambda tx: mention(tx, "later"))
    assert len(await rows(db)) == 1
    await db.write(lambda tx: outbox.enqueue(tx, "digest", "bob@example.com", {}, key="week 1"))
    assert len(await db.read(outbox.due)) == 1
    assert await db.write(lambda tx: outbox.resume(tx, "Bob@example.com", "notification"))
    await db.write(lambda tx: mention(tx, "much later"))
    assert len(await db.read(outbox.due)) == 2


async def test_a_mailbox_that_does_not_exist_gets_nothing_for_a_while(database_url: str, db: Database) -> None:
    bob = outbox.address_hash("bob@example.com")
    await db.write(lambda tx: outbox.stop(tx, bob, outbox.ALL_KINDS, "refused", "550 no such user"))
    await db.write(mention)
    await db.write(lambda tx: outbox.enqueue(tx, "sign_in", "bob@example.com", {}, key="1"))
    assert await rows(db) == []
    later = Database(open_engine(database_url), lambda: system_clock() + outbox.REFUSED_FOR + timedelta(minutes=1))
    later.start()
    try:
        await later.write(mention)
        assert len(await later.read(outbox.due)) == 1
    finally:
        await later.close()


async def test_the_way_in_cannot_be_unsubscribed_from(db: Database) -> None:
    bob = outbox.address_hash("bob@example.com")
    await db.write(lambda tx: outbox.stop(tx, bob, "sign_in", "unsubscribed"))
    await db.write(lambda tx: outbox.enqueue(tx, "sign_in", "bob@example.com", {}, key="1"))
    assert len(await db.read(outbox.due)) == 1


async def test_a_mail_can_be_withdrawn_until_it_is_sent(db: Database) -> None:
    first, second = await db.write(mention), await db.write(lambda tx: mention(tx, "other"))
    assert await db.write(lambda tx: outbox.cancel(tx, first))
    await db.write(lambda tx: outbox.sent(tx, second))
    assert not await db.write(lambda tx: outbox.cancel(tx, second))
    assert await db.read(outbox.due) == []


async def test_what_was_kept_for_somebody_can_be_erased(db: Database) -> None:
    await db.write(mention)
    await db.write(lambda tx: outbox.enqueue(tx, "invite", "bob@example.com", {}, key="inv_1"))
    await db.write(lambda tx: mention(tx, to="carol@example.com"))
    assert await db.write(lambda tx: outbox.forget(tx, None, "bob@example.com")) == 2
    assert await db.write(lambda tx: outbox.forget(tx, "usr_bob", None)) == 1
    assert await rows(db) == []
