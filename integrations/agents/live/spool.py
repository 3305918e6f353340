"""What was read of a transcript and is not acknowledged yet, on disk: a crash at any point loses and doubles nothing.

Everything in it is redacted before it comes here. An entry is stored once under its key, keeps its place in the order,
and gives up its content when the server has acknowledged it; the key stays, so that reading the transcript again from
its beginning adds nothing. One process holds a spool at a time. Files are readable by their owner alone.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import orjson

from core.errors import Conflict
from integrations.agents.transcript import Item

Kind = Literal["event", "file", "blob"]
State = Literal["waiting", "acknowledged", "refused"]

_STATES: dict[State, int] = {"waiting": 0, "acknowledged": 1, "refused": 2}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body BLOB,
    state INTEGER NOT NULL DEFAULT 0, seq INTEGER
);
CREATE INDEX IF NOT EXISTS waiting ON entries (number) WHERE state = 0;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, version TEXT, is_there INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0,
    signature TEXT NOT NULL DEFAULT ''
);
"""


class ShareInProgress(Conflict):
    """This transcript is being shared already, by another process on this machine."""

    code = "share_in_progress"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that is not acknowledged, ready to be sent."""

    number: int
    key: str
    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What was recorded of a file last. `version` is None where its content was not; `signature` tells the state of
    the file on the disk that this is, "" where it is none."""

    version: str | None = None
    is_there: bool = False
    versions: int = 0
    signature: str = ""


class SpoolLock:
    """Held while a transcript is shared; the system lets go of it even after kill -9."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 200, 0).decode(errors="replace").strip()
            os.close(self._file)
            where = f" {holder}" if holder else ""
            raise ShareInProgress(f"This transcript is being shared already.{where}") from error
        self.say(f"It is process {os.getpid()}.")

    def say(self, holder: str) -> None:
        """What a second one is told."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, holder.encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)


class Spool:
    """One transcript's entries on their way into one session. May be used from several threads. Raises sqlite3.Error
    where the disk does not take what it is given; nothing of that call is stored then."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite gives its journal this mode.
        self._lock = threading.Lock()
        #: Entries that were stored since it was opened.
        self.added = 0
        self._counts: dict[int, int] | None = None
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=1.0)
        for setting in ("auto_vacuum=FULL", "journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {setting}").fetchall()
        self._db.executescript(_SCHEMA)
        # What a server refused is offered again on the next start: it may be a newer one by then.
        self._db.execute("UPDATE entries SET state = 0 WHERE state = 2")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._counts = None
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # ── Notes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, name: str) -> str | None:
        with self._lock:
            row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_notes(self, values: Mapping[str, str]) -> None:
        with self._writing() as db:
            _set_notes(db, values)

    # ── In ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_events(self, items: Iterable[Item], notes: Mapping[str, str] | None = None) -> list[Item]:
        """Stores what is not known yet, with `notes`, and returns it."""
        added: list[Item] = []
        with self._writing() as db:
            for item in items:
                body = orjson.dumps({"key": item.key, "event": item.event.model_dump(mode="json")})
                if _add(db, item.key, "event", body):
                    added.append(item)
            _set_notes(db, notes or {})
        self.added += len(added)
        return added

    def add_file(self, path: str, key: str, body: bytes, known: KnownFile, content: bytes | None) -> None:
        """Stores a state of a file, behind the content that it names."""
        with self._writing() as db:
            if known.version is not None and content is not None:
                _add(db, f"blob-{known.version}", "blob", content)
            _add(db, key, "file", body)
            _set_file(db, path, known)
        self.added += 1

    def set_file(self, path: str, known: KnownFile) -> None:
        """Remembers what is known of a file without telling anybody."""
        with self._writing() as db:
            _set_file(db, path, known)

    def files(self) -> dict[str, KnownFile]:
        query = "SELECT path, version, is_there, versions, signature FROM files ORDER BY rowid"
        with self._lock:
            rows = self._db.execute(query).fetchall()
        return {path: KnownFile(version, bool(there), count, sign) for path, version, there, count, sign in rows}

    # ── Out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def waiting(self, most: int, most_bytes: int) -> list[Waiting]:
        """The oldest entries that wait, all of one kind, within the limits; one always goes. Contents go one by one."""
        found: list[Waiting] = []
        size = 0
        with self._lock:
            rows = self._db.execute(
                "SELECT number, key, kind, body FROM entries WHERE state = 0 ORDER BY number LIMIT ?", (most,)
            )
            for number, key, kind, body in rows:
                size += len(body)
                if found and (kind != found[0].kind or kind == "blob" or size > most_bytes):
                    break
                found.append(Waiting(number, key, kind, bytes(body)))
        return found

    def settle(self, numbers: Mapping[int, int | None], state: State = "acknowledged") -> None:
        """Number of an entry → its seq on the server. What is acknowledged gives up its content."""
        with self._writing() as db:
            for number, seq in numbers.items():
                body = "NULL" if state == "acknowledged" else "body"
                db.execute(
                    f"UPDATE entries SET state = ?, seq = ?, body = {body} WHERE number = ?",  # noqa: S608 - our words
                    (_STATES[state], seq, number),
                )

    def count(self, state: State = "waiting") -> int:
        """Entries in that state; contents of files are not counted, the files are."""
        query = "SELECT state, count(*) FROM entries WHERE kind <> 'blob' GROUP BY state"
        with self._lock:
            if self._counts is None:
                self._counts = {int(number): int(count) for number, count in self._db.execute(query)}
            return self._counts.get(_STATES[state], 0)

    def waiting_bytes(self) -> int:
        """Bytes of file contents that wait."""
        query = "SELECT coalesce(sum(length(body)), 0) FROM entries WHERE state = 0 AND kind = 'blob'"
        with self._lock:
            return int(self._db.execute(query).fetchone()[0])


def _add(db: sqlite3.Connection, key: str, kind: Kind, body: bytes) -> bool:
    done = db.execute("INSERT OR IGNORE INTO entries (key, kind, body) VALUES (?, ?, ?)", (key, kind, body))
    return done.rowcount == 1


def _set_file(db: sqlite3.Connection, path: str, known: KnownFile) -> None:
    db.execute(
        "INSERT OR REPLACE INTO files (path, version, is_there, versions, signature) VALUES (?, ?, ?, ?, ?)",
        (path, known.version, known.is_there, known.versions, known.signature),
    )


def _set_notes(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    db.executemany("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", list(values.items()))
