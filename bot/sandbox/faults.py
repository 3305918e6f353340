"""What may go wrong, on demand: faults that wait for a Web API call or for an event, and are used up by it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

ApiKind = Literal["status", "hang", "reset", "redirect"]
EventKind = Literal["duplicate", "delay", "reorder", "drop_ack", "lose"]

#: Matches any method, channel or event.
ANY = "*"


@dataclass
class ApiFault:
    """One or more calls that fail. With `after_effect` the call is carried out and only its answer is lost."""

    kind: ApiKind
    method: str = ANY
    times: int = 1
    status: int = 429
    retry_after: int = 1
    after_effect: bool = False
    #: The id of a channel: only calls that name it fail.
    channel: str = ANY
    #: Where a redirect leads.
    location: str = ""


@dataclass
class EventFault:
    """One or more events that are delivered badly. `seconds` is the delay, `copies` the extra deliveries."""

    kind: EventKind
    event: str = ANY
    times: int = 1
    seconds: float = 0.0
    copies: int = 1


@dataclass(frozen=True)
class Met:
    """A call that ran into a fault; `at` is in seconds of a monotonic clock."""

    kind: ApiKind
    method: str
    channel: str
    at: float


class Faults:
    """The queue of faults. The oldest that matches is taken first."""

    def __init__(self) -> None:
        self.api: list[ApiFault] = []
        self.events: list[EventFault] = []
        #: The calls that ran into one, oldest first (the last 5,000).
        self.met: deque[Met] = deque(maxlen=5_000)

    def fail(
        self, method: str = ANY, *, status: int = 429, retry_after: int = 1, times: int = 1, channel: str = ANY
    ) -> None:
        """The next calls answer `status`: 429 (with `Retry-After` in seconds), 500 or 503. They have no effect."""
        self.api.append(ApiFault("status", method, times, status=status, retry_after=retry_after, channel=channel))

    def hang(self, method: str = ANY, *, after_effect: bool = False, times: int = 1, channel: str = ANY) -> None:
        """The next calls are never answered, before or after they took effect."""
        self.api.append(ApiFault("hang", method, times, after_effect=after_effect, channel=channel))

    def reset(self, method: str = ANY, *, after_effect: bool = False, times: int = 1, channel: str = ANY) -> None:
        """The connection of the next calls breaks in the middle of the answer."""
        self.api.append(ApiFault("reset", method, times, after_effect=after_effect, channel=channel))

    def redirect(self, method: str, location: str, *, times: int = 1) -> None:
        """The next requests of this way for bytes (`files.download`, `files.upload`) are sent elsewhere."""
        self.api.append(ApiFault("redirect", method, times, location=location))

    def duplicate(self, event: str = ANY, *, copies: int = 1, times: int = 1) -> None:
        """The next events arrive `copies` times more, with the same `event_id`."""
        self.events.append(EventFault("duplicate", event, times, copies=copies))

    def delay(self, event: str = ANY, *, seconds: float, times: int = 1) -> None:
        """The next events arrive `seconds` late, so later ones overtake them."""
        self.events.append(EventFault("delay", event, times, seconds=seconds))

    def reorder(self, event: str = ANY, *, times: int = 1) -> None:
        """The next event waits until another one has been delivered."""
        self.events.append(EventFault("reorder", event, times))

    def drop_ack(self, event: str = ANY, *, times: int = 1) -> None:
        """The next events are delivered, but the answer is lost: they are retried as after a timeout."""
        self.events.append(EventFault("drop_ack", event, times))

    def lose(self, event: str = ANY, *, times: int = 1) -> None:
        """The next attempts to deliver an event never arrive: the app hears of it by the retry."""
        self.events.append(EventFault("lose", event, times))

    def clear(self) -> None:
        self.api.clear()
        self.events.clear()

    def take_api(self, method: str, channel: str = "") -> ApiFault | None:
        for fault in self.api:
            if fault.method in (ANY, method) and fault.channel in (ANY, channel):
                fault.times -= 1
                if fault.times <= 0:
                    self.api.remove(fault)
                self.met.append(Met(fault.kind, method, channel, time.monotonic()))
                return fault
        return None

    def take_event(self, event: str, kinds: tuple[EventKind, ...]) -> EventFault | None:
        for fault in self.events:
            if fault.kind in kinds and fault.event in (ANY, event):
                fault.times -= 1
                if fault.times <= 0:
                    self.events.remove(fault)
                return fault
        return None
