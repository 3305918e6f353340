"""The mail about an invite that is made out to an address: stored with the invite, sent afterwards.

No secret waits with it: the way in is made when the mail is sent, and the invite's id opens nothing to anybody else.
"""

from __future__ import annotations

from core import accounts, dates, outbox, tables
from core.clock import zone_of
from core.db import Transaction


def offer(tx: Transaction, invite: tables.Invite) -> None:
    """Has it mailed, once. An address that wants no invites gets none."""
    session, inviter = tx.sql.get(tables.Session, invite.session_id), tx.sql.get(tables.User, invite.created_by)
    assert invite.email is not None
    assert session is not None
    assert inviter is not None
    reader = accounts.find_by_email(tx, invite.email)
    zone, language = (reader.time_zone, reader.language) if reader is not None else ("", "")
    until = dates.whole(invite.expires_at, zone_of(zone), language) + ("" if zone else " UTC")
    values = {
        "invite_id": invite.id,
        "inviter": inviter.name,
        "title": session.title,
        "role": invite.role,
        "until": until,
        "needs_approval": invite.needs_approval,
    }
    outbox.enqueue(tx, "invite", invite.email, values, key=invite.id, expires_at=invite.expires_at)


def withdraw(tx: Transaction, invite: tables.Invite) -> None:
    """What has not been sent yet is not sent any more."""
    if invite.email is not None:
        outbox.cancel(tx, outbox.mail_id("invite", invite.email, invite.id))
