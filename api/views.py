"""What the outside sees of sessions and people: the same objects over HTTP and on the socket."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from sqlalchemy import text

from api.door.framing import frame_text
from api.frames import (
    Followed,
    Frame,
    HealthReason,
    MessageView,
    Participant,
    PersonPresence,
    PresenceUpdate,
    Reaction,
    ReadMarker,
    SessionContext,
    SessionView,
    TypingNotice,
)
from core import chat, health, reading, sessions, tables
from core.access import Seat
from core.clock import iso
from core.db import Transaction
from core.events import Person, Role
from core.hot import Hot
from core.presence import Room, Shown


def session_view(
    tx: Transaction, seat: Seat, user_id: str | None = None, unread: reading.Unread | None = None
) -> SessionView:
    """The session as this person sees it. `unread` is handed in where it was counted for many at once."""
    session = seat.session
    if unread is None and user_id is not None:
        unread = reading.unread_in(tx, session, user_id)
    # As it is stored: a list of sessions never reads their logs.
    stats = tx.sql.get(tables.AgentStats, session.id)
    found = health.score(stats, ended_at=session.ended_at, now=tx.now)
    return SessionView(
        id=session.id,
        title=session.title,
        status="ended" if session.status == "ended" else "live",
        agent=session.agent,
        host=sessions.host_of(tx, session),
        role=seat.role,
        seq=session.head,
        participant_count=session.participant_count,
        message_count=session.message_count,
        token_count=session.token_count,
        created_at=iso(session.created_at),
        last_activity_at=iso(session.last_activity_at),
        ended_at=iso(session.ended_at) if session.ended_at else None,
        is_mirrored=tx.sql.get(tables.Mirror, session.id) is not None,
        health_score=found.score if found else None,
        unread_count=unread.unread if unread else 0,
        mention_count=unread.mentions if unread else 0,
    )


def read_marker(unread: reading.Unread) -> ReadMarker:
    return ReadMarker(
        read_up_to=unread.read_up_to, seq=unread.seq, unread_count=unread.unread, mention_count=unread.mentions
    )


def message_view(state: chat.MessageState) -> MessageView:
    return MessageView(
        **state.message.model_dump(),
        seq=state.seq,
        updated_seq=state.updated_seq,
        edited_at=iso(state.edited_at) if state.edited_at else None,
        is_deleted=state.is_deleted,
        reactions=[Reaction(emoji=kind.emoji, user_ids=kind.user_ids) for kind in state.reactions],
        reply_count=state.reply_count,
        last_reply_at=iso(state.last_reply_at) if state.last_reply_at else None,
    )


def session_context(tx: Transaction, session: tables.Session) -> SessionContext:
    stats = health.stats_of(tx, session)
    found = health.score(stats, ended_at=session.ended_at, now=tx.now)
    return SessionContext(
        status=health.status_of(stats, ended_at=session.ended_at, now=tx.now),
        token_count=session.token_count,
        context_used=stats.context_used if stats else None,
        context_limit=stats.context_limit if stats else None,
        health_score=found.score if found else None,
        health_reasons=[HealthReason(**asdict(reason)) for reason in found.reasons] if found else [],
        files_touched=stats.files_touched if stats else 0,
        tool_calls=stats.tool_calls if stats else 0,
        tool_failures=stats.tool_failures if stats else 0,
        turns=stats.turns if stats else 0,
    )


def participants(tx: Transaction, session_id: str) -> list[Participant]:
    return [Participant(**m.person.model_dump(), role=m.role) for m in sessions.members(tx, session_id)]


_ROSTER = Hot(
    text(
        """SELECT u.id, u.name, u.color, p.role FROM participants p JOIN users u ON u.id = p.user_id
        WHERE p.session_id = :session AND p.removed_at IS NULL ORDER BY p.joined_at, p.user_id"""
    )
)


def roster(tx: Transaction, session_id: str) -> list[dict[str, object]]:
    """Everybody with a seat, the longest there first, as `Participant` has them: for sessions with a thousand."""
    return [
        {"user_id": user_id, "username": name, "color": color, "role": role}
        for user_id, name, color, role in _ROSTER.rows(tx.sql.connection(), {"session": session_id})
    ]


def presence_news(room: Room) -> list[Frame]:
    """What a session's people are told of each other since this was last asked: one batch."""
    news: list[Frame] = []
    changed = room.take_changes()
    if changed:
        news.append(PresenceUpdate(users=[shown(someone) for someone in changed]))
    news += [Followed(user_id=user_id, target_id=target_id) for user_id, target_id in room.take_followed()]
    news += [
        TypingNotice(user_id=person.user_id, username=person.username, is_typing=False)
        for person in room.take_silenced()
    ]
    news += [
        TypingNotice(user_id=person.user_id, username=person.username, is_typing=True) for person in room.take_typing()
    ]
    return news


def user_joined(person: Person, role: Role) -> bytes:
    """See `api.frames.UserJoined`, framed. After a restart everybody comes, and is said to everybody."""
    user = {"user_id": person.user_id, "username": person.username, "color": person.color, "role": role}
    return frame_text(orjson.dumps({"type": "user_joined", "user": user}))


def listed(someone: Shown) -> bytes:
    """See `shown`, encoded. Nearly everybody who comes has not said yet where they are."""
    if someone.cursor is not None or someone.viewport is not None:
        return shown(someone).model_dump_json().encode()
    person = someone.person
    return orjson.dumps(
        {
            "user_id": person.user_id,
            "username": person.username,
            "color": person.color,
            "status": someone.status,
            "cursor": None,
            "viewport": None,
            "following": someone.following,
        }
    )


def shown(someone: Shown) -> PersonPresence:
    return PersonPresence(
        user_id=someone.person.user_id,
        username=someone.person.username,
        color=someone.person.color,
        status=someone.status,
        cursor=someone.cursor,
        viewport=someone.viewport,
        following=someone.following,
    )
