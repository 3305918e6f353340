"""Contents by their hash: checked, kept in a session, and given to whoever may read that session."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import tables
from core.access import Actor, session_for
from core.db import Transaction
from core.errors import FileNotFound, FileTooLarge, Invalid

#: Most bytes of one file, and of all contents of one session.
MAX_BLOB = 1024 * 1024
MAX_SESSION_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that were checked against their hash. `lines` is None for what is not text."""

    sha256: str
    data: bytes
    lines: int | None


def checked(sha256: str, data: bytes) -> Content:
    """Raises FileTooLarge, and Invalid when `data` has another hash."""
    if len(data) > MAX_BLOB:
        raise FileTooLarge(f"That file has {len(data):,} bytes; {MAX_BLOB:,} fit.")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Invalid("The content does not have that SHA-256: it was damaged on its way, or changed meanwhile.")
    return Content(sha256, data, lines_in(data))


def lines_in(data: bytes) -> int | None:
    """How many lines a text has, None for what is not text: bytes with NUL, or that are not UTF-8.

    As editors count: a line ends with `\\n`, and what follows the last end is a line if there is anything.
    """
    if b"\x00" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


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
    keep(tx, session_id, content)
    return True


def keep(tx: Transaction, session_id: str, content: Content) -> None:
    """Stores a content in a session, unless it is there. The caller has authorised and measured it."""
    if holds_blob(tx, session_id, content.sha256):
        return
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


def drop_unshared(tx: Transaction, session_id: str, sha256: str) -> None:
    """Forgets a content that no version of a shared file is."""
    version, file, held = tables.FileVersion, tables.SharedFile, tables.Blob
    for column, owner in (
        (version.version, version.session_id),
        (file.version, file.session_id),
        (file.base_version, file.session_id),
    ):
        if tx.sql.exec(select(1).where(owner == session_id, column == sha256)).first() is not None:
            return
    tx.sql.exec(delete(held).where(col(held.session_id) == session_id, col(held.sha256) == sha256))


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
