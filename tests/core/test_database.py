"""Group commit: durable before visible, one refusal harms nobody else, order of the log is order of the pokes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from core import accounts, chat, log, sessions
from core.clock import system_clock
from core.db import Appended, Database
from core.engines import open_engine
from core.errors import BodyEmpty, CosessionError, StorageUnavailable
from cosession.compose import ensure_epoch
from tests.core.conftest import indexed, person
from tests.support.schema import bring_up


async def test_a_tailing_reader_under_eight_writers_misses_nothing(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Busy"))
    seen: list[int] = []

    async def write(writer: int) -> None:
        for number in range(40):
            draft = chat.Draft(f"{writer}-{number}")
            await db.write(lambda tx, d=draft: chat.post_message(tx, alice, session.id, d))

    async def tail() -> None:
        while len(seen) < 2 + 8 * 40:
            page = await db.read(lambda tx: log.read_after(tx, session.id, seen[-1] if seen else 0, 50))
            seen.extend(entry.seq for entry in page)

    async with asyncio.timeout(60):
        await asyncio.gather(tail(), *(write(writer) for writer in range(8)))
    assert seen == list(range(1, 2 + 8 * 40 + 1))


async def test_pokes_come_after_the_commit_in_the_order_of_the_log(db: Database, database_url: str) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Ordered"))
    poked: list[int] = []
    on_disk: list[bool] = []

    def poke(appended: Sequence[Appended]) -> None:
        poked.extend(entry.seq for entry in appended)
        if database_url.startswith("sqlite"):
            with sqlite3.connect(database_url.removeprefix("sqlite:///")) as other:
                head = other.execute("select max(seq) from events").fetchone()[0]
            on_disk.append(head >= appended[-1].seq)

    db.on_commit(poke)
    drafts = [chat.Draft(str(number)) for number in range(100)]
    await asyncio.gather(
        *(db.write(lambda tx, d=draft: chat.post_message(tx, alice, session.id, d)) for draft in drafts)
    )
    assert poked == list(range(3, 103))
    assert all(on_disk)


async def test_a_refused_command_undoes_itself_and_spares_its_neighbours(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Mixed"))
    texts = ["one", "", "two", "   ", "three"]
    answers = await asyncio.gather(
        *(db.write(lambda tx, t=text: chat.post_message(tx, alice, session.id, chat.Draft(t))) for text in texts),
        return_exceptions=True,
    )
    assert [isinstance(answer, BodyEmpty) for answer in answers] == [False, True, False, True, False]
    page = await db.read(lambda tx: chat.history(tx, session.id, before=None, limit=10))
    assert [view.message.content for view in page] == ["one", "two", "three"]


async def test_a_bug_in_one_command_does_not_stop_the_writer(db: Database) -> None:
    alice = await person(db, "Alice")

    def buggy(_tx: object) -> None:
        raise ZeroDivisionError

    answers = await asyncio.gather(
        db.write(buggy), db.write(lambda tx: sessions.start(tx, alice, "Fine")), return_exceptions=True
    )
    assert isinstance(answers[0], ZeroDivisionError)
    assert not isinstance(answers[1], BaseException)
    with pytest.raises(ZeroDivisionError):
        await db.write(buggy)
    assert (await db.write(lambda tx: sessions.start(tx, alice, "Still fine"))).title == "Still fine"


async def test_one_key_in_many_groups_has_one_effect(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Once"))
    posted = await asyncio.gather(
        *(
            db.write(lambda tx: chat.post_message(tx, alice, session.id, chat.Draft("hi"), key="same"))
            for _ in range(30)
        )
    )
    assert len({answer.seq for answer in posted}) == 1
    assert sum(answer.is_new for answer in posted) == 1


async def test_starting_a_session_twice_with_one_key_starts_one(db: Database) -> None:
    alice = await person(db, "Alice")
    started = await asyncio.gather(
        *(db.write(lambda tx: sessions.start(tx, alice, "Once", key="trigger-1")) for _ in range(5))
    )
    assert len({session.id for session in started}) == 1


async def test_a_full_disk_is_said_and_forgotten_once_there_is_room(tmp_path: Path) -> None:
    """`max_page_count` makes SQLite answer SQLITE_FULL, as a full disk does."""
    url = f"sqlite:///{tmp_path}/small.db"
    await asyncio.to_thread(bring_up, url)
    engine = open_engine(url)
    db = Database(engine, system_clock)
    db.start()
    await db.write(ensure_epoch)
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Full"))
    post = chat.Draft("x" * 12_000)

    def limit_pages(pages: int) -> None:
        with sqlite3.connect(tmp_path / "small.db") as other:
            size = other.execute("pragma page_count").fetchone()[0]
        db_pages.append(size + pages)

    db_pages: list[int] = []
    limit_pages(4)
    await db.write(lambda tx: tx.sql.connection().exec_driver_sql(f"pragma max_page_count={db_pages[0]}"))
    answers = await asyncio.gather(
        *(db.write(lambda tx: chat.post_message(tx, alice, session.id, post)) for _ in range(20)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert refused
    assert all(isinstance(answer, StorageUnavailable) and answer.retryable for answer in refused)
    assert await db.read(lambda tx: log.head(tx, session.id)) >= 2
    await db.write(lambda tx: tx.sql.connection().exec_driver_sql("pragma max_page_count=1000000"))
    assert (await db.write(lambda tx: chat.post_message(tx, alice, session.id, post))).is_new
    entries = await db.read(lambda tx: log.read_after(tx, session.id, 0))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    await db.close()


async def test_of_many_accounts_with_one_address_one_is_made(db: Database) -> None:
    """Accounts with one address: of many at once, one is made."""
    answers = await asyncio.gather(
        *(db.write(lambda tx: accounts.add_user(tx, "ann@example.com", "Ann")) for _ in range(20)),
        return_exceptions=True,
    )
    made = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(made) == 1
    assert all(isinstance(answer, CosessionError) for answer in answers if answer not in made)


async def test_times_are_stored_one_way_by_whatever_path(db: Database, database_url: str) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Times"))
    await db.write(lambda tx: chat.post_message(tx, alice, session.id, chat.Draft("now")))
    await indexed(db)
    kind = "typeof(%s) || length(%s)" if database_url.startswith("sqlite") else "pg_typeof(%s)"
    columns = {"sessions": "created_at", "events": "at", "messages": "created_at", "search_entries": "at"}
    queries = [text(f"SELECT DISTINCT {kind.replace('%s', column)} FROM {table}") for table, column in columns.items()]
    found = await db.read(lambda tx: [tx.sql.connection().execute(query).scalars().all() for query in queries])
    assert len(found[0]) == 1
    assert all(kinds == found[0] for kinds in found)


async def test_who_comes_after_the_end_is_refused_and_does_not_wait(sqlite_url: str) -> None:
    await asyncio.to_thread(bring_up, sqlite_url)
    db = Database(open_engine(sqlite_url), system_clock)
    db.start()
    await db.close()
    with pytest.raises(StorageUnavailable):
        await db.write(lambda tx: tx.now)
