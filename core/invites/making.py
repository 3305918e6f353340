"""Makes invites, finds them again by what people hold, and withdraws them.

The link's secret has 256 random bits and is stored as its hash. An invite that is made out to somebody is also found by
its id, which is no secret: it opens nothing to anybody else.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from core import accounts, log, sessions, tables
from core.access import Actor, allows, session_for
from core.clock import iso
from core.db import Transaction
from core.errors import Invalid, InviteNotFound, NotAllowed, UserNotFound
from core.events import InviteCreated, InviteWithdrawn, Role
from core.ids import derived_id, hash_secret, is_id, new_id, new_secret
from core.invites import flooding, letters, mailing
from core.invites.rules import (
    ANYBODY,
    DEFAULT_LIFETIME,
    LONGEST_LIFETIME,
    MAX_USES,
    SHORTEST_LIFETIME,
    Recipient,
    came_by,
    is_for,
    is_open,
    locked_session,
    may_give,
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new invite and the only copy of its secret; empty where the same wish had made it before."""

    invite: tables.Invite
    secret: str


def create(
    tx: Transaction,
    actor: Actor,
    session_id: str,
    role: Role,
    *,
    to: Recipient = ANYBODY,
    expires_in: timedelta = DEFAULT_LIFETIME,
    max_uses: int = 1,
    needs_approval: bool = False,
    key: str | None = None,
) -> Issued:
    """A new invite. Nobody gives more than they hold; one that is made out to somebody is for one use. The same `key`
    by the same actor makes it once.

    Raises: NotAllowed, TooManyInvites, Invalid, UserNotFound for an account that does not exist.
    """
    seat = session_for(tx, actor, session_id, "invite")
    invite_id = derived_id("inv", actor.user_id, key) if key is not None else new_id("inv")
    before = tx.sql.get(tables.Invite, invite_id) if key is not None else None
    if before is not None:
        return Issued(before, "")
    if not may_give(seat.role, role):
        raise NotAllowed(f"As {seat.role} you can invite people as {seat.role} or less.")
    if not SHORTEST_LIFETIME <= expires_in <= LONGEST_LIFETIME:
        raise Invalid("An invite lasts between one minute and eight weeks.")
    if not 1 <= max_uses <= MAX_USES:
        raise Invalid(f"An invite can be used between 1 and {MAX_USES:,} times.")
    if to.way != "link" and max_uses != 1:
        raise Invalid("An invite for one person can be used once.")
    if to.user_id is not None:
        _check_person(tx, actor, to.user_id)
    email = accounts.normal_email(to.email) if to.email is not None else None
    flooding.check(tx, actor, to, email)
    secret = new_secret()
    invite = tables.Invite(
        id=invite_id,
        session_id=session_id,
        secret_hash=hash_secret(secret),
        role=role,
        email=email,
        user_id=to.user_id,
        realm=to.realm,
        external_id=to.external_id,
        name=accounts.normal_name(to.name) if to.name else "",
        needs_approval=needs_approval,
        max_uses=max_uses,
        created_by=actor.user_id,
        created_at=tx.now,
        expires_at=tx.now + expires_in,
    )
    tx.sql.add(invite)
    tx.sql.flush()
    created = InviteCreated(
        invite_id=invite.id,
        role=role,
        expires_at=iso(invite.expires_at),
        max_uses=max_uses,
        way=to.way,
        needs_approval=needs_approval,
    )
    log.append(tx, seat.session, created, actor_id=actor.user_id)
    if to.way == "slack":
        letters.offer(tx, invite)
    elif to.way == "email":
        mailing.offer(tx, invite)
    return Issued(invite, secret)


def _check_person(tx: Transaction, actor: Actor, user_id: str) -> None:
    user = tx.sql.get(tables.User, user_id) if is_id(user_id, "usr") else None
    if user is None or not user.is_active:
        raise UserNotFound
    if user_id == actor.user_id:
        raise Invalid("You are in this session already: invite somebody else.")


def find(tx: Transaction, token: str, user_id: str | None) -> tables.Invite:
    """The invite behind a link's secret, or, for the person that it is made out to, behind its id.

    Raises InviteNotFound, which tells nobody whether there is one.
    """
    if is_id(token, "inv"):
        named = tx.sql.get(tables.Invite, token)
        if named is None or is_open(named) or user_id is None or not is_for(tx, named, user_id):
            raise InviteNotFound
        return named
    # Found by the hash of 256 random bits, so how long the index takes tells nothing about the secret.
    wanted = hash_secret(token)
    found = tx.sql.exec(select(tables.Invite).where(tables.Invite.secret_hash == wanted)).first()
    if found is None or not hmac.compare_digest(found.secret_hash, wanted):
        raise InviteNotFound
    return found


def revoke(tx: Transaction, actor: Actor, invite_id: str, *, remove_people: bool = False) -> int:
    """Withdraws an invite; with `remove_people`, also everybody who came by it: how many those were. Twice is once.

    Possible after the session's end, because an invite still lets people read it. Raises InviteNotFound, NotAllowed.
    """
    invite = tx.sql.get(tables.Invite, invite_id) if is_id(invite_id, "inv") else None
    if invite is None:
        raise InviteNotFound
    locked_session(tx, invite.session_id)
    seat = session_for(tx, actor, invite.session_id, "read")
    if not allows(seat.role, "manage") and (invite.created_by != actor.user_id or remove_people):
        raise NotAllowed(
            "Only a host can remove the people who came by an invite."
            if remove_people
            else "Only a host, or whoever made this invite, can withdraw it."
        )
    tx.sql.refresh(invite)
    if invite.revoked_at is None:
        invite.revoked_at = tx.now
        tx.sql.add(invite)
        log.append(tx, seat.session, InviteWithdrawn(invite_id=invite.id), actor_id=actor.user_id)
        letters.touch(tx, invite.id)
        mailing.withdraw(tx, invite)
    guests = [guest for guest in came_by(tx, invite) if guest != actor.user_id] if remove_people else []
    for guest in guests:
        sessions.remove(tx, actor, invite.session_id, guest)
    return len(guests)
