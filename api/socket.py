"""`WS /ws/session/{id}`: one connection, from its first frame to its last.

Accepted before it is authorised, because a browser shows nothing of a refused upgrade but 1006; until then it has five
seconds and one frame of 8 KiB. Frames are handled in order. A bad one is answered with an `error` frame and nothing
else happens.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket
from pydantic import ValidationError

from api import metrics, views
from api.commands import Caller, Pace, run
from api.connection import Connection
from api.context import MESSAGES_PER_MINUTE, Api
from api.door.headers import origin_allowed
from api.door.wire import Wire, wire_of
from api.errors import CLOSE, BadFrame, Close, branch
from api.frames import (
    ClientFrames,
    Connected,
    JoinSession,
    Limits,
    Participant,
    Position,
    SessionContext,
    SessionView,
    client_frame_adapter,
    error_frame,
)
from api.hub import Room
from api.upkeep import HEARTBEAT
from core import accounts, log, reading
from core.access import session_for
from core.accounts import SignedIn
from core.clock import iso
from core.db import Transaction
from core.errors import CosessionError, NotSignedIn, TooMany

logger = logging.getLogger(__name__)
router = APIRouter()

HELLO_SECONDS = 5.0
HELLO_BYTES = 8 * 1024
FRAME_BYTES = 64 * 1024
CONNECTIONS_PER_USER = 20
#: Of a position in the URL; no log is longer.
MAX_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Entry:
    """What one transaction said about somebody who wants in."""

    who: SignedIn
    view: SessionView
    participants: list[Participant]
    epoch: str
    head: int
    read_up_to: int
    context: SessionContext


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
        wire.write_text(_refusal(error))
        wire.close(CLOSE[branch(error)], error.code)
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
    with api.hub.arriving(session_id) as room:
        entry = await _enter(api, session_id, token, is_ticket)
        wire.logged_in()
        if api.hub.connections_of(entry.who.actor.user_id) >= CONNECTIONS_PER_USER:
            raise TooMany("You have this open too often: close some tabs.", retry_after_ms=10_000)
        connection = _admit(api, room, wire, entry, since)
    try:
        await _listen(api, websocket, room, connection, entry)
    finally:
        api.hub.leave(room, connection)


async def _credentials(websocket: WebSocket, wire: Wire) -> tuple[str, Position | None, bool] | None:
    """The token, where to resume, and whether the token stood in the URL. None when the socket was closed instead."""
    query = websocket.query_params
    ticket = query.get("token")
    if ticket is not None:
        since = query.get("since", "")
        is_number = since.isascii() and since.isdigit() and len(since) <= MAX_DIGITS
        position = Position(epoch=query.get("epoch", ""), seq=int(since)) if is_number else None
        return ticket, position, True
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
    frame = _parse(text)
    if not isinstance(frame, JoinSession) or frame.auth_token is None:
        raise NotSignedIn("The first frame must be join_session with auth_token, or the URL must carry a ticket.")
    return frame.auth_token, frame.since, False


async def _enter(api: Api, session_id: str, token: str, is_ticket: bool) -> Entry:
    """Checks the token, uses a ticket up, takes the seat, and reads where the log stands: in one transaction."""
    purpose = "ticket" if is_ticket or _is_ticket(api, token) else "api"
    claims = api.tokens.check(purpose, token)

    def enter(tx: Transaction) -> Entry:
        if purpose == "ticket":
            if claims.session_id != session_id:
                raise NotSignedIn("This ticket is for another session.")
            accounts.use_ticket(tx, claims.jti, claims.expires_at)
        who = accounts.actor_by_id(
            tx, claims.user_id, "web", expires_at=claims.until, token_version=claims.token_version
        )
        seat = session_for(tx, who.actor, session_id, "present")
        tx.sql.refresh(seat.session)
        view = views.session_view(tx, seat)
        return Entry(
            who,
            view,
            views.participants(tx, session_id),
            log.epoch(tx),
            seat.session.head,
            reading.read_up_to(tx, session_id, who.actor.user_id),
            views.session_context(tx, seat.session),
        )

    return await api.db.write(enter)


def _is_ticket(api: Api, token: str) -> bool:
    try:
        api.tokens.check("ticket", token)
    except NotSignedIn:
        return False
    return True


def _admit(api: Api, room: Room, wire: Wire, entry: Entry, since: Position | None) -> Connection:
    """Registers the connection and sends `connected`, then what it missed: no await in between, so nothing slips by."""
    is_resumed = since is not None and since.epoch == entry.epoch and since.seq <= entry.head
    # Without an epoch, `since` counts as one of this history: whoever has never been here has none to name.
    if since is not None and not since.epoch and since.seq <= entry.head:
        is_resumed = True
    cursor = since.seq if since is not None and is_resumed else entry.head
    connection = Connection(
        wire=wire,
        person=entry.who.actor.person,
        role=entry.view.role,
        cursor=cursor,
        token_version=entry.who.token_version,
        until=entry.who.expires_at,
    )
    api.hub.join(room, entry.head, connection)
    metrics.RESUMES.labels("resumed" if is_resumed else "fresh").inc()
    connection.write(_connected(api, entry, connection, is_resumed).model_dump_json().encode())
    api.hub.bring_up(room, connection)
    return connection


def _connected(api: Api, entry: Entry, connection: Connection, is_resumed: bool) -> Connected:
    return Connected(
        you=entry.who.actor.person,
        role=entry.view.role,
        session=entry.view,
        participants=entry.participants,
        presence=[views.shown(someone) for someone in api.hub.present(entry.view.id)],
        epoch=entry.epoch,
        seq=entry.head,
        is_resumed=is_resumed,
        heartbeat_ms=int(HEARTBEAT * 1_000),
        limits=Limits(frame_bytes=FRAME_BYTES, messages_per_minute=MESSAGES_PER_MINUTE),
        connection_id=connection.id,
        expires_at=iso(connection.until),
        read_up_to=entry.read_up_to,
        context=entry.context,
    )


async def _listen(api: Api, websocket: WebSocket, room: Room, connection: Connection, entry: Entry) -> None:
    pace = Pace()
    while (text := await _receive_text(websocket)) is not None:
        api.hub.heard(room, connection)
        try:
            if not pace.allows_one_more():
                continue
            frame = _parse(text)
            if isinstance(frame, JoinSession):
                _rejoin(api, room, connection, entry, frame)
                continue
            caller = Caller(api, room.session_id, entry.who.actor, connection.role, room, connection)
            answer = await run(caller, frame)
            if answer is not None:
                connection.write(answer.model_dump_json().encode())
        except CosessionError as error:
            connection.write(_refusal(error, re=_message_id(text)))


def _rejoin(api: Api, room: Room, connection: Connection, entry: Entry, frame: JoinSession) -> None:
    """A second hello on an open socket asks again from another place."""
    known = frame.since is not None and frame.since.seq <= room.head and frame.since.epoch in ("", entry.epoch)
    connection.write(_connected(api, entry, connection, known).model_dump_json().encode())
    if frame.since is not None and known:
        connection.cursor = frame.since.seq
        api.hub.bring_up(room, connection)


async def _receive_text(websocket: WebSocket) -> str | None:
    """The next text frame, or None once the client is gone. A binary frame counts as an unreadable one."""
    message: dict[str, Any] = dict(await websocket.receive())
    if message["type"] == "websocket.disconnect":
        return None
    text = message.get("text")
    return text if isinstance(text, str) else ""


def _parse(text: str) -> ClientFrames:
    try:
        return client_frame_adapter.validate_json(text)
    except ValidationError as error:
        raise _bad_frame(error) from None


def _bad_frame(error: ValidationError) -> CosessionError:
    first = error.errors(include_url=False, include_input=False)[0]
    # The union's tag stands first in a place; a client knows which type it sent.
    where = ".".join(str(part) for part in first["loc"][1:])
    known = {
        "json_invalid": "That is not JSON.",
        "union_tag_invalid": "There is no frame of that type.",
        "union_tag_not_found": "A frame needs a type.",
        "model_attributes_type": "A frame is a JSON object.",
        "dict_type": "A frame is a JSON object.",
    }
    return BadFrame(known.get(first["type"], f"{where}: {first['msg']}" if where else first["msg"]))


def _message_id(text: str) -> str | None:
    """The `client_msg_id` of a frame, where it can be told at all."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    found = value.get("client_msg_id") if isinstance(value, dict) else None
    return found[:64] if isinstance(found, str) else None


def _refusal(error: CosessionError, re: str | None = None) -> bytes:
    metrics.REFUSALS.labels(error.code).inc()
    return error_frame(error.code, error.message, retryable=error.retryable, retry_after_ms=error.retry_after_ms, re=re)
