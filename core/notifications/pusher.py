"""What the sender of pushes asks of whatever carries them, and every way in which that can fail.

PushProblem
├─ TryLater       the service is away or busy: the message waits
├─ BrowserGone    the browser takes no pushes any more: its address leads nowhere
└─ PushRefused    this message will never be taken
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from core.notifications.subscriptions import Keys
from core.notifications.vapid import KeyPair


class PushProblem(Exception):
    """A message was not delivered; the text says why, in words for whoever runs the server, without the address."""


class TryLater(PushProblem):
    """Another time. `seconds`: how long the service asks to be left alone; None where it does not say.
    `may_be_there`: the attempt broke off after the message was handed over, so that nobody knows."""

    def __init__(self, problem: str, *, seconds: float | None = None, may_be_there: bool = False) -> None:
        super().__init__(problem)
        self.seconds = seconds
        self.may_be_there = may_be_there


class BrowserGone(PushProblem):
    """The service knows that browser no more, or its address leads to no push service."""


class PushRefused(PushProblem):
    """The service does not take this message, and will not."""


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one browser. `topic` is one for what replaces each other: whatever the service still holds under
    it gives way. `lifetime` is for how long the service keeps it for a browser that is switched off."""

    endpoint: str = field(repr=False)
    keys: Keys
    topic: str
    lifetime: timedelta
    payload: bytes = field(repr=False)
    is_urgent: bool = False


class Pusher(Protocol):
    """Encrypts a message for its browser and hands it to the browser's push service."""

    async def push(self, message: Push, pair: KeyPair) -> None:
        """Returns once the service has taken responsibility for it. Raises PushProblem."""
        ...

    async def rest(self) -> None:
        """Nothing is to be sent for now: lets go of connections."""
        ...
