"""Moving on: every step of whoever holds the lease, stored together with what it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sqlmodel import select

from core import log, tables
from core.db import Transaction
from core.errors import SessionNotFound
from core.events import MirrorPaused, ThreadLinked
from core.mirrors.finding import by_thread
from core.mirrors.holding import Lease, held, locked
from core.mirrors.links import link

#: The intent of a mirror whose card is being posted; entries count from 1.
CARD = 0


def intend(tx: Transaction, lease: Lease, seq: int) -> None:
    """Entry `seq` (or the card) is about to be posted."""
    held(tx, lease).intent = seq


def opened(tx: Transaction, lease: Lease, root: str, *, url: str, card_hash: str) -> None:
    """The card is in the channel: the thread is linked, and the log says so."""
    mirror = held(tx, lease)
    if mirror.root is not None:
        return
    mirror.root, mirror.status, mirror.intent, mirror.card_hash = root, "live", None, card_hash
    mirror.url = url
    session = session_of(tx, lease.session_id)
    log.append(tx, session, ThreadLinked(channel=mirror.channel, channel_name=mirror.channel_name, url=url))


def posted(tx: Transaction, lease: Lease, seq: int, message_id: str, stamps: Iterable[str]) -> None:
    """The message of entry `seq` is in the thread, as one or several posts."""
    mirror = held(tx, lease)
    mirror.intent, mirror.cursor = None, max(mirror.cursor, seq)
    for ts in stamps:
        link(tx, mirror, ts, message_id, "session")


def advance(
    tx: Transaction,
    lease: Lease,
    *,
    cursor: int | None = None,
    card: tuple[int, str] | None = None,
    progress: tuple[str, int] | Literal["same"] | None = "same",
) -> None:
    """Stores how far the reader is, what the card shows (seq and digest), and which progress message is open
    (its ts and first entry); ends the intent where the progress message was it."""
    mirror = held(tx, lease)
    if cursor is not None:
        mirror.cursor = max(mirror.cursor, cursor)
    if card is not None:
        mirror.card_seq, mirror.card_hash = card
    if progress != "same":
        mirror.intent = None
        mirror.progress_ts, mirror.progress_seq = progress or (None, None)


def close(tx: Transaction, lease: Lease) -> None:
    """The session has ended and everything is in the thread."""
    held(tx, lease).status = "closed"


def take_up_again(tx: Transaction, session_id: str) -> None:
    """Something is taken back from a session that has ended: its thread is read on until that has left it too."""
    mirror = tx.sql.get(tables.Mirror, session_id, populate_existing=True)
    if mirror is not None and mirror.status == "closed" and mirror.root is not None:
        mirror.status = "live"
        tx.sql.add(mirror)


def pause(tx: Transaction, lease: Lease, reason: str) -> None:
    """The thread is gone or refuses posts. The log says so; nothing is copied until a new thread is linked."""
    _pause(tx, held(tx, lease), reason)


def thread_is_gone(tx: Transaction, realm: str, channel: str, root: str, reason: str) -> None:
    """Somebody deleted the thread: known at once, whoever holds the lease."""
    found = by_thread(tx, realm, channel, root)
    if found is not None:
        _pause(tx, locked(tx, found.session_id), reason)


def _pause(tx: Transaction, mirror: tables.Mirror, reason: str) -> None:
    if mirror.status == "paused":
        return
    mirror.status, mirror.status_reason, mirror.intent = "paused", reason, None
    tx.sql.add(mirror)
    log.append(tx, session_of(tx, mirror.session_id), MirrorPaused(reason=reason))


def session_of(tx: Transaction, session_id: str) -> tables.Session:
    query = select(tables.Session).where(tables.Session.id == session_id)
    session = tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if session is None:
        raise SessionNotFound
    return session
