"""Whether a peer is still there: a ping from time to time, and a judgement on who has not answered it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from api.door.framing import INTERNAL_ERROR, PING, frame
from api.door.settings import DoorSettings
from api.door.wire import Wire

_PING = frame(0x80 | PING, b"")


class Peer(Protocol):
    """What is asked about a connection."""

    wire: Wire

    @property
    def is_held(self) -> bool:
        """Whether something waits for the application: a pong may be behind it."""
        ...

    def close_with(self, code: int, reason: str) -> None: ...


class Keepalive:
    """Begins with its making. `was_heard` is set by whoever reads from the peer."""

    __slots__ = ("_loop", "_peer", "_settings", "_timer", "was_heard")

    def __init__(self, peer: Peer, settings: DoorSettings, loop: asyncio.AbstractEventLoop) -> None:
        self._peer = peer
        self._settings = settings
        self._loop = loop
        self.was_heard = False
        self._timer = loop.call_later(settings.ping_interval, self._ping)

    def stop(self) -> None:
        self._timer.cancel()

    def _ping(self) -> None:
        self.was_heard = False
        self._peer.wire.write(_PING)
        self._timer = self._loop.call_later(self._settings.ping_timeout, self._judge)

    def _judge(self) -> None:
        """Whoever has said anything since the ping is there. Where something waits for the application, the slow side
        are we."""
        if self.was_heard or self._peer.is_held:
            wait = max(0.0, self._settings.ping_interval - self._settings.ping_timeout)
            self._timer = self._loop.call_later(wait, self._ping)
        else:
            self._peer.close_with(INTERNAL_ERROR, "keepalive ping timeout")
