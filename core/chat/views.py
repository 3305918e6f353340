"""Messages as they stand now, and the texts that they had before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import func
from sqlmodel import col, select

from core import log, tables
from core.chat.changing import message_of
from core.db import Transaction
from core.events import ChatMessage, ChatMessagePosted, MessageEdited


@dataclass(frozen=True, slots=True)
class ReactionState:
    """Who reacted with this, the first first."""

    emoji: str
    user_ids: list[str]


@dataclass(frozen=True, slots=True)
class MessageState:
    """A message after every edit, deletion and reaction up to now. `updated_seq` is the last entry that changed it."""

    seq: int
    updated_seq: int
    message: ChatMessage
    edited_at: datetime | None
    is_deleted: bool
    reactions: list[ReactionState]
    reply_count: int
    last_reply_at: datetime | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """One of the texts that a message has had. `at` is RFC 3339."""

    content: str
    at: str


def history(tx: Transaction, session_id: str, *, before: int | None, limit: int) -> list[MessageState]:
    """The last `limit` messages before entry `before`, oldest first. The caller has authorised the read."""
    message = tables.Message
    query = select(message).where(message.session_id == session_id)
    if before is not None:
        query = query.where(message.seq < before)
    rows = tx.sql.exec(query.order_by(col(message.seq).desc()).limit(limit)).all()
    return states(tx, session_id, list(reversed(rows)))


def thread(tx: Transaction, session_id: str, root_id: str) -> list[MessageState]:
    """A message and every answer to it, oldest first. Raises MessageNotFound."""
    root = message_of(tx, session_id, root_id)
    message = tables.Message
    replies = tx.sql.exec(select(message).where(message.parent_id == root.id).order_by(col(message.seq)))
    return states(tx, session_id, [root, *replies])


def states(tx: Transaction, session_id: str, rows: Sequence[tables.Message]) -> list[MessageState]:
    """Three queries, however many messages."""
    if not rows:
        return []
    entry = tables.LogEntry
    seqs = [row.seq for row in rows]
    stored = tx.sql.exec(
        select(entry.seq, entry.type, entry.actor_id, entry.frame).where(
            entry.session_id == session_id, col(entry.seq).in_(seqs)
        )
    )
    said = {seq: log.Stored(seq, kind, actor, frame.encode()).event() for seq, kind, actor, frame in stored}
    reactions = _reactions(tx, [row.id for row in rows])
    replies = _replies(tx, [row.id for row in rows])
    found: list[MessageState] = []
    for row in rows:
        event = said[row.seq]
        assert isinstance(event, ChatMessagePosted)
        count, last = replies.get(row.id, (0, None))
        found.append(
            MessageState(
                seq=row.seq,
                updated_seq=row.updated_seq,
                message=event.message.model_copy(
                    update={
                        "content": row.content,
                        "mentions": orjson.loads(row.mentions),
                        "mentions_here": row.mentions_here,
                    }
                ),
                edited_at=row.edited_at,
                is_deleted=row.deleted_at is not None,
                reactions=reactions.get(row.id, []),
                reply_count=count,
                last_reply_at=last,
            )
        )
    return found


def _reactions(tx: Transaction, message_ids: Iterable[str]) -> dict[str, list[ReactionState]]:
    reaction = tables.Reaction
    rows = tx.sql.exec(
        select(reaction).where(col(reaction.message_id).in_(list(message_ids))).order_by(col(reaction.seq))
    )
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(row.message_id, {}).setdefault(row.emoji, []).append(row.user_id)
    return {
        message_id: [ReactionState(emoji, user_ids) for emoji, user_ids in kinds.items()]
        for message_id, kinds in found.items()
    }


def _replies(tx: Transaction, message_ids: Iterable[str]) -> dict[str, tuple[int, datetime]]:
    """Answers that were not taken back: how many, and when the last was written."""
    message = tables.Message
    rows = tx.sql.exec(
        select(message.parent_id, func.count(), func.max(message.created_at))
        .where(col(message.parent_id).in_(list(message_ids)), col(message.deleted_at).is_(None))
        .group_by(col(message.parent_id))
    )
    return {parent_id: (count, last) for parent_id, count, last in rows if parent_id is not None}


def texts_over_time(tx: Transaction, session_id: str, message_id: str) -> list[Earlier]:
    """Every text that a message has had, the first first; none once it was deleted. Raises MessageNotFound."""
    message = message_of(tx, session_id, message_id)
    if message.deleted_at is not None:
        return []
    found: list[Earlier] = []
    for stored in log.holding(tx, session_id, message_id, since=message.seq):
        event = stored.event()
        at = str(orjson.loads(stored.frame)["at"])
        if isinstance(event, ChatMessagePosted) and event.message.id == message_id:
            found.append(Earlier(event.message.content, at))
        elif isinstance(event, MessageEdited) and event.message_id == message_id:
            found.append(Earlier(event.content, at))
    return found
