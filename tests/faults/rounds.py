"""How often something is killed: a few times in every run of the tests, hundreds of times by hand."""

from __future__ import annotations

import os

#: `COSESSION_KILLS=200` kills servers 200 times in all, over everything that they may stand on, and scribes as often.
WHOLE = int(os.environ.get("COSESSION_KILLS", "0"))


def rounds(ordinary: int, share: float) -> int:
    """`ordinary` of them, or `share` of those that were asked for."""
    return round(WHOLE * share) if WHOLE else ordinary


def seconds(ordinary: float) -> float:
    """Of patience for a test that takes `ordinary` without being asked for more."""
    return max(ordinary, WHOLE * 15.0)
