"""Databases with the schema of now, made once and copied for each test.

The migrations take a tenth of a second, and nearly a thousand tests begin with them. Tests of the migrations themselves
begin with nothing.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from core.migrations import upgrade


@functools.cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory(prefix="cosession-schema-") as folder:
        file = Path(folder) / "empty.db"
        upgrade(f"sqlite:///{file}")
        return file.read_bytes()


def bring_up(url: str) -> None:
    """As `core.migrations.upgrade`, but a SQLite file that is not there yet is a copy."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        file = Path(str(address.database))
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_sqlite())
            return
    upgrade(url)
