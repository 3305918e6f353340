"""The fast way to write to one WebSocket, for code that has its bytes ready. It never waits and never blocks.

An application finds it in the ASGI scope of its socket: `wire_of(websocket.scope)`. Reading, accepting and refusing
stay with ASGI, until the application says by `listen` that it wants to be called with every message instead: its ASGI
call may return then, and nothing of it stays in memory. Writing through ASGI works beside it; the order on the wire is
the order of the calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from api.door.framing import close_reason, frame_text, may_be_sent
from api.door.outbox import Flusher, Outbox

EXTENSION = "cosession.wire"


class Closer(Protocol):
    """What a wire needs of its connection."""

    def close_with(self, code: int, reason: str) -> None: ...

    def newcomer_no_more(self) -> None: ...

    def listen(self, heard: Callable[[str], None], gone: Callable[[], None]) -> None: ...

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


class Wire(Outbox):
    """One WebSocket, seen from the side that writes."""

    __slots__ = ("_connection", "_on_drained", "expects_login", "is_congested", "is_open", "peer", "was_open")

    def __init__(
        self,
        connection: Closer,
        peer: str,
        transport: asyncio.Transport,
        flusher: Flusher,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, flusher, loop)
        self.peer = peer
        """The client's address, after the rules about proxies."""
        self.is_open = False
        """Whether frames still go out: true from accepting until either side closes."""
        self.is_congested = False
        """Whether the peer reads more slowly than we write. It turns false when `on_drained` callbacks run."""
        self.expects_login = False
        self._connection = connection
        self.was_open = False
        """Whether it was accepted, or can be accepted no more."""
        self._on_drained: tuple[Callable[[], None], ...] = ()

    def write_text(self, payload: bytes) -> None:
        """Sends `payload` (UTF-8) as one text frame. Goes nowhere, silently, when the peer is gone.

        Raises RuntimeError before the socket is accepted.
        """
        self.write_frames(frame_text(payload))

    def write_frames(self, framed: bytes) -> None:
        """Sends whole frames that `frame_text` made, perhaps for many connections."""
        if self.is_open:
            self.write(framed)
        else:
            self._refuse_if_not_accepted()

    def write_now(self, framed: bytes) -> None:
        """The same, without waiting for what else this turn of the loop writes, where nothing waits already."""
        if self.direct is not None:
            self.direct(framed)
        else:
            self.write_frames(framed)

    def write_entry(self, seq: int, framed: bytes) -> None:  # noqa: ARG002 - a frame of the log carries its seq itself
        """Sends one entry of the log, framed already."""
        self.write_frames(framed)

    def flushed(self) -> None:
        if self.is_open and not self.is_congested:
            self.direct = self._transport.write

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, from the event loop, each time a congested peer has caught up; not when it is lost."""
        self._on_drained = (*self._on_drained, callback)

    def listen(self, heard: Callable[[str], None], gone: Callable[[], None]) -> None:
        """From now on every message is handed to `heard` (a binary one as an empty text), and nothing to ASGI's
        `receive`; `gone` is called once, from the event loop, when either side has closed."""
        self._connection.listen(heard, gone)

    def hold(self) -> None:
        """Nothing more is handed to `heard` until `go_on`: what the peer sends meanwhile waits."""
        self._connection.hold()

    def go_on(self) -> None:
        """The end of `hold`."""
        self._connection.go_on()

    def close(self, code: int, reason: str = "") -> None:
        """Sends what is queued, then a close frame; cuts a peer that has not answered after `close_timeout`.

        `reason` is cut to 123 bytes. A second close does nothing. Raises RuntimeError before the socket is accepted,
        and ValueError for a code that may not be sent.
        """
        if not may_be_sent(code):
            raise ValueError(f"{code} is not a close code that can be sent")
        self._refuse_if_not_accepted()
        self._connection.close_with(code, close_reason(reason))

    def expect_login(self) -> None:
        """Before accepting: count this socket as a newcomer until `logged_in`, not only until it is accepted."""
        self.expects_login = True

    def logged_in(self) -> None:
        """We know who this is: the socket does not count as a newcomer any more."""
        self.expects_login = False
        self._connection.newcomer_no_more()

    # For the connection that owns this wire.

    def opened(self) -> None:
        self.is_open = self.was_open = True
        if not self._pending:
            self.flushed()

    def closed(self) -> None:
        self.direct = None
        self.is_open = False
        self.was_open = True  # whatever comes too late now is no mistake of the writer's

    def forget(self) -> None:
        """The connection is lost: let go of whatever a callback holds."""
        self.closed()
        self.lost()
        self.is_congested = False
        self._on_drained = ()

    def congested(self) -> None:
        self.direct = None
        self.is_congested = True

    def drained(self) -> tuple[Callable[[], None], ...]:
        self.is_congested = False
        if not self._pending:
            self.flushed()
        return self._on_drained

    def _refuse_if_not_accepted(self) -> None:
        if not self.was_open:
            raise RuntimeError("accept the WebSocket before writing to it or closing it")


def wire_of(scope: Mapping[str, Any]) -> Wire:
    """The wire of a WebSocket's ASGI scope. Raises KeyError under a server that is not ours."""
    wire = scope["extensions"][EXTENSION]
    assert isinstance(wire, Wire)
    return wire
