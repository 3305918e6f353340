"""What is known of one person in a session: their tabs, here and in other processes, and how others are shown them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.events import Person, Role

Status = Literal["active", "idle", "away"]
_WAKEFULNESS: dict[Status, int] = {"away": 0, "idle": 1, "active": 2}


@dataclass(slots=True)
class Connection:
    """One tab. Times are seconds of a monotonic clock."""

    user_id: str
    seen_at: float
    stirred_at: float
    opened_at: float
    #: The process that it is connected to, by its name; None for this one.
    origin: str | None = None
    #: Counts what the other processes have to be told of.
    version: int = 0
    status: Status = "active"
    is_stale: bool = False
    #: Has said where it is; a tab that was only opened does not hide where the person's other tab is.
    has_told: bool = False
    cursor: Any = None
    viewport: Any = None
    following: str | None = None
    typing_until: float | None = None
    #: When those who are here were last told that somebody types in a tab of another process.
    typing_told_at: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One person as the others see them."""

    person: Person
    role: Role
    status: Status
    cursor: Any = None
    viewport: Any = None
    following: str | None = None


@dataclass(slots=True)
class Someone:
    """`gone_at` is when their last tab closed, `last` how they were shown until then."""

    person: Person
    role: Role
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    gone_at: float | None = None
    last: Shown | None = None
    #: What the others were told last.
    told: Shown | None = None

    def follows(self) -> Iterator[str]:
        """Whom they follow in any tab. Somebody in their grace period counts as following on: they may be back."""
        for tab in self.connections.values():
            if tab.following is not None:
                yield tab.following
        if self.last is not None and self.last.following is not None:
            yield self.last.following

    def may_follow(self) -> bool:
        """Whether there is anybody in `follows`: asked of everybody in a room, many times a second."""
        for tab in self.connections.values():
            if tab.following is not None:
                return True
        return self.last is not None and self.last.following is not None

    def show(self) -> Shown:
        tabs = list(self.connections.values())
        if not tabs:
            last = self.last or Shown(self.person, self.role, "away")
            is_same = last.person == self.person and last.role == self.role
            return last if is_same else replace(last, person=self.person, role=self.role)
        if len(tabs) == 1:
            tab = tabs[0]
            return Shown(self.person, self.role, _status(tab), tab.cursor, tab.viewport, tab.following)
        status = _status(max(tabs, key=lambda tab: _WAKEFULNESS[_status(tab)]))
        front = max(tabs, key=lambda tab: (tab.has_told, tab.stirred_at))
        return Shown(self.person, self.role, status, front.cursor, front.viewport, front.following)


def _status(tab: Connection) -> Status:
    return "away" if tab.is_stale else tab.status
