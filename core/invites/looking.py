"""Shows invites: what a link offers, which are made out to oneself, which a session has, and who waits at its door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, or_, select

from core import sessions, tables
from core.access import Actor, allows, as_role, session_for
from core.db import Transaction
from core.errors import InviteNotFound, NotAllowed
from core.events import Person, Role
from core.invites.making import find
from core.invites.rules import InviteStatus, Way, came_by, check_active, state, state_for, way_of

#: Invites of one session that are shown; the newest.
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody may know before accepting. What is made out to another tells no title."""

    invite: tables.Invite
    session_id: str | None
    title: str
    host_name: str
    inviter_name: str
    status: InviteStatus
    way: Way
    #: Of an address that it is made out to, as much as reminds its owner.
    hint: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An invite as those see it who may withdraw it."""

    invite: tables.Invite
    status: InviteStatus
    way: Way
    #: For whom: an address or a name; empty for whoever holds the link.
    to: str
    inviter: str
    #: Those who are in the session by it now.
    came: int
    #: Why it could not be delivered, in words; empty where it was, or nobody had to.
    problem: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody at the door."""

    person: Person
    role: Role
    invite_id: str
    knocked_at: datetime


def look(tx: Transaction, token: str, user_id: str | None = None) -> Look:
    """What the link offers. Looking uses nothing up. Raises InviteNotFound."""
    return _look(tx, find(tx, token, user_id), user_id)


def _look(tx: Transaction, invite: tables.Invite, user_id: str | None) -> Look:
    session, inviter = tx.sql.get(tables.Session, invite.session_id), tx.sql.get(tables.User, invite.created_by)
    if session is None or inviter is None:
        raise InviteNotFound
    way = way_of(invite)
    status = state(tx, session, invite) if user_id is None else state_for(tx, session, invite, user_id)
    # Of an invite that is made out to somebody, strangers are told no more than that it is not theirs.
    is_theirs = way == "link" or (user_id is not None and status != "wrong_person")
    return Look(
        invite,
        session.id if status == "accepted" else None,
        session.title if is_theirs else "",
        sessions.host_of(tx, session).username,
        inviter.name,
        status,
        way,
        _hint(invite.email) if invite.email else "",
        session.status == "ended",
    )


def _hint(address: str) -> str:
    """`b…@example.com`."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"


def mine(tx: Transaction, actor: Actor) -> list[Look]:
    """The invites that are made out to the actor and can still be answered, the newest first."""
    check_active(tx, actor)
    invite, identity = tables.Invite, tables.Identity
    user = tx.sql.get(tables.User, actor.user_id)
    linked = tx.sql.exec(select(identity).where(identity.user_id == actor.user_id)).all()
    is_theirs = [
        col(invite.user_id) == actor.user_id,
        *((col(invite.realm) == one.realm) & (col(invite.external_id) == one.external_id) for one in linked),
    ]
    if user is not None and user.email is not None:
        is_theirs.append(col(invite.email) == user.email.lower())
    found = tx.sql.exec(
        select(invite)
        .where(
            or_(*is_theirs),
            invite.expires_at > tx.now,
            col(invite.revoked_at).is_(None),
            col(invite.declined_at).is_(None),
            col(invite.use_count) < col(invite.max_uses),
        )
        .order_by(col(invite.created_at).desc(), col(invite.id))
        .limit(MAX_SHOWN)
    ).all()
    looks = [_look(tx, one, actor.user_id) for one in found]
    return [one for one in looks if one.status in ("live", "waiting")]


def of_session(tx: Transaction, actor: Actor, session_id: str) -> list[Listed]:
    """A session's invites that still let somebody in, or by which somebody is in; hosts see all, others their own.

    Raises NotAllowed for whoever may not invite.
    """
    seat = session_for(tx, actor, session_id, "read", lock=False)
    if not allows(seat.role, "invite"):
        raise NotAllowed
    invite = tables.Invite
    query = select(invite).where(invite.session_id == session_id)
    if not allows(seat.role, "manage"):
        query = query.where(invite.created_by == actor.user_id)
    rows = tx.sql.exec(query.order_by(col(invite.created_at).desc(), col(invite.id)).limit(MAX_SHOWN)).all()
    found = [_listed(tx, seat.session, row) for row in rows]
    return [one for one in found if one.status == "live" or (one.came and one.status != "revoked")]


def _listed(tx: Transaction, session: tables.Session, invite: tables.Invite) -> Listed:
    inviter = tx.sql.get(tables.User, invite.created_by)
    person = tx.sql.get(tables.User, invite.user_id) if invite.user_id is not None else None
    letter = tx.sql.get(tables.InviteLetter, (invite.id, "offer"))
    return Listed(
        invite,
        state(tx, session, invite),
        way_of(invite),
        invite.email or (person.name if person else invite.name),
        inviter.name if inviter else "",
        len(came_by(tx, invite)),
        (letter.problem or "") if letter else "",
    )


def at_the_door(tx: Transaction, actor: Actor, session_id: str) -> list[Waiting]:
    """Who waits, the longest waiting first. Only hosts are told."""
    seat = session_for(tx, actor, session_id, "read", lock=False)
    session = seat.session
    if not allows(seat.role, "manage"):
        return []
    knock, user, invite = tables.Knock, tables.User, tables.Invite
    rows = tx.sql.exec(
        select(knock, user, invite)
        .where(
            knock.session_id == session_id,
            knock.state == "waiting",
            knock.user_id == user.id,
            knock.invite_id == invite.id,
        )
        .order_by(col(knock.knocked_at), col(knock.user_id))
    )
    return [
        Waiting(
            Person(user_id=who.id, username=who.name, color=who.color),
            as_role(way_in.role),
            way_in.id,
            row.knocked_at,
        )
        for row, who, way_in in rows
        if who.is_active and state(tx, session, way_in) == "live"
    ]
