"""One WebSocket: RFC 6455 on a transport, with bounds on what a client may send, and a fast way out that never blocks.

It promises that a peer which stops reading costs at most what is buffered for it and is gone `close_timeout` after it
was closed; that nothing is read on behalf of an application that has not taken what came before; and that no ticket
from a query string reaches a log. permessage-deflate is not offered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from api.door.asgi import Headers, Inbox, Scope
from api.door.bounded import Reader, whole_text
from api.door.framing import (
    BINARY,
    CLOSE,
    INTERNAL_ERROR,
    PING,
    PONG,
    TEXT,
    Violation,
    close_frame,
    close_reason,
    frame,
    read_close,
)
from api.door.handshake import Refused, accept_key, switching
from api.door.keepalive import Keepalive
from api.door.limits import Slot
from api.door.problem import problem_bytes
from api.door.state import Door
from api.door.wire import EXTENSION, Wire
from api.errors import Close

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

logger = logging.getLogger(__name__)

#: Bytes that may wait for an application that is busy, before the peer has to wait too.
READ_AHEAD = 64 * 1024
_NO_CODE = 1005
_LOST = 1006

__all__ = ["LiveWebSocket", "websocket_class"]


class _State(Enum):
    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    """We have said goodbye, and wait for the peer's."""
    OVER = 3
    """Nothing that comes is read any more."""


