"""The files of a session as they stand now, and the states that each went through."""

from __future__ import annotations

from sqlmodel import col, select

from core import tables
from core.db import Transaction


def has_moved_away(file: tables.SharedFile) -> bool:
    """Whether this row is the old name of a file that is called otherwise now."""
    return file.change == "renamed" and file.old_path is None


def shared_files(tx: Transaction, session_id: str) -> list[tables.SharedFile]:
    """Every file by its present name, the deleted ones too, sorted by path. The caller has authorised the read."""
    file = tables.SharedFile
    rows = tx.sql.exec(select(file).where(file.session_id == session_id))
    # Sorted here: the databases do not agree on the order of texts.
    return sorted((row for row in rows if not has_moved_away(row)), key=lambda row: row.path)


def versions(tx: Transaction, session_id: str, path: str) -> list[tables.FileVersion]:
    """The states of the file that is, or was last, called `path`: oldest first, back through its renames.

    The caller has authorised the read. Empty for a file that was never shared.
    """
    found: list[tables.FileVersion] = []
    before: int | None = None
    while True:
        piece = _stretch(tx, session_id, path, before)
        start = next((i for i in reversed(range(len(piece))) if piece[i].old_path is not None), None)
        found = piece[start or 0 :] + found
        if start is None:
            return found
        path, before = str(piece[start].old_path), piece[start].seq


def _stretch(tx: Transaction, session_id: str, path: str, before: int | None) -> list[tables.FileVersion]:
    """The latest entries under one name that speak of one file: since another one gave the name up."""
    row = tables.FileVersion
    here = select(row).where(row.session_id == session_id, row.path == path)
    away = select(row.seq).where(row.session_id == session_id, row.old_path == path)
    if before is not None:
        here, away = here.where(row.seq < before), away.where(row.seq < before)
    rows = tx.sql.exec(here.order_by(col(row.seq))).all()
    if not rows:
        return []
    freed = max((seq for seq in tx.sql.exec(away) if seq < rows[-1].seq), default=0)
    return [version for version in rows if version.seq > freed]
