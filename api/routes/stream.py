"""`GET /api/sessions/{id}/stream`: a live session for networks that let no WebSocket through.

What happens in it is sent as events; what the client has to say it sends to `…/commands`. Refusals before the first
event are HTTP answers; later ones end the stream with an event `close`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from api import entering
from api.auth import ApiDep, SignedInDep
from api.context import Api
from api.door.headers import origin_allowed
from api.door.outlet import outlet_of
from api.frames import Position
from api.stream import StreamWire
from core.accounts import SignedIn
from core.errors import NotAllowed

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["live"])


class EventStream(Response):
    """An answer that lasts as long as the connection. It enters the session when it is sent, not before, so that
    whoever is gone by then has never been there."""

    media_type = "text/event-stream"

    def __init__(self, api: Api, session_id: str, who: SignedIn, since: Position | None) -> None:
        super().__init__()
        self._api = api
        self._session_id = session_id
        self._who = who
        self._since = since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub = self._api.hub
        with hub.arriving(self._session_id) as room:
            proof = entering.show_request(self._session_id, self._who)
            entry = await entering.enter(self._api, self._session_id, proof)
            start = await entering.start_of(self._api, room, entry, self._since)
            client = scope.get("client")
            wire = StreamWire(outlet_of(scope), client[0] if client else "", entry.epoch)
            connection = entering.admit(self._api, room, wire, "sse", entry, start)
        try:
            await wire.run(receive, send)
        finally:
            hub.leave(room, connection)


@router.get(
    "/stream", status_code=200, response_class=EventStream, responses={200: {"content": {"text/event-stream": {}}}}
)
async def stream(
    session_id: str,
    request: Request,
    api: ApiDep,
    who: SignedInDep,
    epoch: Annotated[str, Query(max_length=100)] = "",
    since: Annotated[str, Query(max_length=entering.MAX_DIGITS)] = "",
    last_event_id: Annotated[str | None, Header(max_length=120)] = None,
) -> EventStream:
    """The session's frames as server-sent events: `connected`, what you missed since `epoch` and `since` (or since
    `Last-Event-ID`, which is both with a colon between them), then what is new."""
    origin = request.headers.get("origin")
    if origin is not None and not origin_allowed(origin, request.headers.get("host", ""), api.settings.origins):
        raise NotAllowed("This request came from another site.")
    if last_event_id is not None:
        # A browser that comes back by itself sends the address it began with.
        epoch, _, since = last_event_id.rpartition(":")
    return EventStream(api, session_id, who, entering.position(epoch, since))
