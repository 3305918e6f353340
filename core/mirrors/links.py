"""Which message of a thread is which message of its session, and how it stands there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from core import log, tables
from core.db import Transaction
from core.events import ReactionAdded
from core.mirrors.uploads import NO_UPLOADS, OUT_OF_REACH, Uploads, uploads

Origin = Literal["session", "thread"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A message or a comment of the session as its thread has it: the posts that its words are in, in order. `emoji`
    are the reactions that people have put on it elsewhere than in the thread; `uploads` the files of ours that came
    with it."""

    stamps: tuple[str, ...]
    origin: Origin
    author: str
    emoji: frozenset[str]
    uploads: Uploads = NO_UPLOADS

    @property
    def posts(self) -> tuple[str, ...]:
        """All posts, that of the files last."""
        ts = self.uploads.ts
        return (*self.stamps, ts) if ts and ts != OUT_OF_REACH else self.stamps


def link(tx: Transaction, mirror: tables.Mirror, ts: str, message_id: str, origin: Origin) -> None:
    """Message `ts` of the thread is message `message_id` of the session."""
    key = (mirror.realm, mirror.channel, ts)
    if tx.sql.get(tables.MirrorLink, key) is None:
        tx.sql.add(
            tables.MirrorLink(
                realm=mirror.realm,
                channel=mirror.channel,
                ts=ts,
                session_id=mirror.session_id,
                message_id=message_id,
                origin=origin,
            )
        )


def linked(tx: Transaction, session_id: str, message_ids: Sequence[str]) -> frozenset[str]:
    """Those of the messages that are in the thread already, whichever side they began on."""
    if not message_ids:
        return frozenset()
    links = tables.MirrorLink
    query = select(links.message_id).where(links.session_id == session_id, col(links.message_id).in_(message_ids))
    return frozenset(tx.sql.exec(query))


def last_posted(tx: Transaction, session_id: str) -> str | None:
    """The ts of the newest post of ours that is known: one that is being looked for is later."""
    links = tables.MirrorLink
    query = select(func.max(links.ts)).where(links.session_id == session_id, links.origin == "session")
    return tx.sql.exec(query).one()


def standing(tx: Transaction, session_id: str, message_id: str) -> Standing | None:
    """A message as it stands in the thread, or None where it does not."""
    links, message, user = tables.MirrorLink, tables.Message, tables.User
    posts = tx.sql.exec(
        select(links.ts, links.origin, user.name)
        .where(
            links.session_id == session_id,
            links.message_id == message_id,
            links.message_id == message.id,
            message.user_id == user.id,
        )
        .order_by(links.ts)
    ).all()
    files = uploads(tx, session_id, message_id)
    if not posts:
        return _files_alone(tx, message_id, files) or _comment_standing(tx, session_id, message_id)
    _, origin, author = posts[0]
    stamps = tuple(ts for ts, _, _ in posts if ts != files.ts)
    emoji = _emoji_from_elsewhere(tx, session_id, message_id)
    return Standing(stamps, "thread" if origin == "thread" else "session", author, emoji, files)


def _files_alone(tx: Transaction, message_id: str, files: Uploads) -> Standing | None:
    """A message without words whose files were shared in a post that nobody has seen."""
    message = tx.sql.get(tables.Message, message_id) if files.file_ids else None
    author = tx.sql.get(tables.User, message.user_id) if message is not None else None
    return Standing((), "session", author.name, frozenset(), files) if author is not None else None


def _comment_standing(tx: Transaction, session_id: str, comment_id: str) -> Standing | None:
    """The same for a comment; nobody reacts to one."""
    links, comment = tables.MirrorLink, tables.Comment
    posts = tx.sql.exec(
        select(links.ts, links.origin, comment.username)
        .where(links.session_id == session_id, links.message_id == comment_id, links.message_id == comment.id)
        .order_by(links.ts)
    ).all()
    if not posts:
        return None
    _, origin, author = posts[0]
    return Standing(tuple(ts for ts, _, _ in posts), "thread" if origin == "thread" else "session", author, frozenset())


def _emoji_from_elsewhere(tx: Transaction, session_id: str, message_id: str) -> frozenset[str]:
    emoji: set[str] = set()
    for row in tx.sql.exec(select(tables.Reaction).where(tables.Reaction.message_id == message_id)):
        [entry] = log.read_after(tx, session_id, row.seq - 1, 1)
        added = entry.event()
        if isinstance(added, ReactionAdded) and added.source != "slack":
            emoji.add(row.emoji)
    return frozenset(emoji)
