"""The outbox: mail that is to be sent, stored in the transaction of what causes it, and sent afterwards by one process.

Whoever causes a mail names the cause by a key; the id is made of it, so the same cause makes one mail, however often it
is told of. No secret is ever among the values: a link that opens something is made when the mail is sent. What a mail
said is forgotten as soon as it is sent or given up; its id stays, for as long as its cause could be told of again.

A mail cannot be looked for after an attempt that broke off, so it is sent again then, under the same `Message-ID`, by
which the repeat is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import tables
from core.accounts import normal_email
from core.db import Transaction
from core.ids import derived_id
from core.storable import check_storable

#: Each is a template, and what somebody may want no more of (signing in excepted).
Kind = Literal["sign_in", "invite", "notification", "digest"]
StopReason = Literal["unsubscribed", "refused"]

#: How long a mail is worth sending, where whoever causes it does not say.
LIFETIME = timedelta(days=3)
#: How long the id of a settled mail is kept.
KEEP_SETTLED = timedelta(days=60)
#: How long a mailbox that does not exist is taken at that word.
REFUSED_FOR = timedelta(days=14)
#: Stands for every kind.
ALL_KINDS = "*"
#: Kinds that nobody can unsubscribe from: they were asked for by whoever gets them.
ASKED_FOR: frozenset[str] = frozenset({"sign_in"})


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to be sent. `attempts` have failed; `may_be_sent` says that one of them broke off."""

    id: str
    kind: Kind
    recipient: str
    user_id: str | None
    values: Mapping[str, Any]
    attempts: int
    may_be_sent: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Mails that wait, and since when the oldest is due."""

    waiting: int
    oldest: datetime | None


def mail_id(kind: Kind, recipient: str, key: str) -> str:
    return derived_id("mai", kind, recipient, key)


def enqueue(
    tx: Transaction,
    kind: Kind,
    recipient: str,
    values: Mapping[str, Any],
    *,
    key: str,
    user_id: str | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Stores a mail and returns its id; a cause (`key`) that has made one already makes no other.

    `values` are what the first lines of the kind's template name (`integrations/mail/templates`), as JSON has them: no
    secrets. Nothing is stored for an address that wants no such mail. Raises Invalid for what is no address.
    """
    address = normal_email(recipient)
    check_storable(dict(values))
    found = mail_id(kind, address, key)
    if tx.sql.get(tables.OutgoingMail, found) is not None or is_stopped(tx, address, kind):
        return found
    tx.sql.add(
        tables.OutgoingMail(
            id=found,
            kind=kind,
            recipient=address,
            user_id=user_id,
            content=dict(values),
            created_at=tx.now,
            not_before=not_before or tx.now,
            expires_at=expires_at or max(tx.now, not_before or tx.now) + LIFETIME,
        )
    )
    tx.sql.flush()
    return found


def cancel(tx: Transaction, mail: str) -> bool:
    """Withdraws a mail that was not sent yet, by its id: what it tells of has gone away."""
    row = _locked(tx, mail)
    if row is None or row.settled_at is not None:
        return False
    _settle(tx, row, "withdrawn")
    return True


# ── What whoever sends them stores ────────────────────────────────────────────────────────────────────────────────────


def due(tx: Transaction, limit: int = 50) -> Sequence[Mail]:
    """What should be sent now, the longest waiting first."""
    row = tables.OutgoingMail
    found = tx.sql.exec(
        select(row)
        .where(col(row.settled_at).is_(None), row.not_before <= tx.now)
        .order_by(col(row.not_before), col(row.id))
        .limit(limit)
    )
    return [_mail(one) for one in found]


def begin(tx: Transaction, mail: str) -> Mail | None:
    """An attempt to send it begins. None where there is nothing to be done any more: it is settled, it is too late for
    it, or its recipient wants none."""
    row = _locked(tx, mail)
    if row is None or row.settled_at is not None:
        return None
    if row.expires_at <= tx.now:
        _settle(tx, row, f"too late: {row.problem or 'it was not tried in time'}")
        return None
    if is_stopped(tx, row.recipient, row.kind):
        _settle(tx, row, "the address wants no such mail, or does not exist")
        return None
    before = _mail(row)
    row.intended_at = tx.now
    tx.sql.add(row)
    return before


def sent(tx: Transaction, mail: str) -> None:
    row = _locked(tx, mail)
    if row is not None and row.settled_at is None:
        _settle(tx, row, "")


