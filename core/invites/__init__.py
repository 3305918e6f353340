"""Invites by link: a role, an expiry, a number of uses. Looking never consumes; accepting does.

The link's secret is stored as its hash. Whether an invite still holds is judged when it is used, so a late scheduler
lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlmodel import col, select, update

from core import accounts, log, sessions, tables
from core.access import Actor, add_participant, as_role, outranks, session_for
from core.clock import iso
from core.db import Transaction
from core.errors import Invalid, InviteExpired, InviteNotFound, InviteRevoked, InviteUsedUp, NotAllowed
from core.events import InviteAccepted, InviteCreated, InviteWithdrawn, Role
from core.ids import hash_secret, is_id, new_id, new_secret

DEFAULT_LIFETIME = timedelta(days=7)
SHORTEST_LIFETIME = timedelta(minutes=1)
LONGEST_LIFETIME = timedelta(weeks=8)
MAX_USES = 1_000

InviteStatus = Literal["live", "expired", "revoked", "used_up", "accepted"]


@dataclass(frozen=True, slots=True)
class Issued:
    """A new invite and the only copy of its secret."""

    invite: tables.Invite
    secret: str


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody who holds the link may know before accepting."""

    invite: tables.Invite
    title: str
    host_name: str
    status: InviteStatus


def create(
    tx: Transaction,
    actor: Actor,
    session_id: str,
    role: Role,
    *,
    email: str | None = None,
    expires_in: timedelta = DEFAULT_LIFETIME,
    max_uses: int = 1,
) -> Issued:
    """A new invite. Nobody gives more than they hold. Raises NotAllowed, Invalid."""
    seat = session_for(tx, actor, session_id, "invite")
    if outranks(role, seat.role):
        raise NotAllowed(f"As {seat.role} you can invite people as {seat.role} or less.")
    if not SHORTEST_LIFETIME <= expires_in <= LONGEST_LIFETIME:
        raise Invalid("An invite lasts between one minute and eight weeks.")
    if not 1 <= max_uses <= MAX_USES:
        raise Invalid(f"An invite can be used between 1 and {MAX_USES:,} times.")
    secret = new_secret()
    invite = tables.Invite(
        id=new_id("inv"),
        session_id=session_id,
        secret_hash=hash_secret(secret),
        role=role,
        email=accounts.normal_email(email) if email else None,
        max_uses=max_uses,
        created_by=actor.user_id,
        created_at=tx.now,
        expires_at=tx.now + expires_in,
    )
    tx.sql.add(invite)
    tx.sql.flush()
    created = InviteCreated(invite_id=invite.id, role=role, expires_at=iso(invite.expires_at), max_uses=max_uses)
    log.append(tx, seat.session, created, actor_id=actor.user_id)
    return Issued(invite, secret)


def look(tx: Transaction, secret: str, user_id: str | None = None) -> Look:
    """What the link offers. Raises InviteNotFound."""
    invite = _by_secret(tx, secret)
    session = tx.sql.get(tables.Session, invite.session_id)
    if session is None:
        raise InviteNotFound
    host = sessions.host_of(tx, session)
    return Look(invite, session.title, host.username, _status(tx, invite, user_id))


def _status(tx: Transaction, invite: tables.Invite, user_id: str | None) -> InviteStatus:
    if user_id is not None and _seated_by(tx, invite, user_id):
        return "accepted"
    if invite.revoked_at is not None:
        return "revoked"
    if invite.expires_at <= tx.now:
        return "expired"
    return "used_up" if invite.use_count >= invite.max_uses else "live"


def _seated_by(tx: Transaction, invite: tables.Invite, user_id: str) -> bool:
    seat = tx.sql.get(tables.Participation, (invite.session_id, user_id))
    used = tx.sql.get(tables.InviteUse, (invite.id, user_id))
    return used is not None and seat is not None and seat.removed_at is None


def accept(tx: Transaction, actor: Actor, secret: str, *, email: str | None) -> str:
    """Gives the actor the invite's role and returns the session's id. Accepting twice is accepting once.

    A conditional update counts the use, so that of many at once no more than `max_uses` win. Somebody who is in the
    session already keeps the higher of their two roles.

    Raises: InviteNotFound, InviteExpired, InviteRevoked, InviteUsedUp, NotAllowed for the wrong person.
    """
    invite = _by_secret(tx, secret)
    session = tx.sql.exec(select(tables.Session).where(tables.Session.id == invite.session_id).with_for_update()).one()
    if _seated_by(tx, invite, actor.user_id):
        return session.id
    if invite.email is not None and invite.email != (email or "").lower():
        raise NotAllowed("This invite is for somebody else: sign in with the address it was sent to.")
    _count_use(tx, invite)
    if tx.sql.get(tables.InviteUse, (invite.id, actor.user_id)) is None:
        tx.sql.add(tables.InviteUse(invite_id=invite.id, user_id=actor.user_id, used_at=tx.now))
    log.append(tx, session, InviteAccepted(invite_id=invite.id, user_id=actor.user_id), actor_id=actor.user_id)
    seat = tx.sql.get(tables.Participation, (session.id, actor.user_id))
    role = as_role(invite.role)
    if seat is None or seat.removed_at is not None:
        add_participant(tx, session, actor.person, role, via="invite")
    elif outranks(role, as_role(seat.role)):
        sessions.raise_role(tx, session, seat, role)
    return session.id


def _count_use(tx: Transaction, invite: tables.Invite) -> None:
    row = tables.Invite
    counted = tx.sql.exec(
        update(row)
        .where(
            col(row.id) == invite.id,
            col(row.use_count) < col(row.max_uses),
            col(row.expires_at) > tx.now,
            col(row.revoked_at).is_(None),
        )
        .values(use_count=row.use_count + 1)
        .returning(col(row.id))
    ).first()
    if counted is None:
        tx.sql.refresh(invite)
        raise {"expired": InviteExpired, "revoked": InviteRevoked}.get(_status(tx, invite, None), InviteUsedUp)


def revoke(tx: Transaction, actor: Actor, invite_id: str, *, remove_people: bool = False) -> None:
    """Withdraws an invite; with `remove_people`, also everybody who came by it. Revoking twice is revoking once."""
    invite = tx.sql.get(tables.Invite, invite_id) if is_id(invite_id, "inv") else None
    if invite is None:
        raise InviteNotFound
    seat = session_for(tx, actor, invite.session_id, "invite")
    if invite.created_by != actor.user_id and seat.role != "host":
        raise NotAllowed("Only a host, or whoever made this invite, can withdraw it.")
    if invite.revoked_at is None:
        invite.revoked_at = tx.now
        tx.sql.add(invite)
        log.append(tx, seat.session, InviteWithdrawn(invite_id=invite.id), actor_id=actor.user_id)
    if remove_people:
        _remove_guests(tx, actor, invite)


def _remove_guests(tx: Transaction, actor: Actor, invite: tables.Invite) -> None:
    guests = tx.sql.exec(select(tables.InviteUse.user_id).where(tables.InviteUse.invite_id == invite.id)).all()
    for user_id in guests:
        if user_id != actor.user_id and _seated_by(tx, invite, user_id):
            sessions.remove(tx, actor, invite.session_id, user_id)


def _by_secret(tx: Transaction, secret: str) -> tables.Invite:
    # Found by the hash of 256 random bits: how long the index takes tells nothing about the secret.
    invite = tx.sql.exec(select(tables.Invite).where(tables.Invite.secret_hash == hash_secret(secret))).first()
    if invite is None:
        raise InviteNotFound
    return invite
