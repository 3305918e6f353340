"""Whom an entry of a log concerns, and as what: the one place that reads events with this question.

A deed concerns everybody but its doer. Whoever is called by a text hears of a mention, not of a reply as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, or_, select

from core import events, tables
from core.chat.mentions import called_by
from core.db import Transaction
from core.invites import reminding
from core.invites.rules import way_of
from core.log import Stored
from core.notifications.deciding import Kind

#: An agent's record that is older than this when it arrives tells of the past: nobody has to come running.
PAST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Concern:
    """One person is to hear of one entry. `group` is what it is folded with, `ref_id` what it is about. `is_told` when
    something outside of the product tells them already."""

    user_id: str
    kind: Kind
    group: str
    ref_id: str
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """What was told about `ref_id` is of no use any more: deleted, or answered. None: to nobody."""

    ref_id: str
    kinds: frozenset[Kind]
    #: It goes out of the inbox; otherwise it stays there as read.
    is_gone: bool = False


Finding = Concern | Over
_Finder = Callable[[Transaction, str, Stored, Any], Iterable[Finding]]


def concerned(tx: Transaction, session_id: str, entry: Stored) -> list[Finding]:
    """What the entry means to people: each of them at most once."""
    finder = _FINDERS.get(entry.type)
    if finder is None:
        return []
    found: list[Finding] = []
    seen: set[str] = set()
    for finding in finder(tx, session_id, entry, entry.event()):
        if isinstance(finding, Concern):
            if finding.user_id in seen:
                continue
            seen.add(finding.user_id)
        found.append(finding)
    return found


def doer_of(entry: Stored) -> str | None:
    """Whose deed an entry is. What an agent did is not the deed of whoever's machine reported it."""
    return None if entry.type in _OF_AGENT else entry.actor_id


# ── What people say ───────────────────────────────────────────────────────────────────────────────────────────────────


def _called(tx: Transaction, session_id: str, seq: int) -> list[str]:
    """Whom the entry calls, `@here` and picked names included; nobody for a text that was taken back."""
    row = tables.Mention
    found = tx.sql.exec(select(row.user_id).where(row.session_id == session_id, row.seq == seq))
    return sorted(found)


def _message(tx: Transaction, session_id: str, entry: Stored, event: events.ChatMessagePosted) -> Iterable[Finding]:
    message = event.message
    group = message.parent_id or "chat"
    # Slack itself tells somebody who is called there.
    in_slack = _linked(tx) if message.source == "slack" and message.mentions else set[str]()
    for user_id in _called(tx, session_id, entry.seq):
        yield Concern(user_id, "mention", group, message.id, is_told=user_id in in_slack)
    if message.parent_id is not None:
        row = tables.Message
        is_of_thread = or_(row.id == message.parent_id, row.parent_id == message.parent_id)
        before = select(row.user_id).where(row.session_id == session_id, is_of_thread, row.seq < entry.seq).distinct()
        for user_id in sorted(tx.sql.exec(before)):
            yield Concern(user_id, "reply", group, message.id)


def _linked(tx: Transaction) -> set[str]:
    row = tables.Identity
    return set(tx.sql.exec(select(row.user_id).where(row.provider == "slack")))


def _edited_message(tx: Transaction, session_id: str, entry: Stored, event: events.MessageEdited) -> Iterable[Finding]:
    row = tx.sql.get(tables.Message, event.message_id)
    group = (row.parent_id if row is not None else None) or "chat"
    for user_id in _called(tx, session_id, entry.seq):
        yield Concern(user_id, "mention", group, event.message_id)


def _comment(tx: Transaction, session_id: str, entry: Stored, event: events.CodeCommented) -> Iterable[Finding]:
    comment = event.comment
    row = tables.Comment
    before = select(row.user_id).where(row.thread_id == comment.thread_id, row.seq < entry.seq).distinct()
    spoke = set(tx.sql.exec(before))
    # An answer calls all who spoke in its thread; only those whom its text names are mentioned.
    named = called_by(tx, session_id, comment.content, ()).user_ids if spoke else []
    for user_id in _called(tx, session_id, entry.seq):
        if user_id not in spoke or user_id in named:
            yield Concern(user_id, "mention", comment.thread_id, comment.id)
    for user_id in sorted(spoke):
        yield Concern(user_id, "reply", comment.thread_id, comment.id)


def _edited_comment(tx: Transaction, session_id: str, entry: Stored, event: events.CommentEdited) -> Iterable[Finding]:
    row = tx.sql.get(tables.Comment, event.comment_id)
    group = row.thread_id if row is not None else event.comment_id
    for user_id in _called(tx, session_id, entry.seq):
        yield Concern(user_id, "mention", group, event.comment_id)


