"""Sessions: start, look, rename, end; and the roles of the people in them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sqlmodel import col, select

from core import log, tables
from core.access import Actor, Seat, add_participant, as_role, session_for
from core.db import Transaction
from core.errors import Invalid, LastHost, UserNotFound
from core.events import (
    ParticipantRemoved,
    Person,
    Role,
    RoleChanged,
    SessionEnded,
    SessionStarted,
    SessionUpdate,
)
from core.ids import derived_id, is_id, new_id


@dataclass(frozen=True, slots=True)
class Member:
    """A participant with the role they hold."""

    person: Person
    role: Role


def normal_title(text: str) -> str:
    """One line of at most 200 characters. Raises Invalid when nothing is left."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    title = " ".join(kept.split())
    if not title:
        raise Invalid("Give the session a title: a few words about what it is for.")
    if len(title) > 200:
        raise Invalid("That title is too long: keep it under 200 characters.")
    return title


def start(
    tx: Transaction,
    actor: Actor,
    title: str,
    *,
    agent: str | None = None,
    team_id: str | None = None,
    team_role: Role = "editor",
    key: str | None = None,
) -> tables.Session:
    """A new live session with the actor as its host. The same `key` by the same actor starts it once."""
    session_id = derived_id("ses", actor.user_id, key) if key else new_id("ses")
    if key is not None and tx.sql.get(tables.Session, session_id) is not None:
        return session_for(tx, actor, session_id, "read").session
    session = tables.Session(
        id=session_id,
        title=normal_title(title),
        agent=agent,
        host_id=actor.user_id,
        team_id=team_id,
        team_role=team_role if team_id else None,
        created_at=tx.now,
        last_activity_at=tx.now,
    )
    tx.sql.add(session)
    tx.sql.flush()
    started = SessionStarted(title=session.title, host=actor.person, agent=agent)
    log.append(tx, session, started, actor_id=actor.user_id, key=key)
    add_participant(tx, session, actor.person, "host", via="start")
    tx.sql.refresh(session)
    return session


def rename(tx: Transaction, actor: Actor, session_id: str, title: str) -> Seat:
    seat = session_for(tx, actor, session_id, "rename")
    new_title = normal_title(title)
    if new_title != seat.session.title:
        seat.session.title = new_title
        tx.sql.add(seat.session)
        log.append(tx, seat.session, SessionUpdate(title=new_title), actor_id=actor.user_id)
    return seat


def end(tx: Transaction, actor: Actor, session_id: str, reason: str = "") -> Seat:
    """Ends the session for everyone; it stays readable. Ending it twice is ending it once."""
    seat = session_for(tx, actor, session_id, "read")
    if seat.session.status == "ended":
        return seat
    seat = session_for(tx, actor, session_id, "end")
    seat.session.status, seat.session.ended_at = "ended", tx.now
    tx.sql.add(seat.session)
    log.append(tx, seat.session, SessionEnded(reason=reason[:200]), actor_id=actor.user_id)
    return seat


def members(tx: Transaction, session_id: str) -> list[Member]:
    """Everybody with a seat, the longest there first. The caller has authorised the read."""
    seat, user = tables.Participation, tables.User
    rows = tx.sql.exec(
        select(seat, user)
        .where(seat.session_id == session_id, col(seat.removed_at).is_(None), seat.user_id == user.id)
        .order_by(col(seat.joined_at), col(seat.user_id))
    )
    return [Member(_person(who), as_role(row.role)) for row, who in rows]


def host_of(tx: Transaction, session: tables.Session) -> Person:
    host = tx.sql.get(tables.User, session.host_id)
    if host is None:
        raise UserNotFound
    return _person(host)


def _person(user: tables.User) -> Person:
    return Person(user_id=user.id, username=user.name, color=user.color)


