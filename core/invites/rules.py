"""What an invite is worth to somebody at this moment. Everybody who uses, shows or writes about an invite asks here.

Whether it holds is judged when it is used: expiry takes effect at its moment without any scheduler, and so does the
loss of the right to invite. Whoever was removed, or may not give that role any more, has left no way in behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlmodel import col, select

from core import accounts, tables
from core.access import Actor, allows, as_role, outranks, role_in
from core.db import Transaction
from core.errors import (
    Conflict,
    CosessionError,
    Expired,
    InviteExpired,
    InviteRevoked,
    InviteUsedUp,
    NotAllowed,
    NotSignedIn,
)
from core.events import Role

DEFAULT_LIFETIME = timedelta(days=7)
SHORTEST_LIFETIME = timedelta(minutes=1)
LONGEST_LIFETIME = timedelta(weeks=8)
MAX_USES = 1_000
#: People who may wait at one session's door at a time.
MAX_WAITING = 50

#: `accepted` is for whoever is in by it; `waiting`, `refused` and `left` are about the person who asks.
InviteStatus = Literal[
    "live", "accepted", "waiting", "refused", "wrong_person", "left", "declined", "expired", "revoked", "used_up"
]
#: How an invite reaches the person it is for.
Way = Literal["link", "email", "person", "slack"]


class InviteNotYours(NotAllowed):
    """This invite is made out to somebody else. Sign in as the person it was sent to, or ask for one of your own."""

    code = "invite_not_yours"


class InviteLeft(NotAllowed):
    """You left this session, or were removed from it, after this invite was made. Ask a host for a new one."""

    code = "invite_left"


class KnockRefused(NotAllowed):
    """A host has not let you in by this invite. Ask them for another one if that was a mistake."""

    code = "knock_refused"


class InviteDeclined(Expired):
    """This invite was declined. Ask the person who sent it for a new one."""

    code = "invite_declined"


class DoorCrowded(Conflict):
    """Too many people wait at this session's door already. Try again when a host has answered them."""

    code = "door_crowded"


#: What it means to use an invite that is in that state.
REFUSALS: dict[InviteStatus, type[CosessionError]] = {
    "refused": KnockRefused,
    "wrong_person": InviteNotYours,
    "left": InviteLeft,
    "declined": InviteDeclined,
    "expired": InviteExpired,
    "revoked": InviteRevoked,
    "used_up": InviteUsedUp,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an invite is made out to: an address, an account, or an account in another system. All empty: anybody."""

    email: str | None = None
    user_id: str | None = None
    realm: str | None = None
    external_id: str | None = None
    #: What whoever makes it calls them.
    name: str = ""

    @property
    def way(self) -> Way:
        if self.external_id is not None:
            return "slack"
        if self.user_id is not None:
            return "person"
        return "email" if self.email is not None else "link"


ANYBODY = Recipient()


def way_of(invite: tables.Invite) -> Way:
    return Recipient(invite.email, invite.user_id, invite.realm, invite.external_id).way


def is_open(invite: tables.Invite) -> bool:
    """Whether whoever holds the link may use it."""
    return way_of(invite) == "link"


def is_for(tx: Transaction, invite: tables.Invite, user_id: str) -> bool:
    """Whether this account may use it at all. An address counts once it is proven: the account's own is."""
    match way_of(invite):
        case "link":
            return True
        case "person":
            return invite.user_id == user_id
        case "slack":
            return invite.external_id in linked_accounts(tx, invite.realm or "", user_id)
        case "email":
            user = tx.sql.get(tables.User, user_id)
            return user is not None and user.email is not None and user.email.lower() == invite.email


def linked_accounts(tx: Transaction, realm: str, user_id: str) -> list[str]:
    """Somebody's accounts in another system's realm."""
    row = tables.Identity
    return list(tx.sql.exec(select(row.external_id).where(row.realm == realm, row.user_id == user_id)))


def state(tx: Transaction, session: tables.Session, invite: tables.Invite) -> InviteStatus:
    """What it is worth to the person that it is for, whoever that is; the same for everybody who asks."""
    if invite.revoked_at is not None:
        return "revoked"
    if invite.declined_at is not None:
        return "declined"
    if invite.use_count >= invite.max_uses:
        return "used_up"
    if invite.expires_at <= tx.now:
        return "expired"
    return "live" if _inviter_may_still(tx, session, invite) else "revoked"


def state_for(tx: Transaction, session: tables.Session, invite: tables.Invite, user_id: str) -> InviteStatus:
    """What it is worth to this account. Nobody is told about an invite that is somebody else's."""
    if not is_for(tx, invite, user_id):
        return "wrong_person"
    seat = tx.sql.get(tables.Participation, (session.id, user_id))
    is_in = seat is not None and seat.removed_at is None
    if is_in and tx.sql.get(tables.InviteUse, (invite.id, user_id)) is not None:
        return "accepted"
    if is_in and seat is not None and is_open(invite) and not outranks(as_role(invite.role), as_role(seat.role)):
        return "accepted"  # It would give them nothing, so it takes nothing: hosts try their own links, old ones too.
    found = state(tx, session, invite)
    if found == "revoked":
        return found
    if seat is not None and seat.removed_at is not None and invite.created_at <= seat.removed_at:
        return "left"
    if found != "live":
        return found
    knock = tx.sql.get(tables.Knock, (session.id, user_id))
    if knock is not None and knock.invite_id == invite.id and knock.state in ("waiting", "refused"):
        return "waiting" if knock.state == "waiting" else "refused"
    return "live"


def _inviter_may_still(tx: Transaction, session: tables.Session, invite: tables.Invite) -> bool:
    inviter = tx.sql.get(tables.User, invite.created_by)
    if inviter is None or not inviter.is_active:
        return False
    role = role_in(tx, session, accounts.actor_for(inviter, "system"))
    return role is not None and may_give(role, as_role(invite.role))


def may_give(role: Role, offered: Role) -> bool:
    """Nobody gives more than they hold."""
    return allows(role, "invite") and not outranks(offered, role)


def check_active(tx: Transaction, actor: Actor) -> None:
    """Raises NotSignedIn for a deactivated account."""
    user = tx.sql.get(tables.User, actor.user_id)
    if user is None or not user.is_active:
        raise NotSignedIn


def locked_session(tx: Transaction, session_id: str) -> tables.Session:
    """The row that serialises everything about a session's invites. Who may is decided by the invite."""
    query = select(tables.Session).where(tables.Session.id == session_id)
    return tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).one()


def came_by(tx: Transaction, invite: tables.Invite) -> list[str]:
    """Those who have their seat by this invite. Whoever was in before, or came back by another way, is not of them."""
    use, seat = tables.InviteUse, tables.Participation
    return list(
        tx.sql.exec(
            select(use.user_id)
            .where(
                use.invite_id == invite.id,
                seat.session_id == invite.session_id,
                seat.user_id == use.user_id,
                col(seat.removed_at).is_(None),
                seat.joined_at == use.used_at,
            )
            .order_by(col(use.used_at), col(use.user_id))
        )
    )
