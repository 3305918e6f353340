"""The whole timetable. A job is a command like any other, run by the clock; running it twice is running it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.db import Transaction
from core.prune import prune


@dataclass(frozen=True, slots=True)
class Job:
    """`work` runs every `every`, and once at the start. It returns how much it did."""

    name: str
    every: timedelta
    work: Callable[[Transaction], int]


TIMETABLE: tuple[Job, ...] = (Job("prune", timedelta(minutes=10), prune),)
