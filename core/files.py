"""The files of a shared folder: their contents by hash, and what the log says of each path.

Contents come first (`put_blob`), then the entry that names them (`share`), so that nobody is told of a version that is
not there. A content belongs to the session that holds it: the same bytes in another session are no way to them.
`files` and `file_versions` are projections of the `file_shared` entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, session_for
from core.db import Transaction
from core.errors import FileNotFound, FileTooLarge, Invalid
from core.events import FileShared
from core.paths import normal_path

#: Most bytes of one file, and of all contents of one session.
MAX_BLOB = 1024 * 1024
MAX_SESSION_BYTES = 256 * 1024 * 1024

Change = Literal["added", "modified", "deleted", "renamed"]


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that were checked against their hash. `lines` is None for what is not text."""

    sha256: str
    data: bytes
    lines: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one file, under the key that names this report for ever."""

    key: str
    path: str
    change: Change
    old_path: str | None = None
    version: str | None = None
    size: int = 0
    is_binary: bool = False
    reason: str = ""


def checked(sha256: str, data: bytes) -> Content:
    """Raises FileTooLarge, and Invalid when `data` has another hash."""
    if len(data) > MAX_BLOB:
        raise FileTooLarge(f"That file has {len(data):,} bytes; {MAX_BLOB:,} fit.")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Invalid("The content does not have that SHA-256: it was damaged on its way, or changed meanwhile.")
    return Content(sha256, data, lines_in(data))


def lines_in(data: bytes) -> int | None:
    """How many lines a text has, None for what is not text: bytes with NUL, or that are not UTF-8."""
    if b"\x00" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return len(text_lines(data.decode()))


def text_lines(text: str) -> list[str]:
    """The lines of `text` as editors number them: `\\n` ends a line, and what follows the last one is no line."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


# ── Contents ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def put_blob(tx: Transaction, actor: Actor, session_id: str, content: Content) -> bool:
    """Keeps a content in the session. False when it was there already.

    Raises: FileTooLarge when the session is full, and what `access.session_for` raises.
    """
    session_for(tx, actor, session_id, "feed_agent")
    if holds_blob(tx, session_id, content.sha256):
        return False
    blob = tables.Blob
    held = tx.sql.exec(select(func.coalesce(func.sum(blob.size), 0)).where(blob.session_id == session_id)).one()
    if int(held) + len(content.data) > MAX_SESSION_BYTES:
        raise FileTooLarge(
            f"This session holds {MAX_SESSION_BYTES // 1024**2} MiB of files, which is all that fits. "
            "What is shared already stays; share further work in a new session."
        )
    tx.sql.add(
        tables.Blob(
            session_id=session_id,
            sha256=content.sha256,
            size=len(content.data),
            lines=content.lines,
            content=content.data,
            created_at=tx.now,
        )
    )
    tx.sql.flush()
    return True


def holds_blob(tx: Transaction, session_id: str, sha256: str) -> bool:
    """Whether the session holds this content, without reading it."""
    blob = tables.Blob
    return tx.sql.exec(select(1).where(blob.session_id == session_id, blob.sha256 == sha256)).first() is not None


def blob(tx: Transaction, session_id: str, sha256: str) -> Content:
    """A content that the session holds. The caller has authorised the read. Raises FileNotFound."""
    row = tables.Blob
    found = tx.sql.exec(select(row.content, row.lines).where(row.session_id == session_id, row.sha256 == sha256))
    held = found.first()
    if held is None:
        raise FileNotFound
    return Content(sha256, *held)


# ── What the log says of them ─────────────────────────────────────────────────────────────────────────────────────────


