"""Saying something."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import bindparam, select

from core import log
from core.access import Actor, place_for
from core.chat import attaching, mentions
from core.chat.attaching import Attached
from core.chat.texts import normal_content
from core.db import Transaction
from core.errors import ParentNotFound
from core.events import ChatMessage, ChatMessagePosted, CodeRef
from core.ids import derived_id, new_id
from core.tables import table_of

_MESSAGES = table_of("messages")
_PARENT = select(_MESSAGES.c.parent_id).where(
    _MESSAGES.c.id == bindparam("message"), _MESSAGES.c.session_id == bindparam("session")
)


@dataclass(frozen=True, slots=True)
class Posted:
    """A message and its place in the log. `is_new` is false for a wish that was granted before."""

    seq: int
    message_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say. `present` are the people who are here, whom `@here` calls."""

    content: str
    parent_id: str | None = None
    code_ref: CodeRef | None = None
    mentions: tuple[str, ...] = ()
    session_only: bool = False
    present: tuple[str, ...] = ()
    #: Kept before (`attaching.keep_file`). With files, `content` may be empty.
    files: tuple[Attached, ...] = ()


def post_message(tx: Transaction, actor: Actor, session_id: str, draft: Draft, *, key: str | None = None) -> Posted:
    """Says something in the session. The same `key` by the same actor posts once.

    Raises: BodyEmpty, BodyTooLong, ParentNotFound, AttachmentNotFound, TooManyFiles, and what `access.session_for`
    raises.
    """
    session = place_for(tx, actor, session_id, "chat")
    message_id = derived_id("msg", session_id, actor.user_id, key) if key else new_id("msg")
    granted = log.find_or_trust(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, message_id, is_new=False)
    files = attaching.files_of(tx, session_id, draft.files) if draft.files else []
    content = normal_content(draft.content, may_be_empty=files != [])
    called = mentions.called_by(tx, session_id, content, draft.mentions)
    message = ChatMessage(
        id=message_id,
        user_id=actor.user_id,
        username=actor.name,
        content=content,
        files=files,
        mentions=called.user_ids,
        mentions_here=called.everybody_here,
        parent_id=_root(tx, session_id, draft.parent_id),
        code_ref=draft.code_ref,
        source=actor.source,
        session_only=draft.session_only,
        timestamp=tx.at,
    )
    entry = log.append(tx, session, ChatMessagePosted(message=message), actor_id=actor.user_id, key=key)
    tx.collected.add("messages", [_projected(tx, session_id, entry.seq, message)])
    if files:
        attaching.attach(tx, session_id, message_id, files)
    everybody = {*called.user_ids, *(draft.present if called.everybody_here else ())}
    mentions.record(tx, session_id, entry.seq, message_id, everybody, besides=(actor.user_id,))
    return Posted(entry.seq, message_id, is_new=True)


def _root(tx: Transaction, session_id: str, parent_id: str | None) -> str | None:
    """Threads are one level deep: who answers an answer answers in its thread."""
    if parent_id is None:
        return None
    values = {"message": parent_id, "session": session_id}
    # What is not stored may be among what the same commit will store.
    parent = tx.stored.execute(_PARENT, values).first() or tx.sql.connection().execute(_PARENT, values).first()
    if parent is None:
        raise ParentNotFound
    return parent.parent_id or parent_id


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
