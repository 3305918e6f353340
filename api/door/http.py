"""One HTTP/1.1 connection: uvicorn's, with deadlines and caps for heads, bodies and connections.

It promises that no client holds a connection without saying what it wants, that nobody is left without an answer when
there are too many, and that a health check gets through even then.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, ClassVar, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from api.door.asgi import scope_of
from api.door.body import bounded
from api.door.limits import Slot
from api.door.outlet import EXTENSION, Outlet
from api.door.problem import problem_bytes
from api.door.state import Door
from api.door.websocket import LiveWebSocket

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

logger = logging.getLogger(__name__)

MAX_HANDSHAKE_HEADERS = 128  # more than any browser or proxy sends


class HardenedHttp(H11Protocol):
    """Bind it to a `Door` with `http_class`: uvicorn makes one per connection, with fixed arguments."""

    door: ClassVar[Door]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._application = cast(Callable[[Scope, Receive, Send], Awaitable[None]], self.app)
        self.app = cast(Any, self._answer)
        self._peer = ""
        self._slot: Slot | None = None
        self._timer: asyncio.TimerHandle | None = None  # for a head, and then for lingering
        self._has_spoken = False
        self._is_refused = False
        self._is_lingering = False
        self._is_upgraded = False
        self._due: float | None = None

    # The connection

    def take_over(self, slot: Slot, due: float) -> None:
        """Before `connection_made`: the connection has a slot already, and its head has to be whole when the loop's
        time is `due`."""
        self._slot = slot
        self._due = due

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        door = self.door
        self._peer = self.client[0] if self.client is not None else ""
        patience = door.settings.head_timeout if self._due is None else max(0.0, self._due - self.loop.time())
        if self._slot is None:
            self._slot = door.enter(self._peer)
        if self._slot is None:
            patience = min(patience, door.settings.overflow_head_timeout)
            evicted = door.overflow.add(self)
            if evicted is not None:
                cast(HardenedHttp, evicted).refuse_overload()
        if not self._is_refused:
            self._timer = self.loop.call_later(patience, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        self._release()
        if self._is_lingering:
            self._is_lingering = False
            self.door.lingering.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return  # read, so that the peer sees our answer, and forgotten
        self._has_spoken = True
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_refused or self._is_upgraded or self.transport.is_closing():
            return
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._linger()  # answered before the body was there: nobody will read the rest
        else:
            self._watch_head()

    def shutdown(self) -> None:
        if self._is_refused:
            self.transport.abort()
        else:
            super().shutdown()

    def _release(self) -> None:
        if self._slot is not None:
            self._slot.release()
            self._slot = None
        else:
            self.door.overflow.discard(self)

    # Deadlines

    def _watch_head(self) -> None:
        """Runs the clock from the first byte of a head until it is whole."""
        if self._is_refused or self._is_upgraded:
            return
        if self.conn.their_state is not h11.IDLE:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None and self.conn.trailing_data[0]:
            self._unset_keepalive_if_required()
            self._timer = self.loop.call_later(self.door.settings.head_timeout, self._head_is_late)

    def _head_is_late(self) -> None:
        self._timer = None
        if self._has_spoken:
            self._refuse(408)
        else:
            self.transport.close()

    def _stop_timers(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    # Refusing

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's wording; ours is a problem document)
        """uvicorn calls this while it handles the parser's error, which knows the better status."""
        error = sys.exc_info()[1]
        self._refuse(error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400)

    def refuse_overload(self) -> None:
        self._refuse(503, retry_after=self.door.settings.retry_after)

    def _refuse(self, status: int, detail: str | None = None, retry_after: float | None = None) -> None:
        """Answers without the application, and ends the connection."""
        if self._is_refused or self.transport.is_closing():
            return
        cycle = self.cycle
        # uvicorn sets `cycle` only with the first request, whatever its annotation says.
        if cast(object, cycle) is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._is_refused = True
                self.transport.abort()
                return
        self.transport.write(problem_bytes(status, detail, retry_after))
        self._linger()

    def _linger(self) -> None:
        """Closes our side, but reads on for a moment: closing with bytes unread would reset our answer away."""
        self._is_refused = True
        self._stop_timers()
        if self._slot is None:
            self.door.overflow.discard(self)
        if not self.transport.can_write_eof() or not self.door.lingering.enter():
            self.transport.close()
            return
        self._is_lingering = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(self.door.settings.linger, self.transport.abort)

    # One request

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self.door.settings
        cycle = self.cycle
        if self._slot is None:
            if scope["path"] not in settings.health_paths:
                self.refuse_overload()
                return
            self.door.overflow.serve(self)
            cycle.keep_alive = False
        refusal = self._head_problem(scope["headers"], len(scope["raw_path"]) + len(scope["query_string"]))
        limit = settings.body_bytes
        if settings.body_bytes_for is not None:
            limit = settings.body_bytes_for(scope["path"]) or limit
        if refusal is None and _content_length(scope["headers"]) > limit:
            refusal = 413
        if refusal is not None:
            self._refuse(refusal)
            return
        self._set_client(scope)
        scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: Outlet(self.transport)}
        deadline = self.loop.time() + settings.body_timeout
        try:
            await self._application(scope, bounded(receive, limit=limit, deadline=deadline, refuse=self._refuse), send)
        except Exception:
            if not self._is_refused:
                raise
            # We sent the client away in the middle of its body: what the application says to that is no fault of its.
            logger.debug("a request was refused while the application read it", exc_info=True)

    def _set_client(self, scope: Scope) -> None:
        rules = self.door.addresses
        if rules.is_trusted(self._peer):
            scope["client"] = (rules.client(self._peer, scope["headers"]), 0)
            if rules.is_https(self._peer, scope["headers"]):
                scope["scheme"] = "https"

    def _head_problem(self, headers: Iterable[tuple[bytes, bytes]], target: int) -> int | None:
        # h11 limits a head that is not whole yet, but one read may bring a whole one of 256 KiB.
        size = target + sum(len(name) + len(value) + 4 for name, value in headers)
        return 431 if size > self.door.settings.head_bytes else None

    # Becoming a WebSocket

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        door = self.door
        status = self._handshake_problem(event.method, event.target)
        if status is not None:
            self._refuse(status)
            return
        address = door.addresses.client(self._peer, self.headers)
        slot = self._slot
        if slot is None:
            self.refuse_overload()
            return
        if door.addresses.is_trusted(self._peer) and not slot.claim(door.addresses.counted_as(address)):
            self.refuse_overload()
            return
        if not door.newcomers.enter():
            self.refuse_overload()
            return
        self._stop_timers()
        self._is_upgraded = True
        self._slot = None
        self.connections.discard(self)
        scheme = "wss" if self.scheme == "https" or door.addresses.is_https(self._peer, self.headers) else "ws"
        scope = scope_of(event.target, self.headers, scheme=scheme, client=address, state=self.app_state)
        protocol = cast(type[LiveWebSocket], self.ws_protocol_class)(self.config, self.server_state, self.loop)
        protocol.begin(self.transport, slot, address, scope, event.method, self.headers)

    def _handshake_problem(self, method: bytes, target: bytes) -> int | None:
        longest = self.door.settings.handshake_line_bytes
        if len(method) + len(target) + len(" HTTP/1.1 \r\n") > longest:
            return 414
        if len(self.headers) > MAX_HANDSHAKE_HEADERS or any(
            len(name) + len(value) + len(": \r\n") > longest for name, value in self.headers
        ):
            return 431
        # RFC 6455, section 4.1: after its handshake a client must wait for the answer before it sends more.
        if self.conn.trailing_data[0] or _content_length(self.headers) > 0:
            return 400
        return self._head_problem(self.headers, len(target))


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """h11 has refused anything but one decimal number."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


def http_class(door: Door) -> type[HardenedHttp]:
    """HardenedHttp for the connections of one door."""
    shared = door

    class HardenedHttpAtDoor(HardenedHttp):
        door = shared

    return HardenedHttpAtDoor
