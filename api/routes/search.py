"""Search over HTTP: in one session, and in every session that you may see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.auth import ApiDep, SignedInDep
from api.frames.parts import SearchHit, SnippetPart
from core import indexer, search
from core.clock import iso
from core.storable import MAX_NUMBER

router = APIRouter(prefix="/api", tags=["search"])

Words = Annotated[str, Query(max_length=search.MAX_QUERY)]
Before = Annotated[int | None, Query(ge=1, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=search.MAX_HITS)]


class SearchPage(BaseModel):
    items: list[SearchHit]
    #: Ask for `before` this to go further back; null where nothing older matches.
    next: int | None


@router.get("/sessions/{session_id}/search")
async def search_session(
    session_id: str, api: ApiDep, who: SignedInDep, q: Words, before: Before = None, limit: Limit = 20
) -> SearchPage:
    """Entries of one session that hold every word of `q`, the newest first; `before` is an entry's `seq`."""
    await indexer.before_search(api.db)
    page = await api.db.read(lambda tx: search.in_session(tx, who.actor, session_id, q, before=before, limit=limit))
    return _shown(page)


@router.get("/search")
async def search_everywhere(
    api: ApiDep, who: SignedInDep, q: Words, before: Before = None, limit: Limit = 20
) -> SearchPage:
    """The same over every session that you may see; `before` is the `next` of the page above."""
    await indexer.before_search(api.db)
    return _shown(await api.db.read(lambda tx: search.everywhere(tx, who.actor, q, before=before, limit=limit)))


def _shown(page: search.Page) -> SearchPage:
    items = [
        SearchHit(
            session_id=hit.session_id,
            session_title=hit.session_title,
            seq=hit.seq,
            kind=hit.kind,
            ref_id=hit.ref_id,
            at=iso(hit.at),
            user=hit.person,
            snippet=[SnippetPart(**asdict(piece)) for piece in hit.snippet],
        )
        for hit in page.hits
    ]
    return SearchPage(items=items, next=page.next)
