"""What a session adds up to now, in one consistent read: where a client begins that does not want the whole log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import views
from api.auth import ApiDep, SignedInDep
from api.frames import Snapshot
from api.routes.comments import thread_view
from api.routes.files import file_view
from core import chat, comments, files, log
from core.access import Actor, session_for
from core.db import Transaction

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["live"])


@router.get("/snapshot")
async def snapshot(
    session_id: str, api: ApiDep, who: SignedInDep, messages: Annotated[int, Query(ge=0, le=1_000)] = 200
) -> Snapshot:
    """The session, its people, its latest messages, its comments and its files, all as of entry `seq`."""

    return await api.db.read(lambda tx: take_snapshot(tx, who.actor, session_id, messages))


def take_snapshot(tx: Transaction, actor: Actor, session_id: str, messages: int) -> Snapshot:
    seat = session_for(tx, actor, session_id, "read", lock=False)
    said = chat.history(tx, session_id, before=None, limit=messages) if messages else []
    return Snapshot(
        epoch=log.epoch(tx),
        seq=seat.session.head,
        session=views.session_view(tx, seat, actor.user_id),
        participants=views.participants(tx, session_id),
        messages=[views.message_view(state) for state in said],
        threads=[thread_view(thread) for thread in comments.every_thread(tx, session_id)],
        files=[file_view(row) for row in files.shared_files(tx, session_id)],
    )
