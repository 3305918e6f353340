"""Many people who want into sessions at once: who they are, whether they may, and what they have not read.

Each is judged by what stands in the database in this one transaction, and all of them by the same few statements,
however many they are. Whoever is judged here has a seat already; a team member's first coming is for `access`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from core.access import Actor, allows, as_role
from core.accounts import SignedIn
from core.clock import as_utc
from core.db import Transaction
from core.errors import CosessionError, NotAllowed, NotSignedIn, SessionNotFound
from core.events import Role
from core.hot import Hot
from core.ids import is_id
from core.reading import MOST_LOOKED_AT, MOST_UNREAD


@dataclass(frozen=True, slots=True)
class Ticket:
    """What makes a ticket single-use, see `accounts.use_ticket`."""

    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody who wants in, with a token that was checked: given out under `token_version`, good until
    `expires_at`. A ticket is used up by it."""

    session_id: str
    user_id: str
    token_version: int
    expires_at: datetime
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody may come in, as of entry `head`. The counts are of what came after `read_up_to`."""

    who: SignedIn
    role: Role
    head: int
    read_up_to: int
    unread: int = 0
    mentions: int = 0


class NoSeat(Exception):
    """They may come in by their team, perhaps: `access.session_for` gives them a seat, or says why not."""


Answer = Welcome | CosessionError | NoSeat

#: One pass over a JSON list of [session, user, …]. SQLite's CROSS JOIN keeps the order: each is looked up by its key.
_EACH = {"sqlite": "json_each(:knocks) AS w", "postgresql": "jsonb_array_elements(CAST(:knocks AS jsonb)) AS w(value)"}
_KNOCKS = {"sqlite": _EACH["sqlite"] + " CROSS JOIN", "postgresql": _EACH["postgresql"] + " JOIN"}


def _on(dialect: str, statement: str) -> Hot:
    return Hot(text(statement.format(knocks=_KNOCKS[dialect], each=_EACH[dialect])))


def _for_both(statement: str) -> Mapping[str, Hot]:
    return {dialect: _on(dialect, statement) for dialect in _KNOCKS}


_SEATS = _for_both(
    """SELECT w.value->>0, u.id, u.name, u.color, u.email, u.is_active, u.is_admin, u.token_version,
    s.head, s.team_id, p.role, p.removed_at, p.joined_seq, m.seq
    FROM {knocks} users u ON u.id = w.value->>1
    LEFT JOIN sessions s ON s.id = w.value->>0
    LEFT JOIN participants p ON p.session_id = w.value->>0 AND p.user_id = w.value->>1
    LEFT JOIN read_marks m ON m.session_id = w.value->>0 AND m.user_id = w.value->>1"""
)
_UNREAD = _for_both(
    """SELECT w.value->>0, w.value->>1,
    (SELECT count(*) FROM (SELECT 1 FROM (SELECT x.user_id, x.deleted_at FROM messages x
        WHERE x.session_id = w.value->>0 AND x.seq > CAST(w.value->>2 AS BIGINT)
        ORDER BY x.seq LIMIT CAST(:looked_at AS BIGINT)) AS y
        WHERE y.user_id <> w.value->>1 AND y.deleted_at IS NULL LIMIT CAST(:most AS BIGINT)) AS z),
    (SELECT count(*) FROM (SELECT 1 FROM (SELECT x.user_id, x.deleted_at FROM comments x
        WHERE x.session_id = w.value->>0 AND x.seq > CAST(w.value->>2 AS BIGINT)
        ORDER BY x.seq LIMIT CAST(:looked_at AS BIGINT)) AS y
        WHERE y.user_id <> w.value->>1 AND y.deleted_at IS NULL LIMIT CAST(:most AS BIGINT)) AS z),
    (SELECT count(*) FROM mentions x WHERE x.session_id = w.value->>0 AND x.user_id = w.value->>1
        AND x.seq > CAST(w.value->>2 AS BIGINT)) FROM {each}"""
)
_USE = {
    "sqlite": Hot(
        text(
            """INSERT INTO used_tickets (jti, expires_at) SELECT w.value->>0, w.value->>1 FROM json_each(:tickets) AS w
            WHERE true ON CONFLICT (jti) DO NOTHING RETURNING jti"""
        )
    ),
    "postgresql": Hot(
        text(
            """INSERT INTO used_tickets (jti, expires_at)
            SELECT w.value->>0, CAST(w.value->>1 AS timestamp) AT TIME ZONE 'UTC'
            FROM jsonb_array_elements(CAST(:tickets AS jsonb)) AS w(value)
            ON CONFLICT (jti) DO NOTHING RETURNING jti"""
        )
    ),
}


#: What is told of a session, and who may come in, is of one moment.
_LOCK = Hot(
    text(
        """SELECT s.id FROM jsonb_array_elements(CAST(:knocks AS jsonb)) AS w(value) JOIN sessions s
        ON s.id = w.value->>0 ORDER BY s.id FOR SHARE OF s"""
    )
)


def judge(tx: Transaction, knocks: Sequence[Knock]) -> list[Answer]:
    """For each, in order: the welcome, or why there is none. Tickets of those who are welcome are used up."""
    seats = _seats(tx, knocks)
    answers = [_judged(knock, seats.get((knock.session_id, knock.user_id))) for knock in knocks]
    _use_tickets(tx, knocks, answers)
    return _counted(tx, knocks, answers)


def _seats(tx: Transaction, knocks: Sequence[Knock]) -> dict[tuple[str, str], Any]:
    connection = tx.sql.connection()
    asked = orjson.dumps(sorted({(knock.session_id, knock.user_id) for knock in knocks})).decode()
    if connection.dialect.name == "postgresql" and any(knock.ticket is not None for knock in knocks):
        _LOCK.rows(connection, {"knocks": asked})
    rows = _SEATS[connection.dialect.name].rows(connection, {"knocks": asked})
    return {(row[0], row[1]): row for row in rows}


def _judged(knock: Knock, row: Any) -> Answer:
    if row is None:
        return NotSignedIn()
    _, user_id, name, color, email, is_active, is_admin, version, head, team_id, role, removed_at, joined, mark = row
    if not is_active:
        return NotSignedIn()
    if version != knock.token_version:
        return NotSignedIn("You were signed out. Sign in again.")
    if head is None or not is_id(knock.session_id, "ses") or removed_at is not None:
        return SessionNotFound()
    if role is None:
        return SessionNotFound() if team_id is None else NoSeat()
    role = as_role(role)
    if not allows(role, "present"):
        return NotAllowed()
    actor = Actor(user_id, name, color, "web")
    who = SignedIn(actor, email, version, knock.expires_at, bool(is_admin))
    return Welcome(who, role, head, mark if mark is not None else joined)


def _use_tickets(tx: Transaction, knocks: Sequence[Knock], answers: list[Answer]) -> None:
    tickets = [
        (place, knock.ticket)
        for place, (knock, answer) in enumerate(zip(knocks, answers, strict=True))
        if knock.ticket is not None and isinstance(answer, Welcome)
    ]
    if not tickets:
        return
    connection = tx.sql.connection()
    # A time as SQLite stores it and as Postgres reads it.
    shown = [(ticket.jti, as_utc(ticket.expires_at).strftime("%Y-%m-%d %H:%M:%S.%f")) for _, ticket in tickets]
    rows = _USE[connection.dialect.name].rows(connection, {"tickets": orjson.dumps(shown).decode()})
    unused = {row[0] for row in rows}
    for place, ticket in tickets:
        if ticket.jti in unused:
            unused.discard(ticket.jti)  # The same ticket twice at once opens one door.
        else:
            answers[place] = NotSignedIn("This ticket was used already: fetch a new one for every connection.")


def _counted(tx: Transaction, knocks: Sequence[Knock], answers: list[Answer]) -> list[Answer]:
    behind = {
        (knock.session_id, knock.user_id, answer.read_up_to)
        for knock, answer in zip(knocks, answers, strict=True)
        if isinstance(answer, Welcome) and answer.read_up_to < answer.head
    }
    if not behind:
        return answers
    connection = tx.sql.connection()
    rows = _UNREAD[connection.dialect.name].rows(
        connection, {"knocks": orjson.dumps(list(behind)).decode(), "most": MOST_UNREAD, "looked_at": MOST_LOOKED_AT}
    )
    counts = {(row[0], row[1]): (row[2] + row[3], row[4]) for row in rows}
    return [
        _with_counts(answer, counts.get((knock.session_id, knock.user_id), (0, 0)))
        for knock, answer in zip(knocks, answers, strict=True)
    ]


def _with_counts(answer: Answer, counts: tuple[int, int]) -> Answer:
    if not isinstance(answer, Welcome) or counts == (0, 0):
        return answer
    return Welcome(answer.who, answer.role, answer.head, answer.read_up_to, *counts)
