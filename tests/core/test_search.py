"""The two engines find the same, and what a plain reading of every text finds; what is deleted is gone."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from core import chat, indexing, search, sessions, tables
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine, sqlite_writer
from core.indexer import behind, catch_up
from core.migrations import HERE, upgrade
from core.words import matches, snippet, terms_of, words_of
from cosession.compose import ensure_epoch
from tests.core.conftest import indexed, person
from tests.support.schema import bring_up

VOCABULARY = [
    "app", "apple", "App", "src/app.py", "café", "CAFE\u0301", "naïve", "straße", "STRASSE", "ﬁle", "file", "日本語",
    "日本", "テスト", "snake_case", "snake", "case", "a", "ab", "abc", "x1", "1", "12", "¹²", "don't", "İstanbul",
    "नमस्ते", "สวัสดี", "한국어", "🎉", "…", "AND", "or", "NOT", "near", "ǅ", "ℌello", "ÅÅ", "foo-bar", "foo", "bar",
    "b" * 70, "b" * 80,
]  # fmt: skip


def a_text(dice: random.Random, most: int) -> str:
    return dice.choice([" ", "  ", "\n", ", ", "/"]).join(dice.choices(VOCABULARY, k=dice.randint(1, most)))


def a_query(dice: random.Random) -> str:
    pieces: list[str] = []
    for _ in range(dice.randint(1, 3)):
        word = " ".join(dice.choices(VOCABULARY, k=dice.randint(1, 2)))
        word = word[: dice.randint(1, len(word))] if dice.random() < 0.3 else word
        pieces.append(dice.choice([word, f'"{word}"', f"{word}*", word.upper()]))
    return " ".join(pieces) + dice.choice(["", '"', " *", " ("])


@pytest.mark.parametrize("seed", range(3))
async def test_the_index_finds_what_reading_every_text_finds(db: Database, seed: int) -> None:
    dice = random.Random(seed)
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Zzz"))
    stand: dict[int, str] = {}
    posted: list[chat.Posted] = []
    for _ in range(60):
        draft = chat.Draft(a_text(dice, 6))
        posted.append(await db.write(lambda tx, d=draft: chat.post_message(tx, alice, session.id, d)))
        stand[posted[-1].seq] = draft.content
        if dice.random() < 0.1:
            await indexed(db)
    for entry in dice.sample(posted, 20):
        other = a_text(dice, 6)
        await db.write(lambda tx, e=entry, o=other: chat.edit_message(tx, alice, session.id, e.message_id, o))
        stand[entry.seq] = other
    for entry in dice.sample(posted, 10):
        await db.write(lambda tx, e=entry: chat.delete_message(tx, alice, session.id, e.message_id))
        del stand[entry.seq]
        if dice.random() < 0.2:
            await indexed(db)
    await indexed(db)
    found_any = 0
    for _ in range(150):
        query = a_query(dice)
        terms = terms_of(query)
        if not terms:
            continue
        expected = sorted((seq for seq, content in stand.items() if matches(content, terms)), reverse=True)
        here, everywhere = await db.read(lambda tx, q=query: both(tx, alice, session.id, q))
        assert here == expected, query
        assert everywhere == expected, query
        found_any += bool(expected)
    assert found_any > 30


def both(tx: Transaction, actor: Actor, session_id: str, query: str) -> tuple[list[int], list[int]]:
    here = search.in_session(tx, actor, session_id, query, before=None, limit=100)
    everywhere = search.everywhere(tx, actor, query, before=None, limit=100)
    return [hit.seq for hit in here.hits], [hit.seq for hit in everywhere.hits]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Café", ["the", "cafe"]),
        ("src/app.py:42", ["src", "app", "py", "42"]),
        ("snake_case", ["snake_case"]),
        ("Straße ﬁn ℌ", ["strasse", "fin", "h"]),
        ("日本 go", ["日", "本", "go"]),
        ("🎉 … --", []),
        ("y" * 100, ["y" * 64]),
    ],
)
def test_words_are_runs_of_letters_digits_and_underscores_without_case_or_accents(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_text_is_folded_alike_whether_it_is_plain_ascii_or_not() -> None:
    text = "".join(map(chr, range(1, 128)))
    assert words_of(f"{text} é") == [*words_of(text), "e"]


def test_a_snippet_is_the_text_around_the_first_match_and_nothing_else() -> None:
    text = "before " * 60 + "the needle in <b>it</b> " + "after " * 60
    pieces = snippet(text, terms_of("needle"))
    shown = "".join(piece.text for piece in pieces)
    assert [piece.text for piece in pieces if piece.is_match] == ["needle"]
    assert shown.strip("…") in text
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) <= 200
    assert "<b>it</b>" in shown


def test_a_snippet_of_any_text_for_any_query_marks_whole_words_of_the_text() -> None:
    dice = random.Random(7)
    for _ in range(300):
        text, terms = a_text(dice, 40), terms_of(a_query(dice))
        text = text.replace("…", "")
        pieces = snippet(text, terms)
        assert "".join(piece.text for piece in pieces).strip("…") in " ".join(re.split(r"\s+", text))
        if terms and matches(text, terms):
            assert any(piece.is_match for piece in pieces), (text, terms)


async def test_a_team_s_sessions_are_found_by_its_members_until_they_are_removed(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")

    def team(tx: Transaction) -> None:
        tx.sql.add(tables.Team(id="tem_1", name="Team", created_at=tx.now))
        tx.sql.flush()
        for user_id in (alice.user_id, bob.user_id):
            tx.sql.add(tables.TeamMember(team_id="tem_1", user_id=user_id))

    await db.write(team)
    session = await db.write(lambda tx: sessions.start(tx, alice, "Findable", team_id="tem_1", team_role="viewer"))
    private = await db.write(lambda tx: sessions.start(tx, alice, "Findable, private"))
    await indexed(db)
    for who, expected in ((alice, [private.id, session.id]), (bob, [session.id])):
        page = await db.read(lambda tx, w=who: search.everywhere(tx, w, "findable", before=None, limit=10))
        assert [hit.session_id for hit in page.hits] == expected
    await db.write(lambda tx: sessions.remove(tx, bob, session.id, bob.user_id))
    page = await db.read(lambda tx: search.everywhere(tx, bob, "findable", before=None, limit=10))
    assert page.hits == []


def file_holds(url: str, word: bytes) -> int:
    """How often, in SQLite's file and its write-ahead log, after everything in that was moved to the file."""
    path = Path(url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return sum(Path(f"{path}{suffix}").read_bytes().count(word) for suffix in ("", "-wal"))


async def sqlite(url: str) -> Database:
    await asyncio.to_thread(bring_up, url)
    db = Database(open_engine(url), system_clock)
    db.start()
    await db.write(ensure_epoch)
    return db


async def test_many_deleted_texts_leave_not_one_byte_in_the_file(sqlite_url: str) -> None:
    db = await sqlite(sqlite_url)
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Secrets"))
    dice = random.Random(3)
    posted: list[chat.Posted] = []
    for number in range(400):
        noise = "".join(dice.choices("abcdefgh ", k=dice.choice([40, 400, 5_000 if number % 40 == 0 else 90])))
        secret = f"zq{dice.randrange(10**6)}canary{number} " if number % 4 == 0 else ""
        draft = chat.Draft(f"{noise} {secret}{noise}")
        entry = await db.write(lambda tx, d=draft: chat.post_message(tx, alice, session.id, d))
        if secret:
            posted.append(entry)
    await indexed(db)
    assert await asyncio.to_thread(file_holds, sqlite_url, b"canary") > 100
    for entry in posted:
        await db.write(lambda tx, e=entry: chat.delete_message(tx, alice, session.id, e.message_id))
    assert await db.write(lambda tx: indexing.tidy(tx.sql.connection()))
    assert await asyncio.to_thread(file_holds, sqlite_url, b"canary") == 0
    assert (await db.read(lambda tx: search.everywhere(tx, alice, "zq*", before=None, limit=10))).hits == []
    await db.close()


async def test_a_large_index_is_tidied_in_steps_and_is_clean_in_the_end(sqlite_url: str) -> None:
    db = await sqlite(sqlite_url)
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Large"))
    dice = random.Random(5)
    secret = await db.write(lambda tx: chat.post_message(tx, alice, session.id, chat.Draft("one zqcanary here")))

    def fill(tx: Transaction) -> None:
        for _ in range(250):
            words = " ".join(f"{dice.randrange(10**9):x}" for _ in range(1_000))
            chat.post_message(tx, alice, session.id, chat.Draft(words))

    await db.write(fill)
    await indexed(db)
    await db.write(lambda tx: chat.delete_message(tx, alice, session.id, secret.message_id))
    assert await asyncio.to_thread(file_holds, sqlite_url, b"zqcanary") > 0, "or the index is not large enough"
    is_clean, rounds = False, 0
    while not is_clean:
        is_clean = await db.write(lambda tx: indexing.tidy(tx.sql.connection(), steps=1))
        rounds += 1
        assert rounds < 100
    assert rounds > 1, "the deletion itself had left something to do"
    assert await asyncio.to_thread(file_holds, sqlite_url, b"zqcanary") == 0
    await db.close()


async def test_a_text_that_is_deleted_before_it_was_taken_up_is_never_found(db: Database) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Quick"))
    posted = await db.write(lambda tx: chat.post_message(tx, alice, session.id, chat.Draft("zqcanary")))
    await db.write(lambda tx: chat.edit_message(tx, alice, session.id, posted.message_id, "zqcanary again"))
    await db.write(lambda tx: chat.delete_message(tx, alice, session.id, posted.message_id))
    await indexed(db)
    assert (await db.read(lambda tx: both(tx, alice, session.id, "zqcanary"))) == ([], [])
    rows = select(tables.table_of("search_entries").c.text)
    assert "zqcanary" not in str(await db.read(lambda tx: tx.sql.connection().execute(rows).all()))


async def test_two_that_take_up_the_same_session_at_once_take_up_each_entry_once(
    db: Database, database_url: str
) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Busy"))

    def say_much(tx: Transaction) -> None:
        for number in range(250):
            chat.post_message(tx, alice, session.id, chat.Draft(f"needle {number}"))

    await db.write(say_much)
    other = db if database_url.startswith("sqlite") else Database(open_engine(database_url), system_clock)
    if other is not db:
        other.start()
    await asyncio.gather(catch_up(db), catch_up(other))
    await indexed(db)
    rows = select(tables.table_of("search_entries").c.seq)
    found = await db.read(lambda tx: tx.sql.connection().execute(rows).scalars().all())
    # The second entry gives the host their seat: nothing is said in it.
    assert sorted(found) == [1, *range(3, 253)]
    assert list(await db.read(behind)) == []
    if other is not db:
        await other.close()


async def test_what_was_said_before_there_was_a_search_is_found(ticking_db: Database, database_url: str) -> None:
    db = ticking_db
    alice = await person(db, "Alice")
    first = await db.write(lambda tx: sessions.start(tx, alice, "First place"))
    second = await db.write(lambda tx: sessions.start(tx, alice, "Second place"))
    kept = []
    for number in range(6):
        session_id = (first, second)[number % 2].id
        draft = chat.Draft(f"old note {number}")
        kept.append(await db.write(lambda tx, s=session_id, d=draft: chat.post_message(tx, alice, s, d)))
    await db.write(lambda tx: chat.edit_message(tx, alice, first.id, kept[2].message_id, "edited note 2"))
    await db.write(lambda tx: chat.delete_message(tx, alice, first.id, kept[4].message_id))
    await indexed(db)
    columns = [column for column in tables.table_of("search_entries").c if column.name != "id"]
    rows = select(*columns).order_by(tables.table_of("search_entries").c.id)
    before = await db.read(lambda tx: tx.sql.connection().execute(rows).all())
    await asyncio.to_thread(back_and_forth, database_url)
    again = Database(open_engine(database_url), system_clock)
    after = await again.read(lambda tx: tx.sql.connection().execute(rows).all())
    assert len(after) == 2 + 5
    assert after == before
    page = await again.read(lambda tx: search.everywhere(tx, alice, "note", before=None, limit=10))
    assert [hit.seq for hit in page.hits] == [kept[n].seq for n in (5, 3, 2, 1, 0)]
    await again.close()


def back_and_forth(url: str) -> None:
    """To the schema without a search, and from there as an older installation goes."""

    def back(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(HERE))
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")

    async def back_on_postgres() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(back)
        await engine.dispose()

    if url.startswith("sqlite"):
        engine = sqlite_writer(url)
        with engine.begin() as connection:
            back(connection)
        engine.dispose()
    else:
        asyncio.run(back_on_postgres())
    upgrade(url)
