"""The other processes themselves: how many there are, and how many connections each person has in them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from api.elsewhere import wire
from api.elsewhere.order import Order
from core.presence import LEASE
from core.signals import Signals

log = logging.getLogger(__name__)

TOPIC = "people"
#: Seconds between two full pictures; three fit into a lease, so that two may be lost.
PICTURE_EVERY = 8.0
#: Seconds between two batches of changes, and between two questions.
BATCH_EVERY = 0.1
ASK_EVERY = 1.0
#: Whoever has fewer connections in a process is not told of: most people have one or two, and a limit is far above.
TOLD_FROM = 3
#: How many processes there are taken to be until that is known.
ASSUMED = 3

_openings = itertools.count(1)


@dataclass(slots=True)
class _Sibling:
    heard_at: float
    counts: dict[str, int] = field(default_factory=dict[str, int])


class Siblings:
    """Belongs to the event loop that `start` ran on. `monotonic` counts seconds."""

    def __init__(self, signals: Signals, monotonic: Callable[[], float]) -> None:
        self._signals = signals
        self._monotonic = monotonic
        self._siblings: dict[str, _Sibling] = {}
        self._order = Order()
        self._own: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._opening, self._number = next(_openings), 0
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = self._asked_at = -PICTURE_EVERY
        self._has_listened_since: float | None = None

    @property
    def processes(self) -> int:
        """How many processes there are, this one among them; frozen while signals are not carried."""
        if self._has_listened_since is None:
            return ASSUMED
        return 1 + len(self._siblings)

    def connections_of(self, user_id: str) -> int:
        return sum(sibling.counts.get(user_id, 0) for sibling in self._siblings.values())

    def count(self, user_id: str, connections: int) -> None:
        """Somebody has so many connections in this process now."""
        if connections >= TOLD_FROM:
            self._own[user_id] = connections
        elif self._own.pop(user_id, None) is None:
            return
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_EVERY, self._tell_changes)

    def start(self) -> None:
        self._signals.subscribe(TOPIC, self._heard)
        self.refresh()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tell({}, is_full=True, is_last=True)
        self._signals.unsubscribe(TOPIC)

    def refresh(self) -> None:
        """Tells everything and asks for everything: at the start, and after signals may have been lost."""
        for sibling in self._siblings.values():
            sibling.heard_at = self._monotonic()
        self._tell_all()
        self._ask()

    def look(self) -> None:
        """Called about every second: tells that this process is here, and notices who is not any more."""
        now = self._monotonic()
        if now - self._told_at >= PICTURE_EVERY:
            self._tell_all()
        if not self._signals.is_healthy:
            return
        if self._has_listened_since is None:
            self._has_listened_since = now
        for origin, sibling in list(self._siblings.items()):
            if now - sibling.heard_at > LEASE:
                self._forget(origin)

    def _forget(self, origin: str) -> None:
        self._siblings.pop(origin, None)

    def _ask(self) -> None:
        now = self._monotonic()
        if now - self._asked_at >= ASK_EVERY:
            self._asked_at = now
            self._signals.publish(TOPIC, wire.write(wire.Ask()))

    def _tell_all(self) -> None:
        self._told_at = self._monotonic()
        self._told = dict(self._own)
        self._tell(self._own, is_full=True)

    def _tell_changes(self) -> None:
        self._timer = None
        changed = {user_id: count for user_id, count in self._own.items() if self._told.get(user_id) != count}
        changed |= {user_id: 0 for user_id in self._told if user_id not in self._own}
        self._told = dict(self._own)
        if changed:
            self._tell(changed, is_full=False)

    def _tell(self, counts: dict[str, int], *, is_full: bool, is_last: bool = False) -> None:
        self._number += 1
        told = wire.Counts(
            origin=self._signals.process_id,
            number=(self._opening, self._number),
            is_full=is_full,
            counts=counts,
            is_last=is_last,
        )
        self._signals.publish(TOPIC, wire.write(told))

    def _heard(self, payload: bytes) -> None:
        try:
            signal = wire.read(payload)
        except ValueError:
            log.warning("a signal about connections could not be read")
            return
        if isinstance(signal, wire.Ask):
            self._tell_all()
        elif isinstance(signal, wire.Counts):
            self._take(signal)

    def _take(self, signal: wire.Counts) -> None:
        verdict = self._order.take(signal.origin, signal.number, is_full=signal.is_full)
        if verdict == "old":
            return
        if signal.is_last:
            self._forget(signal.origin)
            return
        now = self._monotonic()
        sibling = self._siblings.setdefault(signal.origin, _Sibling(now))
        sibling.heard_at = now
        if signal.is_full:
            sibling.counts.clear()
        sibling.counts.update({user_id: count for user_id, count in signal.counts.items() if count})
        for user_id in [user_id for user_id, count in signal.counts.items() if not count]:
            sibling.counts.pop(user_id, None)
        if verdict == "gap":
            self._ask()
