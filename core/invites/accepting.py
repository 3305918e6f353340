"""Takes an invite up, or declines it. Accepting twice is accepting once; of many at once no more than may, win.

Where a host has to confirm it, accepting is knocking: whoever knocked waits, and holds none of the uses, until a host
lets them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select, update

from core import log, sessions, tables
from core.access import Actor, add_participant, as_role, outranks, role_in, session_for
from core.db import Transaction
from core.errors import InviteNotFound, InviteUsedUp, UserNotFound
from core.events import InviteAccepted, InviteDeclined, KnockAnswered, Knocked, Person, Role
from core.ids import is_id
from core.invites import letters
from core.invites.making import find
from core.invites.rules import (
    MAX_WAITING,
    REFUSALS,
    DoorCrowded,
    check_active,
    is_open,
    locked_session,
    state,
    state_for,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of accepting: somebody is in, or waits for a host."""

    session_id: str
    invite_id: str
    outcome: Literal["accepted", "waiting"]


def accept(tx: Transaction, actor: Actor, token: str) -> Taken:
    """Gives the actor the invite's role, or lets them knock. `token` is the link's secret or the id of an invite that
    is made out to them. Somebody who is in the session already keeps the higher of their two roles.

    Raises: NotSignedIn for a deactivated account, InviteNotFound, DoorCrowded, and what `rules.REFUSALS` says.
    """
    check_active(tx, actor)
    invite = find(tx, token, actor.user_id)
    session = locked_session(tx, invite.session_id)
    tx.sql.refresh(invite)
    found = state_for(tx, session, invite, actor.user_id)
    if found in ("accepted", "waiting"):
        return Taken(session.id, invite.id, "waiting" if found == "waiting" else "accepted")
    if found != "live":
        raise REFUSALS[found]
    if invite.needs_approval:
        _knock(tx, session, invite, actor)
        return Taken(session.id, invite.id, "waiting")
    _let_in(tx, session, invite, actor.person)
    return Taken(session.id, invite.id, "accepted")


def _let_in(tx: Transaction, session: tables.Session, invite: tables.Invite, person: Person) -> None:
    _count_use(tx, invite)
    if tx.sql.get(tables.InviteUse, (invite.id, person.user_id)) is None:
        tx.sql.add(tables.InviteUse(invite_id=invite.id, user_id=person.user_id, used_at=tx.now))
    log.append(tx, session, InviteAccepted(invite_id=invite.id, user_id=person.user_id), actor_id=person.user_id)
    seat = tx.sql.get(tables.Participation, (session.id, person.user_id))
    role = as_role(invite.role)
    if seat is None or seat.removed_at is not None:
        add_participant(tx, session, person, _best(tx, session, person, role), via="invite")
    elif outranks(role, as_role(seat.role)):
        sessions.raise_role(tx, session, seat, role)
    letters.touch(tx, invite.id)


def _best(tx: Transaction, session: tables.Session, person: Person, role: Role) -> Role:
    """A member of the session's team does not come to less by an invite than without it."""
    actor = Actor(person.user_id, person.username, person.color, "system")
    theirs = role_in(tx, session, actor)
    return theirs if theirs is not None and outranks(theirs, role) else role


def _count_use(tx: Transaction, invite: tables.Invite) -> None:
    """One conditional update decides, on any database and whatever was read before. Raises InviteUsedUp."""
    row = tables.Invite
    counted = tx.sql.exec(
        update(row)
        .where(
            col(row.id) == invite.id,
            col(row.use_count) < col(row.max_uses),
            col(row.expires_at) > tx.now,
            col(row.revoked_at).is_(None),
            col(row.declined_at).is_(None),
        )
        .values(use_count=row.use_count + 1)
        .returning(col(row.id))
    ).first()
    if counted is None:
        raise InviteUsedUp
    tx.sql.refresh(invite)


