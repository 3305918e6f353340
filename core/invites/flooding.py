"""Keeps invites from being a way to write to many strangers, or to one person again and again.

An invite by mail, by Slack's direct message or to an account reaches somebody who has not asked for it. Whoever makes
them is bound by the hour, over all sessions and processes, and whoever gets them by the day, whoever they come from.
Open links reach nobody by themselves and are not counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from core import tables
from core.access import Actor
from core.db import Transaction
from core.errors import NotAllowed
from core.invites.rules import Recipient

#: Invites to somebody that one person may make within an hour, and those that one somebody gets within a day.
MOST_BY_ONE, WITHIN = 20, timedelta(hours=1)
MOST_TO_ONE, OF_LATE = 5, timedelta(days=1)


class TooManyInvites(NotAllowed):
    """You have invited many people within the hour. Wait a little, or share one link with all of them."""

    code = "too_many_invites"


def check(tx: Transaction, actor: Actor, to: Recipient, email: str | None) -> None:
    """`email` is the recipient's, in its normal form. Raises TooManyInvites."""
    row = tables.Invite
    theirs = _made_out_to(to, email)
    if theirs is None:
        return
    reaches = col(row.email).is_not(None) | col(row.user_id).is_not(None) | col(row.external_id).is_not(None)
    if _count(tx, row.created_by == actor.user_id, reaches, row.created_at > tx.now - WITHIN) >= MOST_BY_ONE:
        raise TooManyInvites
    if _count(tx, *theirs, row.created_at > tx.now - OF_LATE) >= MOST_TO_ONE:
        raise TooManyInvites("They were invited several times today: more invites would be a nuisance. Wait a day.")


def _made_out_to(to: Recipient, email: str | None) -> tuple[Any, ...] | None:
    """The condition for invites to the same somebody; None for an open link."""
    row = tables.Invite
    match to.way:
        case "email":
            return (row.email == email,)
        case "person":
            return (row.user_id == to.user_id,)
        case "slack":
            return (row.realm == to.realm, row.external_id == to.external_id)
        case "link":
            return None


def _count(tx: Transaction, *where: Any) -> int:
    return tx.sql.exec(select(func.count()).select_from(tables.Invite).where(*where)).one()
