"""What is on its way to browsers: one message for each browser and batch, stored before anything is sent.

A batch counts as sent as soon as the push service of one of its person's browsers has it. Where none of them takes it,
the next way that leads to the person does. A message whose attempt broke off is sent again under the same topic and
tag, by which the service and the browser put the repeat in the place of the first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
from sqlalchemy import delete, func, update
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.errors import Conflict
from core.ids import derived_id, new_id
from core.notifications import delivering, subscriptions
from core.notifications.deciding import OUTSIDE, Outside, quiet_until
from core.notifications.delivering import Due, Looking
from core.notifications.preferences import wishes_of
from core.notifications.push_words import TEST, words_of
from core.notifications.pusher import Push
from core.notifications.subscriptions import BrowserNotFound, Keys

#: How long a message is tried; then the next way takes what it tells.
TRIED_FOR = timedelta(hours=1)
#: How long a push service keeps a message for a browser that is switched off.
LIFETIME = timedelta(days=1)
#: Seconds between two looks at a batch that is on its way.
REVIEW = 60.0
KEEP_SETTLED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that is being handed over. `attempts` have failed; `may_be_there`: one of them broke off."""

    id: str
    attempts: int
    may_be_there: bool
    push: Push


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that wait, and when the next of them is due."""

    waiting: int
    next_at: datetime | None


class TooManyTests(Conflict):
    """A test is on its way to that browser already."""

    code = "test_on_its_way"


@dataclass(frozen=True, slots=True)
class _Batch:
    id: str
    channel: Outside = "push"


# ── Onto its way ──────────────────────────────────────────────────────────────────────────────────────────────────────


def take_over(tx: Transaction, what: Due, looking: Looking, channels: Collection[Outside] = OUTSIDE) -> bool:
    """What is due for a person by push is on its way to each of their browsers, or goes by the next of `channels`.
    False where nothing was to be sent."""
    batch = delivering.begin(tx, what, looking)
    if batch is None:
        return False
    if not batch.may_be_there:
        for browser in subscriptions.live(tx, [what.user_id]):
            _open(tx, batch.id, browser.id)
    _settle(tx, batch.id, channels)
    return True


def test(tx: Transaction, user_id: str, browser_id: str) -> None:
    """A message that says only that messages come up. Raises BrowserNotFound, and TooManyTests while one is on its
    way."""
    row = tables.PushMessage
    if browser_id not in {one.id for one in subscriptions.of_user(tx, user_id)}:
        raise BrowserNotFound
    waiting = select(row.id).where(
        row.subscription_id == browser_id, col(row.is_test).is_(True), col(row.settled_at).is_(None)
    )
    if tx.sql.exec(waiting).first() is not None:
        raise TooManyTests
    _open(tx, new_id("pst"), browser_id, is_test=True)


def _open(tx: Transaction, batch_id: str, browser_id: str, *, is_test: bool = False) -> None:
    message_id = derived_id("psm", batch_id, browser_id)
    row = tx.sql.get(tables.PushMessage, message_id, populate_existing=True)
    row = row or tables.PushMessage(id=message_id, batch_id=batch_id, subscription_id=browser_id, is_test=is_test)
    row.created_at = row.not_before = tx.now
    row.attempts, row.settled_at, row.outcome = 0, None, ""
    tx.sql.add(row)
    tx.sql.flush()


# ── Attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(tx: Transaction, limit: int = 100) -> list[tuple[str, str]]:
    """Messages to be tried now, the longest waiting first, each with where its browser's push service is."""
    row, browser = tables.PushMessage, tables.PushSubscription
    query = (
        select(row.id, browser.endpoint)
        .where(row.subscription_id == browser.id, col(row.settled_at).is_(None), row.not_before <= tx.now)
        .order_by(col(row.not_before), col(row.id))
        .limit(limit)
    )
    return [(message_id, urlsplit(endpoint).netloc) for message_id, endpoint in tx.sql.exec(query)]


def hold(tx: Transaction, message_ids: Collection[str], until: datetime) -> None:
    """Their service wants to be left alone until then."""
    row = tables.PushMessage
    still = (col(row.id).in_(message_ids), col(row.settled_at).is_(None))
    tx.sql.exec(update(row).where(*still).values(not_before=until))


def backlog(tx: Transaction) -> Backlog:
    row = tables.PushMessage
    query = select(func.count(), func.min(row.not_before)).where(col(row.settled_at).is_(None))
    waiting, next_at = tx.sql.exec(query).one()
    return Backlog(waiting, next_at)


def begin(tx: Transaction, message_id: str, channels: Collection[Outside] = OUTSIDE) -> Attempt | None:
    """A message is about to be handed over, as what it tells is now. None where there is nothing to be sent any
    more."""
    row = _open_row(tx, message_id)
    if row is None or row.not_before > tx.now:
        return None
    browser = tx.sql.get(tables.PushSubscription, row.subscription_id, populate_existing=True)
    if browser is None or browser.id not in {one.id for one in subscriptions.live(tx, [browser.user_id])}:
        return _drop(tx, row, "gone", channels)
    if tx.now - row.created_at > LIFETIME:
        return _drop(tx, row, "late", channels)
    payload = TEST if row.is_test else _told(tx, row, browser.user_id)
    if isinstance(payload, str):
        return _drop(tx, row, payload, channels)
    attempt = Attempt(
        id=row.id,
        attempts=row.attempts,
        may_be_there=row.begun_at is not None,
        push=Push(
            endpoint=browser.endpoint,
            keys=Keys(browser.p256dh, browser.auth),
            topic=row.batch_id,
            lifetime=LIFETIME - (tx.now - row.created_at),
            payload=orjson.dumps({"id": row.batch_id, **payload}),
        ),
    )
    row.begun_at = tx.now
    tx.sql.add(row)
    return attempt


