"""Chat: what people say to each other beside the agent's work."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import insert
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, session_for
from core.clock import iso
from core.db import Transaction
from core.errors import BodyEmpty, BodyTooLong, ParentNotFound
from core.events import MAX_MESSAGE, ChatMessage, ChatMessagePosted, CodeRef
from core.ids import derived_id, new_id
from core.tables import table_of

_INSERT = insert(table_of("messages"))


@dataclass(frozen=True, slots=True)
class Posted:
    """A message and its place in the log. `is_new` is false for a wish that was granted before."""

    seq: int
    message_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say."""

    content: str
    parent_id: str | None = None
    code_ref: CodeRef | None = None
    mentions: tuple[str, ...] = ()
    session_only: bool = False


def post_message(tx: Transaction, actor: Actor, session_id: str, draft: Draft, *, key: str | None = None) -> Posted:
    """Says something in the session. The same `key` by the same actor posts once.

    Raises: BodyEmpty, BodyTooLong, ParentNotFound, and what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "chat").session
    message_id = derived_id("msg", session_id, actor.user_id, key) if key else new_id("msg")
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, message_id, is_new=False)
    content = normal_content(draft.content)
    if draft.parent_id is not None:
        _check_parent(tx, session_id, draft.parent_id)
    message = ChatMessage(
        id=message_id,
        user_id=actor.user_id,
        username=actor.name,
        content=content,
        mentions=_members_among(tx, session_id, draft.mentions),
        parent_id=draft.parent_id,
        code_ref=draft.code_ref,
        source=actor.source,
        session_only=draft.session_only,
        timestamp=iso(tx.now),
    )
    entry = log.append(tx, session, ChatMessagePosted(message=message), actor_id=actor.user_id, key=key)
    tx.sql.connection().execute(_INSERT, _projected(tx, session_id, entry.seq, message))
    return Posted(entry.seq, message_id, is_new=True)


def normal_content(text: str) -> str:
    """`text` as it is stored: NUL, which Postgres cannot hold, and outer blank lines are taken off."""
    content = text.replace("\x00", "").strip("\n").rstrip()
    if not content.strip():
        raise BodyEmpty
    if len(content) > MAX_MESSAGE:
        raise BodyTooLong(f"That message is {len(content):,} characters long; {MAX_MESSAGE:,} fit. Split it.")
    try:
        content.encode()
    except UnicodeEncodeError:
        return content.encode("utf-8", "replace").decode()
    return content


def _check_parent(tx: Transaction, session_id: str, parent_id: str) -> None:
    parent = tx.sql.get(tables.Message, parent_id)
    if parent is None or parent.session_id != session_id:
        raise ParentNotFound


def _members_among(tx: Transaction, session_id: str, user_ids: tuple[str, ...]) -> list[str]:
    """Only people with a seat can be mentioned; the rest stays text."""
    if not user_ids:
        return []
    seat = tables.Participation
    found = tx.sql.exec(
        select(seat.user_id).where(
            seat.session_id == session_id, col(seat.user_id).in_(user_ids), col(seat.removed_at).is_(None)
        )
    )
    return sorted(found)


def _projected(tx: Transaction, session_id: str, seq: int, message: ChatMessage) -> dict[str, object]:
    return {
        "id": message.id,
        "session_id": session_id,
        "seq": seq,
        "user_id": message.user_id,
        "content": message.content,
        "parent_id": message.parent_id,
        "source": message.source,
        "session_only": message.session_only,
        "mentions": orjson.dumps(message.mentions).decode(),
        "mentions_here": message.mentions_here,
        "updated_seq": seq,
        "created_at": tx.now,
    }


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as history shows it."""

    seq: int
    message: ChatMessage


def history(tx: Transaction, session_id: str, *, before: int | None, limit: int) -> list[MessageView]:
    """The last `limit` messages before entry `before`, oldest first. The caller has authorised the read."""
    entry = tables.LogEntry
    query = select(entry.seq, entry.type, entry.actor_id, entry.frame).where(
        entry.session_id == session_id, entry.type == "chat_message"
    )
    if before is not None:
        query = query.where(entry.seq < before)
    rows = tx.sql.exec(query.order_by(col(entry.seq).desc()).limit(limit)).all()
    views: list[MessageView] = []
    for seq, kind, actor_id, frame in reversed(rows):
        event = log.Stored(seq, kind, actor_id, frame.encode()).event()
        if isinstance(event, ChatMessagePosted):
            views.append(MessageView(seq, event.message))
    return views
