"""What happened in one session, or in all that you may see, the latest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.auth import ApiDep, SignedInDep
from core import feed
from core.clock import iso
from core.events import Person
from core.storable import MAX_NUMBER

router = APIRouter(prefix="/api", tags=["feed"])

#: Separated by commas; empty for all.
Kinds = Annotated[str, Query(max_length=200)]
Before = Annotated[int | None, Query(ge=1, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=feed.MAX_ITEMS)]


class FeedItem(BaseModel):
    #: Orders items over all sessions.
    id: int
    session_id: str
    session_title: str
    seq: int
    kind: feed.Kind
    #: The type of the entry in the session's log.
    what: str
    at: str
    user: Person | None
    #: Whom or what it was done to: a name, a file, a place in one, a channel.
    target: str
    text: str
    #: It was taken back.
    is_gone: bool


class FeedPage(BaseModel):
    items: list[FeedItem]
    #: Ask for `before` this to go further back; null where nothing older is left.
    next: int | None


def _shown(page: feed.Page) -> FeedPage:
    items = [
        FeedItem(
            id=item.id,
            session_id=item.session_id,
            session_title=item.session_title,
            seq=item.seq,
            kind=item.kind,
            what=item.what,
            at=iso(item.at),
            user=item.who,
            target=item.target,
            text=item.text,
            is_gone=item.is_gone,
        )
        for item in page.items
    ]
    return FeedPage(items=items, next=page.next)


@router.get("/feed")
async def everything(
    api: ApiDep, who: SignedInDep, kinds: Kinds = "", before: Before = None, limit: Limit = 50
) -> FeedPage:
    """What happened in every session that you may see. `before` is the `next` of the page above."""
    wanted = feed.kinds_of(kinds)
    return _shown(await api.db.read(lambda tx: feed.of_everything(tx, who.actor, wanted, before=before, limit=limit)))


@router.get("/sessions/{session_id}/feed")
async def of_session(
    session_id: str, api: ApiDep, who: SignedInDep, kinds: Kinds = "", before: Before = None, limit: Limit = 50
) -> FeedPage:
    """What happened in one session."""
    wanted = feed.kinds_of(kinds)
    return _shown(
        await api.db.read(lambda tx: feed.of_session(tx, who.actor, session_id, wanted, before=before, limit=limit))
    )
