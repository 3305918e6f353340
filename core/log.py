"""The session log: append to it, and read what follows a position.

Numbers are given by the counter in the session's row, in the transaction that writes the entry, so they have no gaps
and their order is commit order. Entries never change, but for a deleted text (`blank`). Nothing else in the product
writes the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import and_, bindparam, func, or_, update
from sqlalchemy import select as sa_select
from sqlmodel import col, select

from core import indexing, tables
from core.blanking import blanked
from core.db import Appended, Transaction
from core.events import AnyEvent, CommentDeleted, Event, MessageDeleted, PersonErased, event_adapter
from core.hot import Hot
from core.tables import table_of

#: Most entries in one page.
MAX_PAGE = 1_000


# Every message runs these: they are built once, and bound to values that are no part of them.
_SESSIONS, _EVENTS = table_of("sessions"), table_of("events")
#: What an entry adds to the counters in its session's row, which are projections of the log: messages, members.
_COUNTED: dict[str, tuple[int, int]] = {
    "chat_message": (1, 0),
    "participant_added": (0, 1),
    "participant_removed": (0, -1),
}
_HEAD = Hot(sa_select(_SESSIONS.c.head).where(_SESSIONS.c.id == bindparam("session")).with_for_update())
_FIND = Hot(
    sa_select(_EVENTS.c.seq).where(
        _EVENTS.c.session_id == bindparam("session"),
        _EVENTS.c.actor_id == bindparam("actor"),
        _EVENTS.c.key == bindparam("key"),
    )
)

_BLANK = (
    update(_EVENTS)
    .where(_EVENTS.c.session_id == bindparam("session"), _EVENTS.c.seq == bindparam("number"))
    .values(frame=bindparam("rest"))
)
#: What stands before the body of every entry.
_ENVELOPE = {"type"}
#: Kinds of entries that give a text that stands already another one.
_EDITS = ("message_edited", "comment_edited")


@dataclass(frozen=True, slots=True)
class Stored:
    """A log entry as it was read back."""

    seq: int
    type: str
    actor_id: str | None
    frame: bytes

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(orjson.loads(self.frame)["at"])

    def event(self) -> AnyEvent:
        """The entry's body as its model."""
        body: dict[str, Any] = orjson.loads(self.frame)
        for name in ("seq", "at", "actor_id"):
            del body[name]
        return event_adapter.validate_python(body)


class Numbered(Protocol):
    """A session, as far as its log needs it."""

    @property
    def id(self) -> str: ...


def append(
    tx: Transaction, session: Numbered, event: Event, *, actor_id: str | None = None, key: str | None = None
) -> Appended:
    """Adds `event` as the next entry of `session`, whose row the caller has locked through `access`."""
    session_id = session.id
    seq = _next(tx, session_id)
    frame = encode(event, seq=seq, at=tx.at, actor_id=actor_id)
    row = {
        "session_id": session_id,
        "seq": seq,
        "type": event.type,
        "version": event.VERSION,
        "actor_id": actor_id,
        "key": key,
        "at": tx.now,
        "frame": frame.decode(),
    }
    messages, members = _COUNTED.get(event.type, (0, 0))
    tx.collected.add("events", [row])
    tx.collected.count(session_id, seq, messages=messages, members=members)
    if key is not None:
        tx.collected.granted[session_id, actor_id, key] = seq
    appended = Appended(session_id, seq, event, actor_id, frame)
    tx.appended.append(appended)
    return appended


def _next(tx: Transaction, session_id: str) -> int:
    given = tx.head(session_id)
    if given is None:
        given = tx.known(("head", session_id), lambda: _stored_head(tx, session_id))
    return given + 1


def _stored_head(tx: Transaction, session_id: str) -> int:
    [(head,)] = _HEAD.rows(tx.stored, {"session": session_id})
    return head


def encode(event: Event, *, seq: int, at: str, actor_id: str | None) -> bytes:
    """One log entry as the JSON object that is stored and sent."""
    envelope = orjson.dumps({"type": event.type, "seq": seq, "at": at, "actor_id": actor_id})
    body = event.__pydantic_serializer__.to_json(event, exclude=_ENVELOPE)
    return envelope[:-1] + b"," + body[1:] if len(body) > 2 else envelope


def blank(tx: Transaction, session_id: str, deleted: MessageDeleted | CommentDeleted, *, since: int) -> None:
    """Takes a deleted text out of every entry that holds it. `since` is the entry that it began with.

    One of two changes that the log knows, beside `erase`: see `core.blanking` for what stays.
    """
    text_id = deleted.message_id if isinstance(deleted, MessageDeleted) else deleted.comment_id
    for held in holding(tx, session_id, text_id, since=since):
        rest = blanked(held.frame, deleted)
        if rest is not None:
            tx.sql.connection().execute(_BLANK, {"session": session_id, "number": held.seq, "rest": rest.decode()})
    indexing.forget(tx.sql.connection(), session_id, since)


