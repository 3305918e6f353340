"""The log over HTTP: tickets for the socket, history by page, and the door for an agent's records."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.auth import ApiDep, SignedInDep
from api.routes.accounts import Body
from api.tokens import TICKET_LIFETIME
from core import log, turns
from core.access import session_for
from core.db import Transaction
from core.events import AnyAgentEvent
from core.storable import MAX_NUMBER

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["live"])

MAX_REPORTS = 200


class Ticket(BaseModel):
    ticket: str
    #: Seconds.
    expires_in: int


class Report(Body):
    key: str = Field(min_length=1, max_length=80)
    event: AnyAgentEvent


class Reports(Body):
    items: list[Report] = Field(min_length=1, max_length=MAX_REPORTS)


class Recorded(BaseModel):
    key: str
    seq: int


class RecordedList(BaseModel):
    items: list[Recorded]


@router.post("/tickets")
async def new_ticket(session_id: str, api: ApiDep, who: SignedInDep) -> Ticket:
    """A ticket for one connection: to this session, by you, within 60 seconds."""
    await api.db.read(lambda tx: session_for(tx, who.actor, session_id, "present", lock=False))
    ticket = api.tokens.issue(
        "ticket", who.actor.user_id, who.token_version, TICKET_LIFETIME, session_id=session_id, until=who.expires_at
    )
    return Ticket(ticket=ticket, expires_in=int(TICKET_LIFETIME.total_seconds()))


@router.get("/events", response_class=Response, responses={200: {"content": {"application/json": {}}}})
async def events(
    session_id: str,
    api: ApiDep,
    who: SignedInDep,
    after: Annotated[int | None, Query(ge=0, le=MAX_NUMBER)] = None,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
    limit: Annotated[int, Query(ge=1, le=log.MAX_PAGE)] = 500,
) -> Response:
    """Entries that follow `after`, or the ones just before `before`: `{"items": […], "next": seq or null}`.

    Items are the same objects as on the socket, in order. `next` is the `after` (or `before`) of the next page.
    """

    def read(tx: Transaction) -> Response:
        seat = session_for(tx, who.actor, session_id, "read", lock=False)
        if before is not None and after is None:
            page = log.read_before(tx, session_id, before, limit)
            following = page[0].seq if page and page[0].seq > 1 else None
        else:
            page = log.read_after(tx, session_id, after or 0, limit)
            following = page[-1].seq if page and page[-1].seq < seat.session.head else None
        items = b",".join(entry.frame for entry in page)
        return Response(
            b'{"items":[' + items + b'],"next":' + orjson.dumps(following) + b"}", media_type="application/json"
        )

    return await api.db.read(read)


@router.post("/agent-events")
async def report_agent_events(session_id: str, body: Reports, api: ApiDep, who: SignedInDep) -> RecordedList:
    """What the agent did, reported by its operator's machine. Each key has one effect."""
    reports = [turns.Reported(item.key, item.event) for item in body.items]
    numbers = await api.db.write(lambda tx: turns.record(tx, who.actor, session_id, reports))
    return RecordedList(items=[Recorded(key=item.key, seq=seq) for item, seq in zip(body.items, numbers, strict=True)])
