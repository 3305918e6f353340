"""What is due by mail goes into the outbox, in one transaction with what says that it did."""

from __future__ import annotations

from typing import Any

from core import outbox, tables
from core.db import Transaction
from core.notifications.delivering import Batch, Due, Looking, begin, give_up, sent
from core.notifications.showing import Item, Line

#: Stands for what was said to stay in the session.
PRIVATE = "(a message that stays in the session)"


def mail(tx: Transaction, what: Due, looking: Looking) -> bool:
    """Puts what is due by mail into the outbox: in one transaction, so once. False where nothing was to be sent."""
    batch = begin(tx, what, looking)
    if batch is None:
        return False
    user = tx.sql.get(tables.User, what.user_id)
    if user is None or not user.email or not batch.items:
        give_up(tx, batch, "there is no address")
        return False
    outbox.enqueue(tx, "notification", user.email, values_of(batch), key=batch.id, user_id=user.id)
    sent(tx, batch)
    return True


def values_of(batch: Batch) -> dict[str, Any]:
    """What the template of a notification names."""
    first = batch.items[0]
    is_one_session = len({item.session_id for item in batch.items}) == 1
    lines = [
        {
            "who": f"{item.heading} · {item.session_title}" if len(batch.items) > 1 else _who(line, item),
            "text": PRIVATE if line.is_private else line.text,
            "where": line.where,
        }
        for item in batch.items
        for line in item.lines
    ]
    more = batch.more + sum(max(0, item.count - len(item.lines)) for item in batch.items)
    is_one = len(batch.items) == 1
    return {
        "heading": first.heading if is_one else f"{len(batch.items) + batch.more} things wait for you",
        "session": first.session_title if is_one_session else "Your sessions",
        "path": first.path if is_one else "/inbox",
        "items": lines,
        "more": more,
    }


def _who(line: Line, item: Item) -> str:
    return line.who.username if line.who is not None else item.session_title
