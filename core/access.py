"""Who may do what: actors, roles, and `session_for`, the only way to a session.

Looking a session up is authorising: a stranger gets "not found", a participant without the right gets "not allowed".
Every door asks here, for every command and every delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Select, bindparam
from sqlalchemy import select as sa_select
from sqlmodel import col, select

from core import log, tables
from core.db import Transaction
from core.errors import NotAllowed, NotSignedIn, SessionHasEnded, SessionNotFound
from core.events import ParticipantAdded, Person, Role, Source
from core.hot import Hot
from core.ids import is_id

Permission = Literal[
    "read", "present", "chat", "comment", "moderate", "feed_agent", "rename", "invite", "summon", "manage", "end"
]

#: The whole table: what each role may do. What is not here is refused.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "viewer": frozenset({"read", "present"}),
    "editor": frozenset({"read", "present", "chat", "comment", "invite"}),
    "host": frozenset(get_args(Permission)),
}

#: What stays possible after a session has ended.
AFTER_THE_END: frozenset[Permission] = frozenset({"read", "present", "manage"})

_RANK: dict[Role, int] = {"viewer": 0, "editor": 1, "host": 2}
ROLES: tuple[Role, ...] = get_args(Role)


_USERS, _SEATS = tables.table_of("users"), tables.table_of("participants")
#: Whether a user may act at all, and their own seat in a session: asked for every command.
_SEAT = (
    sa_select(_USERS.c.is_active, _SEATS.c.role, _SEATS.c.removed_at)
    .select_from(
        _USERS.outerjoin(_SEATS, (_SEATS.c.user_id == _USERS.c.id) & (_SEATS.c.session_id == bindparam("session")))
    )
    .where(_USERS.c.id == bindparam("user"))
)


_SESSIONS = tables.table_of("sessions")
#: Of a session, what decides about one more entry.
_PLACE = Hot(
    sa_select(_SESSIONS.c.status, _SESSIONS.c.head, _SESSIONS.c.participant_count)
    .where(_SESSIONS.c.id == bindparam("session"))
    .with_for_update()
)
_ONE_SEAT = Hot(_SEAT)
_ALL_SEATS = Hot(
    sa_select(_USERS.c.id, _USERS.c.is_active, _SEATS.c.role, _SEATS.c.removed_at).where(
        _SEATS.c.session_id == bindparam("session"), _USERS.c.id == _SEATS.c.user_id
    )
)
#: Sessions up to this size have all their seats read at once, when a commit holds wishes of more than one person.
MAX_SEATS = 1_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever is acting now, and through which door."""

    user_id: str
    name: str
    color: int = 0
    source: Source = "web"

    @property
    def person(self) -> Person:
        return Person(user_id=self.user_id, username=self.name, color=self.color)


@dataclass(frozen=True, slots=True)
class Seat:
    """A session, and the role in which the actor has it."""

    session: tables.Session
    role: Role


def allows(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]


def outranks(role: Role, other: Role) -> bool:
    return _RANK[role] > _RANK[other]


def session_for(tx: Transaction, actor: Actor, session_id: str, permission: Permission, *, lock: bool = True) -> Seat:
    """Loads, locks and authorises in one step. `lock=False` is for reading.

    Members of the session's team take their seat with the first thing that they do.

    Raises: NotSignedIn for a deactivated account, SessionNotFound for strangers, NotAllowed for the wrong role,
    SessionHasEnded for a write after the end.
    """
    if not is_id(session_id, "ses"):
        raise SessionNotFound
    query = select(tables.Session).where(tables.Session.id == session_id)
    if lock:
        # Another transaction may have moved the row since this one last looked.
        query = query.with_for_update().execution_options(populate_existing=True)
    session = tx.sql.exec(query).first()
    if session is None:
        raise SessionNotFound
    role = role_in(tx, session, actor)
    if role is None:
        raise SessionNotFound
    if not allows(role, permission):
        raise NotAllowed
    if session.status == "ended" and permission not in AFTER_THE_END:
        raise SessionHasEnded
    if lock:
        _take_seat(tx, session, actor, role)
    return Seat(session, role)


@dataclass(slots=True)
class Place:
    """A session that is locked in this commit, and the roles that are known of it: None for somebody deactivated or
    removed, whose case is for `session_for` to decide."""

    id: str
    status: str
    size: int
    roles: dict[str, Role | None]
    is_complete: bool = False


