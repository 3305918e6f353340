"""One WebSocket: RFC 6455 on a transport, with bounds on what a client may send, and a fast way out that never blocks.

It promises that a peer which stops reading costs at most what is buffered for it and is gone `close_timeout` after it
was closed; that nothing is read on behalf of an application that has not taken what came before; and that no ticket
from a query string reaches a log. permessage-deflate is not offered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from enum import Enum
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

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
from api.door.limits import Slot
from api.door.problem import problem_bytes
from api.door.state import Door
from api.door.wire import EXTENSION, Wire
from api.errors import Close

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)

#: Bytes that may wait for an application that is busy, before the peer has to wait too.
READ_AHEAD = 64 * 1024
_PING = frame(0x80 | PING, b"")
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
        "_is_held",
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
        "_was_heard",
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
        self._keepalive: asyncio.TimerHandle | None = None
        self._was_heard = False
        self._is_held = False
        self._is_lingering = False
        self._is_reading_paused = False
        self._inbox: _Inbox | None = _Inbox()
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
        for timer in (self._close_timer, self._keepalive):
            if timer is not None:
                timer.cancel()
        self._close_timer = self._keepalive = None

    def newcomer_no_more(self) -> None:
        if self._is_newcomer:
            self._is_newcomer = False
            self.door.newcomers.leave()

    def eof_received(self) -> bool | None:
        return None  # the transport closes itself

    # Reading

    def data_received(self, data: bytes) -> None:
        self._was_heard = True
        if self._state is _State.OVER:
            return
        reader = self._reader
        if not self._is_held and self._state is _State.OPEN and reader.is_idle:
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
            while not self._is_held and self._state is not _State.OVER:
                message = reader.next()
                if message is None:
                    break
                self._take(*message)
        except Violation as violation:
            self._fail(violation)
            return
        is_behind = self._is_held and len(reader.waiting) > READ_AHEAD
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
            self._is_held = True
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
        self._is_held = False
        if self._heard is not None and self._state is _State.OPEN:
            self._heard(text)
        self._read_on()

    def hold(self) -> None:
        self._is_held = True

    def go_on(self) -> None:
        self._is_held = False
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
        self._keepalive = self._loop.call_later(self.door.settings.ping_interval, self._ping)
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
        self._is_held = False
        self._loop.call_soon(self._read_on)

    def _last_words(self, code: int | None, reason: str) -> None:
        self.wire.write(close_frame(code, reason))
        self.wire.closed()
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None

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

    # Keepalive

    def _ping(self) -> None:
        self._was_heard = False
        self.wire.write(_PING)
        self._keepalive = self._loop.call_later(self.door.settings.ping_timeout, self._judge)

    def _judge(self) -> None:
        """Whoever has said anything since the ping is there. A pong may also wait behind a message that the application
        has not taken yet: then the slow side are we."""
        if self._was_heard or self._is_held:
            settings = self.door.settings
            wait = max(0.0, settings.ping_interval - settings.ping_timeout)
            self._keepalive = self._loop.call_later(wait, self._ping)
        else:
            self.close_with(INTERNAL_ERROR, "keepalive ping timeout")


def _nobody(_text: str) -> None:
    """Hears what comes after the end."""


class _Inbox:
    """What an application is going to receive by ASGI: one message at a time, and at last, for ever, the end."""

    __slots__ = ("_end", "_waiter", "messages")

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self._end: dict[str, Any] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self._wake()

    def end(self, message: dict[str, Any]) -> None:
        self._end = self._end or message
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> dict[str, Any]:
        while not self.messages:
            if self._end is not None:
                return self._end
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.messages.pop(0)


def scope_of(target: bytes, headers: Headers, *, scheme: str, client: str, state: MutableMapping[str, Any]) -> Scope:
    """The ASGI scope of a WebSocket whose request asked for `target`."""
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": scheme,
        "server": None,
        "client": (client, 0),
        "root_path": "",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": query,
        "headers": list(headers),
        "subprotocols": [],
        "state": dict(state),
    }


def websocket_class(door: Door) -> type[LiveWebSocket]:
    """LiveWebSocket for the connections of one door."""
    shared = door

    class LiveWebSocketAtDoor(LiveWebSocket):
        door = shared
        __slots__ = ()

    return LiveWebSocketAtDoor
