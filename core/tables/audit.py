"""What was done to accounts and installations: rows are added, and the database refuses everything else."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import COUNTED, identifier, moment


class AuditEntry(SQLModel, table=True):
    """One act. It names people by id alone, so that erasing somebody leaves nothing of them here."""

    __tablename__ = "audit_entries"
    id: int | None = Field(default=None, sa_column=Column(COUNTED, primary_key=True))
    at: datetime = moment(index=True)
    act: str = Field(sa_column=Column(String(40), nullable=False))
    #: Whom it concerns; None for what concerns no one account.
    user_id: str | None = identifier(nullable=True)
    #: JSON: where and how, such as the provider; nothing that anybody wrote.
    details: str = Field(sa_column=Column(Text, nullable=False))
