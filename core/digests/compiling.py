"""What there is to tell somebody of a stretch of time: read from the sessions that they have a seat in, now.

What they did themselves is no news. A session in which nothing else happened is not named, and where nothing is named
there is no digest. The values are those of the template `digest`; the words of people are cut, and are text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from core import tables
from core.db import Transaction

#: Most sessions, people of a session, and things that wait for somebody, in one digest.
MAX_SESSIONS, MAX_PEOPLE, MAX_OPEN = 8, 6, 10
#: Characters of somebody's words.
MAX_TEXT = 240

#: What is counted, by the kinds of entries that it is counted from.
COUNTED: Mapping[str, str] = {
    "chat_message": "messages",
    "code_comment": "comments",
    "turn_finished": "turns",
    "file_changed": "edits",
    "agent_failed": "failures",
    "participant_added": "arrivals",
    "session_ended": "ends",
}
#: Done by the agent, whoever has started it.
OF_AGENT = frozenset({"turn_finished", "file_changed", "agent_failed"})
LABELS: Sequence[tuple[str, str]] = (
    ("messages", "Messages"),
    ("comments", "Comments"),
    ("turns", "Agent turns"),
    ("edits", "File edits"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """A digest that is worth sending."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Count:
    session_id: str
    kind: str
    actor_id: str | None
    many: int


def compile_digest(tx: Transaction, user_id: str, begins_at: datetime, ends_at: datetime, title: str) -> Told | None:
    """What happened after `begins_at` and up to `ends_at`; None for nothing. `title` names the stretch in words."""
    before_that = begins_at - (ends_at - begins_at)
    sessions = {session.id: session for session in _sessions_of(tx, user_id, before_that)}
    if not sessions:
        return None
    counts = _counts(tx, sessions, begins_at, ends_at)
    news = [one for one in counts if one.actor_id != user_id or one.kind in OF_AGENT]
    waiting = _mentions(tx, user_id, sessions, begins_at, ends_at) + _comments(
        tx, user_id, sessions, begins_at, ends_at
    )
    if not news and not waiting:
        return None
    before = _counts(tx, sessions, before_that, begins_at)
    told = _told(tx, sessions, news, user_id)
    values = {
        "title": title,
        "sessions": told[:MAX_SESSIONS],
        "more_sessions": max(0, len(told) - MAX_SESSIONS),
        "open": waiting[:MAX_OPEN],
        "more_open": max(0, len(waiting) - MAX_OPEN),
        "numbers": _numbers(counts, before),
    }
    return Told(values)


def _sessions_of(tx: Transaction, user_id: str, begins_at: datetime) -> Sequence[tables.Session]:
    """Those in which something may have happened since."""
    session, seat = tables.Session, tables.Participation
    return tx.sql.exec(
        select(session).where(
            session.id == seat.session_id,
            seat.user_id == user_id,
            col(seat.removed_at).is_(None),
            session.last_activity_at > begins_at,
        )
    ).all()


def _counts(tx: Transaction, ids: Collection[str], begins_at: datetime, ends_at: datetime) -> list[_Count]:
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.session_id, entry.type, entry.actor_id, func.count())
        .where(
            col(entry.session_id).in_(list(ids)),
            entry.at > begins_at,
            entry.at <= ends_at,
            col(entry.type).in_(list(COUNTED)),
        )
        .group_by(col(entry.session_id), col(entry.type), col(entry.actor_id))
    )
    return [_Count(*row) for row in rows]


def _told(
    tx: Transaction, sessions: Mapping[str, tables.Session], news: Sequence[_Count], user_id: str
) -> list[dict[str, Any]]:
    """Each session with news, the busiest first."""
    by_session: dict[str, list[_Count]] = defaultdict(list)
    for one in news:
        by_session[one.session_id].append(one)
    names = _names(tx, {one.actor_id for one in news if one.actor_id and one.actor_id != user_id})
    told: list[tuple[int, dict[str, Any]]] = []
    for session_id, counts in by_session.items():
        sums: dict[str, int] = defaultdict(int)
        people: dict[str, int] = defaultdict(int)
        for one in counts:
            sums[COUNTED[one.kind]] += one.many
            if one.actor_id in names and one.kind not in OF_AGENT:
                people[one.actor_id] += one.many
        by_work = sorted(people, key=lambda who: (-people[who], names[who]))
        session = sessions[session_id]
        told.append(
            (
                sum(sums.values()),
                {
                    "title": session.title,
                    "path": f"/s/{session_id}",
                    "agent": session.agent or "",
                    "has_ended": session.status == "ended",
                    "people": [names[who] for who in by_work[:MAX_PEOPLE]],
                    "more_people": max(0, len(by_work) - MAX_PEOPLE),
                    **{name: sums[name] for name in COUNTED.values()},
                },
            )
        )
    return [one for _, one in sorted(told, key=lambda pair: (-pair[0], pair[1]["title"], pair[1]["path"]))]


