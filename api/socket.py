"""`WS /ws/session/{id}`: one connection, from its first frame to where it listens.

Accepted even where it is refused, because a browser shows nothing of a refused upgrade but 1006. Without a ticket in
its address it has five seconds and one frame of 8 KiB to say who it is. Frames are handled in order. A bad one is
answered with an `error` frame and nothing else happens.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from api import entering
from api.context import Api
from api.door.headers import origin_allowed
from api.door.wire import Wire, wire_of
from api.errors import Close, close_code
from api.frames import JoinSession, Position
from api.incoming import parse, refusal
from api.listening import Listener
from core.errors import CosessionError, NotSignedIn

logger = logging.getLogger(__name__)

PREFIX = "/ws/session/"
HELLO_SECONDS = 5.0
HELLO_BYTES = 8 * 1024


_ACCEPT = {"type": "websocket.accept"}


@dataclass(frozen=True, slots=True)
class _Hello:
    """The token, where to resume, and whether the token stood in the URL, where only a ticket may."""

    token: str
    since: Position | None
    is_ticket: bool


class LiveSockets:
    """ASGI middleware that answers at `PREFIX` and the id of a session. What a framework does for a route costs more
    than everything else that an arriving socket needs, and is not needed here."""

    def __init__(self, app: ASGIApp, api: Api) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            path: str = scope["path"]
            session_id = path.removeprefix(PREFIX)
            if session_id != path and session_id and "/" not in session_id:
                await _live(self._api, scope, receive, send, session_id)
                return
        await self._app(scope, receive, send)


async def _live(api: Api, scope: Scope, receive: Receive, send: Send, session_id: str) -> None:
    await receive()  # `websocket.connect`
    if not _is_welcome(api, scope):
        await send({"type": "websocket.close", "code": Close.REMOVED})  # Before accept: refused with 403.
        return
    wire = wire_of(scope)
    wire.expect_login()
    hello = _hello(scope)
    try:
        if hello is None:
            await send(_ACCEPT)
            hello = await _first_frame(receive, wire)
        if hello is not None:
            await _serve(api, wire, send, session_id, hello)
    except CosessionError as error:
        await _accept(wire, send)
        wire.write_text(refusal(error))
        wire.close(close_code(error), error.code)
    except ClientDisconnected:
        raise
    except Exception:
        logger.exception("a socket failed")
        await _accept(wire, send)
        wire.close(Close.UNAVAILABLE, "something went wrong here: come back")


async def _accept(wire: Wire, send: Send) -> None:
    """Unless that is done already."""
    if not wire.was_open:
        await send(_ACCEPT)


def _is_welcome(api: Api, scope: Scope) -> bool:
    """Whether the page that opens this, if it is one, is ours."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return True
    host = headers.get(b"host", b"").decode("latin-1")
    return origin_allowed(origin.decode("latin-1"), host, api.settings.origins)


async def _serve(api: Api, wire: Wire, send: Send, session_id: str, hello: _Hello) -> None:
    if api.hub.is_draining:
        await _accept(wire, send)
        wire.close(Close.DRAINING, "the server restarts: come back in a moment")
        return
    proof = entering.show_token(api, session_id, hello.token, is_ticket=hello.is_ticket)
    # Who holds a token of ours is no stranger: what it is worth now, the database says.
    wire.logged_in()
    with api.hub.arriving(session_id) as room:
        entry = await entering.enter(api, session_id, proof)
        start = await entering.start_of(api, room, entry, hello.since)
        await _accept(wire, send)  # Leaves in one write with the first frames.
        connection = entering.admit(api, room, wire, "websocket", entry, start)
    listener = Listener(api, room, connection, wire, entry.who.actor)
    wire.listen(listener.heard, listener.gone)


def _hello(scope: Scope) -> _Hello | None:
    """What stands in the address, if a ticket does."""
    query: dict[str, str] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    ticket = query.get("token")
    if ticket is None:
        return None
    return _Hello(ticket, entering.position(query.get("epoch", ""), query.get("since", "")), is_ticket=True)


async def _first_frame(receive: Receive, wire: Wire) -> _Hello | None:
    """None when the socket was closed instead. Raises NotSignedIn, and BadFrame."""
    try:
        text = await asyncio.wait_for(_first_text(receive), HELLO_SECONDS)
    except TimeoutError:
        wire.close(Close.NO_HELLO, "the first frame must be join_session, within 5 seconds")
        return None
    if text is None:
        return None
    if len(text.encode()) > HELLO_BYTES:
        wire.close(Close.BAD_FRAME, "the first frame is too large")
        return None
    frame = parse(text)
    if not isinstance(frame, JoinSession) or frame.auth_token is None:
        raise NotSignedIn("The first frame must be join_session with auth_token, or the URL must carry a ticket.")
    return _Hello(frame.auth_token, frame.since, is_ticket=False)


async def _first_text(receive: Receive) -> str | None:
    """The first text frame, or None once the client is gone. A binary frame counts as an unreadable one."""
    message: dict[str, Any] = dict(await receive())
    if message["type"] == "websocket.disconnect":
        return None
    text = message.get("text")
    return text if isinstance(text, str) else ""
