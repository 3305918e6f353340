"""What processes say to each other beside the log, as JSON.

Signals are signed by whoever carries them, so identity in them is trusted. Their shape is checked all the same: while a
deployment is renewed, two versions of it talk.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api.frames.parts import Cursor, Viewport
from core.events import Person, Role
from core.presence import Departure, Status, Tab


class _Signal(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TabView(_Signal):
    """One tab, as its process sees it; see `core.presence.Tab`."""

    connection_id: str
    person: Person
    role: Role
    status: Status
    version: int
    age: float
    still: float
    has_told: bool
    cursor: Cursor | None = None
    viewport: Viewport | None = None
    following: str | None = None
    typing: float | None = None

    def tab(self) -> Tab:
        return Tab(**{name: getattr(self, name) for name in TabView.model_fields})


class DepartureView(_Signal):
    connection_id: str
    user_id: str
    is_final: bool

    def departure(self) -> Departure:
        return Departure(self.connection_id, self.user_id, self.is_final)


class Ask(_Signal):
    """Who is here? Each process answers with everything that it knows of itself."""

    kind: Literal["ask"] = "ask"


class Tabs(_Signal):
    """A process's tabs in one session that changed or left, or, when `is_full`, all that it has."""

    kind: Literal["tabs"] = "tabs"
    origin: str
    number: tuple[int, int]
    is_full: bool
    tabs: list[TabView]
    left: list[DepartureView]


class Say(_Signal):
    """A frame for one person in all their tabs, or, without one, for everybody who has the session open."""

    kind: Literal["say"] = "say"
    user_id: str | None
    frame: str


class Summons(_Signal):
    """A host asks everybody in the session to come along."""

    kind: Literal["summons"] = "summons"
    by: Person


class Forwarded(_Signal):
    """Somebody's frames, for the process that holds their connection. `user_id` was signed in where they came in."""

    kind: Literal["forwarded"] = "forwarded"
    connection_id: str
    user_id: str
    frames: list[str]


class Renewed(_Signal):
    """Somebody's connection may last until then: their newer sign-in was shown to another process."""

    kind: Literal["renewed"] = "renewed"
    connection_id: str
    user_id: str
    until: datetime
    token_version: int
    proven_at: datetime


class Counts(_Signal):
    """How many connections people have in one process. `is_last` when that process stops."""

    kind: Literal["counts"] = "counts"
    origin: str
    number: tuple[int, int]
    is_full: bool
    counts: dict[str, int]
    is_last: bool = False


Signal = Ask | Tabs | Say | Summons | Forwarded | Renewed | Counts
_adapter: TypeAdapter[Signal] = TypeAdapter(Annotated[Signal, Field(discriminator="kind")])


def read(payload: bytes) -> Signal:
    """Raises ValueError for what is none of these."""
    return _adapter.validate_json(payload)


def write(signal: Signal) -> bytes:
    return signal.model_dump_json().encode()


def tab_view(tab: Tab) -> TabView:
    fields: dict[str, Any] = {name: getattr(tab, name) for name in TabView.model_fields}
    return TabView(**fields)


def departure_view(departure: Departure) -> DepartureView:
    return DepartureView(**asdict(departure))
