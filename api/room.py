"""One session that somebody has open in this process: who is connected, what is remembered, where the log stands."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from api import statistics
from api.connection import Connection
from api.door.framing import frame_text
from api.frames import Frame, SessionContext
from core import presence
from core.events import Role

#: Entries of a live session that stay in memory for those who reconnect.
TAIL = 512


def framed(frame: Frame) -> bytes:
    """A frame for many: encoded once, framed once."""
    return frame_text(frame.model_dump_json().encode())


@dataclass(slots=True)
class Room:
    """One session that somebody has open in this process."""

    session_id: str
    head: int
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    presence: presence.Room = field(default_factory=presence.Room)
    tail: deque[tuple[int, bytes]] = field(default_factory=lambda: deque[tuple[int, bytes]](maxlen=TAIL))
    presence_timer: asyncio.TimerHandle | None = None
    presence_sent_at: float = 0.0
    #: How the agent is doing, as everybody here was told last.
    context: SessionContext | None = None
    #: Clients that are on their way in: their room stays, so that no entry passes them by unseen.
    arriving: int = 0
    #: Who lost or changed their role while somebody was on their way in: user → (seq, the role since then, if any).
    verdicts: dict[str, tuple[int, Role | None]] = field(default_factory=dict[str, tuple[int, Role | None]])
    #: Times that text was taken out of entries; and whether anybody may hold something that no digest has covered.
    redactions: int = 0
    is_digest_due: bool = True

    def role_since(self, user_id: str, seq: int, role: Role) -> Role | None:
        """The role now of somebody who had `role` at entry `seq`; None when they were removed since."""
        changed = self.verdicts.get(user_id)
        return changed[1] if changed is not None and changed[0] > seq else role

    def remember(self, seq: int, frame: bytes) -> None:
        """Keeps the tail contiguous, so that an index finds an entry."""
        if self.tail and seq != self.tail[-1][0] + 1:
            self.tail.clear()
        self.tail.append((seq, frame))
        self.head = max(self.head, seq)

    def statistics(self, now: float) -> statistics.RoomStatistics:
        return statistics.RoomStatistics(
            session_id=self.session_id,
            head=self.head,
            tail=len(self.tail),
            people=len(self.presence),
            connections=tuple(statistics.of_connection(connection, now) for connection in self.connections.values()),
        )

    def recall(self, after: int) -> Iterable[tuple[int, bytes]] | None:
        """What follows `after` up to the head, or None where memory does not reach back that far."""
        if after >= self.head:
            return ()
        if not self.tail or self.tail[0][0] > after + 1 or self.tail[-1][0] < self.head:
            return None
        skipped = after + 1 - self.tail[0][0]
        return [self.tail[index] for index in range(skipped, len(self.tail))]