def postpone(tx: Transaction, mail: str, seconds: float, problem: str, *, may_be_sent: bool = False) -> None:
    """Tries again in `seconds`. `may_be_sent` where the attempt broke off after the text was handed over."""
    row = _locked(tx, mail)
    if row is None or row.settled_at is not None:
        return
    row.attempts += 1
    row.not_before = tx.now + timedelta(seconds=seconds)
    row.problem = problem[:500]
    row.intended_at = row.intended_at if may_be_sent else None
    tx.sql.add(row)


def give_up(tx: Transaction, mail: str, problem: str) -> None:
    """It cannot be sent, for this reason."""
    row = _locked(tx, mail)
    if row is not None and row.settled_at is None:
        _settle(tx, row, problem)


def discard(tx: Transaction, mail: str) -> None:
    """It was never to be sent, so nothing is kept of it, its id included."""
    row = tables.OutgoingMail
    tx.sql.exec(delete(row).where(col(row.id) == mail))


def backlog(tx: Transaction) -> Backlog:
    row = tables.OutgoingMail
    query = select(func.count(), func.min(row.not_before)).where(col(row.settled_at).is_(None))
    return Backlog(*tx.sql.exec(query).one())


def prune(tx: Transaction) -> int:
    """Forgets what was settled long ago, and returns how many that were."""
    row = tables.OutgoingMail
    return tx.sql.exec(delete(row).where(col(row.settled_at) < tx.now - KEEP_SETTLED)).rowcount


def forget(tx: Transaction, user_id: str | None, address: str | None) -> int:
    """Erases what waits for somebody and what is kept of what they got."""
    row = tables.OutgoingMail
    gone = 0
    if user_id is not None:
        gone += tx.sql.exec(delete(row).where(col(row.user_id) == user_id)).rowcount
    if address is not None:
        gone += tx.sql.exec(delete(row).where(col(row.recipient) == address)).rowcount
    return gone


# ── Who wants none ────────────────────────────────────────────────────────────────────────────────────────────────────


def address_hash(address: str) -> str:
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def stop(tx: Transaction, hashed_address: str, kind: str, reason: StopReason, detail: str = "") -> None:
    """No more mail of this kind, or of any (`*`), to this address."""
    if kind not in (*get_args(Kind), ALL_KINDS):
        raise ValueError(f"there is no mail of the kind {kind!r}")
    row = tx.sql.get(tables.MailStop, (hashed_address, kind))
    row = row or tables.MailStop(address_hash=hashed_address, kind=kind, reason=reason, stopped_at=tx.now)
    row.reason, row.detail, row.stopped_at = reason, detail[:500], tx.now
    tx.sql.add(row)
    tx.sql.flush()


def resume(tx: Transaction, address: str, kind: str) -> bool:
    """Mail of this kind is wanted again, or the mailbox is there again (`*`). False where it was not stopped."""
    row = tables.MailStop
    result = tx.sql.exec(delete(row).where(col(row.address_hash) == address_hash(address), col(row.kind) == kind))
    return result.rowcount > 0


def stops(tx: Transaction, address: str) -> Mapping[str, tables.MailStop]:
    """What an address gets no more: kind → why and since when. A mailbox that was refused is tried again some day."""
    row = tables.MailStop
    found = tx.sql.exec(select(row).where(row.address_hash == address_hash(address)))
    return {one.kind: one for one in found if one.reason != "refused" or one.stopped_at > tx.now - REFUSED_FOR}


def is_stopped(tx: Transaction, address: str, kind: str) -> bool:
    found = stops(tx, address)
    return ALL_KINDS in found or (kind in found and kind not in ASKED_FOR)


def _settle(tx: Transaction, row: tables.OutgoingMail, problem: str) -> None:
    row.settled_at, row.content, row.problem, row.intended_at = tx.now, {}, problem[:500], None
    tx.sql.add(row)


def _mail(row: tables.OutgoingMail) -> Mail:
    kind: Any = row.kind
    return Mail(
        id=row.id,
        kind=kind,
        recipient=row.recipient,
        user_id=row.user_id,
        values=row.content,
        attempts=row.attempts,
        may_be_sent=row.intended_at is not None,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _locked(tx: Transaction, mail: str) -> tables.OutgoingMail | None:
    row = tables.OutgoingMail
    query = select(row).where(row.id == mail).with_for_update()
    return tx.sql.exec(query.execution_options(populate_existing=True)).first()