def _told(tx: Transaction, row: tables.PushMessage, user_id: str) -> dict[str, str] | str:
    """What the message says, or one word for why it is not sent."""
    wishes = wishes_of(tx, [user_id]).get(user_id)
    if wishes is None:
        return "gone"
    items, more = delivering.still_told(tx, row.batch_id)
    if not items:
        return "read"
    return "quiet" if quiet_until(wishes.quiet, tx.now) is not None else words_of(items, more)


def sent(tx: Transaction, message_id: str, channels: Collection[Outside] = OUTSIDE) -> None:
    """The service has it: a fact, whoever has the lease by now."""
    row = _open_row(tx, message_id)
    if row is None:
        return
    browser = tx.sql.get(tables.PushSubscription, row.subscription_id, populate_existing=True)
    if browser is not None:
        browser.last_sent_at = tx.now
        tx.sql.add(browser)
    row.begun_at = None
    _close(tx, row, "sent", "", channels)


def postpone(
    tx: Transaction,
    message_id: str,
    seconds: float,
    problem: str,
    channels: Collection[Outside] = OUTSIDE,
    *,
    may_be_there: bool = False,
) -> None:
    """Tries again in `seconds`, unless it was tried for long enough."""
    row = _open_row(tx, message_id)
    if row is None:
        return
    row.attempts += 1
    row.begun_at = row.begun_at if may_be_there else None
    row.not_before, row.problem = tx.now + timedelta(seconds=seconds), problem[:500]
    if row.not_before - row.created_at > TRIED_FOR:
        _close(tx, row, "failed", problem, channels)
    else:
        tx.sql.add(row)
        tx.sql.flush()


def refused(tx: Transaction, message_id: str, problem: str, channels: Collection[Outside] = OUTSIDE) -> None:
    """The service will never take it."""
    row = _open_row(tx, message_id)
    if row is not None:
        _close(tx, row, "refused", problem, channels)


def browser_gone(tx: Transaction, message_id: str, endpoint: str, channels: Collection[Outside] = OUTSIDE) -> None:
    """The browser takes no pushes any more: it is forgotten, with what is on its way to it."""
    row = _open_row(tx, message_id)
    if row is None:
        return
    batch_id, subscription = row.batch_id, tables.PushSubscription
    tx.sql.exec(
        delete(subscription).where(col(subscription.id) == row.subscription_id, col(subscription.endpoint) == endpoint)
    )
    tx.sql.expire_all()
    _settle(tx, batch_id, channels)


def prune(tx: Transaction) -> int:
    """Forgets what was settled long ago."""
    row = tables.PushMessage
    return tx.sql.exec(delete(row).where(col(row.settled_at) < tx.now - KEEP_SETTLED)).rowcount


def _open_row(tx: Transaction, message_id: str) -> tables.PushMessage | None:
    row = tables.PushMessage
    query = select(row).where(row.id == message_id, col(row.settled_at).is_(None)).with_for_update()
    return tx.sql.exec(query.execution_options(populate_existing=True)).first()


def _drop(tx: Transaction, row: tables.PushMessage, reason: str, channels: Collection[Outside]) -> None:
    _close(tx, row, reason, "", channels)


def _close(tx: Transaction, row: tables.PushMessage, outcome: str, problem: str, channels: Collection[Outside]) -> None:
    row.settled_at, row.outcome, row.problem = tx.now, outcome, problem[:500]
    tx.sql.add(row)
    tx.sql.flush()
    _settle(tx, row.batch_id, channels)


def _settle(tx: Transaction, batch_id: str, channels: Collection[Outside]) -> None:
    """What becomes of the deliveries of a batch, after what became of its messages."""
    row, batch = tables.PushMessage, _Batch(batch_id)
    messages = tx.sql.exec(select(row).where(row.batch_id == batch_id)).all()
    if any(one.outcome == "sent" for one in messages):
        delivering.sent(tx, batch)
    elif any(one.settled_at is None for one in messages):
        delivering.postpone(tx, batch, REVIEW, may_be_there=True)
    elif any(one.outcome == "quiet" for one in messages) and not any(one.begun_at for one in messages):
        # Nobody has it: it is sorted anew, and waits for the end of the quiet hours.
        delivering.postpone(tx, batch, 0, may_be_there=False)
    else:
        delivering.give_up(tx, batch, next((one.problem for one in messages), "") or "no browser took it", channels)


__all__ = [
    "Attempt",
    "Backlog",
    "TooManyTests",
    "backlog",
    "begin",
    "browser_gone",
    "due",
    "hold",
    "postpone",
    "prune",
    "refused",
    "sent",
    "take_over",
    "test",
]
