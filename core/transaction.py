"""What a unit of work sees: the rows, the time, and what the works of the same commit have said before it.

Log entries and the rows that go with them are collected, and written with one statement for each table when the group
ends, or as soon as anybody looks at the database through `sql`. Whoever reads `stored` instead knows of what is
collected and asks for it; only the paths that every message takes do that. They write nothing before they have decided,
so a work that keeps to them is undone by forgetting what it collected: it needs no savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import bindparam, text, update
from sqlalchemy.exc import DBAPIError

from core.clock import iso
from core.events import Event
from core.hot import Hot, hot_insert
from core.tables import table_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import SessionTransaction
    from sqlmodel import Session as SqlSession

    from core.unit import Unit

T = TypeVar("T")
#: Session, actor and the key that the actor gave a wish.
Wish = tuple[str, str | None, str]

_SESSIONS = table_of("sessions")
#: The session's row is locked since its head was read: nobody else can have counted on.
_COUNT = Hot(
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("session"))
    .values(
        head=bindparam("last"),
        last_activity_at=bindparam("now"),
        message_count=_SESSIONS.c.message_count + bindparam("messages"),
        participant_count=_SESSIONS.c.participant_count + bindparam("members"),
    ),
    moments=("now",),
)
_ENTRY = ("session_id", "seq", "type", "version", "actor_id", "key", "at", "frame")
_MESSAGE = (
    *("id", "session_id", "seq", "user_id", "content", "parent_id", "source", "session_only"),
    *("mentions", "mentions_here", "updated_seq", "created_at"),
)
_INSERTS = {
    "events": hot_insert(table_of("events"), *_ENTRY),
    "messages": hot_insert(table_of("messages"), *_MESSAGE),
    "mentions": hot_insert(table_of("mentions"), "session_id", "user_id", "seq", "ref_id"),
    "agent_marks": Hot(
        text(
            """INSERT INTO agent_marks (session_id, name, fingerprint) VALUES (:session_id, :name, :fingerprint)
            ON CONFLICT (session_id, name) DO UPDATE SET fingerprint = excluded.fingerprint"""
        )
    ),
}


class GrantedBefore(Exception):
    """Some wishes of a group, taken for new, are in the log already. The group runs again, and looks first."""


@dataclass(frozen=True, slots=True)
class Appended:
    """A log entry that was written. `frame` is what every reader gets."""

    session_id: str
    seq: int
    event: Event
    actor_id: str | None
    frame: bytes


@dataclass(slots=True)
class Collected:
    """What is still to be written: rows by table, and for each session its new head and what its counters gain."""

    rows: dict[str, list[Mapping[str, object]]] = field(default_factory=dict[str, list[Mapping[str, object]]])
    heads: dict[str, int] = field(default_factory=dict[str, int])
    gains: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    granted: dict[Wish, int] = field(default_factory=dict[Wish, int])
    #: Whether wishes are taken for new that were not looked for.
    unasked: bool = False

    def add(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            self.rows.setdefault(table, []).extend(rows)

    def count(self, session_id: str, seq: int, *, messages: int, members: int) -> None:
        self.heads[session_id] = seq
        gain = self.gains.setdefault(session_id, {"messages": 0, "members": 0})
        gain["messages"] += messages
        gain["members"] += members

    def take(self, other: Collected) -> None:
        """Adds what a later work has collected."""
        for table, rows in other.rows.items():
            self.add(table, rows)
        for session_id, seq in other.heads.items():
            self.count(session_id, seq, **other.gains[session_id])
        self.granted.update(other.granted)
        self.unasked |= other.unasked

    def write(self, connection: Connection, now: datetime) -> None:
        """Raises GrantedBefore, after which the transaction is good for nothing."""
        try:
            self._write(connection, now)
        except DBAPIError as error:
            # The log takes each wish once: see `one_effect_per_key`.
            if self.unasked and isinstance(error.orig, connection.dialect.loaded_dbapi.IntegrityError):
                raise GrantedBefore from error
            raise

    def _write(self, connection: Connection, now: datetime) -> None:
        if self.heads:
            _COUNT.run(
                connection,
                [
                    {"session": session_id, "last": seq, "now": now, **self.gains[session_id]}
                    for session_id, seq in self.heads.items()
                ],
            )
        for table, rows in self.rows.items():
            _INSERTS[table].run(connection, rows)


class Group:
    """The works of one commit: what they have collected together, and what they have learned that still holds."""

    def __init__(
        self, unit: Unit, now: datetime, facts: dict[Hashable, object], *, is_shared: bool, asks_first: bool
    ) -> None:
        self.unit = unit
        self.now = now
        self.at = iso(now)
        #: Whether there are several works, so that one that wrote can only be undone by a savepoint.
        self.is_shared = is_shared
        #: Whether a wish is looked for at once: in the second run of a group in which one had been granted before.
        self.asks_first = asks_first
        self.collected = Collected()
        #: What was read and still holds: of this commit, or of all before it where nobody else can write.
        self.facts = facts
        self._connection: Connection | None = None

    @property
    def stored(self) -> Connection:
        if self._connection is None:
            self._connection = self.unit.connection
        return self._connection

    def write(self, collected: Collected) -> None:
        """Writes what was collected, here or in a work."""
        if collected.rows or collected.heads:
            collected.write(self.stored, self.now)

    def begin_anew(self) -> None:
        self.unit.roll_back()
        self._connection = None

    def settle(self) -> None:
        self.write(self.collected)
        for session_id, head in self.collected.heads.items():
            self.facts["head", session_id] = head
        self.collected = Collected()


class Transaction:
    """What a command works on: the rows, the time, and what it has appended so far."""

    def __init__(self, unit: Unit, now: datetime, group: Group | None = None) -> None:
        self.now = now
        self.appended: list[Appended] = []
        self.collected = Collected()
        self._unit = unit
        self._group = group or Group(unit, now, {}, is_shared=False, asks_first=True)
        self._savepoint: SessionTransaction | None = None
        #: Whether it has looked at the database with its own eyes, and may have changed it.
        self.is_touched = group is None
        self.asks_first = self._group.asks_first

    @property
    def at(self) -> str:
        """`now` as RFC 3339."""
        return self._group.at

    @property
    def sql(self) -> SqlSession:
        """The database as this work sees it. Everything collected so far is written first."""
        if not self.is_touched:
            self.is_touched = True
            self._group.settle()
            # What this work will change, nobody knows.
            self._group.facts.clear()
            if self._group.is_shared:
                self._savepoint = self._unit.sql.begin_nested()
                self._unit.sql.connection()  # Only now it is set.
        self._write_own()
        return self._unit.sql

    @property
    def stored(self) -> Connection:
        """The database without what is collected. Only for reading; nothing is written first."""
        return self._group.stored

    def learn(self, name: Hashable, value: object) -> None:
        """Keeps for the works of this commit what was read along with something else."""
        if not self.is_touched:
            self._group.facts[name] = value

    def known(self, name: Hashable, load: Callable[[], T]) -> T:
        """What `load` has found, asked once in a commit, and again after anybody may have changed the database."""
        if self.is_touched:
            return load()
        facts = self._group.facts
        if name not in facts:
            facts[name] = load()
        return cast("T", facts[name])

    def head(self, session_id: str) -> int | None:
        """The last number that was given in this commit, or None where none was collected."""
        return self.collected.heads.get(session_id) or self._group.collected.heads.get(session_id)

    def granted(self, wish: Wish) -> int | None:
        """The entry that the wish became in this commit, among those that are still collected."""
        return self.collected.granted.get(wish) or self._group.collected.granted.get(wish)

    def finish(self) -> None:
        """The work has succeeded. Raises GrantedBefore, and what the database says to its changes."""
        if self.is_touched:
            self._write_own()
            self._unit.sql.flush()
            if self._savepoint is not None:
                self._savepoint.commit()
            self._group.facts.clear()
        else:
            self._group.collected.take(self.collected)

    def undo(self) -> None:
        """The work has refused: only its own changes are taken back."""
        if self._savepoint is not None:
            self._savepoint.rollback()
        elif self.is_touched:
            self._group.begin_anew()
        if self.is_touched:
            self._group.facts.clear()

    def _write_own(self) -> None:
        if self.collected.rows or self.collected.heads:
            collected, self.collected = self.collected, Collected()
            self._group.write(collected)
            self._group.facts.clear()