def change_role(tx: Transaction, actor: Actor, session_id: str, user_id: str, role: Role) -> None:
    """Raises LastHost when nobody would be left to manage the session."""
    session, seat = _managed_seat(tx, actor, session_id, user_id)
    if seat.role == role:
        return
    other = _other_host(tx, session_id, user_id) if seat.role == "host" else None
    _give_role(tx, session, seat, role, by=actor.user_id)
    if other is not None:
        _pass_on(tx, session, user_id, other, by=actor.user_id)


def hand_over(tx: Transaction, actor: Actor, session_id: str, user_id: str) -> Seat:
    """Makes another participant the session's host; the actor stays, as an editor. All of it or nothing.

    Raises: NotAllowed for whoever is no host, UserNotFound for somebody without a seat, Invalid for oneself.
    """
    session, theirs = _managed_seat(tx, actor, session_id, user_id)
    if user_id == actor.user_id:
        raise Invalid("You are host already: hand the session over to somebody else.")
    mine = _seat(tx, session_id, actor.user_id)
    if theirs.role != "host":
        _give_role(tx, session, theirs, "host", by=actor.user_id)
    _give_role(tx, session, mine, "editor", by=actor.user_id)
    session.host_id = user_id
    tx.sql.add(session)
    tx.sql.flush()
    log.append(tx, session, SessionUpdate(host=host_of(tx, session)), actor_id=actor.user_id)
    return Seat(session, "editor")


def raise_role(tx: Transaction, session: tables.Session, seat: tables.Participation, role: Role) -> None:
    """A better invite lifts somebody who has a seat. The caller has checked the invite and locked the session."""
    _give_role(tx, session, seat, role, by=seat.user_id)


def _give_role(tx: Transaction, session: tables.Session, seat: tables.Participation, role: Role, *, by: str) -> None:
    seat.role = role
    tx.sql.add(seat)
    log.append(tx, session, RoleChanged(user_id=seat.user_id, role=role), actor_id=by)


def remove(tx: Transaction, actor: Actor, session_id: str, user_id: str) -> None:
    """Takes somebody's seat away; everybody may give up their own."""
    if user_id == actor.user_id:
        session = session_for(tx, actor, session_id, "read").session
        seat = _seat(tx, session_id, user_id)
    else:
        session, seat = _managed_seat(tx, actor, session_id, user_id)
    other = _other_host(tx, session_id, user_id) if seat.role == "host" else None
    seat.removed_at = tx.now
    tx.sql.add(seat)
    log.append(tx, session, ParticipantRemoved(user_id=user_id), actor_id=actor.user_id)
    if other is not None:
        _pass_on(tx, session, user_id, other, by=actor.user_id)


def _managed_seat(
    tx: Transaction, actor: Actor, session_id: str, user_id: str
) -> tuple[tables.Session, tables.Participation]:
    return session_for(tx, actor, session_id, "manage").session, _seat(tx, session_id, user_id)


def _seat(tx: Transaction, session_id: str, user_id: str) -> tables.Participation:
    seat = tx.sql.get(tables.Participation, (session_id, user_id)) if is_id(user_id, "usr") else None
    if seat is None or seat.removed_at is not None:
        raise UserNotFound("That person is not in this session.")
    return seat


def _other_host(tx: Transaction, session_id: str, user_id: str) -> str:
    """The host who has been here longest, besides this one. Raises LastHost."""
    seat = tables.Participation
    other = tx.sql.exec(
        select(seat.user_id)
        .where(
            seat.session_id == session_id,
            seat.role == "host",
            seat.user_id != user_id,
            col(seat.removed_at).is_(None),
        )
        .order_by(col(seat.joined_at), col(seat.user_id))
    ).first()
    if other is None:
        raise LastHost
    return other


def _pass_on(tx: Transaction, session: tables.Session, user_id: str, other: str, *, by: str) -> None:
    """The session goes by the name of somebody who still hosts it."""
    if session.host_id == user_id:
        session.host_id = other
        tx.sql.add(session)
        tx.sql.flush()
        log.append(tx, session, SessionUpdate(host=host_of(tx, session)), actor_id=by)
