"""What is written about invites in another system: which messages there are, and which do not tell the truth yet.

The tables of invites are the truth; a letter is a copy that somebody with the lease puts there and keeps right. Every
change of an invite marks its letters in the same transaction, so none is forgotten. Before a letter is posted, that it
will be is stored; whoever takes over after a crash looks for it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import col, select, update

from core import tables
from core.access import as_role
from core.db import Transaction
from core.events import Role
from core.invites.rules import InviteStatus, linked_accounts, state

Kind = Literal["offer", "answer"]
#: States in which nothing is expected of the person any more.
OVER: frozenset[InviteStatus] = frozenset({"accepted", "refused", "declined", "expired", "revoked"})


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it stands there (`channel`, `ts`, `shown`; empty before it is posted) and what it should tell."""

    invite_id: str
    kind: Kind
    realm: str
    recipient: str
    channel: str | None
    ts: str | None
    shown: str
    state: InviteStatus
    intended_at: datetime | None
    attempts: int
    session_id: str
    title: str
    role: Role
    inviter: str
    #: The person invited, as the inviter knew them.
    name: str
    expires_at: datetime
    needs_approval: bool
    #: Whether the account there belongs to one here.
    is_linked: bool


def offer(tx: Transaction, invite: tables.Invite) -> None:
    """Tells the person that the invite is made out to, in the system that it names them in."""
    assert invite.realm is not None
    assert invite.external_id is not None
    _write(tx, invite, "offer", invite.realm, invite.external_id)


def answer(tx: Transaction, invite: tables.Invite) -> None:
    """Tells whoever made the invite, where they have an account in the system that it was sent by."""
    if invite.realm is None:
        return
    for account in linked_accounts(tx, invite.realm, invite.created_by)[:1]:
        _write(tx, invite, "answer", invite.realm, account)


def _write(tx: Transaction, invite: tables.Invite, kind: Kind, realm: str, recipient: str) -> None:
    if tx.sql.get(tables.InviteLetter, (invite.id, kind)) is None:
        tx.sql.add(
            tables.InviteLetter(
                invite_id=invite.id, kind=kind, realm=realm, recipient=recipient, is_due=True, not_before=tx.now
            )
        )
        tx.sql.flush()


def touch(tx: Transaction, invite_id: str) -> None:
    """Something has happened to the invite: what stands elsewhere may not be true any more."""
    row = tables.InviteLetter
    tx.sql.exec(update(row).where(col(row.invite_id) == invite_id, col(row.problem).is_(None)).values(is_due=True))


def due(tx: Transaction, limit: int = 100) -> list[Letter]:
    """Letters to be posted or edited now, the longest waiting first. Nobody needs to mark those whose invite has
    expired, or whose maker may not give that role any more."""
    row, invite = tables.InviteLetter, tables.Invite
    maker, seat = tables.User, tables.Participation
    may_not_give = (
        col(seat.role).is_(None)
        | col(seat.removed_at).is_not(None)
        | (seat.role == "viewer")
        | ((invite.role == "host") & (seat.role != "host"))
        | col(maker.is_active).is_(False)
    )
    is_over = col(row.shown).in_(("live", "waiting")) & ((col(invite.expires_at) <= tx.now) | may_not_give)
    found = tx.sql.exec(
        select(row, invite)
        .join(invite, col(row.invite_id) == col(invite.id))
        .join(maker, col(invite.created_by) == col(maker.id))
        .outerjoin(seat, (col(seat.session_id) == invite.session_id) & (col(seat.user_id) == invite.created_by))
        .where(col(row.problem).is_(None), row.not_before <= tx.now, col(row.is_due).is_(True) | is_over)
        .order_by(col(row.not_before), col(row.invite_id), col(row.kind))
        .limit(limit)
    ).all()
    return [_letter(tx, letter, about) for letter, about in found]


def _letter(tx: Transaction, row: tables.InviteLetter, invite: tables.Invite) -> Letter:
    session = tx.sql.get(tables.Session, invite.session_id)
    inviter = tx.sql.get(tables.User, invite.created_by)
    assert session is not None
    assert inviter is not None
    return Letter(
        invite_id=invite.id,
        kind="offer" if row.kind == "offer" else "answer",
        realm=row.realm,
        recipient=row.recipient,
        channel=row.channel,
        ts=row.ts,
        shown=row.shown,
        state=state_outside(tx, session, invite),
        intended_at=row.intended_at,
        attempts=row.attempts,
        session_id=session.id,
        title=session.title,
        role=as_role(invite.role),
        inviter=inviter.name,
        name=invite.name,
        expires_at=invite.expires_at,
        needs_approval=invite.needs_approval,
        is_linked=_is_linked(tx, row.realm, row.recipient),
    )


def state_outside(tx: Transaction, session: tables.Session, invite: tables.Invite) -> InviteStatus:
    """The state of an invite for one person, as it is told where it is not known who reads."""
    found = state(tx, session, invite)
    if found == "used_up":
        return "accepted"
    if found != "live" or not invite.needs_approval:
        return found
    row = tables.Knock
    knock = tx.sql.exec(
        select(row).where(row.invite_id == invite.id, col(row.state).in_(("waiting", "refused")))
    ).first()
    if knock is None:
        return found
    return "waiting" if knock.state == "waiting" else "refused"


def _is_linked(tx: Transaction, realm: str, external_id: str) -> bool:
    row = tables.Identity
    return tx.sql.exec(select(row).where(row.realm == realm, row.external_id == external_id)).first() is not None


# ── What whoever delivers them stores ─────────────────────────────────────────────────────────────────────────────────


def intend(tx: Transaction, letter: Letter, channel: str) -> None:
    """It is about to be posted, there."""
    row = _locked(tx, letter)
    row.channel, row.intended_at = channel, row.intended_at or tx.now
    tx.sql.add(row)


def delivered(tx: Transaction, letter: Letter, ts: str) -> None:
    """It stands there, and tells of the state that the letter had. What has happened since stays due."""
    row = _locked(tx, letter)
    row.ts, row.shown, row.intended_at, row.attempts = ts, letter.state, None, 0
    invite = tx.sql.get(tables.Invite, letter.invite_id)
    session = tx.sql.get(tables.Session, letter.session_id)
    assert invite is not None
    assert session is not None
    row.is_due = letter.kind == "offer" and state_outside(tx, session, invite) != letter.state
    tx.sql.add(row)


def postpone(tx: Transaction, letter: Letter, seconds: float, *, has_failed: bool) -> None:
    """Tries again in `seconds`. Only failures count; being asked to wait does not."""
    row = _locked(tx, letter)
    row.not_before = tx.now + timedelta(seconds=seconds)
    row.attempts += has_failed
    row.is_due = True
    tx.sql.add(row)


def settle(tx: Transaction, letter: Letter) -> None:
    """There is nothing to be told any more: it was over before it was posted, or what stood there is gone."""
    row = _locked(tx, letter)
    row.shown, row.is_due, row.intended_at = letter.state, False, None
    tx.sql.add(row)


def give_up(tx: Transaction, letter: Letter, problem: str) -> None:
    """It cannot be delivered. Whoever made the invite sees why."""
    row = _locked(tx, letter)
    row.problem, row.intended_at, row.is_due = problem, None, False
    tx.sql.add(row)


def _locked(tx: Transaction, letter: Letter) -> tables.InviteLetter:
    row = tables.InviteLetter
    query = select(row).where(row.invite_id == letter.invite_id, row.kind == letter.kind)
    return tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).one()
