"""Takes what invites know of somebody out of them, when their data is erased: they were the one who was invited."""

from __future__ import annotations

from sqlalchemy import delete
from sqlmodel import col, or_, select

from core import log, outbox, tables
from core.db import Transaction
from core.events import InviteWithdrawn
from core.invites import letters
from core.invites.rules import locked_session, state


def forget(tx: Transaction, user_id: str) -> int:
    """Withdraws every invite that is made out to them and blanks for whom it was, and takes them away from every door.
    Returns how many invites that were. Ask before their address and their accounts elsewhere are gone.

    What stands in another system is edited like that of any invite that is withdrawn.
    """
    invite, user = tables.Invite, tables.User
    linked = tx.sql.exec(select(tables.Identity).where(tables.Identity.user_id == user_id)).all()
    address = tx.sql.exec(select(user.email).where(user.id == user_id)).first()
    is_theirs = [
        col(invite.user_id) == user_id,
        *((col(invite.realm) == one.realm) & (col(invite.external_id) == one.external_id) for one in linked),
        *([col(invite.email) == address.lower()] if address else []),
    ]
    found = tx.sql.exec(select(invite).where(or_(*is_theirs)).order_by(col(invite.session_id), col(invite.id))).all()
    for one in found:
        _blank(tx, one)
    tx.sql.exec(delete(tables.Knock).where(col(tables.Knock.user_id) == user_id))
    return len(found)


def _blank(tx: Transaction, invite: tables.Invite) -> None:
    session = locked_session(tx, invite.session_id)
    if state(tx, session, invite) == "live":
        log.append(tx, session, InviteWithdrawn(invite_id=invite.id))
    if invite.email is not None:
        outbox.forget(tx, None, invite.email)
    # Made out to nobody it would be anybody's: it is withdrawn first and for good.
    invite.revoked_at = invite.revoked_at or tx.now
    invite.email = invite.user_id = invite.realm = invite.external_id = None
    invite.name = ""
    tx.sql.add(invite)
    for letter in tx.sql.exec(select(tables.InviteLetter).where(tables.InviteLetter.invite_id == invite.id)).all():
        if letter.ts is None:
            tx.sql.delete(letter)
        elif letter.kind == "offer":
            letter.recipient = ""
            tx.sql.add(letter)
    tx.sql.flush()
    letters.touch(tx, invite.id)
