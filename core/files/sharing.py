"""What becomes of files, as the operator's machine reports it: entries of the log, and the tables that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlmodel import select

from core import log, tables
from core.access import Actor, session_for
from core.db import Transaction
from core.errors import FileNotFound, Invalid
from core.events import FileShared
from core.files.history import has_moved_away
from core.paths import normal_path

Change = Literal["added", "modified", "deleted", "renamed"]


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
    _project(tx, session.id, seq, event, file, source)
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


def _is_known(event: FileShared, file: tables.SharedFile, source: tables.SharedFile | None) -> bool:
    is_gone = file.change == "deleted" or has_moved_away(file)
    if event.change == "deleted":
        return is_gone
    if is_gone or event.version != file.version:
        return False
    if event.change == "renamed" and source is not None and source.change != "deleted" and not has_moved_away(source):
        return False
    return event.version is not None or (event.size, event.reason) == (file.size, file.reason)


def _project(
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
