"""Somebody's inbox over HTTP, and a stream that tells each of their pages when it is another.

The stream carries the number of unread items and no texts; what the items say is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from api.auth import ApiDep, SignedInDep
from api.bells import Bell
from api.context import Api
from api.door.headers import origin_allowed
from api.door.outlet import outlet_of
from api.errors import Close
from api.routes.accounts import Body
from api.stream import PIECE, StreamWire
from core import accounts
from core.accounts import SignedIn
from core.clock import iso
from core.db import Transaction
from core.errors import CosessionError, Invalid, NotAllowed, NotSignedIn
from core.events import Person
from core.notifications import inbox
from core.notifications.showing import Item

router = APIRouter(prefix="/api/inbox", tags=["inbox"])

#: Changes an inbox; true where something changed.
Marking = Callable[[Transaction], bool]
#: Seconds between two looks of a stream that nobody rings, and between two things that it says.
BEAT, PACE = 20.0, 0.2


class InboxLine(BaseModel):
    seq: int
    user: Person | None
    text: str
    #: The place of a comment, `file:line`; empty for other things.
    where: str
    at: str


class InboxItem(BaseModel):
    id: str
    kind: Literal["mention", "reply", "invite", "needs_me", "session_ended"]
    session_id: str
    session_title: str
    seq: int
    heading: str
    #: Where it leads: the session at that moment, or the invite.
    path: str
    #: Entries that are folded into it.
    count: int
    people: list[Person]
    #: The latest of them.
    lines: list[InboxLine]
    created_at: str
    updated_at: str
    is_read: bool


class InboxPage(BaseModel):
    items: list[InboxItem]
    #: Of the whole inbox.
    unread: int
    #: Ask for `before` this to go further back; null where nothing older is left.
    next: str | None


class Unread(BaseModel):
    unread: int


class ReadItems(Body):
    ids: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=500)


class ReadAll(Body):
    """Everything that had happened by then, RFC 3339: the latest `updated_at` that was shown."""

    up_to: str = Field(max_length=40)


def _view(item: Item) -> InboxItem:
    lines = [
        InboxLine(seq=line.seq, user=line.who, text=line.text, where=line.where, at=iso(line.at)) for line in item.lines
    ]
    return InboxItem(
        id=item.id,
        kind=item.kind,
        session_id=item.session_id,
        session_title=item.session_title,
        seq=item.seq,
        heading=item.heading,
        path=item.path,
        count=item.count,
        people=list(item.people),
        lines=lines,
        created_at=iso(item.created_at),
        updated_at=item.updated_at.isoformat(),
        is_read=item.is_read,
    )


@router.get("")
async def look(
    api: ApiDep,
    who: SignedInDep,
    before: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=inbox.MAX_ITEMS)] = 30,
    unread: bool = False,
) -> InboxPage:
    """What concerns you, the latest first."""
    place = _place(before) if before is not None else None

    def read(tx: Transaction) -> InboxPage:
        items, rest = inbox.page(tx, who.actor, before=place, limit=limit, only_unread=unread)
        return InboxPage(
            items=[_view(item) for item in items],
            unread=inbox.unread(tx, who.actor),
            next=f"{rest[0].isoformat()}|{rest[1]}" if rest is not None else None,
        )

    return await api.db.read(read)


def _place(text: str) -> inbox.Place:
    at, _, item_id = text.partition("|")
    return _moment(at), item_id


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("That is not a moment. Send back what you were given.")
    return at


@router.post("/read")
async def mark_read(body: ReadItems, api: ApiDep, who: SignedInDep) -> Unread:
    """You have seen these. All your open pages are told."""
    return await _mark(api, who, lambda tx: inbox.mark_read(tx, who.actor, body.ids))


@router.post("/read-all")
async def mark_all_read(body: ReadAll, api: ApiDep, who: SignedInDep) -> Unread:
    """You have seen everything up to then."""
    up_to = _moment(body.up_to)
    return await _mark(api, who, lambda tx: inbox.mark_all_read(tx, who.actor, up_to))


async def _mark(api: Api, who: SignedIn, work: Marking) -> Unread:
    def mark(tx: Transaction) -> tuple[bool, int]:
        return work(tx), inbox.unread(tx, who.actor)

    is_changed, left = await api.db.write(mark)
    if is_changed:
        api.bells.ring([who.actor.user_id])
    return Unread(unread=left)


class InboxStream(Response):
    """An answer that lasts as long as the page is open."""

    media_type = "text/event-stream"

    def __init__(self, api: Api, who: SignedIn, *, hears_feed: bool) -> None:
        super().__init__()
        self._api = api
        self._who = who
        self._hears_feed = hears_feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        wire = StreamWire(outlet_of(scope), client[0] if client else "", "")
        bell = self._api.bells.hang(self._who.actor.user_id, hears_feed=self._hears_feed)
        teller = asyncio.create_task(self._tell(wire, bell), name="inbox stream")
        try:
            await wire.run(receive, send)
        finally:
            self._api.bells.take_down(bell)
            teller.cancel()

    async def _tell(self, wire: StreamWire, bell: Bell) -> None:
        while wire.is_open and not bell.is_over:
            bell.news.clear()
            is_feed_new, bell.is_feed_new = bell.is_feed_new, False
            try:
                unread = await self._api.db.read(self._unread)
            except NotSignedIn:
                wire.close(Close.NOT_SIGNED_IN, "signed out")
                return
            except CosessionError:
                # Asked again with the next beat.
                unread = None
            if wire.buffered > PIECE:
                wire.close(Close.TOO_SLOW, "reading too slowly: come back")
                return
            if unread is not None:
                wire.write_text(orjson.dumps({"type": "inbox", "unread": unread}))
            if is_feed_new:
                wire.write_text(b'{"type":"feed"}')
            await asyncio.sleep(PACE)
            try:
                async with asyncio.timeout(BEAT):
                    await bell.news.wait()
            except TimeoutError:
                continue
        wire.close(Close.DRAINING, "come back in a moment")

    def _unread(self, tx: Transaction) -> int:
        who = self._who
        accounts.actor_by_id(tx, who.actor.user_id, "web", expires_at=who.expires_at, token_version=who.token_version)
        return inbox.unread(tx, who.actor)


@router.get(
    "/stream", status_code=200, response_class=InboxStream, responses={200: {"content": {"text/event-stream": {}}}}
)
async def stream(request: Request, api: ApiDep, who: SignedInDep, feed: bool = False) -> InboxStream:
    """Server-sent events: `{"type": "inbox", "unread": N}` now and whenever your inbox is another; with `feed`,
    `{"type": "feed"}` when something happened somewhere."""
    origin = request.headers.get("origin")
    if origin is not None and not origin_allowed(origin, request.headers.get("host", ""), api.settings.origins):
        raise NotAllowed("This request came from another site.")
    return InboxStream(api, who, hears_feed=feed)
