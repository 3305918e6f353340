"""The other processes, as a hub needs them: what goes beside the log is shared with them, and theirs is shown here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from api.room import Room
from core import presence
from core.accounts import SignedIn
from core.events import Person


class Others(Protocol):
    """None of its methods raises, and only `meet` waits."""

    @property
    def is_reachable(self) -> bool:
        """False while what is said to them is probably lost."""
        ...

    def opened(self, room: Room) -> None:
        """Somebody is about to join a session that nobody had open in this process."""
        ...

    def closed(self, room: Room) -> None:
        """The hub has forgotten a room."""
        ...

    def changed(self, room: Room) -> None:
        """A batch of presence has just gone to this process's own sockets."""
        ...

    def say(self, session_id: str, user_id: str | None, frame: bytes) -> None:
        """A frame, as it goes over a socket, for one person in all their tabs, or for everybody in the session."""
        ...

    def summon(self, session_id: str, by: Person) -> None:
        """A host asks everybody to come along."""
        ...

    def forward(self, session_id: str, connection_id: str, user_id: str, frames: list[str]) -> None:
        """Somebody's frames about a connection that another process holds, which answers on it; perhaps none: then
        they were just heard."""
        ...

    def renew(self, session_id: str, connection_id: str, who: SignedIn, proven_at: datetime) -> None:
        """Somebody has shown a newer sign-in for a connection that another process holds."""
        ...

    def present(self, session_id: str) -> list[presence.Shown]:
        """Who is in a session that nobody has open in this process."""
        ...

    async def meet(self, session_id: str) -> None:
        """Waits a moment, where that is not known yet, to hear who is in a session that nobody has open here."""
        ...

    def connections_of(self, user_id: str) -> int:
        """How many connections somebody has in the other processes."""
        ...

    def count(self, user_id: str, connections: int) -> None:
        """Somebody has so many connections in this process now."""
        ...


class Watcher(Protocol):
    """Sees to it that a room hears of what other processes commit. None of its methods waits or raises."""

    def opened(self, room: Room) -> None:
        """Somebody is about to join a session that nobody had open in this process."""
        ...

    def closed(self, room: Room) -> None:
        """The hub has forgotten a room."""
        ...

    def signed_out(self, user_id: str, token_version: int) -> None:
        """Sign-ins of somebody from before `token_version` are void; this process's own sockets are closed already."""
        ...
