"""The whole timetable. A job is a command like any other, run by the clock once in each period, whichever process asks
first; a period in which no process ran is made good by one run when one runs again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.db import Transaction
from core.prune import prune


@dataclass(frozen=True, slots=True)
class Job:
    """`work` runs once in every `every`. It returns how much it did."""

    name: str
    every: timedelta
    work: Callable[[Transaction], int]


TIMETABLE: tuple[Job, ...] = (Job("prune", timedelta(minutes=10), prune),)
