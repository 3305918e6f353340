"""The workspaces outside that let this server act in them."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, LargeBinary, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment


class Installation(SQLModel, table=True):
    """What a workspace, or a whole organisation, has granted. It stays when it is taken back, without its secrets, so
    that what hangs on the realm is found again after the next grant."""

    __tablename__ = "installations"
    #: The id of the workspace, or of the organisation where the grant is for all of it.
    realm: str = identifier(primary_key=True)
    #: Empty for a workspace that belongs to no organisation, and for a grant to a whole organisation respectively.
    enterprise_id: str = Field(default="", sa_column=Column(String(40), nullable=False, index=True))
    team_id: str = Field(default="", sa_column=Column(String(40), nullable=False))
    name: str = Field(default="", sa_column=Column(String(120), nullable=False))
    app_id: str = Field(default="", sa_column=Column(String(40), nullable=False))
    bot_user_id: str = Field(default="", sa_column=Column(String(40), nullable=False))
    bot_id: str = Field(default="", sa_column=Column(String(40), nullable=False))
    #: What the token may do, separated by commas.
    scopes: str = Field(default="", sa_column=Column(Text, nullable=False))
    #: Who agreed to it there.
    installed_by: str = Field(default="", sa_column=Column(String(40), nullable=False))
    installed_at: datetime = moment()
    #: Both are encrypted by `core.sealing`; None once the grant was taken back.
    sealed_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    sealed_refresh_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    #: When the token stops working; None for one that does not.
    token_expires_at: datetime | None = moment(nullable=True)
    #: Counts the tokens there have been, so that whoever renews one knows whether it is still the same.
    token_version: int = 0
    removed_at: datetime | None = moment(nullable=True)
    #: Why it does not work, in words for an operator; empty while it does.
    trouble: str = Field(default="", sa_column=Column(Text, nullable=False))

    @property
    def is_org_wide(self) -> bool:
        return self.realm == self.enterprise_id
