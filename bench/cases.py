"""The cases that are measured, and how a server's rooms are filled for one of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`members` people, in rooms of `room_size` (0: all in one); see `bench.load.Job` for the rest."""

    name: str
    says: str
    members: int
    rate: float = 0.0
    window: int = 0
    room_size: int = 0
    #: Connections made and closed first.
    warm_up: int = 0
    #: Only servers that store are compared.
    is_stored: bool = False


CASES = {
    case.name: case
    for case in (
        Case("rate-200", "200 people, 50 messages a second", 200, rate=50),
        Case("solo-200", "200 people, one message at a time", 200, window=1),
        Case("flat-200", "200 people, 32 messages outstanding", 200, window=32),
        Case("rooms", "200 rooms of 5, 2,000 messages a second", 1_000, rate=2_000, room_size=5),
        Case("stored-flat", "50 people, 64 messages outstanding, stored", 50, window=64, is_stored=True),
        Case("stored-rate", "50 people, 200 messages a second, stored", 50, rate=200, is_stored=True),
        Case("connect", "400 connections, 32 at a time, in rooms of 50", 400, warm_up=100, room_size=50),
    )
}