def share(tx: Transaction, actor: Actor, session_id: str, items: Sequence[Item]) -> list[int]:
    """Appends what became of each file and returns the seq of each item; a repeated key has one effect.

    An item that says what is known already appends nothing and gets the seq of the file's last entry.
    Raises: PathRefused, Invalid, FileNotFound for a version that was not put, and what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "feed_agent").session
    return [_share_one(tx, actor, session, item) for item in items]


def _share_one(tx: Transaction, actor: Actor, session: tables.Session, item: Item) -> int:
    granted = log.find(tx, session.id, actor.user_id, item.key)
    if granted is not None:
        return granted
    event = _event_of(tx, session.id, item)
    file = tx.sql.get(tables.SharedFile, (session.id, event.path))
    source = tx.sql.get(tables.SharedFile, (session.id, event.old_path)) if event.old_path else None
    if file is not None and _is_known(event, file, source):
        return file.seq
    seq = log.append(tx, session, event, actor_id=actor.user_id, key=item.key).seq
    project(tx, session.id, seq, event, file, source)
    tx.sql.flush()
    return seq


def _event_of(tx: Transaction, session_id: str, item: Item) -> FileShared:
    """The fact that `item` reports. Size and lines come from the content, where there is one."""
    path = normal_path(item.path)
    old_path = normal_path(item.old_path) if item.old_path is not None else None
    if (item.change == "renamed") != (old_path is not None) or old_path == path:
        raise Invalid("'old_path' is the other path that a renamed file had; other changes have none.")
    if item.version is None:
        size = 0 if item.change == "deleted" else item.size
        return FileShared(
            path=path, change=item.change, old_path=old_path, size=size, is_binary=item.is_binary, reason=item.reason
        )
    if item.change == "deleted":
        raise Invalid("A deleted file has no version.")
    blob = tables.Blob
    found = tx.sql.exec(
        select(blob.size, blob.lines).where(blob.session_id == session_id, blob.sha256 == item.version)
    ).first()
    if found is None:
        raise FileNotFound("Put the content of that version first.")
    size, lines = found
    return FileShared(
        path=path,
        change=item.change,
        old_path=old_path,
        version=item.version,
        size=size,
        lines=lines,
        is_binary=lines is None,
        reason=item.reason,
    )


def has_moved_away(file: tables.SharedFile) -> bool:
    """Whether this row is the old name of a file that is called otherwise now."""
    return file.change == "renamed" and file.old_path is None


def _is_known(event: FileShared, file: tables.SharedFile, source: tables.SharedFile | None) -> bool:
    is_gone = file.change == "deleted" or has_moved_away(file)
    if event.change == "deleted":
        return is_gone
    if is_gone or event.version != file.version:
        return False
    if event.change == "renamed" and source is not None and source.change != "deleted" and not has_moved_away(source):
        return False
    return event.version is not None or (event.size, event.reason) == (file.size, file.reason)


def project(
    tx: Transaction,
    session_id: str,
    seq: int,
    event: FileShared,
    file: tables.SharedFile | None,
    source: tables.SharedFile | None,
) -> None:
    """Brings the tables to where entry `seq` leaves them. `file` is the row of its path, `source` of its old path."""
    tx.sql.add(
        tables.FileVersion(
            session_id=session_id,
            seq=seq,
            path=event.path,
            version=event.version,
            change=event.change,
            old_path=event.old_path,
            size=event.size,
            lines=event.lines,
            is_binary=event.is_binary,
            at=tx.now,
        )
    )
    before = source if event.change == "renamed" else file
    if before is not None and has_moved_away(before):
        before = None  # The name was given up: whatever has it from here on is another file.
    if file is None:
        file = tables.SharedFile(session_id=session_id, path=event.path, change=event.change, seq=seq)
    count = before.version_count if before is not None else 0
    file.base_version, file.old_path, file.change = _against_base(event, before)
    file.version, file.size, file.lines = event.version, event.size, event.lines
    file.is_binary, file.reason, file.version_count = event.is_binary, event.reason, count + 1
    file.seq, file.changed_at = seq, tx.now
    tx.sql.add(file)
    if event.change == "renamed" and source is not None:
        source.change, source.old_path, source.version = "renamed", None, None
        source.size, source.lines, source.seq, source.changed_at = 0, None, seq, tx.now
        tx.sql.add(source)


def _against_base(event: FileShared, before: tables.SharedFile | None) -> tuple[str | None, str | None, str]:
    """The base, the path that it had there, and how the file differs from it after `event`."""
    if before is None:
        is_new = event.change == "added"
        base, first_path, was_added = (None if is_new else event.version), event.old_path, is_new
    else:
        base = before.base_version
        first_path = before.old_path or (before.path if event.change == "renamed" else None)
        was_added = base is None and (before.change == "added" or event.change == "added")
    if event.change == "deleted":
        return base, first_path, "deleted"
    if was_added:
        return base, None, "added"
    if first_path is not None and first_path != event.path:
        return base, first_path, "renamed"
    return base, None, "unchanged" if event.version is not None and event.version == base else "modified"


def shared_files(tx: Transaction, session_id: str) -> list[tables.SharedFile]:
    """Every file by its present name, the deleted ones too, sorted by path. The caller has authorised the read."""
    file = tables.SharedFile
    rows = tx.sql.exec(select(file).where(file.session_id == session_id))
    # Sorted here: the databases do not agree on the order of texts.
    return sorted((row for row in rows if not has_moved_away(row)), key=lambda row: row.path)


def versions(tx: Transaction, session_id: str, path: str) -> list[tables.FileVersion]:
    """The states of the file that is, or was last, called `path`: oldest first, back through its renames.

    The caller has authorised the read. Empty for a file that was never shared.
    """
    found: list[tables.FileVersion] = []
    before: int | None = None
    while True:
        piece = _stretch(tx, session_id, path, before)
        start = next((i for i in reversed(range(len(piece))) if piece[i].old_path is not None), None)
        found = piece[start or 0 :] + found
        if start is None:
            return found
        path, before = str(piece[start].old_path), piece[start].seq


def _stretch(tx: Transaction, session_id: str, path: str, before: int | None) -> list[tables.FileVersion]:
    """The latest entries under one name that speak of one file: since another one gave the name up."""
    row = tables.FileVersion
    here = select(row).where(row.session_id == session_id, row.path == path)
    away = select(row.seq).where(row.session_id == session_id, row.old_path == path)
    if before is not None:
        here, away = here.where(row.seq < before), away.where(row.seq < before)
    rows = tx.sql.exec(here.order_by(col(row.seq))).all()
    if not rows:
        return []
    freed = max((seq for seq in tx.sql.exec(away) if seq < rows[-1].seq), default=0)
    return [version for version in rows if version.seq > freed]