def erase(tx: Transaction, session_id: str, erased: PersonErased) -> int:
    """Takes somebody's name, and what they asked the agent, out of every entry; how many those were.

    Reads all that names them. The other change that the log knows: see `blank`.
    """
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.seq, entry.type, entry.frame).where(
            entry.session_id == session_id,
            col(entry.frame).contains(erased.user_id, autoescape=True),
        )
    ).all()
    changed = 0
    for number, kind, frame in rows:
        rest = blanked(frame.encode(), erased)
        if rest is None:
            continue
        changed += 1
        tx.sql.connection().execute(_BLANK, {"session": session_id, "number": number, "rest": rest.decode()})
        if kind == "prompt_submitted":
            indexing.forget(tx.sql.connection(), session_id, number)
    return changed


def holding(tx: Transaction, session_id: str, text_id: str, *, since: int) -> Sequence[Stored]:
    """The entries that may hold the text of a message or comment: its first one, at `since`, and its edits."""
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.seq, entry.type, entry.actor_id, entry.frame)
        .where(
            entry.session_id == session_id,
            or_(
                col(entry.seq) == since,
                and_(
                    col(entry.seq) > since,
                    col(entry.type).in_(_EDITS),
                    col(entry.frame).contains(text_id, autoescape=True),
                ),
            ),
        )
        .order_by(col(entry.seq))
    )
    return [Stored(number, kind, actor, frame.encode()) for number, kind, actor, frame in rows]


def find(tx: Transaction, session_id: str, actor_id: str | None, key: str | None) -> int | None:
    """The seq that this actor's wish `key` got already, or None. Ask after the session is locked."""
    if key is None:
        return None
    granted = tx.granted((session_id, actor_id, key))
    if granted is not None:
        return granted
    for (seq,) in _FIND.rows(tx.stored, {"session": session_id, "actor": actor_id, "key": key}):
        return seq
    return None


def find_or_trust(tx: Transaction, session_id: str, actor_id: str | None, key: str | None) -> int | None:
    """As `find`, for what is said often and seldom twice: a key is taken for new. Where the log has it already and
    refuses to take it again, the whole group runs once more and looks first."""
    if key is None or tx.asks_first or tx.is_touched:
        return find(tx, session_id, actor_id, key)
    wish = (session_id, actor_id, key)
    granted = tx.granted(wish)
    if granted is None:
        tx.collected.unasked = True
    return granted


def read_after(tx: Transaction, session_id: str, seq: int, limit: int = MAX_PAGE) -> Sequence[Stored]:
    """Up to `limit` entries that follow `seq`, in order."""
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.seq, entry.type, entry.actor_id, entry.frame)
        .where(entry.session_id == session_id, entry.seq > seq)
        .order_by(col(entry.seq))
        .limit(limit)
    )
    return [Stored(number, kind, actor, frame.encode()) for number, kind, actor, frame in rows]


def read_before(tx: Transaction, session_id: str, seq: int, limit: int = MAX_PAGE) -> Sequence[Stored]:
    """The `limit` entries just before `seq`, in order."""
    first = max(0, seq - 1 - limit)
    return [entry for entry in read_after(tx, session_id, first, limit) if entry.seq < seq]


def weight(tx: Transaction, session_id: str, after: int, head: int) -> int:
    """How many characters the entries above `after` and up to `head` have together."""
    entry = tables.LogEntry
    total = tx.sql.exec(
        select(func.sum(func.length(entry.frame))).where(
            entry.session_id == session_id, entry.seq > after, entry.seq <= head
        )
    ).one()
    return int(total or 0)


def weights(tx: Transaction, session_id: str, after: int, head: int, limit: int) -> list[tuple[int, int]]:
    """(seq, characters) of the newest `limit` entries above `after` and up to `head`, the newest first."""
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.seq, func.length(entry.frame))
        .where(entry.session_id == session_id, entry.seq > after, entry.seq <= head)
        .order_by(col(entry.seq).desc())
        .limit(limit)
    )
    return [(seq, int(length)) for seq, length in rows]


def head(tx: Transaction, session_id: str) -> int:
    """The number of the last entry, 0 for an empty or unknown log."""
    return tx.sql.exec(select(tables.Session.head).where(tables.Session.id == session_id)).first() or 0


def epoch(tx: Transaction) -> str:
    """The name of the history that this database tells. A restored backup gets a new one."""
    return tx.sql.exec(select(tables.Meta.value).where(tables.Meta.key == "epoch")).one()
