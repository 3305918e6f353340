"""What one process knows of a session's people: what it told of its own tabs, and what it heard of others'."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

from api.elsewhere.order import Order
from api.room import Room
from core import presence

_openings = itertools.count(1)


@dataclass(slots=True)
class Place:
    """One session about which this process tells and hears. Without a room, it only listens."""

    session_id: str
    people: presence.Room
    room: Room | None
    watched_until: float
    began_at: float
    share: presence.Share = field(default_factory=presence.Share)
    order: Order = field(default_factory=Order)
    opening: int = field(default_factory=lambda: next(_openings))
    number: int = 0
    told_at: float = 0.0
    asked_at: float = 0.0
    must_ask: bool = True
    answer: asyncio.TimerHandle | None = None


def topic_of(session_id: str) -> str:
    return f"presence:{session_id}"
