"""Sessions over HTTP: start, list, look, rename, end, and the people in them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api import views
from api.auth import ApiDep, SignedInDep
from api.frames import Participant, SessionView
from api.routes.accounts import Body
from core import reading, sessions
from core.access import Seat, session_for, visible_sessions
from core.db import Transaction
from core.events import Role

router = APIRouter(prefix="/api/sessions", tags=["sessions"])


class NewSession(Body):
    title: str = Field(max_length=1_000)
    agent: str | None = Field(default=None, max_length=40, pattern=r"^[a-z0-9-]+$")
    #: Made by the caller: the same key starts one session, however often it is sent.
    key: str | None = Field(default=None, min_length=8, max_length=64)


class ChangedSession(Body):
    title: str = Field(max_length=1_000)


class ChangedRole(Body):
    role: Role


class HandOver(Body):
    """Who becomes host."""

    user_id: str = Field(max_length=64)


class SessionList(BaseModel):
    items: list[SessionView]


class ParticipantList(BaseModel):
    items: list[Participant]


def _fresh(tx: Transaction, seat: Seat, user_id: str) -> SessionView:
    tx.sql.flush()
    tx.sql.refresh(seat.session)
    return views.session_view(tx, seat, user_id)


@router.post("", status_code=201)
async def start_session(body: NewSession, api: ApiDep, who: SignedInDep) -> SessionView:
    def start(tx: Transaction) -> SessionView:
        session = sessions.start(tx, who.actor, body.title, agent=body.agent, key=body.key)
        return _fresh(tx, session_for(tx, who.actor, session.id, "read"), who.actor.user_id)

    return await api.db.write(start)


@router.get("")
async def list_sessions(api: ApiDep, who: SignedInDep) -> SessionList:
    """The sessions you may see, the latest activity first."""

    def look(tx: Transaction) -> SessionList:
        seats = visible_sessions(tx, who.actor)
        unread = reading.unread_of(tx, [seat.session for seat in seats], who.actor.user_id)
        return SessionList(items=[views.session_view(tx, seat, unread=unread[seat.session.id]) for seat in seats])

    return await api.db.read(look)


@router.get("/{session_id}")
async def get_session(session_id: str, api: ApiDep, who: SignedInDep) -> SessionView:
    return await api.db.read(
        lambda tx: views.session_view(tx, session_for(tx, who.actor, session_id, "read", lock=False), who.actor.user_id)
    )


@router.patch("/{session_id}")
async def rename_session(session_id: str, body: ChangedSession, api: ApiDep, who: SignedInDep) -> SessionView:
    return await api.db.write(
        lambda tx: _fresh(tx, sessions.rename(tx, who.actor, session_id, body.title), who.actor.user_id)
    )


@router.post("/{session_id}/end")
async def end_session(session_id: str, api: ApiDep, who: SignedInDep) -> SessionView:
    return await api.db.write(lambda tx: _fresh(tx, sessions.end(tx, who.actor, session_id), who.actor.user_id))


@router.post("/{session_id}/hand-over")
async def hand_over(session_id: str, body: HandOver, api: ApiDep, who: SignedInDep) -> SessionView:
    """Somebody else becomes host; you stay, as an editor. Acts on open sockets at once."""
    return await api.db.write(
        lambda tx: _fresh(tx, sessions.hand_over(tx, who.actor, session_id, body.user_id), who.actor.user_id)
    )


@router.get("/{session_id}/participants")
async def list_participants(session_id: str, api: ApiDep, who: SignedInDep) -> ParticipantList:
    def look(tx: Transaction) -> ParticipantList:
        session_for(tx, who.actor, session_id, "read", lock=False)
        return ParticipantList(items=views.participants(tx, session_id))

    return await api.db.read(look)


@router.patch("/{session_id}/participants/{user_id}", status_code=204)
async def change_role(session_id: str, user_id: str, body: ChangedRole, api: ApiDep, who: SignedInDep) -> None:
    await api.db.write(lambda tx: sessions.change_role(tx, who.actor, session_id, user_id, body.role))


@router.delete("/{session_id}/participants/{user_id}", status_code=204)
async def remove_participant(session_id: str, user_id: str, api: ApiDep, who: SignedInDep) -> None:
    """Acts on the person's open sockets at once."""
    await api.db.write(lambda tx: sessions.remove(tx, who.actor, session_id, user_id))
