"""Files that come with a message: kept first, named by the message afterwards, and gone with the last that names them.

What a file is, is read from its bytes. A content that no message takes within a day is thrown away (`prune`); one that
the shared folder holds too stays there.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import tables
from core.access import Actor, session_for
from core.db import Transaction
from core.errors import AttachmentNotFound, BodyEmpty, FileTooLarge, TooManyFiles
from core.events import MessageFile
from core.files import contents
from core.pictures import picture_in

#: Most files of one message, most bytes of one file, and most bytes of all files of one session's chat.
MAX_FILES = 10
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_SESSION_BYTES = 256 * 1024 * 1024
#: How long a file waits for its message: a draft over night.
WAITS = timedelta(days=1)
#: Characters of a name that are kept; Slack shows about as many.
MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class Attached:
    """A content that the session holds, under the name that its message gives it."""

    sha256: str
    name: str


def keep_file(tx: Transaction, actor: Actor, session_id: str, data: bytes, name: str) -> MessageFile:
    """Keeps a content for a message that is to come. The same bytes twice are kept once.

    Raises: BodyEmpty for no bytes, FileTooLarge (also when the session is full), and what `access.session_for` raises.
    """
    session_for(tx, actor, session_id, "chat")
    _check_size(len(data))
    sha256 = hashlib.sha256(data).hexdigest()
    upload = tx.sql.get(tables.Upload, (session_id, sha256))
    if upload is None:
        _check_room(tx, session_id, len(data))
        contents.keep(tx, session_id, contents.Content(sha256, data, contents.lines_in(data)))
        upload = _described(session_id, sha256, data)
    upload.sent_at = tx.now
    tx.sql.add(upload)
    tx.sql.flush()
    return _named(upload, name)


def files_of(tx: Transaction, session_id: str, attached: Sequence[Attached]) -> list[MessageFile]:
    """What a message is to name. Raises TooManyFiles, and AttachmentNotFound for what was not kept or is gone."""
    if len(attached) > MAX_FILES:
        raise TooManyFiles(f"{MAX_FILES} files fit into one message. Send the others in another one.")
    found: list[MessageFile] = []
    for one in attached:
        upload = tx.sql.get(tables.Upload, (session_id, one.sha256))
        if upload is None:
            raise AttachmentNotFound
        found.append(_named(upload, one.name))
    return found


def attach(tx: Transaction, session_id: str, message_id: str, files: Sequence[MessageFile]) -> None:
    """These files are a message's from now on."""
    for sha256 in {one.sha256 for one in files}:
        tx.sql.add(tables.Attachment(session_id=session_id, sha256=sha256, message_id=message_id))


def detach(tx: Transaction, session_id: str, message_id: str) -> None:
    """A message is taken back, and with it the contents that no other message names."""
    attachment = tables.Attachment
    its_own = tx.sql.exec(select(attachment.sha256).where(attachment.message_id == message_id)).all()
    tx.sql.exec(delete(attachment).where(col(attachment.message_id) == message_id))
    _drop_unnamed(tx, session_id, its_own)


def prune(tx: Transaction, limit: int = 100) -> int:
    """Throws away up to `limit` contents that waited for a message in vain; how many those were."""
    upload, attachment = tables.Upload, tables.Attachment
    is_named = select(1).where(
        col(attachment.session_id) == col(upload.session_id), col(attachment.sha256) == col(upload.sha256)
    )
    late = tx.sql.exec(
        select(upload.session_id, upload.sha256)
        .where(col(upload.sent_at) < tx.now - WAITS, ~is_named.exists())
        .limit(limit)
    ).all()
    for session_id, sha256 in late:
        # Whoever posts in that session waits; what they took meanwhile is named by now, or was sent again.
        tx.sql.exec(select(tables.Session.id).where(tables.Session.id == session_id).with_for_update())
        found = tx.sql.get(upload, (session_id, sha256), populate_existing=True)
        if found is not None and found.sent_at < tx.now - WAITS:
            _drop_unnamed(tx, session_id, [sha256])
    return len(late)


def normal_name(name: str) -> str:
    """A file's name without folders and without signs that nobody sees; never empty, never a way to another folder."""
    last = PurePosixPath(name.replace("\\", "/")).name
    seen = "".join(one for one in last if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    kept = " ".join(seen.split())
    if len(kept) > MAX_NAME:
        ending = PurePosixPath(kept).suffix[:20]
        kept = kept[: MAX_NAME - len(ending) - 1] + "…" + ending
    return "file" if kept in ("", ".", "..") else kept


def _check_size(size: int) -> None:
    if size == 0:
        raise BodyEmpty("That file is empty: there is nothing to send.")
    if size > MAX_FILE_BYTES:
        raise FileTooLarge(f"That file has {size / 1024**2:.1f} MiB; {MAX_FILE_BYTES // 1024**2} MiB fit.")


def _check_room(tx: Transaction, session_id: str, size: int) -> None:
    upload = tables.Upload
    held = tx.sql.exec(select(func.coalesce(func.sum(upload.size), 0)).where(upload.session_id == session_id)).one()
    if int(held) + size > MAX_SESSION_BYTES:
        raise FileTooLarge(
            f"The chat of this session holds {MAX_SESSION_BYTES // 1024**2} MiB of files, which is all that fits. "
            "Delete messages with large files, or link to where the file is."
        )


def _described(session_id: str, sha256: str, data: bytes) -> tables.Upload:
    picture = picture_in(data)
    is_text = contents.lines_in(data) is not None
    media_type = picture.media_type if picture else "text/plain" if is_text else "application/octet-stream"
    return tables.Upload(
        session_id=session_id,
        sha256=sha256,
        media_type=media_type,
        size=len(data),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
    )


def _named(upload: tables.Upload, name: str) -> MessageFile:
    return MessageFile(
        sha256=upload.sha256,
        name=normal_name(name),
        media_type=upload.media_type,
        size=upload.size,
        width=upload.width,
        height=upload.height,
    )


def _drop_unnamed(tx: Transaction, session_id: str, hashes: Sequence[str]) -> None:
    attachment, upload = tables.Attachment, tables.Upload
    for sha256 in hashes:
        named = select(1).where(attachment.session_id == session_id, attachment.sha256 == sha256)
        if tx.sql.exec(named).first() is None:
            tx.sql.exec(delete(upload).where(col(upload.session_id) == session_id, col(upload.sha256) == sha256))
            contents.drop_unshared(tx, session_id, sha256)
