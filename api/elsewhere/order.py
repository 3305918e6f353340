"""Whether a numbered signal is the next one, an old one, or follows others that were lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: A teller's place in its own story: how often it began anew, and how often it spoke since.
Number = tuple[int, int]
Verdict = Literal["next", "old", "gap"]


@dataclass(slots=True)
class Order:
    """Keeps, for each process, what was heard last. Signals may be lost, doubled and overtaken."""

    _last: dict[str, Number] = field(default_factory=dict[str, Number])

    def take(self, origin: str, number: Number, *, is_full: bool) -> Verdict:
        """What `is_full` needs nothing before it."""
        last = self._last.get(origin)
        if last is not None and number <= last:
            return "old"
        self._last[origin] = number
        return "next" if is_full or (last is not None and number == (last[0], last[1] + 1)) else "gap"