def place_for(tx: Transaction, actor: Actor, session_id: str, permission: Permission) -> Place | tables.Session:
    """As `session_for`, for wishes that arrive by the hundred: the works of one commit share what was read.

    Only the common case is decided here, somebody with a seat of their own who may; all others go to `session_for`.
    """
    if not tx.is_touched and is_id(session_id, "ses"):
        place = tx.known(("place", session_id), lambda: _place(tx, session_id))
        if place is not None and place.status == "live":
            role = _known_role(tx, place, actor.user_id)
            if role is not None and allows(role, permission):
                return place
    return session_for(tx, actor, session_id, permission).session


def _place(tx: Transaction, session_id: str) -> Place | None:
    for status, head, size in _PLACE.rows(tx.stored, {"session": session_id}):
        tx.learn(("head", session_id), head)
        return Place(session_id, status, size, {})
    return None


def _known_role(tx: Transaction, place: Place, user_id: str) -> Role | None:
    if user_id in place.roles or place.is_complete:
        return place.roles.get(user_id)
    if place.roles and place.size <= MAX_SEATS:
        for seated, *seat in _ALL_SEATS.rows(tx.stored, {"session": place.id}):
            place.roles[seated] = _own_role(*seat)
        place.is_complete = True
    else:
        place.roles[user_id] = None
        for seat in _ONE_SEAT.rows(tx.stored, {"session": place.id, "user": user_id}):
            place.roles[user_id] = _own_role(*seat)
    return place.roles.get(user_id)


def _own_role(is_active: object, role: str | None, removed_at: object) -> Role | None:
    return as_role(role) if is_active and role is not None and removed_at is None else None


def role_in(tx: Transaction, session: tables.Session, actor: Actor) -> Role | None:
    """The actor's role in the session: their own, else the one that their team is given, else none."""
    found = tx.sql.connection().execute(_SEAT, {"session": session.id, "user": actor.user_id}).first()
    if found is None or not found.is_active:
        raise NotSignedIn
    if found.role is not None:
        return None if found.removed_at is not None else as_role(found.role)
    if session.team_id is None or session.team_role is None:
        return None
    is_member = tx.sql.get(tables.TeamMember, (session.team_id, actor.user_id)) is not None
    return as_role(session.team_role) if is_member else None


def as_role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise ValueError(f"no such role: {text!r}")


def _take_seat(tx: Transaction, session: tables.Session, actor: Actor, role: Role) -> None:
    if session.team_id is None or tx.sql.get(tables.Participation, (session.id, actor.user_id)) is not None:
        return
    add_participant(tx, session, actor.person, role, via="team")


def add_participant(
    tx: Transaction, session: tables.Session, person: Person, role: Role, *, via: Literal["start", "invite", "team"]
) -> None:
    """Gives `person` a seat, with the event that says so. The session is locked by the caller."""
    seat = tx.sql.get(tables.Participation, (session.id, person.user_id))
    if seat is None:
        seat = tables.Participation(session_id=session.id, user_id=person.user_id, role=role, joined_at=tx.now)
    else:
        seat.role, seat.joined_at, seat.removed_at = role, tx.now, None
    entry = log.append(tx, session, ParticipantAdded(user=person, role=role, via=via), actor_id=person.user_id)
    seat.joined_seq = entry.seq
    tx.sql.add(seat)
    tx.sql.flush()


def visible_to(tx: Transaction, actor: Actor) -> Select[str]:
    """The ids of all sessions that the actor may see, as a part of a query. Raises NotSignedIn for a deactivated
    account."""
    user = tx.sql.get(tables.User, actor.user_id)
    if user is None or not user.is_active:
        raise NotSignedIn
    mine = select(tables.Participation.session_id).where(
        tables.Participation.user_id == actor.user_id, col(tables.Participation.removed_at).is_(None)
    )
    removed = select(tables.Participation.session_id).where(
        tables.Participation.user_id == actor.user_id, col(tables.Participation.removed_at).is_not(None)
    )
    teams = select(tables.TeamMember.team_id).where(tables.TeamMember.user_id == actor.user_id)
    session = tables.Session
    of_teams = col(session.team_id).in_(teams) & col(session.team_role).is_not(None) & col(session.id).not_in(removed)
    return sa_select(col(session.id)).where(col(session.id).in_(mine) | of_teams)


def visible_sessions(tx: Transaction, actor: Actor, limit: int = 200) -> list[Seat]:
    """The sessions that the actor may see, the latest activity first."""
    session = tables.Session
    query = (
        select(session)
        .where(col(session.id).in_(visible_to(tx, actor)))
        .order_by(col(session.last_activity_at).desc(), col(session.id))
        .limit(limit)
    )
    seats: list[Seat] = []
    for row in tx.sql.exec(query):
        role = role_in(tx, row, actor)
        if role is not None:
            seats.append(Seat(row, role))
    return seats
