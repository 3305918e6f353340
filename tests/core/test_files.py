"""What a report of files makes of the tables, without any door."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import files, sessions
from core.access import Actor
from core.db import Database
from core.errors import FileTooLarge, Invalid
from tests.core.conftest import person


def content(text: str) -> files.Content:
    data = text.encode()
    return files.checked(hashlib.sha256(data).hexdigest(), data)


@dataclass
class Folder:
    """A shared folder whose operator reports what happens in it."""

    db: Database
    actor: Actor
    session_id: str
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    async def save(self, path: str, text: str, change: files.Change = "modified", old_path: str | None = None) -> int:
        held = content(text)
        item = files.Item(f"k{next(self._keys)}", path, change, old_path, held.sha256)

        def work(tx: Any) -> list[int]:
            files.put_blob(tx, self.actor, self.session_id, held)
            return files.share(tx, self.actor, self.session_id, [item])

        return (await self.db.write(work))[0]

    async def delete(self, path: str) -> int:
        item = files.Item(f"k{next(self._keys)}", path, "deleted")
        return (await self.db.write(lambda tx: files.share(tx, self.actor, self.session_id, [item])))[0]

    async def now(self) -> dict[str, tuple[str, str | None]]:
        rows = await self.db.read(lambda tx: files.shared_files(tx, self.session_id))
        return {row.path: (row.change, row.version) for row in rows}

    async def history(self, path: str) -> list[tuple[str, str | None]]:
        rows = await self.db.read(lambda tx: files.versions(tx, self.session_id, path))
        return [(row.path, row.version) for row in rows]


async def new_folder(db: Database, name: str = "Alice") -> Folder:
    alice = await person(db, name)
    session = await db.write(lambda tx: sessions.start(tx, alice, "Files"))
    return Folder(db, alice, session.id)


@pytest.fixture
async def folder(db: Database) -> Folder:
    return await new_folder(db)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", 0),
        (b"\n", 1),
        (b"a", 1),
        (b"a\n", 1),
        (b"a\nb", 2),
        (b"a\r\nb\r\n", 2),
        (b"a\x0cb\x0bc\xe2\x80\xa8d\n", 1),
        (b"a\x00b", None),
        (b"\xff\xfea\x00", None),
        (b"caf\xe9", None),
        ("größe\n日本".encode(), 2),
    ],
)
def test_lines_are_counted_as_editors_count_them_and_only_in_text(data: bytes, lines: int | None) -> None:
    assert files.lines_in(data) == lines


def test_a_content_is_what_its_hash_says_or_refused() -> None:
    data = b"a" * files.MAX_BLOB
    assert files.checked(hashlib.sha256(data).hexdigest(), data).data == data
    with pytest.raises(FileTooLarge):
        files.checked(hashlib.sha256(data + b"a").hexdigest(), data + b"a")
    with pytest.raises(Invalid):
        files.checked(hashlib.sha256(data).hexdigest().upper(), data)
    with pytest.raises(Invalid):
        files.checked(hashlib.sha256(data).hexdigest(), data[:-1])


async def test_the_same_report_from_many_at_once_has_one_effect(db: Database, folder: Folder) -> None:
    held = content("x = 1\n")
    item = files.Item("once", "a.py", "added", None, held.sha256)

    def work(tx: Any) -> tuple[bool, list[int]]:
        is_new = files.put_blob(tx, folder.actor, folder.session_id, held)
        return is_new, files.share(tx, folder.actor, folder.session_id, [item])

    answers = await asyncio.gather(*(db.write(work) for _ in range(20)))
    assert sum(is_new for is_new, _ in answers) == 1
    assert len({numbers[0] for _, numbers in answers}) == 1
    assert await folder.history("a.py") == [("a.py", held.sha256)]


async def test_files_that_change_places_keep_their_histories_apart(folder: Folder) -> None:
    await folder.save("a.py", "a\n")
    await folder.save("b.py", "b\n")
    await folder.save("c.py", "a\n", "renamed", "a.py")
    await folder.save("a.py", "b\n", "renamed", "b.py")
    await folder.save("b.py", "a\n", "renamed", "c.py")
    a, b = content("a\n").sha256, content("b\n").sha256
    assert await folder.history("a.py") == [("b.py", b), ("a.py", b)]
    assert await folder.history("b.py") == [("a.py", a), ("c.py", a), ("b.py", a)]
    assert await folder.now() == {"a.py": ("renamed", b), "b.py": ("renamed", a)}


async def test_what_was_new_stays_new_under_another_name(folder: Folder) -> None:
    await folder.save("a.py", "a\n", "added")
    await folder.save("b.py", "b\n", "renamed", "a.py")
    assert await folder.now() == {"b.py": ("added", content("b\n").sha256)}
    await folder.delete("b.py")
    assert await folder.now() == {"b.py": ("deleted", None)}
    await folder.save("b.py", "c\n", "added")
    assert await folder.now() == {"b.py": ("added", content("c\n").sha256)}


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.tuples(st.just("save"), NAMES, st.sampled_from(["x", "y", "z"]))
    | st.tuples(st.just("delete"), NAMES, NAMES)
    | st.tuples(st.just("rename"), NAMES, NAMES),
    max_size=14,
)
_people = itertools.count()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_happens_the_tables_show_the_folder_and_each_file_s_own_history(
    db: Database, steps: list[tuple[str, str, str]]
) -> None:
    folder = await new_folder(db, f"Alice{next(_people)}")
    there: dict[str, str] = {}
    histories: dict[str, list[tuple[str, str | None]]] = {}
    for step, path, other in steps:
        if step == "save":
            sha = content(other).sha256
            await folder.save(path, other, "modified" if path in there else "added")
            if content(there.get(path, "")).sha256 != sha:
                histories.setdefault(path, []).append((path, sha))
            there[path] = other
        elif step == "delete" and path in there:
            await folder.delete(path)
            del there[path]
            histories[path].append((path, None))
        elif step == "rename" and path in there and other not in there:
            await folder.save(other, there[path], "renamed", path)
            there[other] = there.pop(path)
            histories[other] = [*histories.pop(path), (other, content(there[other]).sha256)]
    shown = await folder.now()
    alive = {path: version for path, (change, version) in shown.items() if change != "deleted"}
    assert alive == {path: content(text).sha256 for path, text in there.items()}
    assert shown.keys() == histories.keys()
    for path, history in histories.items():
        assert await folder.history(path) == history
