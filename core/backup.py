"""A copy of a SQLite database while it is written to, and what has to be said after a copy was put back.

`VACUUM INTO` reads one snapshot: the copy is a prefix of every session's log, whole and in one file, and writers go on
meanwhile (https://sqlite.org/lang_vacuum.html). Postgres has its own tools.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import make_url

from core import tables
from core.db import Transaction
from core.errors import Conflict, Invalid, StorageUnavailable
from core.ids import new_id


class BackupExists(Conflict):
    """There is a file of that name already: a backup never overwrites one."""

    code = "backup_exists"


def copy(url: str, target: Path) -> int:
    """Copies the SQLite database at `url` to a new file, readable by this user alone; its size in bytes. Blocks.

    Raises Invalid for another kind of database, BackupExists, StorageUnavailable where the copy could not be written.
    """
    database = make_url(url).database
    if make_url(url).get_backend_name() != "sqlite" or not database:
        raise Invalid("That is for SQLite. Postgres is backed up with pg_dump.")
    try:
        target.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise BackupExists from None
    except OSError as error:
        raise Invalid(f"A backup cannot be written there: {error.strerror}.") from None
    # A connection of its own, that never checkpoints: a second one that does can corrupt a WAL.
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        target.unlink()
        raise StorageUnavailable(f"The backup failed: {error}.") from error
    finally:
        connection.close()
    return target.stat().st_size


def begin_another_history(tx: Transaction) -> None:
    """After a copy was put back: what clients saw since it was made is not in it, so they must begin anew."""
    epoch = tx.sql.get(tables.Meta, "epoch")
    if epoch is not None:
        epoch.value = new_id("epo")
        tx.sql.add(epoch)
