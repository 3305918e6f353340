"""`WS /ws/session/{id}`: one connection, from its first frame to its last.

Accepted before it is authorised, because a browser shows nothing of a refused upgrade but 1006; until then it has five
seconds and one frame of 8 KiB. Frames are handled in order. A bad one is answered with an `error` frame and nothing
else happens.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, WebSocket

from api import entering
from api.commands import Caller
from api.connection import Connection
from api.context import Api
from api.door.headers import origin_allowed
from api.door.wire import Wire, wire_of
from api.errors import Close, close_code
from api.frames import JoinSession, Position
from api.incoming import parse, refusal, take_in
from api.room import Room
from core.access import Actor
from core.errors import CosessionError, NotSignedIn

logger = logging.getLogger(__name__)
router = APIRouter()

HELLO_SECONDS = 5.0
HELLO_BYTES = 8 * 1024


@router.websocket("/ws/session/{session_id}")
async def live(websocket: WebSocket, session_id: str) -> None:
    api: Api = websocket.app.state.api
    origin = websocket.headers.get("origin")
    if origin is not None and not origin_allowed(origin, websocket.headers.get("host", ""), api.settings.origins):
        await websocket.close(Close.REMOVED)  # Before accept: the upgrade is refused with 403.
        return
    wire = wire_of(websocket.scope)
    wire.expect_login()
    await websocket.accept()
    try:
        await _serve(api, websocket, wire, session_id)
    except CosessionError as error:
        wire.write_text(refusal(error))
        wire.close(close_code(error), error.code)
    except Exception:
        logger.exception("a socket failed")
        wire.close(Close.UNAVAILABLE, "something went wrong here: come back")


async def _serve(api: Api, websocket: WebSocket, wire: Wire, session_id: str) -> None:
    if api.hub.is_draining:
        wire.close(Close.DRAINING, "the server restarts: come back in a moment")
        return
    credentials = await _credentials(websocket, wire)
    if credentials is None:
        return
    token, since, is_ticket = credentials
    prove = entering.show_token(api, session_id, token, is_ticket=is_ticket)
    with api.hub.arriving(session_id) as room:
        entry = await entering.enter(api, session_id, prove)
        wire.logged_in()
        start = await entering.start_of(api, room, entry, since)
        connection = entering.admit(api, room, wire, "websocket", entry, start)
    try:
        await _listen(api, websocket, room, connection, entry.who.actor)
    finally:
        api.hub.leave(room, connection)


async def _credentials(websocket: WebSocket, wire: Wire) -> tuple[str, Position | None, bool] | None:
    """The token, where to resume, and whether the token stood in the URL. None when the socket was closed instead."""
    query = websocket.query_params
    ticket = query.get("token")
    if ticket is not None:
        return ticket, entering.position(query.get("epoch", ""), query.get("since", "")), True
    try:
        text = await asyncio.wait_for(_receive_text(websocket), HELLO_SECONDS)
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
    return frame.auth_token, frame.since, False


async def _listen(api: Api, websocket: WebSocket, room: Room, connection: Connection, actor: Actor) -> None:
    while (text := await _receive_text(websocket)) is not None:
        await take_in(Caller(api, room.session_id, actor, connection.role, room, connection), text)


async def _receive_text(websocket: WebSocket) -> str | None:
    """The next text frame, or None once the client is gone. A binary frame counts as an unreadable one."""
    message: dict[str, Any] = dict(await websocket.receive())
    if message["type"] == "websocket.disconnect":
        return None
    text = message.get("text")
    return text if isinstance(text, str) else ""
