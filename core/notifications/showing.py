"""What an item of the inbox says: read from where texts are kept, at the moment when it is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from core import chat, events, log, tables
from core.db import Transaction
from core.events import Person
from core.notifications.deciding import Kind, as_kind

#: Characters of a text that are shown.
MAX_TEXT = 400
#: People that an item names.
MAX_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of an item. `where` is the place of a comment; `is_private` for what was said to stay in the session.
    The text is empty where there is none."""

    seq: int
    who: Person | None
    text: str
    where: str
    at: datetime
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One item as a person sees it. `lines` are its entries, the latest first, of which `count` there are in all;
    `path` leads to the moment."""

    id: str
    kind: Kind
    session_id: str
    session_title: str
    seq: int
    heading: str
    path: str
    count: int
    people: Sequence[Person]
    lines: Sequence[Line]
    created_at: datetime
    updated_at: datetime
    is_read: bool


def shown(tx: Transaction, rows: Sequence[tables.Notification], most_lines: int = 1) -> list[Item]:
    """The rows, with `most_lines` texts of each. The caller has seen to it that their person may read them."""
    part = tables.NotificationPart
    parts: dict[str, list[tables.NotificationPart]] = {}
    query = select(part).where(col(part.notification_id).in_([row.id for row in rows])).order_by(col(part.seq).desc())
    for one in tx.sql.exec(query):
        parts.setdefault(one.notification_id, []).append(one)
    people = _people(tx, {one.actor_id for some in parts.values() for one in some if one.actor_id is not None})
    titles = _titles(tx, {row.session_id for row in rows})
    return [_item(tx, row, parts.get(row.id, []), people, titles, most_lines) for row in rows]


def _item(
    tx: Transaction,
    row: tables.Notification,
    parts: Sequence[tables.NotificationPart],
    people: dict[str, Person],
    titles: dict[str, str],
    most_lines: int,
) -> Item:
    kind = as_kind(row.kind)
    who = dict.fromkeys(one.actor_id for one in parts)
    named = [people[user_id] for user_id in who if user_id is not None and user_id in people]
    title = titles.get(row.session_id, "")
    invite_id = parts[0].ref_id if kind == "invite" and parts else None
    return Item(
        id=row.id,
        kind=kind,
        session_id=row.session_id,
        session_title=title,
        seq=row.first_seq,
        heading=heading(kind, row.group_key, [person.username for person in named], len(parts)),
        path=f"/invite/{invite_id}" if invite_id is not None else f"/s/{row.session_id}#seq={row.first_seq}",
        count=len(parts),
        people=named[:MAX_PEOPLE],
        lines=[_line(tx, kind, one, people) for one in parts[:most_lines]],
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_read=row.read_at is not None,
    )


def heading(kind: Kind, group: str, names: Sequence[str], count: int) -> str:
    """One line that says what happened, without the session's title."""
    who = _listed(names)
    match kind:
        case "mention":
            return f"{who} mentioned you" + (f" {count} times" if count > 1 and len(names) == 1 else "")
        case "reply":
            return f"{who} replied" + (f" {count} times" if count > 1 and len(names) == 1 else "")
        case "invite":
            return f"{who} invited you"
        case "needs_me" if group == "door":
            return f"{who} {'waits' if len(names) == 1 else 'wait'} to be let in"
        case "needs_me":
            return "The agent reported an error" if count == 1 else f"The agent reported {count} errors"
        case "session_ended":
            return f"{who} ended the session" if names else "The session ended"


def _listed(names: Sequence[str]) -> str:
    match len(names):
        case 0:
            return "Somebody"
        case 1:
            return names[0]
        case 2:
            return f"{names[0]} and {names[1]}"
        case many:
            return f"{names[0]} and {many - 1} others"


def _line(tx: Transaction, kind: Kind, part: tables.NotificationPart, people: dict[str, Person]) -> Line:
    text, where, is_private = _said(tx, kind, part)
    cut = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    return Line(part.seq, people.get(part.actor_id or ""), cut, where, part.at, is_private)


def _said(tx: Transaction, kind: Kind, part: tables.NotificationPart) -> tuple[str, str, bool]:
    """The text, its place, and whether it stays in the session."""
    if kind in ("mention", "reply"):
        message = tx.sql.get(tables.Message, part.ref_id)
        if message is not None:
            return _words(tx, message), "", message.session_only
        comment = tx.sql.get(tables.Comment, part.ref_id)
        thread = tx.sql.get(tables.CommentThread, comment.thread_id) if comment is not None else None
        if comment is not None and thread is not None:
            return comment.content, f"{thread.file}:{thread.line}", False
    elif kind in ("needs_me", "session_ended"):
        return _logged(tx, part), "", False
    return "", "", False


def _words(tx: Transaction, message: tables.Message) -> str:
    if message.content or message.deleted_at is not None:
        return message.content
    [said] = chat.states(tx, message.session_id, [message])
    return said.message.file_names


def _logged(tx: Transaction, part: tables.NotificationPart) -> str:
    found = log.read_after(tx, part.session_id, part.seq - 1, 1)
    event: Any = found[0].event() if found else None
    match event:
        case events.AgentFailed():
            return event.message
        case events.SessionEnded():
            return event.reason
        case _:
            return ""


def _people(tx: Transaction, ids: Collection[str]) -> dict[str, Person]:
    user = tables.User
    found = tx.sql.exec(select(user).where(col(user.id).in_(ids)))
    return {one.id: Person(user_id=one.id, username=one.name, color=one.color) for one in found}


def _titles(tx: Transaction, ids: Collection[str]) -> dict[str, str]:
    session = tables.Session
    return dict(tx.sql.exec(select(session.id, session.title).where(col(session.id).in_(ids))).all())
