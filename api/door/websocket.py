"""One WebSocket: uvicorn's, with bounds on what a client may send and a fast, never-blocking way to write to it.

It promises that a peer which stops reading costs at most what is buffered for it and is gone `close_timeout` after it
was closed; and that no ticket from a query string reaches a log.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport, Transport
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.protocol import State

from api.door.bounded import BoundedProtocol
from api.door.framing import close_reason, frame_text
from api.door.limits import Slot
from api.door.outbox import Outbox
from api.door.problem import problem_bytes
from api.door.state import Door
from api.door.wire import EXTENSION, Wire, wire_of
from api.errors import Close

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

# One read of the event loop may bring 256 KiB: 43,000 of the smallest frames. They are parsed in slices, and no further
# once a message waits for the application.
SLICE = 4 * 1024

__all__ = ["LiveWebSocket", "Wire", "frame_text", "websocket_class", "wire_of"]


class LiveWebSocket(WebSocketsSansIOProtocol):
    """Bind it to a `Door` with `websocket_class`: uvicorn makes one per connection, with fixed arguments."""

    door: ClassVar[Door]
    transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        settings = self.door.settings
        self._application = self.app
        self.app = cast(Any, self._run)
        self.close_timeout = settings.close_timeout
        self.conn = BoundedProtocol(
            message_bytes=settings.message_bytes,
            fragments=settings.message_fragments,
            control_frames_per_second=settings.control_frames_per_second,
            now=self.loop.time,
            on_close_sent=self._close_frame_sent,
        )
        self._slot: Slot | None = None
        self._is_newcomer = False
        self._backlog = b""
        self._outbox: Outbox | None = None
        self._forwarded: tuple[str, bool] | None = None
        self.wire = Wire(self, "")

    def admit(self, slot: Slot, address: str, *, is_https: bool) -> None:
        """Takes over the connection's slot, and a place among the newcomers. Before `connection_made`."""
        self._slot = slot
        self._is_newcomer = True
        self._forwarded = (address, is_https)

    def connection_made(self, transport: BaseTransport) -> None:
        self._outbox = Outbox(
            cast(Transport, transport), self.door.flusher, self.loop, self.door.settings.close_timeout
        )
        super().connection_made(self._outbox)
        if self._forwarded is not None:
            address, is_https = self._forwarded
            if self.client is None or address != self.client[0]:
                self.client = (address, 0)
            if is_https:
                self.scheme = "wss"
        self.wire.peer = self.client[0] if self.client is not None else ""

    def connection_lost(self, exc: Exception | None) -> None:
        self.wire.forget()
        self.newcomer_no_more()
        if self._slot is not None:
            self._slot.release()
            self._slot = None
        if self._outbox is not None:
            self._outbox.lost()
        self._backlog = b""
        super().connection_lost(exc)

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._backlog:
            self._backlog += data
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing():
                return
            if self.read_paused:
                self._backlog = data[start:]
                return
            super().data_received(data if len(data) <= SLICE else data[start : start + SLICE])
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake()
                return

    def _refuse_handshake(self) -> None:
        """The library either has an answer ready that uvicorn does not send, or has none at all."""
        self.transport.write(b"".join(self.conn.data_to_send()) or problem_bytes(400))
        self.handshake_complete = self.close_sent = True
        self.transport.close()

    async def receive(self) -> Any:
        message = await super().receive()
        self._read_on()
        return message

    def _read_on(self) -> None:
        if self._backlog and not self.read_paused:
            data, self._backlog = self._backlog, b""
            self._feed(data)

    def send_receive_event_to_app(self) -> None:
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": bytes(data)})
        else:
            try:
                text = str(data, "utf-8")
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, "invalid_utf8")
                self.handle_parser_exception()
                return
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    # Between uvicorn and the application

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.close_sent:  # refused: no application will run
            self.wire.closed()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the wire to the application, and keeps the query string (a ticket) from uvicorn, which logs it."""
        inner = {**scope, "extensions": {**scope["extensions"], EXTENSION: self.wire}}
        self.scope["query_string"] = b""
        application = cast(Callable[[Scope, Receive, Send], Awaitable[None]], self._application)
        await application(inner, receive, send)

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if self.wire.is_open and kind == "websocket.close":
            # uvicorn's own would first wait until the peer has read what is buffered: for ever, perhaps.
            self.close_with(message.get("code", 1000), close_reason(message.get("reason") or ""))
            return
        if self.handshake_complete and self.close_sent and self.initial_response is None:
            if kind == "websocket.close":
                return
            raise ClientDisconnected
        await super().send(message)
        if kind == "websocket.accept" and self._outbox is not None and self.conn.state is State.OPEN:
            self.wire.opened(self._outbox)
            if not self.wire.expects_login:
                self.newcomer_no_more()

    def newcomer_no_more(self) -> None:
        if self._is_newcomer:
            self._is_newcomer = False
            self.door.newcomers.leave()

    # Flow control and closing

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wire.is_congested = True

    def resume_writing(self) -> None:
        super().resume_writing()
        for callback in self.wire.drained():
            self.loop.call_soon(callback)

    def close_with(self, code: int, reason: str, patience: float | None = None) -> None:
        """Sends what is queued and a close frame; cuts the peer if it has not answered after `patience` s."""
        if not self.wire.is_open or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        self.close_timer = self.loop.call_later(
            self.close_timeout if patience is None else patience, self.transport.abort
        )
        # The peer's answer may stand behind messages that nobody will read any more.
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._read_on()

    def keepalive_timeout(self) -> None:
        if not self.read_paused:
            super().keepalive_timeout()
            return
        # The pong may be waiting behind a message that the application has not taken yet: the slow side are we.
        self.pong_timer = None
        self.pending_ping_payload = None
        self.schedule_ping()

    def shutdown(self) -> None:
        if self.wire.is_open:
            self.close_with(Close.DRAINING, "draining", self.door.settings.drain_patience)
        elif self.close_timer is None:
            super().shutdown()

    def _close_frame_sent(self) -> None:
        self.wire.closed()


def websocket_class(door: Door) -> type[LiveWebSocket]:
    """LiveWebSocket for the connections of one door."""
    shared = door

    class LiveWebSocketAtDoor(LiveWebSocket):
        door = shared

    return LiveWebSocketAtDoor
