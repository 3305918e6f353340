"""Digests: what happened in somebody's sessions since they were last told, by mail, at a time of their choosing.

Reading order: `times` (when the next is due; pure), `settings` (what people have chosen), `compiling` (what there is to
tell), `making` (one for each person and period).
"""

from __future__ import annotations

from core.digests.compiling import Told, compile_digest
from core.digests.making import Due, due, make, prune
from core.digests.settings import Chosen, choose, chosen
from core.digests.times import DEFAULT, Cadence, Period, Wish, latest, next_after

__all__ = [
    "DEFAULT",
    "Cadence",
    "Chosen",
    "Due",
    "Period",
    "Told",
    "Wish",
    "choose",
    "chosen",
    "compile_digest",
    "due",
    "latest",
    "make",
    "next_after",
    "prune",
]
