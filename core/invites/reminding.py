"""Reminds the hosts of those who still wait at the door: after an hour, after a day, and then not again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, or_
from sqlmodel import col, select

from core import log, tables
from core.access import as_role
from core.db import Transaction
from core.events import Knocked, Person
from core.invites.rules import locked_session, state

#: How long after the knock each reminder comes.
AFTER = (timedelta(hours=1), timedelta(days=1))
#: Most that one run reminds of.
AT_ONCE = 200


def remind(tx: Transaction) -> int:
    """Knocks once more for each who waits too long, and returns how many those were. Nobody is reminded of a session
    that has ended, or of an invite that lets nobody in any more."""
    knock = tables.Knock
    overdue = [
        and_(col(knock.reminders) == given, col(knock.knocked_at) <= tx.now - after)
        for given, after in enumerate(AFTER)
    ]
    waiting = tx.sql.exec(
        select(knock)
        .where(knock.state == "waiting", or_(*overdue))
        # Sessions are locked in one order, so that two who do this do not wait for each other.
        .order_by(col(knock.session_id), col(knock.user_id))
        .limit(AT_ONCE)
    ).all()
    return sum(_remind(tx, one) for one in waiting)


def _remind(tx: Transaction, knock: tables.Knock) -> bool:
    session = locked_session(tx, knock.session_id)
    tx.sql.refresh(knock)
    invite, user = tx.sql.get(tables.Invite, knock.invite_id), tx.sql.get(tables.User, knock.user_id)
    if knock.state != "waiting" or invite is None or user is None:
        return False
    # Who has waited for a day without having been reminded is reminded once, not twice.
    knock.reminders = sum(knock.knocked_at <= tx.now - after for after in AFTER)
    tx.sql.add(knock)
    if session.status != "live" or state(tx, session, invite) != "live" or not user.is_active:
        return False
    person = Person(user_id=user.id, username=user.name, color=user.color)
    again = Knocked(invite_id=invite.id, user=person, role=as_role(invite.role), reminder=knock.reminders)
    log.append(tx, session, again)
    return True
