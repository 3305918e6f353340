"""The first look at a connection: one that asks at once to become a WebSocket becomes one; all else is HTTP.

Most connections of a live product are sockets, and after a restart they all come back together. For these the HTTP
parser and its state are never made. Whatever is not a plain handshake, or is to be refused, goes to `HardenedHttp` as
if it had come there, with the bytes and the deadline that it has.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from api.door.asgi import scope_of
from api.door.http import HardenedHttp, http_class
from api.door.limits import Slot
from api.door.request import Handshake, read_handshake
from api.door.state import Door
from api.door.websocket import LiveWebSocket


class FrontDoor(asyncio.Protocol):
    """Bind it to a `Door` with `front_class`: uvicorn makes one per connection, with fixed arguments."""

    door: ClassVar[Door]
    http: ClassVar[type[HardenedHttp]]
    __slots__ = ("_app_state", "_config", "_due", "_loop", "_peer", "_server_state", "_slot", "_timer", "_transport")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._slot: Slot | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peername: Any = transport.get_extra_info("peername")
        self._peer = str(peername[0]) if peername else ""
        self._slot = self.door.enter(self._peer)
        self._due = self._loop.time() + self.door.settings.head_timeout
        self._server_state.connections.add(cast(Any, self))
        if self._slot is None:
            self._hand_over()  # Where those who are too many are heard out.
        else:
            self._timer = self._loop.call_later(self.door.settings.head_timeout, self._transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._let_go()
        if self._slot is not None:
            self._slot.release()
            self._slot = None

    def data_received(self, data: bytes) -> None:
        handshake = read_handshake(data)
        if handshake is None or not self._upgraded(handshake):
            self._hand_over().data_received(data)

    def shutdown(self) -> None:
        """uvicorn calls this when the server stops: nothing was asked for yet."""
        self._transport.close()

    def _let_go(self) -> None:
        self._server_state.connections.discard(cast(Any, self))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hand_over(self) -> HardenedHttp:
        self._let_go()
        protocol = self.http(self._config, self._server_state, self._app_state, self._loop)
        slot, self._slot = self._slot, None
        if slot is not None:
            protocol.take_over(slot, self._due)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        return protocol

    def _upgraded(self, handshake: Handshake) -> bool:
        """False, and nothing has changed, where there is a reason to refuse."""
        door, slot, headers = self.door, self._slot, handshake.headers
        if slot is None:
            return False
        rules, address, is_https = door.addresses, self._peer, False
        if rules.is_trusted(self._peer):
            address = rules.client(self._peer, headers)
            is_https = rules.is_https(self._peer, headers)
            if not slot.claim(rules.counted_as(address)):
                return False
        if not door.newcomers.enter():
            return False
        self._let_go()
        self._slot = None
        is_secure = is_https or self._transport.get_extra_info("sslcontext") is not None
        scope = scope_of(
            handshake.target, headers, scheme="wss" if is_secure else "ws", client=address, state=self._app_state
        )
        protocol = cast(type[LiveWebSocket], self._config.ws_protocol_class)(
            self._config, self._server_state, self._loop
        )
        protocol.begin(self._transport, slot, address, scope, handshake.method, headers)
        return True


def front_class(door: Door) -> type[FrontDoor]:
    """FrontDoor for the connections of one door."""
    shared = door

    class FrontDoorOfOne(FrontDoor):
        door = shared
        http = http_class(shared)
        __slots__ = ()

    return FrontDoorOfOne
