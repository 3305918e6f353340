"""The activity of sessions: what happened in one, or in all that somebody may see, told from their logs.

Which entries the feed shows is noted by the reader that also tells people what concerns them (`core.notifications`);
what they say is read from the log when it is shown, so a text that was taken back is gone from here as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlmodel import col, insert, select

from core import events, tables
from core.access import Actor, session_for, visible_to
from core.db import Transaction
from core.events import Person
from core.log import Stored

Kind = Literal["session", "people", "invite", "comment", "mention", "agent", "error", "file", "approval", "thread"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_ITEMS = 100
#: Characters of a text that the feed shows.
MAX_TEXT = 280

#: What each kind of entry is to the feed. Chat that calls nobody, and what an agent says and does step by step, is not.
_KIND_OF: dict[str, Kind] = {
    "session_started": "session",
    "session_update": "session",
    "session_ended": "session",
    "participant_added": "people",
    "participant_removed": "people",
    "role_changed": "people",
    "invite_created": "invite",
    "invite_accepted": "invite",
    "invite_revoked": "invite",
    "invite_declined": "invite",
    "invite_expired": "invite",
    "knocked": "approval",
    "knock_answered": "approval",
    "code_comment": "comment",
    "comment_resolved": "comment",
    "comment_reopened": "comment",
    "chat_message": "mention",
    "prompt_submitted": "agent",
    "turn_finished": "agent",
    "agent_failed": "error",
    "file_shared": "file",
    "file_changed": "file",
    "thread_linked": "thread",
    "mirror_paused": "error",
    "mirror_resumed": "thread",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened. `what` is the entry's type; `target` whom or what it was done to; `id` orders items over
    all sessions. `is_gone` for a text that was taken back."""

    id: int
    session_id: str
    session_title: str
    seq: int
    kind: Kind
    what: str
    at: datetime
    who: Person | None
    target: str
    text: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: ask for what is before it to go further back; None where nothing older is left."""

    items: Sequence[Item]
    next: int | None


def kind_of(entry_type: str, frame: bytes) -> Kind | None:
    """As what the feed shows an entry; None for what it does not show."""
    if entry_type == "chat_message":
        return None if b'"mentions":[]' in frame and b'"mentions_here":false' in frame else "mention"
    return _KIND_OF.get(entry_type)


def note(tx: Transaction, session_id: str, entries: Sequence[Stored]) -> int:
    """Notes the entries that the feed shows, in their order, and returns how many those are."""
    rows = [
        {"session_id": session_id, "seq": entry.seq, "kind": kind}
        for entry in entries
        if (kind := kind_of(entry.type, entry.frame)) is not None
    ]
    if rows:
        tx.sql.exec(insert(tables.FeedEntry), params=rows)
    return len(rows)


def of_session(
    tx: Transaction, actor: Actor, session_id: str, kinds: Collection[Kind] = (), *, before: int | None, limit: int
) -> Page:
    """What happened in one session, the latest first. Raises what `access.session_for` raises."""
    session_for(tx, actor, session_id, "read", lock=False)
    return _page(tx, col(tables.FeedEntry.session_id) == session_id, kinds, before, limit)


def of_everything(
    tx: Transaction, actor: Actor, kinds: Collection[Kind] = (), *, before: int | None, limit: int
) -> Page:
    """What happened in every session that the actor may see. Raises NotSignedIn for a deactivated account."""
    return _page(tx, col(tables.FeedEntry.session_id).in_(visible_to(tx, actor)), kinds, before, limit)


def _page(tx: Transaction, where: Any, kinds: Collection[Kind], before: int | None, limit: int) -> Page:
    row, entry, session = tables.FeedEntry, tables.LogEntry, tables.Session
    query = (
        select(row.id, row.kind, session.title, entry)
        .where(where, entry.session_id == row.session_id, entry.seq == row.seq, session.id == row.session_id)
        .order_by(col(row.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(col(row.id) < before)
    if kinds:
        query = query.where(col(row.kind).in_(kinds))
    rows = tx.sql.exec(query).all()
    stored = [Stored(found.seq, found.type, found.actor_id, found.frame.encode()) for _, _, _, found in rows[:limit]]
    told = [_Told.of(tx, one) for one in stored]
    people = _people(tx, {who for one in told for who in (one.who, one.target_id) if who is not None})
    items: list[Item] = []
    for (item_id, kind, title, found), one in zip(rows[:limit], told, strict=True):
        target = people.get(one.target_id or "")
        items.append(
            Item(
                id=item_id,
                session_id=found.session_id,
                session_title=title,
                seq=found.seq,
                kind=_as_kind(kind),
                what=found.type,
                at=found.at,
                who=people.get(one.who or ""),
                target=target.username if target is not None else one.target,
                text=one.text if len(one.text) <= MAX_TEXT else one.text[: MAX_TEXT - 1] + "…",
                is_gone=one.is_gone,
            )
        )
    return Page(items, rows[limit - 1][0] if len(rows) > limit else None)


def _people(tx: Transaction, ids: Collection[str]) -> dict[str, Person]:
    user = tables.User
    found = tx.sql.exec(select(user).where(col(user.id).in_(ids)))
    return {one.id: Person(user_id=one.id, username=one.name, color=one.color) for one in found}


@dataclass(frozen=True, slots=True)
class _Told:
    """What an entry says to the feed, before names are filled in."""

    who: str | None = None
    target_id: str | None = None
    target: str = ""
    text: str = ""
    is_gone: bool = False

    @staticmethod
    def of(tx: Transaction, entry: Stored) -> _Told:
        who = entry.actor_id
        match entry.event():
            case events.ChatMessagePosted(message=said):
                row = tx.sql.get(tables.Message, said.id)
                text = row.content or said.file_names if row is not None else ""
                return _Told(who, text=text, is_gone=not text)
            case events.CodeCommented(comment=said):
                comment = tx.sql.get(tables.Comment, said.id)
                text = comment.content if comment is not None else ""
                return _Told(who, target=f"{said.file}:{said.line}", text=text, is_gone=not text)
            case events.CommentResolved(thread_id=thread_id) | events.CommentReopened(thread_id=thread_id):
                thread = tx.sql.get(tables.CommentThread, thread_id)
                return _Told(who, target=f"{thread.file}:{thread.line}" if thread is not None else "")
            case other:
                return _other(who, other)


def _other(who: str | None, event: events.Event) -> _Told:
    match event:
        case events.ParticipantAdded(user=user):
            return _Told(user.user_id, target=event.role, text=event.via)
        case events.ParticipantRemoved(user_id=user_id):
            return _Told(who, user_id)
        case events.RoleChanged(user_id=user_id, role=role):
            return _Told(who, user_id, text=role)
        case events.Knocked(user=user):
            return _Told(user.user_id, text=event.role, target="again" if event.reminder else "")
        case events.KnockAnswered(user_id=user_id):
            return _Told(who, user_id, text="admitted" if event.is_admitted else "refused")
        case events.InviteCreated():
            return _Told(who, text=event.role)
        case events.SessionStarted():
            return _Told(who, text=event.title)
        case events.SessionUpdate():
            return _Told(who, event.host.user_id if event.host else None, text=event.title or "")
        case events.SessionEnded():
            return _Told(who, text=event.reason)
        case events.PromptSubmitted():
            return _Told(who, text=event.text)
        case events.TurnFinished():
            return _Told(text=event.status)
        case events.AgentFailed():
            return _Told(text=event.message)
        case events.FileShared() | events.FileChanged():
            is_agents = isinstance(event, events.FileChanged)
            return _Told(None if is_agents else who, target=event.path, text=event.change)
        case events.ThreadLinked():
            return _Told(who, target=event.channel_name or event.channel, text=event.url)
        case events.MirrorPaused():
            return _Told(text=event.reason)
        case events.MirrorResumed():
            return _Told(who, target=event.channel_name or event.channel)
        case _:
            return _Told(who)


def _as_kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise ValueError(f"the feed shows no {text!r}")


def kinds_of(text: str) -> list[Kind]:
    """Names of kinds separated by commas; unknown ones are left out."""
    wanted = {name.strip() for name in text.split(",")}
    return [kind for kind in KINDS if kind in wanted]
