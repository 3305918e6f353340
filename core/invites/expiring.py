"""Tells the log which invites have expired. That they have needs no telling: it is judged when they are used."""

from __future__ import annotations

from sqlmodel import col, select

from core import log, tables
from core.db import Transaction
from core.events import InviteLapsed
from core.invites import letters
from core.invites.rules import locked_session

#: Most that one run tells of.
AT_ONCE = 200


def expire(tx: Transaction) -> int:
    """Tells of each invite once, and returns how many that were. A session that has ended is told nothing more."""
    invite = tables.Invite
    lapsed = tx.sql.exec(
        select(invite)
        .where(
            invite.expires_at <= tx.now,
            col(invite.told_at).is_(None),
            col(invite.revoked_at).is_(None),
            col(invite.declined_at).is_(None),
            col(invite.use_count) < col(invite.max_uses),
        )
        # Sessions are locked in one order, so that two who do this do not wait for each other.
        .order_by(col(invite.session_id), col(invite.id))
        .limit(AT_ONCE)
    ).all()
    for one in lapsed:
        session = locked_session(tx, one.session_id)
        one.told_at = tx.now
        tx.sql.add(one)
        if session.status == "live":
            log.append(tx, session, InviteLapsed(invite_id=one.id))
        letters.touch(tx, one.id)
    return len(lapsed)
