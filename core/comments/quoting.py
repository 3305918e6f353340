"""The lines that a new comment speaks of, taken from the content that the session holds."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlmodel import col, select

from core import files, tables
from core.anchors import take_anchor
from core.db import Transaction
from core.errors import FileNotFound, Invalid
from core.paths import normal_path

#: What is quoted of a place at most; its line numbers stay what they are.
MAX_LINES = 50
MAX_BYTES = 8 * 1024
MAX_CONTEXT_BYTES = 2 * 1024


@dataclass(frozen=True, slots=True)
class Quote:
    """A place in one version of a file, and what stood there."""

    file: str
    line: int
    end_line: int
    version: str | None
    snippet: str
    before: str
    after: str


def quote_for(
    tx: Transaction,
    session_id: str,
    file: str | None,
    line: int | None,
    end_line: int | None,
    version: str | None,
    snippet: str,
) -> Quote:
    """The place as the session knows it; without `version`, in the newest one.

    `snippet` is what the client saw. It counts only where the session holds no content: for a file that is known from
    the agent's edits alone, or is too large.

    Raises: PathRefused, FileNotFound for an unknown file or version, Invalid for lines that are not there.
    """
    if file is None or line is None:
        raise Invalid("Say which file and which line the comment is about.")
    path, last = normal_path(file), end_line if end_line is not None else line
    if last < line:
        raise Invalid("A comment's lines end where they begin, or after.")
    version = _known_version(tx, session_id, path, version)
    if version is None:
        return Quote(path, line, last, None, cut(snippet.replace("\x00", "")), "", "")
    content = files.blob(tx, session_id, version)
    if content.lines is None:
        raise Invalid("That file is not text: it has no lines.")
    try:
        anchor = take_anchor(content.data.decode(), path, line, last)
    except ValueError as error:
        raise Invalid(f"That version of the file has {content.lines:,} lines.") from error
    before, after = cut(anchor.before, MAX_CONTEXT_BYTES), cut(anchor.after, MAX_CONTEXT_BYTES)
    return Quote(path, line, last, version, cut(anchor.snippet), before, after)


def cut(text: str, size: int = MAX_BYTES) -> str:
    """The beginning of `text`, as much as is kept of a quotation."""
    kept = "\n".join(text.split("\n")[:MAX_LINES])
    return kept.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def _known_version(tx: Transaction, session_id: str, path: str, version: str | None) -> str | None:
    """The version to speak of; None where the session knows the file and holds no content of it."""
    if version is not None:
        row = tables.FileVersion
        known = select(1).where(row.session_id == session_id, row.path == path, row.version == version)
        if tx.sql.exec(known.limit(1)).first() is None:
            raise FileNotFound
        return version
    file = tx.sql.get(tables.SharedFile, (session_id, path))
    if file is None:
        if not _is_in_a_diff(tx, session_id, path):
            raise FileNotFound
        return None
    if file.change == "deleted" or files.has_moved_away(file):
        raise FileNotFound("That file is not there any more under this name.")
    return file.version


def _is_in_a_diff(tx: Transaction, session_id: str, path: str) -> bool:
    """Whether the agent reported an edit of this file."""
    entry = tables.LogEntry
    needle = orjson.dumps({"path": path}).decode()[1:-1]
    rows = tx.sql.exec(
        select(entry.frame).where(
            entry.session_id == session_id,
            entry.type == "file_changed",
            col(entry.frame).contains(needle, autoescape=True),
        )
    )
    # LIKE takes upper for lower case on SQLite.
    return any(orjson.loads(frame)["path"] == path for frame in rows)
