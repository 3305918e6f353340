"""The schema and its history, run by Alembic: `upgrade` brings a database to the newest revision."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from core.engines import sqlite_writer

HERE = Path(__file__).parent

log = logging.getLogger(__name__)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade_on(connection: Connection) -> None:
    """Brings the database behind `connection` to the newest revision, in one transaction that the caller commits.

    One that a newer version has brought further is left as it is: migrations only add, so this version still finds what
    it knows, and an upgrade can be taken back by starting the old one.
    """
    if is_ahead(connection):
        log.warning("the database was brought forward by a newer version; this one goes on with what it knows")
        return
    command.upgrade(_config(connection), "head")


def upgrade(url: str) -> None:
    """Brings the database at `url` to the newest revision. Safe to call at every start."""
    if make_url(url).get_backend_name() == "sqlite":
        database = make_url(url).database
        Path(str(database)).parent.mkdir(parents=True, exist_ok=True)
        _upgrade_sqlite(url)
        return
    asyncio.run(_upgrade_postgres(url))


def _upgrade_sqlite(url: str) -> None:
    """SQLite cannot change most of a table: a new one takes its place, and what refers to the old one must not mind in
    between (https://sqlite.org/lang_altertable.html#otheralter). What refers to nothing in the end is an error."""
    engine = sqlite_writer(url)
    event.listen(engine, "connect", _mind_no_references)
    try:
        with engine.begin() as connection:
            upgrade_on(connection)
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if dangling:
                raise RuntimeError(
                    f"rows refer to nothing after the migration, in {sorted({row[0] for row in dangling})}"
                )
    finally:
        engine.dispose()


def _mind_no_references(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=OFF").close()


async def _upgrade_postgres(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        # Several processes start at once: one migrates, the others wait here and then find nothing to do.
        await connection.execute(text("SELECT pg_advisory_xact_lock(734512)"))
        await connection.run_sync(upgrade_on)
    await engine.dispose()


def is_ahead(connection: Connection) -> bool:
    """Whether the schema is of a revision that this code has never heard of."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return current is not None and current not in known


def is_current(connection: Connection) -> bool:
    """Whether the schema is the one that this code was written for."""
    heads: Any = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == heads