def _deleted(_tx: Transaction, _session_id: str, _entry: Stored, event: Any) -> Iterable[Finding]:
    gone = event.message_id if isinstance(event, events.MessageDeleted) else event.comment_id
    yield Over(gone, frozenset({"mention", "reply"}), is_gone=True)


# ── Ways in ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _invited(tx: Transaction, _session_id: str, _entry: Stored, event: events.InviteCreated) -> Iterable[Finding]:
    invite = tx.sql.get(tables.Invite, event.invite_id)
    if invite is None:
        return
    way = way_of(invite)
    for user_id in _invitees(tx, invite):
        # The letter in Slack and the mail are the invite itself.
        yield Concern(user_id, "invite", invite.id, invite.id, is_told=way in ("slack", "email"))


def _invitees(tx: Transaction, invite: tables.Invite) -> list[str]:
    user, identity = tables.User, tables.Identity
    match way_of(invite):
        case "person":
            return [invite.user_id or ""]
        case "email":
            return list(tx.sql.exec(select(user.id).where(user.email == invite.email)))
        case "slack":
            query = select(identity.user_id).where(
                identity.provider == "slack",
                identity.realm == invite.realm,
                identity.external_id == invite.external_id,
            )
            return list(tx.sql.exec(query))
        case "link":
            return []


def _invite_over(_tx: Transaction, _session_id: str, _entry: Stored, event: Any) -> Iterable[Finding]:
    yield Over(event.invite_id, frozenset({"invite"}))


def _knocked(tx: Transaction, session_id: str, _entry: Stored, event: events.Knocked) -> Iterable[Finding]:
    for host in _hosts(tx, session_id):
        yield Concern(host, "needs_me", "door", _at_the_door(event.invite_id, event.user.user_id, event.reminder))


def _knock_answered(
    _tx: Transaction, _session_id: str, _entry: Stored, event: events.KnockAnswered
) -> Iterable[Finding]:
    for reminder in range(len(reminding.AFTER) + 1):
        yield Over(_at_the_door(event.invite_id, event.user_id, reminder), frozenset({"needs_me"}))


def _at_the_door(invite_id: str, user_id: str, reminder: int) -> str:
    """What a knock is known by; a reminder of it is told of anew."""
    return f"{invite_id}:{user_id}" + (f":{reminder}" if reminder else "")


# ── The agent, and the end ────────────────────────────────────────────────────────────────────────────────────────────


def _hosts(tx: Transaction, session_id: str) -> list[str]:
    return _seated(tx, session_id, only_hosts=True)


def _seated(tx: Transaction, session_id: str, *, only_hosts: bool = False) -> list[str]:
    seat = tables.Participation
    query = select(seat.user_id).where(seat.session_id == session_id, col(seat.removed_at).is_(None))
    return sorted(tx.sql.exec(query.where(seat.role == "host") if only_hosts else query))


def _failed(tx: Transaction, session_id: str, entry: Stored, event: Any) -> Iterable[Finding]:
    is_failure = not isinstance(event, events.TurnFinished) or event.status == "failed"
    if not is_failure or _is_past(event.occurred_at, tx.now):
        return
    for host in _hosts(tx, session_id):
        yield Concern(host, "needs_me", "agent", (event.turn_id or f"{session_id}:{entry.seq}")[:80])


def _is_past(occurred_at: str | None, now: datetime) -> bool:
    """A record without a time, or with none that can be read, counts as new."""
    if occurred_at is None:
        return False
    try:
        at = datetime.fromisoformat(occurred_at)
    except ValueError:
        return False
    return at.tzinfo is not None and now - at > PAST


def _ended(tx: Transaction, session_id: str, _entry: Stored, _event: events.SessionEnded) -> Iterable[Finding]:
    for user_id in _seated(tx, session_id):
        yield Concern(user_id, "session_ended", "end", session_id)


_OF_AGENT = frozenset({"agent_failed", "turn_finished"})
_FINDERS: dict[str, _Finder] = {
    "chat_message": _message,
    "message_edited": _edited_message,
    "message_deleted": _deleted,
    "code_comment": _comment,
    "comment_edited": _edited_comment,
    "comment_deleted": _deleted,
    "invite_created": _invited,
    "invite_accepted": _invite_over,
    "invite_revoked": _invite_over,
    "invite_declined": _invite_over,
    "invite_expired": _invite_over,
    "knocked": _knocked,
    "knock_answered": _knock_answered,
    "agent_failed": _failed,
    "turn_finished": _failed,
    "session_ended": _ended,
}


def may_concern(kind: str, frame: bytes) -> bool:
    """Whether an entry has to be looked at. Most messages call nobody and answer nobody: their bytes say so."""
    if kind not in _FINDERS:
        return False
    if kind != "chat_message":
        return True
    calls_nobody = b'"mentions":[]' in frame and b'"mentions_here":false' in frame
    return not (calls_nobody and b'"parent_id":null' in frame)
