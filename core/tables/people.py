"""Who there is: accounts, their proofs elsewhere, teams, and the browsers that are signed in."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment, user_reference


class Meta(SQLModel, table=True):
    """Facts about this database itself. `epoch` names the history that its logs tell."""

    __tablename__ = "meta"
    key: str = identifier(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: str = identifier(primary_key=True)
    #: Lower case; empty for somebody known only through another system.
    email: str | None = Field(default=None, sa_column=Column(String(320), unique=True))
    name: str = Field(sa_column=Column(String(120), nullable=False))
    color: int = 0
    is_active: bool = True
    #: May look at every live session and connection of this server, see `api/routes/admin.py`.
    is_admin: bool = False
    #: Raised to end every token and login that was given out before.
    token_version: int = 0
    created_at: datetime = moment()
    #: A name of the IANA's list, such as `Europe/Berlin`; empty until their browser has told.
    time_zone: str = Field(default="", sa_column=Column(String(64), nullable=False))
    #: How they want dates written (a BCP 47 tag such as `de-CH`); empty for as their browser does.
    language: str = Field(default="", sa_column=Column(String(35), nullable=False))
    #: Their data was erased; what is left is a name that others' replies refer to.
    erased_at: datetime | None = moment(nullable=True)


class Identity(SQLModel, table=True):
    """Somebody's account in another system, proven to be theirs."""

    __tablename__ = "identities"
    provider: str = Field(sa_column=Column(String(20), primary_key=True))
    realm: str = Field(sa_column=Column(String(40), primary_key=True))
    external_id: str = Field(sa_column=Column(String(80), primary_key=True))
    user_id: str = user_reference(index=True)
    created_at: datetime = moment()


class Team(SQLModel, table=True):
    """People who may see each other's sessions that are not private. `realm` is the Slack workspace it came from."""

    __tablename__ = "teams"
    id: str = identifier(primary_key=True)
    name: str = Field(sa_column=Column(String(120), nullable=False))
    realm: str | None = Field(default=None, sa_column=Column(String(40), unique=True))
    created_at: datetime = moment()


class TeamMember(SQLModel, table=True):
    __tablename__ = "team_members"
    team_id: str = Field(sa_column=Column(String(40), ForeignKey("teams.id"), primary_key=True))
    user_id: str = user_reference(primary_key=True)


class Login(SQLModel, table=True):
    """One browser that is signed in; the cookie's secret is stored as its hash."""

    __tablename__ = "logins"
    secret_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    user_id: str = user_reference(index=True)
    token_version: int
    created_at: datetime = moment()
    expires_at: datetime = moment()


class SignInLink(SQLModel, table=True):
    __tablename__ = "sign_in_links"
    secret_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    user_id: str = user_reference()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class UsedTicket(SQLModel, table=True):
    """A ticket that opened a socket: the row is what makes it single-use, in every process and over restarts."""

    __tablename__ = "used_tickets"
    jti: str = Field(sa_column=Column(String(64), primary_key=True))
    expires_at: datetime = moment(index=True)
