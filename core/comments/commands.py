"""What people do with comments: add, edit, delete, resolve, reopen. Each repeated `key` has one effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, allows, session_for
from core.chat import mentions, normal_content
from core.clock import iso
from core.comments.quoting import Quote, quote_for
from core.db import Transaction
from core.errors import CommentNotFound, MessageGone, NotAllowed
from core.events import (
    CodeComment,
    CodeCommented,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)
from core.ids import derived_id, new_id


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say, and where: on lines of a file, or with `thread_id` in a thread that stands."""

    content: str
    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    version: str | None = None
    code_snippet: str = ""
    thread_id: str | None = None
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """A wish and the entry that it became. `is_new` is false for one that was granted before, or changed nothing."""

    seq: int
    comment_id: str
    is_new: bool = True


def add_comment(tx: Transaction, actor: Actor, session_id: str, draft: Draft, *, key: str | None = None) -> Posted:
    """Says something about lines of a file. A reply in a resolved thread leaves it resolved.

    Raises: BodyEmpty, BodyTooLong, CommentNotFound, MessageGone, what `quoting.quote_for` raises for the place, and
    what `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "comment").session
    comment_id = derived_id("com", session_id, actor.user_id, key) if key else new_id("com")
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, comment_id, is_new=False)
    content = normal_content(draft.content)
    thread = _answered(tx, session_id, draft.thread_id) if draft.thread_id is not None else None
    quote = (
        _quote_of(thread)
        if thread is not None
        else quote_for(tx, session_id, draft.file, draft.line, draft.end_line, draft.version, draft.code_snippet)
    )
    comment = CodeComment(
        id=comment_id,
        thread_id=thread.id if thread is not None else comment_id,
        user_id=actor.user_id,
        username=actor.name,
        file=quote.file,
        line=quote.line,
        end_line=quote.end_line,
        version=quote.version,
        code_snippet=quote.snippet,
        before=quote.before,
        after=quote.after,
        content=content,
        mentions=_called(tx, actor, session_id, content, draft.mentions, thread),
        source=actor.source,
        timestamp=iso(tx.now),
    )
    seq = log.append(tx, session, CodeCommented(comment=comment), actor_id=actor.user_id, key=key).seq
    if thread is None:
        _begin_thread(tx, session_id, seq, comment)
    _project(tx, session_id, seq, comment)
    return Posted(seq, comment_id)


def edit_comment(
    tx: Transaction,
    actor: Actor,
    session_id: str,
    comment_id: str,
    content: str,
    picked: Sequence[str] = (),
    *,
    key: str | None = None,
) -> Posted:
    """Changes one's own comment. The text that stands already appends nothing.

    Raises: CommentNotFound, MessageGone, NotAllowed for anybody else's, BodyEmpty, BodyTooLong, and what
    `access.session_for` raises.
    """
    session = session_for(tx, actor, session_id, "comment").session
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, comment_id, is_new=False)
    comment = _comment(tx, session_id, comment_id)
    if comment.user_id != actor.user_id:
        raise NotAllowed("Only whoever wrote a comment can change it.")
    if comment.deleted_at is not None:
        raise MessageGone
    text, people = normal_content(content), mentions.called_by(tx, session_id, content, picked).user_ids
    if (text, people) == (comment.content, orjson.loads(comment.mentions)):
        return Posted(comment.updated_seq, comment_id, is_new=False)
    event = CommentEdited(comment_id=comment_id, content=text, mentions=people, source=actor.source)
    seq = log.append(tx, session, event, actor_id=actor.user_id, key=key).seq
    comment.content, comment.mentions = text, orjson.dumps(people).decode()
    comment.updated_seq, comment.edited_at = seq, tx.now
    tx.sql.add(comment)
    mentions.record(tx, session_id, seq, comment_id, people, besides=(actor.user_id, *mentions.of(tx, comment_id)))
    return Posted(seq, comment_id)


def delete_comment(
    tx: Transaction, actor: Actor, session_id: str, comment_id: str, *, key: str | None = None
) -> Posted:
    """Takes a comment's text away wherever it is stored: one's own, or with the right to moderate anybody's.

    Deleting what is deleted appends nothing. Raises: CommentNotFound, NotAllowed, and what `access.session_for` raises.
    """
    seat = session_for(tx, actor, session_id, "comment")
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, comment_id, is_new=False)
    comment = _comment(tx, session_id, comment_id)
    if comment.user_id != actor.user_id and not allows(seat.role, "moderate"):
        raise NotAllowed("Only whoever wrote a comment, or a host, can delete it.")
    if comment.deleted_at is not None:
        return Posted(comment.updated_seq, comment_id, is_new=False)
    event = CommentDeleted(comment_id=comment_id, source=actor.source)
    seq = log.append(tx, seat.session, event, actor_id=actor.user_id, key=key).seq
    log.blank(tx, session_id, event, since=comment.seq)
    comment.content, comment.mentions = "", "[]"
    comment.updated_seq, comment.deleted_at = seq, tx.now
    tx.sql.add(comment)
    mentions.forget(tx, comment_id)
    return Posted(seq, comment_id)


def resolve(tx: Transaction, actor: Actor, session_id: str, comment_id: str, *, key: str | None = None) -> Posted:
    """Settles the thread of a comment. Raises CommentNotFound, and what `access.session_for` raises."""
    return _settle(tx, actor, session_id, comment_id, key, is_resolved=True)


def reopen(tx: Transaction, actor: Actor, session_id: str, comment_id: str, *, key: str | None = None) -> Posted:
    """Takes `resolve` back. Raises the same."""
    return _settle(tx, actor, session_id, comment_id, key, is_resolved=False)


def _settle(
    tx: Transaction, actor: Actor, session_id: str, comment_id: str, key: str | None, *, is_resolved: bool
) -> Posted:
    session = session_for(tx, actor, session_id, "comment").session
    granted = log.find(tx, session_id, actor.user_id, key)
    if granted is not None:
        return Posted(granted, comment_id, is_new=False)
    thread = tx.sql.get_one(tables.CommentThread, _comment(tx, session_id, comment_id).thread_id)
    if (thread.resolved_at is not None) == is_resolved:
        return Posted(thread.updated_seq, comment_id, is_new=False)
    event = CommentResolved(thread_id=thread.id) if is_resolved else CommentReopened(thread_id=thread.id)
    seq = log.append(tx, session, event, actor_id=actor.user_id, key=key).seq
    thread.updated_seq = seq
    thread.resolved_at, thread.resolved_by = (tx.now, actor.user_id) if is_resolved else (None, None)
    tx.sql.add(thread)
    return Posted(seq, comment_id)


def _comment(tx: Transaction, session_id: str, comment_id: str) -> tables.Comment:
    comment = tx.sql.get(tables.Comment, comment_id)
    if comment is None or comment.session_id != session_id:
        raise CommentNotFound
    return comment


def _answered(tx: Transaction, session_id: str, comment_id: str) -> tables.CommentThread:
    """The thread of a comment, if there is anything left of it to answer."""
    thread = tx.sql.get_one(tables.CommentThread, _comment(tx, session_id, comment_id).thread_id)
    comment = tables.Comment
    left = select(1).where(comment.thread_id == thread.id, col(comment.deleted_at).is_(None))
    if tx.sql.exec(left.limit(1)).first() is None:
        raise MessageGone
    return thread


def _called(
    tx: Transaction,
    actor: Actor,
    session_id: str,
    content: str,
    picked: tuple[str, ...],
    thread: tables.CommentThread | None,
) -> list[str]:
    """Whom a comment calls: those it names, and with an answer everybody who spoke in its thread."""
    called = set(mentions.called_by(tx, session_id, content, picked).user_ids)
    if thread is not None:
        seat, comment = tables.Participation, tables.Comment
        spoke = select(comment.user_id).where(comment.thread_id == thread.id, comment.user_id != actor.user_id)
        called.update(
            tx.sql.exec(
                select(seat.user_id).where(
                    seat.session_id == session_id, col(seat.removed_at).is_(None), col(seat.user_id).in_(spoke)
                )
            )
        )
    return sorted(called)


def _quote_of(thread: tables.CommentThread) -> Quote:
    return Quote(thread.file, thread.line, thread.end_line, thread.version, thread.snippet, thread.before, thread.after)


def _begin_thread(tx: Transaction, session_id: str, seq: int, comment: CodeComment) -> None:
    tx.sql.add(
        tables.CommentThread(
            id=comment.id,
            session_id=session_id,
            file=comment.file,
            line=comment.line,
            end_line=comment.end_line,
            version=comment.version,
            snippet=comment.code_snippet,
            before=comment.before,
            after=comment.after,
            seq=seq,
            updated_seq=seq,
        )
    )
    tx.sql.flush()


def _project(tx: Transaction, session_id: str, seq: int, comment: CodeComment) -> None:
    row = tables.Comment(
        id=comment.id,
        thread_id=comment.thread_id,
        session_id=session_id,
        seq=seq,
        user_id=comment.user_id,
        username=comment.username,
        content=comment.content,
        mentions=orjson.dumps(comment.mentions).decode(),
        source=comment.source,
        updated_seq=seq,
        created_at=tx.now,
    )
    tx.sql.add(row)
    tx.sql.flush()
    mentions.record(tx, session_id, seq, comment.id, comment.mentions, besides=(comment.user_id,))
