"""Where comments come to stand, and what is remembered of it, without any door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import delete
from sqlmodel import col

from core import comments, tables
from core.comments.quoting import MAX_BYTES, MAX_LINES, cut
from core.db import Database, Transaction
from tests.core.test_files import Folder, content, new_folder

TEXT = "".join(f"line number {number}\n" for number in range(1, 21))


@pytest.fixture
async def folder(db: Database) -> Folder:
    return await new_folder(db)


async def add(folder: Folder, path: str = "a.py", line: int = 10, **fields: object) -> str:
    draft = comments.Draft("Why?", path, line, **fields)  # pyright: ignore[reportArgumentType]
    posted = await folder.db.write(lambda tx: comments.add_comment(tx, folder.actor, folder.session_id, draft))
    return posted.comment_id


async def asked(folder: Folder, path: str | None = None) -> Sequence[comments.Asked]:
    return await folder.db.read(lambda tx: comments.find_threads(tx, folder.session_id, file=path))


async def places(folder: Folder, placements: comments.Placements) -> list[tuple[str, int | None]]:
    found = await placements.places(folder.db, folder.session_id, await asked(folder))
    return [(place.status, place.line) for place in found]


async def test_no_more_places_are_remembered_than_fit(folder: Folder) -> None:
    await folder.save("a.py", TEXT)
    for line in range(1, 9):
        await add(folder, line=line)
    placements = comments.Placements(limit=10)
    for number in range(4):
        await folder.save("a.py", f"# {number}\n" + TEXT)
        assert await places(folder, placements) == [("exact", line + 1) for line in range(1, 9)]
        assert len(placements) <= 10


async def test_a_new_process_answers_as_one_that_has_followed_every_version(folder: Folder) -> None:
    await folder.save("a.py", TEXT)
    for line in (1, 10, 20):
        await add(folder, line=line)
    following = comments.Placements()
    text = TEXT
    for number in range(1, 70):
        text = text.replace("number 10", "number ten") if number == 30 else f"# {number}\n" + text
        await folder.save("a.py", text)
        await places(folder, following)
    answers = await places(folder, following)
    assert answers == await places(folder, comments.Placements())
    assert [line for _, line in answers] == [69, 78, 88]


async def test_many_who_ask_at_once_get_the_same_answers(folder: Folder) -> None:
    await folder.save("a.py", TEXT)
    await add(folder)
    await folder.save("a.py", "# new\n" + TEXT)
    placements = comments.Placements()
    answers = await asyncio.gather(*(places(folder, placements) for _ in range(20)))
    assert answers == [[("exact", 11)]] * 20
    assert len(placements) == 1


async def test_a_comment_that_cannot_be_placed_harms_no_other(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """Its row claims lines that its version never had, as only a flaw or a hand in the database can make it."""
    await folder.save("a.py", TEXT)
    broken, _ = await add(folder), await add(folder, line=3)

    def break_it(tx: Transaction) -> None:
        row = tx.sql.get_one(tables.CommentThread, broken)
        row.line = row.end_line = 999
        tx.sql.add(row)

    await folder.db.write(break_it)
    await folder.save("a.py", "# new\n" + TEXT)
    with caplog.at_level(logging.ERROR):
        assert await places(folder, comments.Placements()) == [("outdated", None), ("exact", 4)]
    assert "a comment could not be placed" in caplog.text


async def test_versions_whose_content_is_not_kept_any_more_are_passed_over(folder: Folder) -> None:
    await folder.save("a.py", TEXT)
    await add(folder)
    await folder.save("a.py", "# one\n" + TEXT)
    await folder.save("a.py", "# one\n# two\n" + TEXT)

    def forget(sha256: str) -> Callable[[Transaction], object]:
        gone = delete(tables.Blob).where(col(tables.Blob.sha256) == sha256)
        return lambda tx: tx.sql.exec(gone)

    await folder.db.write(forget(content("# one\n" + TEXT).sha256))
    assert await places(folder, comments.Placements()) == [("exact", 12)]
    await folder.db.write(forget(content(TEXT).sha256))
    assert await places(folder, comments.Placements()) == [("outdated", None)]


async def test_a_long_place_is_quoted_in_part_and_keeps_its_lines(folder: Folder) -> None:
    await folder.save("long.py", "".join(f"{number}\n" for number in range(1, 501)))
    await folder.save("wide.js", "ä" * 200_000 + "\nsecond\n")
    await add(folder, "long.py", 100, end_line=400)
    await add(folder, "wide.js", 1)
    long, wide = [each.thread.row for each in await asked(folder)]
    assert (long.line, long.end_line) == (100, 400)
    assert long.snippet == "\n".join(str(number) for number in range(100, 100 + MAX_LINES))
    assert wide.snippet == "ä" * (MAX_BYTES // 2)
    await folder.save("wide.js", "first\n" + "ä" * 200_000 + "\nsecond\n")
    assert await places(folder, comments.Placements()) == [("exact", 100), ("exact", 2)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("a\nb", "a\nb"),
        ("ä" * 5_000, "ä" * 4_096),
        ("\n" * 60, "\n" * 49),
        ("x" + "🎉" * 3_000, "x" + "🎉" * 2_047),
    ],
)
def test_a_quotation_is_cut_between_signs(text: str, kept: str) -> None:
    assert cut(text) == kept
