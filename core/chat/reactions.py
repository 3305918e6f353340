"""Reactions: one emoji by one person on one message, there or not there."""

from __future__ import annotations

import re
import unicodedata

from sqlmodel import select

from core import log, tables
from core.access import Actor, session_for
from core.chat.changing import Changed, message_of
from core.db import Transaction
from core.errors import Invalid, MessageGone, TooManyReactions
from core.events import ReactionAdded, ReactionRemoved

#: Different emoji on one message.
MAX_KINDS = 20

_NAME = re.compile(r":[a-z0-9_+'-]{1,38}:")
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
#: What may stand inside one emoji beside symbols: joiner, presentation selector, skin tones, tags of regional flags.
_GLUE = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def normal_emoji(text: str) -> str:
    """One emoji as it is stored. Raises Invalid for anything else (https://unicode.org/reports/tr51/ §1.4.9)."""
    emoji = text.strip()
    if _NAME.fullmatch(emoji) or _KEYCAP.fullmatch(emoji) or _FLAG.fullmatch(emoji):
        return emoji
    parts = [_GLUE.sub("", part) for part in emoji.split("\u200d")]
    if len(parts) <= 5 and all(len(part) == 1 and _is_pictograph(part) for part in parts):
        return emoji
    raise Invalid("React with one emoji, or with a name between colons.")


def _is_pictograph(character: str) -> bool:
    if "\U0001f1e6" <= character <= "\U0001f1ff":
        return False  # Half a flag.
    return (
        unicodedata.category(character) == "So" or character in "\u203c\u2049\u2194\u2195\u25fd\u25fe\u2b50\u3030\u303d"
    )


def add_reaction(
    tx: Transaction, actor: Actor, session_id: str, message_id: str, emoji: str, *, key: str | None = None
) -> Changed:
    """Adding what is there already changes nothing.

    Raises: Invalid, MessageNotFound, MessageGone, TooManyReactions, and what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "chat").session
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Changed(granted)
    emoji = normal_emoji(emoji)
    message = message_of(tx, session_id, message_id)
    if message.deleted_at is not None:
        raise MessageGone
    there = tx.sql.get(tables.Reaction, (message_id, emoji, actor.user_id))
    if there is not None:
        return Changed(there.seq)
    _check_room(tx, message_id, emoji)
    added = ReactionAdded(message_id=message_id, user_id=actor.user_id, emoji=emoji, source=actor.source)
    entry = log.append(tx, session, added, actor_id=actor.user_id, key=key)
    tx.sql.add(
        tables.Reaction(message_id=message_id, emoji=emoji, user_id=actor.user_id, session_id=session_id, seq=entry.seq)
    )
    message.updated_seq = entry.seq
    tx.sql.add(message)
    tx.sql.flush()
    return Changed(entry.seq)


def remove_reaction(
    tx: Transaction, actor: Actor, session_id: str, message_id: str, emoji: str, *, key: str | None = None
) -> Changed:
    """One's own. Removing what is not there changes nothing.

    Raises: MessageNotFound, and what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "chat").session
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Changed(granted)
    message = message_of(tx, session_id, message_id)
    there = tx.sql.get(tables.Reaction, (message_id, emoji.strip(), actor.user_id))
    if there is None:
        return Changed(message.updated_seq)
    removed = ReactionRemoved(message_id=message_id, user_id=actor.user_id, emoji=there.emoji, source=actor.source)
    entry = log.append(tx, session, removed, actor_id=actor.user_id, key=key)
    tx.sql.delete(there)
    message.updated_seq = entry.seq
    tx.sql.add(message)
    tx.sql.flush()
    return Changed(entry.seq)


def _check_room(tx: Transaction, message_id: str, emoji: str) -> None:
    reaction = tables.Reaction
    kinds = set(tx.sql.exec(select(reaction.emoji).where(reaction.message_id == message_id).distinct()))
    if emoji not in kinds and len(kinds) >= MAX_KINDS:
        raise TooManyReactions
