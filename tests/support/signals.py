"""Signals between several processes that all live in this one: with loss, delay, doubles and outages to order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from core.signals import Handler


@dataclass
class Lines:
    """What connects them. `loss` and `doubles` are shares of what is carried to each hearer, `delay` is the most
    seconds that one may take, each its own: so they overtake each other."""

    loss: float = 0.0
    doubles: float = 0.0
    delay: float = 0.0
    is_down: bool = False
    dice: random.Random = field(default_factory=lambda: random.Random(4))
    carried: int = 0
    lost: int = 0
    _ends: list[FakeSignals] = field(default_factory=list["FakeSignals"])

    def process(self, name: str) -> FakeSignals:
        """The signals of one more process."""
        end = FakeSignals(self, name)
        self._ends.append(end)
        return end

    def cut(self, name: str) -> None:
        """That process is dead, or as good as: nothing comes from it and nothing goes to it."""
        self._ends = [end for end in self._ends if end.process_id != name]

    def go_down(self) -> None:
        self.is_down = True

    def come_back(self) -> None:
        self.is_down = False
        for end in self._ends:
            end.recovered()

    def carry(self, sender: FakeSignals, topic: str, payload: bytes) -> None:
        if self.is_down or sender not in self._ends:
            self.lost += 1
            return
        for end in self._ends:
            if end is not sender:
                for _ in range(2 if self.dice.random() < self.doubles else 1):
                    self._carry_to(end, topic, payload)

    def _carry_to(self, end: FakeSignals, topic: str, payload: bytes) -> None:
        if self.dice.random() < self.loss:
            self.lost += 1
            return
        self.carried += 1
        asyncio.get_running_loop().call_later(self.dice.uniform(0.0, self.delay), end.hear, topic, payload)


class FakeSignals:
    """One process's end of the lines."""

    is_alone = False

    def __init__(self, lines: Lines, process_id: str) -> None:
        self._lines = lines
        self.process_id = process_id
        self._handlers: dict[str, Handler] = {}
        self._on_recovery: list[Callable[[], None]] = []
        self._is_running = False

    @property
    def is_healthy(self) -> bool:
        return not self._lines.is_down

    def publish(self, topic: str, payload: bytes) -> None:
        if self._is_running:
            self._lines.carry(self, topic, payload)

    def subscribe(self, topic: str, handler: Handler) -> None:
        self._handlers[topic] = handler

    def unsubscribe(self, topic: str) -> None:
        self._handlers.pop(topic, None)

    def on_recovery(self, callback: Callable[[], None]) -> None:
        self._on_recovery.append(callback)

    async def start(self) -> None:
        self._is_running = True

    async def close(self) -> None:
        self._is_running = False

    def hear(self, topic: str, payload: bytes) -> None:
        handler = self._handlers.get(topic)
        if self._is_running and handler is not None:
            handler(payload)

    def recovered(self) -> None:
        for callback in self._on_recovery:
            callback()
