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
from api.views import listed
from core import presence
from core.events import Event, ParticipantAdded, ParticipantRemoved, Person, Role, RoleChanged

#: Entries of a live session that stay in memory for those who reconnect.
TAIL = 512
#: Entries that came before the ones in front of them and wait for those; what is more is read from the log.
MOST_EARLY = 256


def framed(frame: Frame) -> bytes:
    """A frame for many: encoded once, framed once."""
    return frame_text(frame.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class Arrival:
    """A committed entry on its way to those who are connected. `frame` is as it goes over a socket.

    `event` may be left out where it changes nothing for anybody who is connected.
    """

    seq: int
    type: str
    frame: bytes
    event: Event | None


@dataclass(slots=True)
class Room:
    """One session that somebody has open in this process.

    `head` is the last entry that was taken in: everything up to it went to those who were connected, in order. Until
    the first of them has joined, the room has no place in the log, and what arrives waits.
    """

    session_id: str
    head: int
    #: The last entry that is known to exist, and those that came too early. Between `head` and them is a hole.
    known: int = 0
    early: dict[int, Arrival] = field(default_factory=dict[int, Arrival])
    is_placed: bool = False
    is_forgotten: bool = False
    #: What fills the hole: in a moment, if it is still there then; or now.
    hole_timer: asyncio.TimerHandle | None = None
    filling: asyncio.Task[None] | None = None
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    presence: presence.Room = field(default_factory=presence.Room)
    tail: deque[tuple[int, bytes]] = field(default_factory=lambda: deque[tuple[int, bytes]](maxlen=TAIL))
    #: How many of the connections are event streams.
    streams: int = 0
    #: What was taken in and has not been sent yet, this turn of the loop: (seq, frame).
    unsent: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    #: Who came, by connection, since that was last said.
    newcomers: list[tuple[str, Person, Role]] = field(default_factory=list[tuple[str, Person, Role]])
    #: Everyone who is here, as the text that others are shown them by.
    _listed: dict[str, bytes] = field(default_factory=dict[str, bytes])
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

    def judged_at(self, user_id: str) -> int:
        """The entry by which `role_since` judges."""
        return self.verdicts.get(user_id, (0, None))[0]

    def note(self, arrival: Arrival) -> None:
        """Keeps what an entry says about somebody's role, for those who are on their way in."""
        event = arrival.event
        if isinstance(event, RoleChanged):
            verdict = event.user_id, event.role
        elif isinstance(event, ParticipantAdded):
            verdict = event.user.user_id, event.role
        elif isinstance(event, ParticipantRemoved):
            verdict = event.user_id, None
        else:
            return
        user_id, role = verdict
        if user_id not in self.verdicts or self.verdicts[user_id][0] < arrival.seq:
            self.verdicts[user_id] = arrival.seq, role

    @property
    def has_hole(self) -> bool:
        """Whether there are entries that were not taken in. A room without a place misses nothing yet."""
        return self.is_placed and self.known > self.head

    def place(self, head: int) -> None:
        """Whoever comes in first has read the log up to `head`: here the room begins."""
        self.is_placed = True
        self.head = head
        self.known = max(self.known, head)
        self.early = {seq: arrival for seq, arrival in self.early.items() if seq > head}

    def keep(self, arrival: Arrival) -> None:
        """An entry that does not follow: it waits, unless it was taken in already."""
        if arrival.seq > self.head:
            self.known = max(self.known, arrival.seq)
            if len(self.early) < MOST_EARLY:
                self.early[arrival.seq] = arrival

    def next_early(self) -> Arrival | None:
        """The entry that follows `head`, where it has waited."""
        return self.early.pop(self.head + 1, None) if self.early and self.is_placed else None

    def remember(self, seq: int, frame: bytes) -> None:
        """Keeps the tail contiguous, so that an index finds an entry."""
        if self.tail and seq != self.tail[-1][0] + 1:
            self.tail.clear()
        self.tail.append((seq, frame))
        self.head = max(self.head, seq)
        self.known = max(self.known, seq)

    def list_everyone(self) -> bytes:
        """Everyone who is here, as a JSON list of `PersonPresence`: encoded anew are only those who changed."""
        for user_id, someone in self.presence.take_unlisted():
            if someone is None:
                self._listed.pop(user_id, None)
            else:
                self._listed[user_id] = listed(someone)
        return b"[" + b",".join(self._listed.values()) + b"]"

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
