"""The fast way to write to one WebSocket, for code that has its bytes ready. It never waits and never blocks.

An application finds it in the ASGI scope of its socket: `wire_of(websocket.scope)`. Reading, accepting and refusing
stay with ASGI. Writing through ASGI works beside it; the order on the wire is the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from api.door.framing import close_reason, frame_text
from api.door.outbox import Outbox

EXTENSION = "cosession.wire"


class Closer(Protocol):
    """What a wire needs of its connection."""

    def close_with(self, code: int, reason: str) -> None: ...

    def newcomer_no_more(self) -> None: ...


class Wire:
    """One accepted WebSocket, seen from the side that writes."""

    def __init__(self, connection: Closer, peer: str) -> None:
        self.peer = peer
        """The client's address, after the rules about proxies."""
        self.is_open = False
        """Whether frames still go out: true from accepting until either side closes."""
        self.is_congested = False
        """Whether the peer reads more slowly than we write. It turns false when `on_drained` callbacks run."""
        self.expects_login = False
        self._connection = connection
        self._outbox: Outbox | None = None
        self._was_open = False
        self._on_drained: list[Callable[[], None]] = []

    def write_text(self, payload: bytes) -> None:
        """Sends `payload` (UTF-8) as one text frame. Goes nowhere, silently, when the peer is gone.

        Raises RuntimeError before the socket is accepted.
        """
        self.write_frames(frame_text(payload))

    def write_frames(self, framed: bytes) -> None:
        """Sends whole frames that `frame_text` made, perhaps for many connections."""
        if self.is_open and self._outbox is not None:
            self._outbox.write(framed)
        else:
            self._refuse_if_not_accepted()

    def write_entry(self, seq: int, framed: bytes) -> None:  # noqa: ARG002 - a frame of the log carries its seq itself
        """Sends one entry of the log, framed already."""
        self.write_frames(framed)

    @property
    def buffered(self) -> int:
        """Bytes that wait for the peer, in our own memory."""
        return 0 if self._outbox is None else self._outbox.buffered

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, from the event loop, each time a congested peer has caught up; not when it is lost."""
        self._on_drained.append(callback)

    def close(self, code: int, reason: str = "") -> None:
        """Sends what is queued, then a close frame; cuts a peer that has not answered after `close_timeout`.

        `reason` is cut to 123 bytes. A second close does nothing. Raises RuntimeError before the socket is accepted,
        and ValueError for a code that may not be sent.
        """
        if not (code in range(3000, 5000) or code in {1000, 1001, 1002, 1003, *range(1007, 1015)}):
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

    def opened(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.is_open = self._was_open = True

    def closed(self) -> None:
        self.is_open = False
        self._was_open = True  # whatever comes too late now is no mistake of the writer's

    def forget(self) -> None:
        """The connection is lost: let go of whatever a callback holds."""
        self.closed()
        self.is_congested = False
        self._outbox = None
        self._on_drained.clear()

    def drained(self) -> list[Callable[[], None]]:
        self.is_congested = False
        return list(self._on_drained)

    def _refuse_if_not_accepted(self) -> None:
        if not self._was_open:
            raise RuntimeError("accept the WebSocket before writing to it or closing it")


def wire_of(scope: Mapping[str, Any]) -> Wire:
    """The wire of a WebSocket's ASGI scope. Raises KeyError under a server that is not ours."""
    wire = scope["extensions"][EXTENSION]
    assert isinstance(wire, Wire)
    return wire
