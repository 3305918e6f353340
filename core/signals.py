"""What the processes of one deployment tell each other: hints that may be lost, and never the only copy of anything.

A signal is published on a topic and heard by every *other* process that is subscribed to it, at most once and in no
promised order. Publishing never waits and never fails. Whoever relies on signals also looks at the log from time to
time, and often while `is_healthy` is false: so a lost signal delays and never loses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

#: Called on the event loop with the payload of one signal. It must not raise and must not wait.
Handler = Callable[[bytes], None]


class Signals(Protocol):
    """The way to the other processes. Belongs to the event loop that `start` ran on."""

    @property
    def process_id(self) -> str:
        """The name of this process among the others: new at each start."""
        ...

    @property
    def is_alone(self) -> bool:
        """True where there are no other processes by construction: then nothing is published, and nobody need look."""
        ...

    @property
    def is_healthy(self) -> bool:
        """False while signals are probably not carried."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Tells the others, soon. Goes nowhere, silently, while signals are not carried."""
        ...

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Hears `topic` from some moment soon after this call on. One handler for each topic."""
        ...

    def unsubscribe(self, topic: str) -> None: ...

    def on_recovery(self, callback: Callable[[], None]) -> None:
        """Calls `callback` each time that signals are carried again after they may have been lost."""
        ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class _Silent:
    """Says nothing to anybody."""

    def __init__(self, process_id: str) -> None:
        self.process_id = process_id

    def publish(self, topic: str, payload: bytes) -> None: ...

    def subscribe(self, topic: str, handler: Handler) -> None: ...

    def unsubscribe(self, topic: str) -> None: ...

    def on_recovery(self, callback: Callable[[], None]) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class PollingOnly(_Silent):
    """Several processes and nothing between them but the database: everybody looks there, and often."""

    is_alone = False
    is_healthy = False


class NoSignals(_Silent):
    """One process alone: there is nobody to tell."""

    is_alone = True
    is_healthy = True
