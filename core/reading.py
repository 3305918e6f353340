"""How far each person has read a session, and what they have not read yet.

A read mark belongs to one person, on all their devices together; it only ever moves forward. It is no part of the log:
nobody else's business. What somebody wrote themselves, and what was there before they came, is never unread.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import func, literal
from sqlmodel import col, select

from core import tables
from core.access import Actor, session_for
from core.db import Transaction
from core.notifications import inbox

#: Unread messages and comments are counted up to here, each, among so many that follow the mark: whoever has written
#: thousands themselves and never read does not have all of them read for one number.
MOST_UNREAD = 1_000
MOST_LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class Unread:
    """Messages and comments of others after the mark, and how many of them call this person. `seq` is the entry as of
    which this was counted."""

    read_up_to: int
    seq: int
    unread: int
    mentions: int
    #: Something that they were told of was read with it.
    is_inbox_changed: bool = False


def mark_read(tx: Transaction, actor: Actor, session_id: str, seq: int) -> Unread:
    """Everything up to `seq` was read; going back changes nothing. Raises what `access.session_for` raises."""
    session = session_for(tx, actor, session_id, "read").session
    up_to, is_inbox_changed = min(seq, session.head), False
    mark = tx.sql.get(tables.ReadMark, (session_id, actor.user_id))
    if mark is None:
        start = read_up_to(tx, session_id, actor.user_id)
        mark = tables.ReadMark(session_id=session_id, user_id=actor.user_id, seq=start, updated_at=tx.now)
    if up_to > mark.seq:
        mark.seq, mark.updated_at = up_to, tx.now
        is_inbox_changed = inbox.read_through(tx, session_id, actor.user_id, up_to)
    tx.sql.add(mark)
    tx.sql.flush()
    return replace(unread_in(tx, session, actor.user_id), is_inbox_changed=is_inbox_changed)


def read_up_to(tx: Transaction, session_id: str, user_id: str) -> int:
    """The entry up to which this person has read: at first, the one that gave them their seat."""
    mark = tx.sql.get(tables.ReadMark, (session_id, user_id))
    if mark is not None:
        return mark.seq
    seat = tx.sql.get(tables.Participation, (session_id, user_id))
    return seat.joined_seq if seat is not None else 0


def unread_in(tx: Transaction, session: tables.Session, user_id: str) -> Unread:
    """What one person has not read of one session."""
    return unread_of(tx, [session], user_id)[session.id]


def unread_of(tx: Transaction, sessions: Collection[tables.Session], user_id: str) -> dict[str, Unread]:
    """What one person has not read, by session: four queries, however many sessions."""
    ids = [session.id for session in sessions]
    marks = _marks(tx, ids, user_id)
    messages = _count(tx, tables.Message, ids, user_id)
    comments = _count(tx, tables.Comment, ids, user_id)
    mentions = _mentions(tx, ids, user_id)
    return {
        session.id: Unread(
            marks.get(session.id, 0),
            session.head,
            messages.get(session.id, 0) + comments.get(session.id, 0),
            mentions.get(session.id, 0),
        )
        for session in sessions
    }


def _marks(tx: Transaction, ids: Collection[str], user_id: str) -> dict[str, int]:
    seat, mark = tables.Participation, tables.ReadMark
    seats = tx.sql.exec(
        select(seat.session_id, seat.joined_seq).where(seat.user_id == user_id, col(seat.session_id).in_(ids))
    )
    marks = tx.sql.exec(select(mark.session_id, mark.seq).where(mark.user_id == user_id, col(mark.session_id).in_(ids)))
    return dict(seats.all()) | dict(marks.all())


def _after_the_mark(user_id: str, said: type[tables.Message | tables.Comment | tables.Mention]) -> object:
    """A condition: the row is from after this person's mark, or after they came where they have none."""
    seat, mark = tables.Participation, tables.ReadMark
    own_mark = select(mark.seq).where(mark.session_id == said.session_id, mark.user_id == user_id).scalar_subquery()
    came = select(seat.joined_seq).where(seat.session_id == said.session_id, seat.user_id == user_id).scalar_subquery()
    return said.seq > func.coalesce(own_mark, came, 0)


def _count(
    tx: Transaction, said: type[tables.Message | tables.Comment], ids: Collection[str], user_id: str
) -> dict[str, int]:
    session = tables.Session
    after = (
        select(said.user_id, said.deleted_at)
        .where(said.session_id == session.id)
        .where(_after_the_mark(user_id, said))  # pyright: ignore[reportArgumentType]
        .order_by(col(said.seq))
        .limit(MOST_LOOKED_AT)
        .correlate(session)
        .subquery()
    )
    some = (
        select(literal(1))
        .select_from(after)
        .where(after.c.user_id != user_id, after.c.deleted_at.is_(None))
        .limit(MOST_UNREAD)
        .correlate(session)
        .subquery()
    )
    counted = select(func.count()).select_from(some).correlate(session).scalar_subquery()
    return dict(tx.sql.exec(select(session.id, counted).where(col(session.id).in_(ids))).all())


def _mentions(tx: Transaction, ids: Collection[str], user_id: str) -> dict[str, int]:
    mention = tables.Mention
    query = (
        select(mention.session_id, func.count())
        .where(col(mention.session_id).in_(ids), mention.user_id == user_id)
        .where(_after_the_mark(user_id, mention))  # pyright: ignore[reportArgumentType]
        .group_by(mention.session_id)
    )
    return dict(tx.sql.exec(query).all())
