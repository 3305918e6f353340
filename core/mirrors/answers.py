"""The agent's answers as they stand in a thread: what is there, what was about to be put there, what is still to do.

An answer is told in parts, each a post of its own. Its state says what may be true outside after a crash:

waiting     no part is open; the next one begins at `begin`
starting    a part may have been begun as a stream that we do not know
posting     a part may have been posted under our own id
streaming   the part `ts` takes appends; where `sending` is more than `sent`, one may have been made or not
stopping    the part `ts` is to be taken out of its stream, and then rewritten
editing     the part `ts` is a post like others, to be written anew up to `sending` unless it is `sent`
done        all of it is there
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import ColumnElement, delete, exists
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.mirrors.holding import Lease, held

AnswerState = Literal["waiting", "starting", "posting", "streaming", "stopping", "editing", "done"]


@dataclass(frozen=True, slots=True)
class Answer:
    """As `core.tables.outside.MirrorAnswer`, as a value."""

    first_seq: int
    last_seq: int
    length: int = 0
    is_final: bool = False
    outcome: str = ""
    state: AnswerState = "waiting"
    part: int = 0
    ts: str | None = None
    begin: int = 0
    sent: int = 0
    sending: int = 0
    started_at: datetime | None = None


def tell(tx: Transaction, lease: Lease, answers: Iterable[Answer], *, cursor: int | None = None) -> None:
    """Stores how these answers stand, and how far the reader is that has read them."""
    mirror = held(tx, lease)
    if cursor is not None:
        mirror.cursor = max(mirror.cursor, cursor)
    for answer in answers:
        tx.sql.merge(tables.MirrorAnswer(session_id=lease.session_id, **asdict(answer)))


def untold(tx: Transaction, session_id: str) -> Sequence[Answer]:
    """The answers of which something is still to be done, in order."""
    row = tables.MirrorAnswer
    rows = tx.sql.exec(
        select(row).where(row.session_id == session_id, row.state != "done").order_by(col(row.first_seq))
    )
    return [_value(row) for row in rows]


def told(tx: Transaction, session_id: str) -> Sequence[tuple[int, int]]:
    """The first and the last entry of every answer that has posts of its own, in order."""
    row = tables.MirrorAnswer
    query = select(row.first_seq, row.last_seq).where(row.session_id == session_id).order_by(col(row.first_seq))
    return list(tx.sql.exec(query).all())


def forget_answers(tx: Transaction, session_id: str) -> None:
    """The thread is left as it is; another one begins without them."""
    tx.sql.exec(delete(tables.MirrorAnswer).where(col(tables.MirrorAnswer.session_id) == session_id))


def has_untold() -> ColumnElement[bool]:
    """Whether a mirror has an answer of which something can be done now."""
    row = tables.MirrorAnswer
    can_be_done = col(row.is_final) | (col(row.sent) < col(row.length)) | (col(row.sent) < col(row.sending))
    return exists().where(col(row.session_id) == col(tables.Mirror.session_id), col(row.state) != "done", can_be_done)


def _value(row: tables.MirrorAnswer) -> Answer:
    return Answer(
        row.first_seq,
        row.last_seq,
        row.length,
        row.is_final,
        row.outcome,
        cast("AnswerState", row.state),
        row.part,
        row.ts,
        row.begin,
        row.sent,
        row.sending,
        row.started_at,
    )