# ── At the door ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _knock(tx: Transaction, session: tables.Session, invite: tables.Invite, actor: Actor) -> None:
    row = tables.Knock
    waiting = tx.sql.exec(select(func.count()).where(row.session_id == session.id, row.state == "waiting")).one()
    if waiting >= MAX_WAITING:
        raise DoorCrowded
    knock = tx.sql.get(row, (session.id, actor.user_id))
    if knock is None:
        knock = row(session_id=session.id, user_id=actor.user_id, invite_id=invite.id, knocked_at=tx.now)
    knock.invite_id, knock.state, knock.knocked_at, knock.answered_at = invite.id, "waiting", tx.now, None
    knock.reminders = 0
    tx.sql.add(knock)
    knocked = Knocked(invite_id=invite.id, user=actor.person, role=as_role(invite.role))
    log.append(tx, session, knocked, actor_id=actor.user_id)
    letters.touch(tx, invite.id)


def answer_knock(tx: Transaction, actor: Actor, session_id: str, user_id: str, *, is_admitted: bool) -> None:
    """A host lets somebody in who waits, or does not. The same answer twice is given once.

    Raises: NotAllowed, UserNotFound where nobody of that id waits, and what the invite is refused with by now.
    """
    session = session_for(tx, actor, session_id, "manage").session
    knock = tx.sql.get(tables.Knock, (session_id, user_id)) if is_id(user_id, "usr") else None
    answer = "admitted" if is_admitted else "refused"
    if knock is None or knock.state not in ("waiting", answer):
        raise UserNotFound("Nobody of that name waits at the door.")
    if knock.state == answer:
        return
    invite, user = tx.sql.get(tables.Invite, knock.invite_id), tx.sql.get(tables.User, user_id)
    if invite is None or user is None:
        raise InviteNotFound
    tx.sql.refresh(invite)
    if is_admitted:
        found = state(tx, session, invite)
        if found != "live":
            raise REFUSALS[found]
    knock.state, knock.answered_at = answer, tx.now
    tx.sql.add(knock)
    answered = KnockAnswered(invite_id=invite.id, user_id=user_id, is_admitted=is_admitted)
    log.append(tx, session, answered, actor_id=actor.user_id)
    letters.touch(tx, invite.id)
    if is_admitted:
        _let_in(tx, session, invite, Person(user_id=user.id, username=user.name, color=user.color))


# ── No, thank you ─────────────────────────────────────────────────────────────────────────────────────────────────────


def decline(tx: Transaction, actor: Actor, token: str) -> str:
    """The person that it is made out to does not want it; returns the session's id. Twice is once.

    An open link cannot be declined: others may want it. Raises InviteNotFound, and what it is refused with by now.
    """
    check_active(tx, actor)
    invite = find(tx, token, actor.user_id)
    session = locked_session(tx, invite.session_id)
    tx.sql.refresh(invite)
    found = state_for(tx, session, invite, actor.user_id)
    if is_open(invite):
        raise InviteNotFound("An open link cannot be declined: just do not use it.")
    if found in ("live", "waiting", "refused"):
        _decline(tx, session, invite, actor.person)
    elif found != "declined":
        raise REFUSALS.get(found, InviteUsedUp)
    return session.id


def decline_unlinked(tx: Transaction, invite_id: str, realm: str, external_id: str) -> str:
    """The same by an account in another system that belongs to nobody here: its owner may say no without one.

    The caller has seen the proof that it is theirs. Raises InviteNotFound, and what it is refused with by now.
    """
    invite = tx.sql.get(tables.Invite, invite_id) if is_id(invite_id, "inv") else None
    if invite is None or (invite.realm, invite.external_id) != (realm, external_id):
        raise InviteNotFound
    session = locked_session(tx, invite.session_id)
    tx.sql.refresh(invite)
    found = state(tx, session, invite)
    if found == "live":
        _decline(tx, session, invite, None)
    elif found != "declined":
        raise REFUSALS[found]
    return session.id


def _decline(tx: Transaction, session: tables.Session, invite: tables.Invite, person: Person | None) -> None:
    invite.declined_at = tx.now
    tx.sql.add(invite)
    user_id = person.user_id if person is not None else None
    knock = tx.sql.get(tables.Knock, (session.id, user_id)) if user_id is not None else None
    if knock is not None and knock.invite_id == invite.id and knock.state == "waiting":
        knock.state, knock.answered_at = "refused", tx.now
        tx.sql.add(knock)
    log.append(tx, session, InviteDeclined(invite_id=invite.id, user=person), actor_id=user_id)
    letters.touch(tx, invite.id)
    letters.answer(tx, invite)
