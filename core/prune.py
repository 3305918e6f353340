"""What is of no use any more: tickets, links and logins past their time, requests that were handled long ago,
files that no message took, words of deleted texts in the index of a large search.

Whether something still holds is judged when it is used; forgetting it late lets nobody in.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from core import inbox, indexing, tables
from core.chat import attaching
from core.db import Transaction

#: Slack may repeat an event for 24 hours; the record that it was handled must outlive that.
KEEP_HANDLED = timedelta(hours=26)


def prune(tx: Transaction) -> int:
    """Deletes it, and returns how many rows that were."""
    login, link, ticket = tables.Login, tables.SignInLink, tables.UsedTicket
    statements = (
        delete(ticket).where(col(ticket.expires_at) < tx.now),
        delete(login).where(col(login.expires_at) < tx.now),
        delete(link).where(col(link.expires_at) < tx.now),
    )
    indexing.tidy(tx.sql.connection())
    handled = inbox.prune(tx, tx.now - KEEP_HANDLED)
    return handled + attaching.prune(tx) + sum(tx.sql.exec(statement).rowcount for statement in statements)
