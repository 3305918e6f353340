"""Finds what was said: in one session, or in all that somebody may see. The newest first.

Nothing that the person who asks may not read is ever found: not after they were removed, and not by its number either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, and_, cast, column, literal, literal_column, select, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.sql.elements import ColumnElement

from core.access import Actor, session_for, visible_to
from core.db import Transaction
from core.errors import Invalid
from core.events import Person
from core.indexing import Kind
from core.tables import table_of
from core.words import Piece, Term, snippet, terms_of

#: Longest query in characters, most words in it, most hits in a page.
MAX_QUERY = 1_000
MAX_WORDS = 32
MAX_HITS = 100

_ENTRIES = table_of("search_entries")
_SESSIONS, _USERS = table_of("sessions"), table_of("users")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that matches. `person` wrote it, where a person did; `ref_id` is the message's, comment's, turn's or
    call's id, or the file's path."""

    session_id: str
    session_title: str
    seq: int
    kind: Kind
    ref_id: str | None
    at: datetime
    person: Person | None
    snippet: list[Piece]


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, the newest first. `next` is where the following page begins; None where this is the last."""

    hits: list[Hit]
    next: int | None


def in_session(tx: Transaction, actor: Actor, session_id: str, query: str, *, before: int | None, limit: int) -> Page:
    """What matches in one session, before the entry `before`.

    Raises: Invalid where the query holds no word or too many, and what `access.session_for` raises.
    """
    session_for(tx, actor, session_id, "read", lock=False)
    found = _matching(tx, terms_of(query)).where(_ENTRIES.c.session_id == session_id)
    if before is not None:
        found = found.where(_ENTRIES.c.seq < before)
    return _page(tx, found.order_by(_ENTRIES.c.seq.desc()), query, limit, _ENTRIES.c.seq.name)


def everywhere(tx: Transaction, actor: Actor, query: str, *, before: int | None, limit: int) -> Page:
    """What matches in every session that the actor may see. `before` is the `next` of the page above, and means
    nothing else. Raises Invalid where the query holds no word or too many, NotSignedIn for a deactivated account."""
    found = _matching(tx, terms_of(query)).where(_ENTRIES.c.session_id.in_(visible_to(tx, actor)))
    if before is not None:
        found = found.where(_ENTRIES.c.id < before)
    return _page(tx, found.order_by(_ENTRIES.c.id.desc()), query, limit, _ENTRIES.c.id.name)


def _matching(tx: Transaction, terms: list[Term]) -> Select[Any]:
    count = sum(len(term.words) for term in terms)
    if count == 0:
        raise Invalid("Search for a word: letters or digits.")
    if count > MAX_WORDS:
        raise Invalid(f"That is a search for {count} words; {MAX_WORDS} at most. Leave some out.")
    is_sqlite = tx.sql.get_bind().dialect.name == "sqlite"
    found = _found_by_sqlite(terms) if is_sqlite else _found_by_postgres(terms)
    return (
        select(
            _ENTRIES,
            _SESSIONS.c.title.label("session_title"),
            _USERS.c.name.label("username"),
            _USERS.c.color,
        )
        .select_from(
            _ENTRIES.join(_SESSIONS, _SESSIONS.c.id == _ENTRIES.c.session_id).outerjoin(
                _USERS, _USERS.c.id == _ENTRIES.c.user_id
            )
        )
        .where(found)
    )


def _found_by_sqlite(terms: list[Term]) -> ColumnElement[bool]:
    """Words hold no quotes and no operators, so they may stand in FTS5's language:
    https://sqlite.org/fts5.html#full_text_query_syntax."""
    wanted = " AND ".join(f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}' for term in terms)
    rows = text("SELECT rowid FROM search_index WHERE search_index MATCH :wanted").bindparams(wanted=wanted)
    return _ENTRIES.c.id.in_(rows.columns(column("rowid", BigInteger)))


def _found_by_postgres(terms: list[Term]) -> ColumnElement[bool]:
    """Each word through the index; of what is left, whether they stand side by side: a `tsvector` keeps only the first
    256 places of a word."""
    words = [f"'{word}'" for term in terms for word in term.words[:-1]]
    words += [f"'{term.words[-1]}'{':*' if term.is_prefix else ''}" for term in terms]
    wanted = cast(literal(" & ".join(words)), TSQUERY)
    conditions: list[ColumnElement[bool]] = [
        literal_column("search_entries.words", TSVECTOR).op("@@", is_comparison=True)(wanted)
    ]
    for term in terms:
        if len(term.words) > 1:
            phrase = f" {' '.join(term.words)}{'' if term.is_prefix else ' '}"
            conditions.append(_ENTRIES.c.plain.contains(phrase, autoescape=True))
    return and_(*conditions)


def _page(tx: Transaction, found: Select[Any], query: str, limit: int, cursor: str) -> Page:
    """One row more than asked for tells whether there is a next page."""
    rows = tx.sql.connection().execute(found.limit(limit + 1)).mappings().all()
    terms = terms_of(query)
    hits = [_hit(row, terms) for row in rows[:limit]]
    return Page(hits, int(rows[limit - 1][cursor]) if len(rows) > limit else None)


def _hit(row: Any, terms: list[Term]) -> Hit:
    person = Person(user_id=row["user_id"], username=row["username"], color=row["color"]) if row["username"] else None
    return Hit(
        session_id=row["session_id"],
        session_title=row["session_title"],
        seq=row["seq"],
        kind=row["kind"],
        ref_id=row["ref_id"],
        at=row["at"],
        person=person,
        snippet=snippet(row["text"], terms),
    )
