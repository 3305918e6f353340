"""One open transport in one session: what it has been sent, and what it may still be sent.

The broadcaster never waits for it. Durable entries go out in order of `seq`, each once; when the transport falls
behind, ephemeral frames are dropped first and made good later, then the connection is cut with a code that says
"come back and resume".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from api import metrics
from api.errors import Close
from api.pace import Pace
from core.events import Person, Role
from core.ids import new_id

#: Bytes waiting in a transport: above the first nothing ephemeral is added, above the second it is cut.
CONFLATE_ABOVE = 256 * 1024
CUT_ABOVE = 1024 * 1024
#: Seconds that a transport may hold bytes without handing on a single one.
STUCK_AFTER = 10.0
#: A client is asked for a new sign-in when this much of the present one is left, or this share of it where that is
#: less. It is let stay a little longer than that, so that the answer may be slow.
ASK_BEFORE = timedelta(seconds=60)
ASK_SHARE = 0.2
RENEWAL_GRACE = timedelta(seconds=25)


Transport = Literal["websocket", "sse"]


class Wire(Protocol):
    """What carries frames to one client. Its methods never block and never raise."""

    @property
    def buffered(self) -> int: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def peer(self) -> str: ...
    @property
    def direct(self) -> Callable[[bytes], None] | None:
        """Sends whole frames at once; None while that cannot be, or where each frame has to be seen."""
        ...

    def write_text(self, payload: bytes) -> None: ...
    def write_frames(self, framed: bytes) -> None: ...
    def write_entry(self, seq: int, framed: bytes) -> None: ...
    def on_drained(self, callback: Callable[[], None]) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


@dataclass(slots=True, eq=False)
class Connection:
    """`cursor` is the seq of the last entry that was written to the wire. `is_live` means: nothing is missing."""

    wire: Wire
    person: Person
    role: Role
    cursor: int
    #: Under which the login behind this was given out, and when it ends.
    token_version: int
    until: datetime
    #: When that was shown last.
    proven_at: datetime
    #: The entry up to which it was known who they are in this session when they were let in.
    joined_at: int = 0
    transport: Transport = "websocket"
    #: On the hub's clock.
    opened_at: float = 0.0
    id: str = field(default_factory=lambda: new_id("con"))
    is_live: bool = False
    missed_ephemeral: bool = False
    pace: Pace = field(default_factory=Pace)
    #: When the client was last heard, on the hub's clock; and whether it was counted as one that answers no more.
    heard_at: float = 0.0
    is_ghost: bool = False
    #: Has said something that is being stored: the answer leaves in one write with what comes of it.
    awaits_ack: bool = False
    #: How many of those who came since that was last said they were told of when they came themselves.
    newcomers_known: int = 0
    #: Until when the sign-in ran that the client was told will end.
    _told_of: datetime | None = None
    #: When its person was last said to type, on the hub's clock.
    typed_at: float = 0.0
    catch_up: asyncio.Task[None] | None = None
    #: Made by whoever waits for it.
    drained: asyncio.Event | None = None
    _stuck_bytes: int = 0
    _stuck_since: float | None = None

    def write_entry(self, seq: int, framed: bytes) -> None:
        """The next entry of the log."""
        self.cursor = seq
        self.wire.write_entry(seq, framed)
        if self.wire.buffered > CUT_ABOVE:
            self.cut()

    def write_ephemeral(self, framed: bytes) -> None:
        """Something that may be skipped: the next state says it again."""
        if not self.is_live or self.wire.buffered > CONFLATE_ABOVE:
            self.missed_ephemeral = True
        else:
            self.wire.write_frames(framed)

    def write(self, payload: bytes) -> None:
        """A frame for this client alone: an ack, an error."""
        self.wire.write_text(payload)
        if self.wire.buffered > CUT_ABOVE:
            self.cut()

    def cut(self) -> None:
        metrics.CUTS.inc()
        self.wire.close(Close.TOO_SLOW, "reading too slowly: resume where you were")

    def renew(self, until: datetime, token_version: int, now: datetime) -> None:
        """The client has shown a newer sign-in."""
        self.until, self.token_version, self.proven_at = until, token_version, now

    def is_over(self, now: datetime) -> bool:
        """Whether the sign-in behind this ended so long ago that no newer one is waited for."""
        return now >= self.until + RENEWAL_GRACE

    def must_ask(self, now: datetime) -> bool:
        """True once for each sign-in: when it is about to end."""
        ask_before = min(ASK_BEFORE, (self.until - self.proven_at) * ASK_SHARE)
        if now < self.until - ask_before or self._told_of == self.until:
            return False
        self._told_of = self.until
        return True

    async def wait_for_room(self) -> None:
        """Waits until the transport has handed on most of what it holds: history is sent at the reader's pace."""
        while self.wire.is_open and self.wire.buffered > CONFLATE_ABOVE:
            self.drained = self.drained or asyncio.Event()
            self.drained.clear()
            try:
                await asyncio.wait_for(self.drained.wait(), STUCK_AFTER)
            except TimeoutError:
                if self.wire.buffered > CONFLATE_ABOVE:
                    self.cut()
                    return

    def is_stuck(self, now: float) -> bool:
        """Whether the transport has held bytes since `STUCK_AFTER` seconds without progress. Asked every second."""
        held = self.wire.buffered
        if held == 0 or held < self._stuck_bytes:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        self._stuck_bytes = held
        return self._stuck_since is not None and now - self._stuck_since > STUCK_AFTER
