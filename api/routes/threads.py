"""The thread outside that copies a session: how it stands, and how a host takes it up again."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.auth import ApiDep, SignedInDep
from api.frames import ThreadState
from api.routes.accounts import Body
from api.thread_updates import thread_state
from core import mirror_lag, mirrors, tables
from core.access import session_for
from core.db import Transaction

router = APIRouter(prefix="/api/sessions/{session_id}/thread", tags=["threads"])


class Channel(BaseModel):
    id: str
    name: str


class ThreadView(BaseModel):
    """`thread` is null where the session has none. `channels` are others that a host may resume a paused one in."""

    thread: ThreadState | None
    channels: list[Channel]


class Resumption(Body):
    #: Another channel than before; one of `channels`.
    channel: str | None = Field(default=None, max_length=40)


@router.get("")
async def get_thread(session_id: str, api: ApiDep, who: SignedInDep) -> ThreadView:
    def look(tx: Transaction) -> ThreadView:
        seat = session_for(tx, who.actor, session_id, "read", lock=False)
        state = mirror_lag.states(tx, [session_id]).get(session_id)
        row = tx.sql.get(tables.Mirror, session_id)
        may_move = row is not None and row.status == "paused" and seat.role == "host"
        others = mirrors.other_channels(tx, who.actor, row) if row is not None and may_move else {}
        channels = [Channel(id=channel, name=name) for channel, name in sorted(others.items(), key=lambda one: one[1])]
        return ThreadView(thread=thread_state(state) if state is not None else None, channels=channels)

    return await api.db.read(look)


@router.post("/resume", status_code=204)
async def resume_thread(session_id: str, body: Resumption, api: ApiDep, who: SignedInDep) -> None:
    """A paused thread goes on as a new one. Doing it twice is doing it once."""
    await api.db.write(lambda tx: mirrors.resume(tx, who.actor, session_id, body.channel))