class LiveWebSocket(asyncio.Protocol):
    """Bind it to a `Door` with `websocket_class`: one per connection."""

    door: ClassVar[Door]
    __slots__ = (
        "_accept",
        "_close_timer",
        "_config",
        "_gone",
        "_heard",
        "_inbox",
        "_is_lingering",
        "_is_newcomer",
        "_is_reading_paused",
        "_keepalive",
        "_loop",
        "_reader",
        "_server_state",
        "_slot",
        "_state",
        "_transport",
        "is_held",
        "wire",
    )

    def __init__(self, config: Config, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        settings = self.door.settings
        self._config = config
        self._server_state = server_state
        self._loop = loop
        self._slot: Slot | None = None
        self._is_newcomer = False
        self._state = _State.CONNECTING
        self._accept = b""
        self._close_timer: asyncio.TimerHandle | None = None
        self._keepalive: Keepalive | None = None
        self.is_held = False
        self._is_lingering = False
        self._is_reading_paused = False
        self._inbox: Inbox | None = Inbox()
        self._heard: Callable[[str], None] | None = None
        self._gone: Callable[[], None] | None = None
        self._reader = Reader(
            limit=settings.message_bytes,
            fragments=settings.message_fragments,
            control_per_second=settings.control_frames_per_second,
            now=loop.time,
        )

    # The connection

    def begin(
        self, transport: asyncio.Transport, slot: Slot, address: str, request: Scope, method: bytes, headers: Headers
    ) -> None:
        """Takes over an HTTP connection with its slot and its place among the newcomers, and hands `request`, an ASGI
        scope, to the application."""
        self._transport = transport
        self._slot = slot
        self._is_newcomer = True
        self.wire = Wire(self, address, transport, self.door.flusher, self._loop)
        self._server_state.connections.add(cast(Any, self))
        transport.set_protocol(self)
        try:
            self._accept = accept_key(method, headers)
        except Refused as refused:
            self._refuse(refused.code, refused.reason)
            return
        request["extensions"] = {EXTENSION: self.wire}
        task = self._loop.create_task(self._run(request))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._state = _State.OVER
        self._server_state.connections.discard(cast(Any, self))
        self.wire.forget()
        self.newcomer_no_more()
        self._stop_timers()
        self._linger_no_more()
        if self._slot is not None:
            self._slot.release()
            self._slot = None
        self._reader.waiting.clear()
        self._say_goodbye(_LOST)

    def _stop_timers(self) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        self._stop_keepalive()

    def _stop_keepalive(self) -> None:
        if self._keepalive is not None:
            self._keepalive.stop()
            self._keepalive = None

    def newcomer_no_more(self) -> None:
        if self._is_newcomer:
            self._is_newcomer = False
            self.door.newcomers.leave()

    def eof_received(self) -> bool | None:
        return None  # the transport closes itself

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._keepalive is not None:
            self._keepalive.was_heard = True
        if self._state is _State.OVER:
            return
        reader = self._reader
        if not self.is_held and self._state is _State.OPEN and reader.is_idle:
            try:
                text = whole_text(data, self.door.settings.message_bytes)
            except Violation as violation:
                self._fail(violation)
                return
            if text is not None:
                self._deliver(text)
                return
        reader.waiting += data
        self._read_on()

    def _read_on(self) -> None:
        reader = self._reader
        try:
            while not self.is_held and self._state is not _State.OVER:
                message = reader.next()
                if message is None:
                    break
                self._take(*message)
        except Violation as violation:
            self._fail(violation)
            return
        is_behind = self.is_held and len(reader.waiting) > READ_AHEAD
        if is_behind != self._is_reading_paused and not self._transport.is_closing():
            self._is_reading_paused = is_behind
            if is_behind:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _take(self, opcode: int, payload: str | bytes) -> None:
        if isinstance(payload, str) or opcode == BINARY:
            if self._state is _State.OPEN:
                self._deliver(payload)
        elif opcode == CLOSE:
            self._closed_by_peer(*read_close(payload))
        elif opcode == PING and self._state is _State.OPEN:
            self.wire.write(frame(0x80 | PONG, payload))

    def _deliver(self, message: str | bytes) -> None:
        if self._heard is not None:
            self._heard(message if isinstance(message, str) else "")
        elif self._inbox is not None:
            self.is_held = True
            kind = "text" if isinstance(message, str) else "bytes"
            self._inbox.put({"type": "websocket.receive", kind: message})

    def listen(self, heard: Callable[[str], None], gone: Callable[[], None]) -> None:
        """See `Wire.listen`."""
        inbox, self._inbox = self._inbox, None
        self._heard, self._gone = heard, gone
        if self._state is not _State.OPEN:
            self._say_goodbye(_LOST)
            return
        waiting = [] if inbox is None else inbox.messages
        if waiting:
            self._loop.call_soon(self._hand_over, waiting[0].get("text", ""))
        else:
            self.go_on()

    def _hand_over(self, text: str) -> None:
        """A message that ASGI had been given, and not asked for."""
        self.is_held = False
        if self._heard is not None and self._state is _State.OPEN:
            self._heard(text)
        self._read_on()

    def hold(self) -> None:
        self.is_held = True

    def go_on(self) -> None:
        self.is_held = False
        if self._reader.waiting:
            self._read_on()

    # Between ASGI and the wire

    async def _run(self, scope: Scope) -> None:
        application = cast(Callable[[Scope, Receive, Send], Awaitable[None]], self._config.loaded_app)
        try:
            await application(scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except Exception:
            logger.exception("an application failed on a WebSocket")
            self._give_up(500, INTERNAL_ERROR)
            return
        if self._heard is None:
            self._give_up(500, 1000)

    def _give_up(self, status: int, code: int) -> None:
        """The application has returned, and left the socket as it is."""
        if self._state is _State.CONNECTING:
            self._refuse(status)
        elif self._state is _State.OPEN:
            self.close_with(code, "")

    async def _receive(self) -> Any:
        inbox = self._inbox
        if inbox is None:
            raise RuntimeError("the application listens to the wire: there is nothing to receive")
        message = await inbox.get()
        if message["type"] == "websocket.receive":
            self.go_on()
        return message

    async def _send(self, message: Any) -> None:
        kind = message["type"]
        if self._state is _State.CONNECTING:
            if kind == "websocket.accept":
                self._open(message.get("headers") or ())
            elif kind == "websocket.close":
                self._refuse(403)
            else:
                raise RuntimeError(f"a WebSocket is accepted or closed first, not {kind!r}")
        elif kind == "websocket.close":
            # An ASGI server would first wait until the peer has read what is buffered: for ever, perhaps.
            self.close_with(message.get("code", 1000), close_reason(message.get("reason") or ""))
        elif not self.wire.is_open:
            raise ClientDisconnected
        elif message.get("bytes") is not None:
            self.wire.write(frame(0x80 | BINARY, message["bytes"]))
        else:
            self.wire.write(frame(0x80 | TEXT, message["text"].encode()))

    def _open(self, headers: Headers) -> None:
        self.wire.write(switching(self._accept, [*self._server_state.default_headers, *headers]))
        self._accept = b""
        self._state = _State.OPEN
        self.wire.opened()
        if not self.wire.expects_login:
            self.newcomer_no_more()
        self._keepalive = Keepalive(self, self.door.settings, self._loop)
        self.go_on()

    def _refuse(self, status: int, detail: str | None = None) -> None:
        """Answers the handshake with a problem document."""
        if self._state is not _State.CONNECTING:
            return
        self._state = _State.OVER
        self.wire.closed()
        self._transport.write(problem_bytes(status, detail))
        self._leave_slowly()
        self._say_goodbye(_LOST)

    # Flow control and closing

    def pause_writing(self) -> None:
        self.wire.congested()

    def resume_writing(self) -> None:
        for callback in self.wire.drained():
            self._loop.call_soon(callback)

    def close_with(self, code: int, reason: str, patience: float | None = None) -> None:
        """Sends what is queued and a close frame; cuts the peer if it has not answered after `patience` s."""
        if not self.wire.is_open or self._transport.is_closing():
            return
        self._last_words(code, reason)
        self._state = _State.CLOSING
        patience = self.door.settings.close_timeout if patience is None else patience
        self._close_timer = self._loop.call_later(patience, self.wire.abort)
        self._say_goodbye(code)
        # The peer's answer may stand behind messages that nobody will read any more.
        self.is_held = False
        self._loop.call_soon(self._read_on)

    def _last_words(self, code: int | None, reason: str) -> None:
        self.wire.write(close_frame(code, reason))
        self.wire.closed()
        self._stop_keepalive()

    def _closed_by_peer(self, code: int | None, reason: str) -> None:
        if self._state is _State.OPEN:
            self._last_words(code, reason)
            self._say_goodbye(_NO_CODE if code is None else code, reason)
        self._state = _State.OVER
        self.wire.end(self.door.settings.close_timeout)

    def _fail(self, violation: Violation) -> None:
        """The peer broke a rule: it is told so, and not listened to any more."""
        if self._state is _State.OPEN:
            self._last_words(violation.code, violation.reason)
            self._say_goodbye(violation.code, violation.reason)
        self._state = _State.OVER
        self._reader.waiting.clear()
        self.wire.flush()
        self._leave_slowly()

    def _leave_slowly(self) -> None:
        """Closes our side, but reads on for a moment: closing with bytes unread would reset our answer away."""
        transport, door = self._transport, self.door
        if transport.is_closing():
            return
        if self._is_reading_paused:
            transport.resume_reading()
        if not transport.can_write_eof() or not door.lingering.enter():
            self.wire.end(door.settings.close_timeout)
            return
        self._is_lingering = True
        transport.write_eof()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._close_timer = self._loop.call_later(door.settings.linger, self._left)

    def _left(self) -> None:
        self._linger_no_more()
        self._close_timer = None
        self.wire.end(self.door.settings.close_timeout)

    def _linger_no_more(self) -> None:
        if self._is_lingering:
            self._is_lingering = False
            self.door.lingering.leave()

    def _say_goodbye(self, code: int, reason: str = "") -> None:
        """Tells the application, once, that this is over."""
        gone, self._gone = self._gone, None
        self._heard = None if gone is None else _nobody
        if gone is not None:
            self._loop.call_soon(gone)
        if self._inbox is not None:
            self._inbox.end({"type": "websocket.disconnect", "code": code, "reason": reason})

    def shutdown(self) -> None:
        """uvicorn calls this when the server stops."""
        if self.wire.is_open:
            self.close_with(Close.DRAINING, "draining", self.door.settings.drain_patience)
        else:
            self._refuse(503)


def _nobody(_text: str) -> None:
    """Hears what comes after the end."""


def websocket_class(door: Door) -> type[LiveWebSocket]:
    """LiveWebSocket for the connections of one door."""
    shared = door

    class LiveWebSocketAtDoor(LiveWebSocket):
        door = shared
        __slots__ = ()

    return LiveWebSocketAtDoor
