"""What the thread's reader reads: where an earlier one stopped, and what follows a position of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import blocks
from core import log as session_log
from core import mirrors, sessions, tables
from core.db import Transaction
from core.events import AgentMessage, ChatMessagePosted, CodeCommented, Event

#: Entries that are read at once.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Page:
    """What is new, and the session as it is now. `linked` are the messages and comments that the thread has already."""

    entries: Sequence[Entry]
    linked: frozenset[str]
    status: str
    head: int
    card: blocks.Card
    now: datetime

    @property
    def is_muted(self) -> bool:
        """Whether nothing that is said is to be copied."""
        return bool(self.card.muted_by)


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer of the agent that is not all told, and the entries that it is made of."""

    answer: mirrors.Answer
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Start:
    """Where an earlier reader of this thread stopped. `turn` are the entries that its open message tells; `told` the
    first and last entry of each answer that has posts of its own, the last one in the turn `told_turn`; `untold` those
    that are not finished."""

    channel: str
    root: str | None
    intent: int | None
    cursor: int
    progress_ts: str | None
    progress_seq: int | None
    card_hash: str
    created_at: datetime
    turn: Sequence[Entry]
    #: Counts the threads after the first.
    round: int
    told: Sequence[tuple[int, int]]
    told_turn: str
    untold: Sequence[Begun]
    now: datetime


def read_start(tx: Transaction, session_id: str) -> Start:
    row = tx.sql.get(tables.Mirror, session_id)
    assert row is not None
    turn = [] if row.progress_seq is None else _entries(tx, session_id, row.progress_seq, row.cursor)
    untold = [Begun(one, _said(tx, session_id, one)) for one in mirrors.untold(tx, session_id)]
    told = mirrors.told(tx, session_id)
    return Start(
        row.channel,
        row.root,
        row.intent,
        row.cursor,
        row.progress_ts,
        row.progress_seq,
        row.card_hash,
        row.created_at,
        turn,
        row.round,
        told,
        _turn_at(tx, session_id, told[-1][0]) if told else "",
        untold,
        tx.now,
    )


def _said(tx: Transaction, session_id: str, answer: mirrors.Answer) -> Sequence[Entry]:
    """The blocks of an answer: those of its turn among the entries that it spans."""
    found = [
        entry
        for entry in _entries(tx, session_id, answer.first_seq, answer.last_seq)
        if isinstance(entry.event, AgentMessage)
    ]
    turns = {entry.event.turn_id for entry in found[:1] if isinstance(entry.event, AgentMessage)}
    return [entry for entry in found if isinstance(entry.event, AgentMessage) and entry.event.turn_id in turns]


def _turn_at(tx: Transaction, session_id: str, seq: int) -> str:
    return next((e.event.turn_id for e in _entries(tx, session_id, seq, seq) if isinstance(e.event, AgentMessage)), "")


def _entries(tx: Transaction, session_id: str, first: int, last: int) -> list[Entry]:
    found: list[Entry] = []
    after = first - 1
    while after < last:
        stored = session_log.read_after(tx, session_id, after)
        found += [Entry(one.seq, one.event()) for one in stored if one.seq <= last]
        if not stored:
            break
        after = stored[-1].seq
    return found


def read_page(tx: Transaction, session_id: str, after: int, *, here: tuple[str, ...], url: str) -> Page:
    """Up to `PAGE` entries after `after`. `here` are the names of those who have the session open at `url`."""
    row = tx.sql.get(tables.Mirror, session_id)
    session = tx.sql.get(tables.Session, session_id)
    assert row is not None
    assert session is not None
    entries = [Entry(one.seq, one.event()) for one in session_log.read_after(tx, session_id, after, PAGE)]
    messages = [one.event.message.id for one in entries if isinstance(one.event, ChatMessagePosted)]
    messages += [one.event.comment.id for one in entries if isinstance(one.event, CodeCommented)]
    card = blocks.Card(
        title=session.title,
        host=sessions.host_of(tx, session).username,
        is_live=session.status == "live",
        url=url,
        here=here,
        participants=session.participant_count,
        messages=session.message_count,
        tokens=session.token_count,
        agent=session.agent,
        session_id=session_id,
        muted_by=_name(tx, row.muted_by),
        last_activity=session.last_activity_at,
    )
    return Page(entries, mirrors.linked(tx, session_id, messages), row.status, session.head, card, tx.now)


def _name(tx: Transaction, user_id: str | None) -> str:
    user = tx.sql.get(tables.User, user_id) if user_id is not None else None
    return "" if user_id is None else user.name if user is not None else "somebody"
