"""Which threads belong to a file and version that somebody looks at, and which versions lie between.

A thread keeps the file and version that it was begun on. What became of that file since, its later versions, renames
and deletion, is read from `file_versions` each time; nothing is copied or moved in the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlmodel import col, select

from core import files, tables
from core.db import Transaction
from core.errors import CommentNotFound, FileNotFound


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with its comments, the oldest first."""

    row: tables.CommentThread
    comments: list[tables.Comment]


@dataclass(frozen=True, slots=True)
class Asked:
    """A thread, and where its place is asked for.

    `steps` are the versions to go over, from the thread's own to the one that is asked for. Empty: there is nothing to
    look into. With one step alone the thread has no version of its own, and is found by what it quotes.
    """

    thread: Thread
    file: str
    version: str | None
    steps: tuple[str, ...] = ()
    is_gone: bool = False


@dataclass(slots=True)
class _Renames:
    """Who got whose name, in the order of the log."""

    rows: Sequence[tuple[int, str, str]]

    def name_now(self, path: str, seq: int) -> str:
        """What the file is called that was called `path` at entry `seq`."""
        for at, old, new in self.rows:
            if at > seq and old == path:
                path, seq = new, at
        return path


@dataclass(slots=True)
class _Histories:
    """Each file's states, read once."""

    tx: Transaction
    session_id: str
    _known: dict[str, list[tables.FileVersion]] = field(default_factory=dict[str, list[tables.FileVersion]])

    def of(self, path: str) -> list[tables.FileVersion]:
        if path not in self._known:
            self._known[path] = files.versions(self.tx, self.session_id, path)
        return self._known[path]


def find_threads(
    tx: Transaction,
    session_id: str,
    *,
    file: str | None = None,
    version: str | None = None,
    include_resolved: bool = False,
) -> list[Asked]:
    """The threads of a file, or of the whole session, in the order of the log. The caller has authorised the read.

    `version` is the one that is looked at; without it each thread is asked for in its file's newest. A file is found
    by the names that it had, too.
    Raises FileNotFound for a version that this file never had.
    """
    renames, histories = _renames(tx, session_id), _Histories(tx, session_id)
    looked_at = file
    if file is not None:
        history = histories.of(file)
        if version is None:
            looked_at = renames.name_now(file, history[-1].seq if history else 0)
        elif all(state.version != version for state in history):
            raise FileNotFound
    thread = tables.CommentThread
    query = select(thread).where(thread.session_id == session_id).order_by(col(thread.seq))
    if not include_resolved:
        query = query.where(col(thread.resolved_at).is_(None))
    found: list[Asked] = []
    for each in _with_comments(tx, session_id, tx.sql.exec(query).all()):
        name = renames.name_now(each.row.file, each.row.seq)
        history = histories.of(name)
        if looked_at is not None and name != looked_at and not (version and _had(history, looked_at, version)):
            continue
        found.append(_asked(each, name, history, version if file is not None else None))
    return found


def every_thread(tx: Transaction, session_id: str) -> list[Thread]:
    """All threads of a session in the order of the log, resolved ones too. The caller has authorised the read."""
    thread = tables.CommentThread
    rows = tx.sql.exec(select(thread).where(thread.session_id == session_id).order_by(col(thread.seq))).all()
    return list(_with_comments(tx, session_id, rows))


def find_thread(tx: Transaction, session_id: str, thread_id: str) -> Asked:
    """One thread, asked for in its file's newest version. Raises CommentNotFound."""
    row = tx.sql.get(tables.CommentThread, thread_id)
    if row is None or row.session_id != session_id:
        raise CommentNotFound
    name = _renames(tx, session_id).name_now(row.file, row.seq)
    (thread,) = _with_comments(tx, session_id, [row])
    return _asked(thread, name, files.versions(tx, session_id, name), None)


def _had(history: Iterable[tables.FileVersion], path: str, version: str) -> bool:
    return any(state.path == path and state.version == version for state in history)


def _renames(tx: Transaction, session_id: str) -> _Renames:
    row = tables.FileVersion
    query = select(row.seq, row.old_path, row.path).where(row.session_id == session_id, col(row.old_path).is_not(None))
    return _Renames([(seq, str(old), new) for seq, old, new in tx.sql.exec(query.order_by(col(row.seq)))])


def _with_comments(tx: Transaction, session_id: str, rows: Sequence[tables.CommentThread]) -> Iterator[Thread]:
    comment = tables.Comment
    query = select(comment).where(comment.session_id == session_id).order_by(col(comment.seq))
    if len(rows) == 1:
        query = query.where(comment.thread_id == rows[0].id)
    said: dict[str, list[tables.Comment]] = {row.id: [] for row in rows}
    for each in tx.sql.exec(query):
        if each.thread_id in said:
            said[each.thread_id].append(each)
    return (Thread(row, said[row.id]) for row in rows)


def _asked(thread: Thread, name: str, history: Sequence[tables.FileVersion], version: str | None) -> Asked:
    """`history` is that of the file that the thread speaks of, which is called `name` now."""
    own = thread.row.version
    if version is None:
        target = len(history) - 1
        if target >= 0 and history[target].change == "deleted":
            return Asked(thread, name, None, is_gone=True)
    else:
        target = max(i for i, state in enumerate(history) if state.version == version)
    wanted = history[target].version if history else None
    file = history[target].path if version is not None else name
    if wanted is None or wanted == own:
        return Asked(thread, file, wanted)
    return Asked(thread, file, wanted, tuple(_between(thread.row, history, target)))


def _between(row: tables.CommentThread, history: Sequence[tables.FileVersion], target: int) -> Iterator[str]:
    """The versions from the thread's own to the one at `target`, in the order in which they came; to an older one
    directly."""
    wanted = history[target].version
    before = [i for i, state in enumerate(history) if state.version == row.version and state.seq < row.seq]
    if row.version is not None:
        yield row.version
        if before:
            last = row.version
            for state in history[before[-1] + 1 : target]:
                # What is no text cannot be gone through.
                if state.version is not None and state.lines is not None and state.version != last:
                    yield (last := state.version)
    if wanted is not None:
        yield wanted
