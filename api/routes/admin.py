"""What this process has open now, for whoever runs the server: live sessions and connections. To anybody else there is
no such page. Titles and names are shown, nothing that was said is."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel import col, select

from api.auth import ApiDep, SignedInDep
from api.connection import Transport
from api.statistics import ConnectionStatistics, HubStatistics, RoomStatistics
from core import sessions, tables
from core.clock import Clock, iso
from core.db import Transaction
from core.errors import NotFound
from core.events import Person, Role

router = APIRouter(prefix="/api/admin", tags=["operation"])


class LiveSession(BaseModel):
    id: str
    title: str
    status: Literal["live", "ended"]
    host: Person
    #: Who is shown as present.
    people: int
    connections: int
    #: The last entry of its log that this process knows.
    head: int
    #: Bytes that its readers have not taken yet.
    queued_bytes: int


class LiveConnection(BaseModel):
    """`since` is when it opened and `last_heard_at` when its client last said anything: times, RFC 3339."""

    id: str
    session_id: str
    user_id: str
    username: str
    role: Role
    transport: Transport
    since: str
    last_heard_at: str
    queued_bytes: int
    #: False while it is still being sent what it missed.
    is_live: bool
    #: As the server sees it; behind a proxy, what the proxy says.
    address: str


class Totals(BaseModel):
    sessions: int
    #: Different people, however many sessions they have open.
    people: int
    connections: int
    by_transport: dict[Transport, int]
    queued_bytes: int


class Live(BaseModel):
    """The fullest sessions first, and each session's connections in the order in which they opened."""

    totals: Totals
    sessions: list[LiveSession]
    connections: list[LiveConnection]


@router.get("/live")
async def live(api: ApiDep, who: SignedInDep) -> Live:
    """Live sessions and connections of this process. Only for accounts of admins."""
    if not who.is_admin:
        raise NotFound
    held = api.hub.statistics()
    return await api.db.read(lambda tx: _live(tx, held, api.clock))


def _live(tx: Transaction, held: HubStatistics, clock: Clock) -> Live:
    rows = tx.sql.exec(
        select(tables.Session).where(col(tables.Session.id).in_([room.session_id for room in held.rooms]))
    )
    known = {row.id: row for row in rows}
    # Somebody may be knocking at a session that does not exist: a room without a row is nobody's.
    rooms = [room for room in held.rooms if room.session_id in known]
    return Live(
        totals=Totals(
            sessions=len(rooms),
            people=held.people,
            connections=held.connections,
            by_transport=dict(held.by_transport),
            queued_bytes=held.queued_bytes,
        ),
        sessions=[_session(tx, known[room.session_id], room) for room in rooms],
        connections=[
            _connection(room.session_id, connection, clock)
            for room in rooms
            for connection in sorted(room.connections, key=lambda connection: -connection.open_for)
        ],
    )


def _session(tx: Transaction, session: tables.Session, room: RoomStatistics) -> LiveSession:
    return LiveSession(
        id=session.id,
        title=session.title,
        status="ended" if session.status == "ended" else "live",
        host=sessions.host_of(tx, session),
        people=room.people,
        connections=len(room.connections),
        head=room.head,
        queued_bytes=room.queued_bytes,
    )


def _connection(session_id: str, connection: ConnectionStatistics, clock: Clock) -> LiveConnection:
    now = clock()
    return LiveConnection(
        id=connection.id,
        session_id=session_id,
        user_id=connection.user_id,
        username=connection.username,
        role=connection.role,
        transport=connection.transport,
        since=iso(now - timedelta(seconds=connection.open_for)),
        last_heard_at=iso(now - timedelta(seconds=connection.silent_for)),
        queued_bytes=connection.queued_bytes,
        is_live=connection.is_live,
        address=connection.peer,
    )
