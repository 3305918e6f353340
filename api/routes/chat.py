"""The chat over HTTP: messages as they stand now, threads, the texts a message has had, and how far one has read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import views
from api.auth import ApiDep, SignedInDep
from api.frames import MessageView, ReadMarker
from api.routes.accounts import Body
from core import chat, reading
from core.access import session_for
from core.db import Transaction
from core.storable import MAX_NUMBER

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["chat"])


class MessageItem(BaseModel):
    seq: int
    message: MessageView


class MessagePage(BaseModel):
    items: list[MessageItem]
    #: Ask for `before` this to go further back; null at the beginning.
    next: int | None


class EarlierText(BaseModel):
    content: str
    at: str


class TextsOverTime(BaseModel):
    items: list[EarlierText]


class Read(Body):
    seq: int = Field(ge=0, le=MAX_NUMBER)


@router.get("/messages")
async def messages(
    session_id: str,
    api: ApiDep,
    who: SignedInDep,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    parent: Annotated[str | None, Query(max_length=64)] = None,
) -> MessagePage:
    """Chat alone, as it stands now, oldest first; without `before`, the latest. With `parent`, that message and every
    answer to it."""

    def read(tx: Transaction) -> MessagePage:
        session_for(tx, who.actor, session_id, "read", lock=False)
        if parent is not None:
            page = chat.thread(tx, session_id, parent)
        else:
            page = chat.history(tx, session_id, before=before, limit=limit)
        items = [MessageItem(seq=state.seq, message=views.message_view(state)) for state in page]
        return MessagePage(items=items, next=items[0].seq if parent is None and len(items) == limit else None)

    return await api.db.read(read)


@router.get("/messages/{message_id}/history")
async def texts_over_time(session_id: str, message_id: str, api: ApiDep, who: SignedInDep) -> TextsOverTime:
    """Every text that a message has had, the first first; none once it was deleted."""

    def read(tx: Transaction) -> TextsOverTime:
        session_for(tx, who.actor, session_id, "read", lock=False)
        texts = chat.texts_over_time(tx, session_id, message_id)
        return TextsOverTime(items=[EarlierText(content=text.content, at=text.at) for text in texts])

    return await api.db.read(read)


@router.post("/read")
async def read_up_to(session_id: str, body: Read, api: ApiDep, who: SignedInDep) -> ReadMarker:
    """As the frame `read_up_to`: everything up to `seq` was read. Your open tabs are told."""
    unread = await api.db.write(lambda tx: reading.mark_read(tx, who.actor, session_id, body.seq))
    marker = views.read_marker(unread)
    api.hub.tell(session_id, who.actor.user_id, marker)
    if unread.is_inbox_changed:
        api.bells.ring([who.actor.user_id])
    return marker
