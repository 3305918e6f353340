"""Files of a message as they stand in the thread: uploaded under ids of the outside, and shared in one post.

The ids are stored before the post is made: whoever takes over after a crash looks for a post that shows them before it
makes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.mirrors.holding import Lease, held


@dataclass(frozen=True, slots=True)
class Uploads:
    """The files of one message in the thread, in order; none where none was to be shared. `ts` is the post that shows
    them: None while there may be none, "" where there is one that was not found, `OUT_OF_REACH` where it is another
    thread's."""

    file_ids: tuple[str, ...] = ()
    ts: str | None = None


NO_UPLOADS = Uploads()
#: Stands in place of a post that the thread of today does not have.
OUT_OF_REACH = "-"


def intend_share(tx: Transaction, lease: Lease, message_id: str, file_ids: Sequence[str]) -> None:
    """These files, uploaded for a message, are about to be shared in one post; in place of others, if there were."""
    mirror = held(tx, lease)
    _forget(tx, lease.session_id, message_id)
    for position, file_id in enumerate(file_ids):
        tx.sql.add(
            tables.MirrorFile(
                realm=mirror.realm,
                file_id=file_id,
                session_id=lease.session_id,
                message_id=message_id,
                position=position,
            )
        )


def shared(tx: Transaction, lease: Lease, message_id: str, ts: str) -> None:
    """The files of a message are in the thread, in post `ts`, or in one that was not found: ""."""
    held(tx, lease)
    for row in _rows(tx, lease.session_id, message_id):
        row.ts = ts
        tx.sql.add(row)


def unshared(tx: Transaction, lease: Lease, message_id: str) -> None:
    """The files of a message are not in the thread, and are not going to be under these ids."""
    held(tx, lease)
    _forget(tx, lease.session_id, message_id)


def uploads(tx: Transaction, session_id: str, message_id: str) -> Uploads:
    rows = _rows(tx, session_id, message_id)
    return Uploads(tuple(row.file_id for row in rows), rows[0].ts if rows else None)


def adrift(tx: Transaction, session_id: str) -> tuple[str, ...]:
    """Ids of files that were about to be shared, and may have been."""
    row = tables.MirrorFile
    query = select(row.file_id).where(row.session_id == session_id, col(row.ts).is_(None))
    return tuple(tx.sql.exec(query.order_by(row.file_id)))


def forget_posts_of_files(tx: Transaction, session_id: str) -> None:
    """What was about to be shared is not going to be. Posts that are linked to no message any more are out of reach;
    the files themselves are not."""
    row, link = tables.MirrorFile, tables.MirrorLink
    tx.sql.exec(delete(row).where(col(row.session_id) == session_id, col(row.ts).is_(None)))
    is_linked = select(link.ts).where(link.session_id == session_id)
    stood = (col(row.session_id) == session_id, col(row.ts).is_not(None), col(row.ts) != "")
    tx.sql.exec(update(row).where(*stood, col(row.ts).not_in(is_linked)).values(ts=OUT_OF_REACH))


def _rows(tx: Transaction, session_id: str, message_id: str) -> Sequence[tables.MirrorFile]:
    row = tables.MirrorFile
    query = select(row).where(row.session_id == session_id, row.message_id == message_id)
    return tx.sql.exec(query.order_by(col(row.position))).all()


def _forget(tx: Transaction, session_id: str, message_id: str) -> None:
    row = tables.MirrorFile
    tx.sql.exec(delete(row).where(col(row.session_id) == session_id, col(row.message_id) == message_id))
