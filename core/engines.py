"""Opens a database by its URL: `sqlite:///path` for one process, `postgresql+asyncpg://…` for many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine as SyncEngine
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.pool import QueuePool, SingletonThreadPool
from sqlmodel import Session as SqlSession

from core.db import Engine, ThreadEngine
from core.postgres import PostgresEngine


def open_engine(url: str) -> Engine:
    """An engine for `url`. The schema must be there already: see `core.migrations`."""
    if make_url(url).get_backend_name() == "sqlite":
        return _open_sqlite(url)
    return PostgresEngine(url)


def _open_sqlite(url: str) -> Engine:
    database = make_url(url).database
    if not database or database == ":memory:":
        raise ValueError("SQLite needs a file: the log must survive a restart")
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    writer = sqlite_writer(url)
    reader = create_engine(url, poolclass=QueuePool, pool_size=4, connect_args={"check_same_thread": False})
    event.listen(reader, "connect", _prepare_reader)
    event.listen(reader, "begin", _begin_read)

    def new_reader() -> SqlSession:
        return SqlSession(reader, expire_on_commit=False)

    return ThreadEngine(writer.connect, new_reader)


def sqlite_writer(url: str) -> SyncEngine:
    """The one writing connection to a SQLite file; `synchronous=FULL` makes a commit survive a power cut."""
    engine = create_engine(url, poolclass=SingletonThreadPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_writer)
    event.listen(engine, "begin", _begin_write)
    return engine


def _prepare_writer(connection: Any, _record: Any) -> None:
    # What somebody deletes is overwritten, not left behind in free pages.
    _prepare(connection, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON")


def _prepare_reader(connection: Any, _record: Any) -> None:
    # A reader that checkpoints counts as a second writer.
    _prepare(connection, "PRAGMA wal_autocheckpoint=0", "PRAGMA query_only=ON")


def _prepare(connection: Any, *pragmas: str) -> None:
    # The driver would begin transactions by itself, and DEFERRED: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
    connection.isolation_level = None
    for pragma in ("PRAGMA busy_timeout=5000", "PRAGMA foreign_keys=ON", *pragmas):
        connection.execute(pragma).close()


def _begin_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
