"""Which thread outside mirrors which session: made, and found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.errors import NotFound
from core.mirrors.answers import has_untold


class ThreadNotLinked(NotFound):
    """No thread mirrors this session now."""

    code = "thread_not_linked"


@dataclass(frozen=True, slots=True)
class Open:
    """A mirror that is at work. `is_due`: there is something it has not copied or finished."""

    session_id: str
    is_due: bool
    realm: str


def open_mirror(tx: Transaction, session_id: str, *, realm: str, channel: str, channel_name: str = "") -> None:
    """A mirror whose thread is still to be made. Doing it twice is doing it once."""
    if tx.sql.get(tables.Mirror, session_id) is None:
        tx.sql.add(
            tables.Mirror(
                session_id=session_id,
                realm=realm,
                channel=channel,
                channel_name=channel_name[:120],
                created_at=tx.now,
            )
        )
        tx.sql.flush()


def by_thread(tx: Transaction, realm: str, channel: str, root: str) -> tables.Mirror | None:
    mirror = tables.Mirror
    return tx.sql.exec(
        select(mirror).where(mirror.realm == realm, mirror.channel == channel, mirror.root == root)
    ).first()


def in_channel(tx: Transaction, realm: str, channel: str) -> Sequence[tables.Mirror]:
    """The mirrors at work in one channel, the newest first."""
    mirror = tables.Mirror
    return tx.sql.exec(
        select(mirror)
        .where(mirror.realm == realm, mirror.channel == channel, col(mirror.status).in_(("opening", "live")))
        .order_by(col(mirror.created_at).desc())
    ).all()


def open_ones(tx: Transaction) -> list[Open]:
    """Every mirror that is at work, in any process."""
    mirror, session = tables.Mirror, tables.Session
    is_due = (
        (col(mirror.cursor) < col(session.head))
        | (col(mirror.card_seq) < col(session.head))
        | (mirror.status == "opening")
        | col(mirror.intent).is_not(None)
        | has_untold()
        | (col(session.status) == "ended")
    )
    rows = tx.sql.exec(
        select(mirror.session_id, is_due.label("is_due"), mirror.realm).where(
            mirror.session_id == session.id, col(mirror.status).in_(("opening", "live"))
        )
    )
    return [Open(session_id, bool(due), realm) for session_id, due, realm in rows]
