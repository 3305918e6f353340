"""Keeps what search looks in: one row for each entry of a log that says something, made by `core.indexer`.

An edit changes the row of its message or comment, which stays at its first entry; a deletion takes it out. The engines
keep their own full-text index of each row's `plain` in step: SQLite by triggers, Postgres by a generated column.

SQLite's index only marks a deleted word, and drops it when it merges its pages: a deletion merges as many as cost
little, which is all of a small index; `tidy` goes on with what a large one has left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.engine import Connection

from core import events
from core.tables import table_of
from core.words import plain

Kind = Literal["message", "comment", "prompt", "agent_message", "tool_call", "file", "title"]

#: Characters of a tool call's input that can be found: commands and paths, not the files that it writes.
MAX_INPUT = 2_000
#: What fits of an id or a path: an agent's own ids have no limit.
MAX_REF = 1_000
#: Pages of SQLite's index, of 4 KiB, that one step of tidying merges, and the steps that a deletion waits for.
TIDY_PAGES, TIDY_STEPS = 100, 3
#: The row in `meta` that says that SQLite's index may still hold words of a deleted text.
UNTIDY = "search_untidy"
#: Kinds that somebody wrote. The others are the agent's doing, whoever's machine reported them.
_WRITTEN: frozenset[Kind] = frozenset({"message", "comment", "prompt", "title"})

_Said = tuple[Kind, str | None, str]


def _file(event: Any) -> _Said:
    return "file", event.path, event.path if event.old_path is None else f"{event.path}\n{event.old_path}"


#: What each event says: its kind, what it belongs to, and the text. What is not here cannot be found.
_SAYS: dict[type[events.Event], Callable[[Any], _Said]] = {
    events.ChatMessagePosted: lambda event: ("message", event.message.id, event.message.words),
    events.CodeCommented: lambda event: ("comment", event.comment.id, event.comment.content),
    events.PromptSubmitted: lambda event: ("prompt", event.turn_id, event.text),
    events.AgentMessage: lambda event: ("agent_message", event.turn_id, event.text),
    events.ToolCallStarted: lambda event: ("tool_call", event.call_id, f"{event.title}\n{event.input[:MAX_INPUT]}"),
    events.FileShared: _file,
    events.FileChanged: _file,
    events.SessionStarted: lambda event: ("title", None, event.title),
    events.SessionUpdate: lambda event: ("title", None, event.title or ""),
}

#: The types of the entries that are taken up.
_TELLING = {kind.model_fields["type"].default for kind in (*_SAYS, events.MessageEdited, events.CommentEdited)}

_ENTRIES, _META = table_of("search_entries"), table_of("meta")
_ADD = insert(_ENTRIES)
_THIS = (_ENTRIES.c.session_id == bindparam("session"), _ENTRIES.c.seq == bindparam("number"))
_CHANGE = update(_ENTRIES).where(*_THIS).values(text=bindparam("new_text"), plain=bindparam("new_plain"))
_DELETE = delete(_ENTRIES).where(*_THIS)
_SEQ = {
    name: select(table_of(name).c.seq).where(
        table_of(name).c.id == bindparam("text_id"), table_of(name).c.session_id == bindparam("session")
    )
    for name in ("messages", "comments")
}
#: See https://sqlite.org/fts5.html#the_merge_command: a negative number begins anew with all that there is.
_MERGE = text("INSERT INTO search_index (search_index, rank) VALUES ('merge', :pages)")
_CHANGES = text("SELECT total_changes()")


class Entry(Protocol):
    """An entry of a log, as it was read back."""

    @property
    def seq(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def actor_id(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...

    def event(self) -> events.Event: ...


def record(connection: Connection, said: Iterable[tuple[str, Entry]]) -> None:
    """Takes up what these entries of sessions say, in this order, which is the one in which search shows them."""
    rows: list[dict[str, object]] = []
    for session_id, entry in said:
        if entry.type not in _TELLING:
            continue
        event = entry.event()
        if isinstance(event, events.MessageEdited | events.CommentEdited):
            _add(connection, rows)
            rows = []
            is_message = isinstance(event, events.MessageEdited)
            table, text_id = ("messages", event.message_id) if is_message else ("comments", event.comment_id)
            _edit(connection, session_id, table, text_id, event.content)
        else:
            rows += _rows(session_id, entry, event)
    _add(connection, rows)


def _add(connection: Connection, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(_ADD, rows)


def _rows(session_id: str, entry: Entry, event: events.Event) -> list[dict[str, object]]:
    """What there is to find of an entry: one row, or none."""
    kind, ref_id, said = _SAYS[type(event)](event)
    if not said:
        return []
    said = said.replace("\x00", "")
    row: dict[str, object] = {
        "session_id": session_id,
        "seq": entry.seq,
        "kind": kind,
        "ref_id": ref_id and ref_id[:MAX_REF],
        "user_id": entry.actor_id if kind in _WRITTEN else None,
        "at": entry.at,
        "text": said,
        "plain": plain(said),
    }
    return [row]


def _edit(connection: Connection, session_id: str, table: str, text_id: str, said: str) -> None:
    seq = connection.execute(_SEQ[table], {"text_id": text_id, "session": session_id}).scalar()
    values = {"session": session_id, "number": seq, "new_text": said, "new_plain": plain(said)}
    connection.execute(_CHANGE, values)


def forget(connection: Connection, session_id: str, seq: int) -> None:
    """The text that began with entry `seq` was deleted."""
    connection.execute(_DELETE, {"session": session_id, "number": seq})
    if connection.dialect.name == "sqlite" and not _merged(connection, TIDY_STEPS, anew=True):
        connection.execute(delete(_META).where(_META.c.key == UNTIDY))
        connection.execute(insert(_META), {"key": UNTIDY, "value": "1"})


def tidy(connection: Connection, steps: int = 50) -> bool:
    """Goes on taking deleted words out of SQLite's index. True when none is left in it."""
    if connection.execute(select(_META.c.value).where(_META.c.key == UNTIDY)).first() is None:
        return True
    is_clean = _merged(connection, steps, anew=False)
    if is_clean:
        connection.execute(delete(_META).where(_META.c.key == UNTIDY))
    return is_clean


def _merged(connection: Connection, steps: int, *, anew: bool) -> bool:
    """Whether there was nothing left to merge within so many steps. A step that does nothing changes one row."""
    for step in range(steps):
        before = connection.execute(_CHANGES).scalar_one()
        connection.execute(_MERGE, {"pages": -TIDY_PAGES if anew and step == 0 else TIDY_PAGES})
        if connection.execute(_CHANGES).scalar_one() - before < 2:
            return True
    return False