def _names(tx: Transaction, ids: Collection[str]) -> dict[str, str]:
    user = tables.User
    return dict(tx.sql.exec(select(user.id, user.name).where(col(user.id).in_(list(ids)))).all())


def _numbers(now: Sequence[_Count], before: Sequence[_Count]) -> list[dict[str, Any]]:
    """Each against the stretch before; the longer bar of the two is the measure of both."""
    numbers: list[dict[str, Any]] = []
    for name, label in LABELS:
        is_now, was = (sum(one.many for one in counts if COUNTED[one.kind] == name) for counts in (now, before))
        most = max(is_now, was)
        if most:
            shares = {"now_share": _share(is_now, most), "was_share": _share(was, most)}
            numbers.append({"label": label, "now": is_now, "was": was, **shares})
    return numbers


def _share(part: int, whole: int) -> int:
    """In percent; something is never nothing."""
    return max(1, round(100 * part / whole)) if part else 0


def _mentions(
    tx: Transaction, user_id: str, sessions: Mapping[str, tables.Session], begins_at: datetime, ends_at: datetime
) -> list[dict[str, Any]]:
    """Who called this person, where they have not read it since."""
    mention, mark, message, comment = tables.Mention, tables.ReadMark, tables.Message, tables.Comment
    marks = dict(
        tx.sql.exec(
            select(mark.session_id, mark.seq).where(mark.user_id == user_id, col(mark.session_id).in_(list(sessions)))
        ).all()
    )
    found: list[dict[str, Any]] = []
    for table in (message, comment):
        rows = tx.sql.exec(
            select(table)
            .where(
                mention.user_id == user_id,
                table.id == mention.ref_id,
                col(table.session_id).in_(list(sessions)),
                table.created_at > begins_at,
                table.created_at <= ends_at,
                table.user_id != user_id,
                col(table.deleted_at).is_(None),
            )
            .order_by(col(table.created_at))
        )
        found += [
            _open_item(tx, "mentioned you", row, sessions) for row in rows if row.seq > marks.get(row.session_id, 0)
        ]
    return found


def _comments(
    tx: Transaction, user_id: str, sessions: Mapping[str, tables.Session], begins_at: datetime, ends_at: datetime
) -> list[dict[str, Any]]:
    """The last answer in each open thread that this person has a part in, where it is somebody else's and new."""
    comment, thread = tables.Comment, tables.CommentThread
    own = select(comment.thread_id).where(
        comment.user_id == user_id, col(comment.session_id).in_(list(sessions)), col(comment.deleted_at).is_(None)
    )
    rows = tx.sql.exec(
        select(comment, thread)
        .where(
            comment.thread_id == thread.id,
            col(thread.id).in_(own),
            col(thread.resolved_at).is_(None),
            col(comment.deleted_at).is_(None),
            comment.created_at <= ends_at,
        )
        .order_by(col(comment.seq))
    )
    last = {of.id: (one, of) for one, of in rows}
    return [
        _open_item(tx, f"answered you at {of.file}:{of.line}", one, sessions)
        for one, of in last.values()
        if one.user_id != user_id and one.created_at > begins_at
    ]


def _open_item(
    tx: Transaction, what: str, row: tables.Message | tables.Comment, sessions: Mapping[str, tables.Session]
) -> dict[str, Any]:
    who = tx.sql.get(tables.User, row.user_id)
    text = row.content if len(row.content) <= MAX_TEXT else row.content[: MAX_TEXT - 1].rstrip() + "…"
    return {
        "who": who.name if who is not None else "Somebody",
        "what": what,
        "text": text,
        "session": sessions[row.session_id].title,
        "path": f"/s/{row.session_id}#seq={row.seq}",
    }
