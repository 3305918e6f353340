"""Changing and taking back what was said."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import delete
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, allows, session_for
from core.chat import attaching, mentions
from core.chat.texts import normal_content
from core.db import Transaction
from core.errors import MessageGone, MessageNotFound, NotAllowed
from core.events import MessageDeleted, MessageEdited


@dataclass(frozen=True, slots=True)
class Changed:
    """The entry that a wish has become; for a wish that changed nothing, the one that had made it so."""

    seq: int


def edit_message(
    tx: Transaction,
    actor: Actor,
    session_id: str,
    message_id: str,
    content: str,
    *,
    picked: tuple[str, ...] = (),
    present: tuple[str, ...] = (),
    key: str | None = None,
) -> Changed:
    """Another text for one's own message; the earlier ones stay readable.

    Raises: BodyEmpty, BodyTooLong, MessageNotFound, MessageGone, NotAllowed, and what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "chat").session
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Changed(granted)
    message = message_of(tx, session_id, message_id)
    if message.user_id != actor.user_id:
        raise NotAllowed("You can edit what you wrote yourself.")
    if message.deleted_at is not None:
        raise MessageGone
    text = normal_content(content)
    if text == message.content:
        return Changed(message.updated_seq)
    called = mentions.called_by(tx, session_id, text, picked)
    edited = MessageEdited(
        message_id=message_id,
        content=text,
        mentions=called.user_ids,
        mentions_here=called.everybody_here,
        source=actor.source,
    )
    entry = log.append(tx, session, edited, actor_id=actor.user_id, key=key)
    everybody = {*called.user_ids, *(present if called.everybody_here else ())}
    called_before = mentions.of(tx, message_id)
    mentions.record(tx, session_id, entry.seq, message_id, everybody, besides=(actor.user_id, *called_before))
    message.content, message.mentions = text, orjson.dumps(called.user_ids).decode()
    message.mentions_here, message.updated_seq, message.edited_at = called.everybody_here, entry.seq, tx.now
    tx.sql.add(message)
    return Changed(entry.seq)


def delete_message(
    tx: Transaction, actor: Actor, session_id: str, message_id: str, *, key: str | None = None
) -> Changed:
    """Takes a message back: one's own, or as a host anybody's. Its text goes from every place that holds it.

    Raises: MessageNotFound, NotAllowed, and what `access.session_for` raises.
    """
    seat = session_for(tx, actor, session_id, "chat")
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Changed(granted)
    message = message_of(tx, session_id, message_id)
    if message.user_id != actor.user_id and not allows(seat.role, "moderate"):
        raise NotAllowed("You can delete what you wrote yourself; a host can delete anything.")
    if message.deleted_at is not None:
        return Changed(message.updated_seq)
    deleted = MessageDeleted(message_id=message_id, source=actor.source)
    log.blank(tx, session_id, deleted, since=message.seq)
    entry = log.append(tx, seat.session, deleted, actor_id=actor.user_id, key=key)
    mentions.forget(tx, message_id)
    attaching.detach(tx, session_id, message_id)
    tx.sql.exec(delete(tables.Reaction).where(col(tables.Reaction.message_id) == message_id))
    message.content, message.mentions, message.mentions_here = "", "[]", False
    message.updated_seq, message.deleted_at = entry.seq, tx.now
    tx.sql.add(message)
    return Changed(entry.seq)


def message_of(tx: Transaction, session_id: str, message_id: str) -> tables.Message:
    """Raises MessageNotFound, also for a message of another session."""
    query = select(tables.Message).where(tables.Message.id == message_id, tables.Message.session_id == session_id)
    message = tx.sql.exec(query.execution_options(populate_existing=True)).first()
    if message is None:
        raise MessageNotFound
    return message
