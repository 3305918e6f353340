"""Alembic's entry point: it always works on a connection that `core.migrations` hands in."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from core import tables

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix=f"{tables.__name__}.",
)
with context.begin_transaction():
    context.run_migrations()
