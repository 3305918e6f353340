"""Columns that many tables have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, String, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from core.clock import as_utc


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone of what it stores; this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # Both signatures are SQLAlchemy's; we need no dialect.
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return as_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else as_utc(value)


#: A number that the database gives. SQLite counts in columns of this one type only.
COUNTED = BigInteger().with_variant(Integer(), "sqlite")


def identifier(prefix_length: int = 40, **kwargs: Any) -> Any:
    """An id of ours, or a short text."""
    return Field(sa_column=Column(String(prefix_length), **kwargs))


def user_reference(*, primary_key: bool = False, nullable: bool = False, index: bool = False) -> Any:
    """The id of a user."""
    return Field(
        default=None,
        sa_column=Column(String(40), ForeignKey("users.id"), primary_key=primary_key, nullable=nullable, index=index),
    )


def session_reference(*, primary_key: bool = False, nullable: bool = False, index: bool = False) -> Any:
    """The id of a session."""
    return Field(
        default=None,
        sa_column=Column(
            String(40), ForeignKey("sessions.id"), primary_key=primary_key, nullable=nullable, index=index
        ),
    )


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    """A time, in UTC."""
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


def table_of(name: str) -> Table:
    """A table by its name, for statements that are built once and run often."""
    return SQLModel.metadata.tables[name]
