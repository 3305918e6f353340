"""How many connections there may be: pure counters, in all and per address."""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Connections:
    """Counts open connections. A connection that gets no `Slot` is one too many."""

    def __init__(self, *, total: int, per_address: int) -> None:
        self.total = total
        self.per_address = per_address
        self.open = 0
        self._by_address: Counter[str] = Counter()

    def enter(self, address: str | None) -> Slot | None:
        """A slot for a connection counted under `address` (None: not counted per address), or None if full."""
        if self.open >= self.total or not self.take(address):
            return None
        self.open += 1
        return Slot(self, address)

    def take(self, address: str | None) -> bool:
        if address is None:
            return True
        if self._by_address[address] >= self.per_address:
            return False
        self._by_address[address] += 1
        return True

    def give_back(self, address: str | None) -> None:
        if address is None:
            return
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]

    def count(self, address: str) -> int:
        return self._by_address.get(address, 0)


class Slot:
    """One counted connection. It is released once, however often that is asked for."""

    __slots__ = ("_address", "_connections", "_released")

    def __init__(self, connections: Connections, address: str | None) -> None:
        self._connections = connections
        self._address = address
        self._released = False

    def claim(self, address: str | None) -> bool:
        """Count this connection under another address from now on. False, and nothing changes, if that one is full."""
        if not self._connections.take(address):
            return False
        self._connections.give_back(self._address)
        self._address = address
        return True

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._connections.open -= 1
            self._connections.give_back(self._address)


class Overflow(Generic[Item]):
    """Connections beyond the cap that are heard out, `size` of them at most.

    Whoever waits longest without having said what it wants makes room for a newcomer. So a crowd of silent connections
    cannot keep out a health check, which speaks at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._silent: dict[Item, None] = {}
        self._served: set[Item] = set()

    def add(self, item: Item) -> Item | None:
        """Lets `item` in, and returns who has to go: nobody, the longest silent, or `item` itself if all are served."""
        if len(self._served) >= self._size:
            return item
        evicted: Item | None = None
        if len(self._silent) + len(self._served) >= self._size:
            evicted = next(iter(self._silent))
            del self._silent[evicted]
        self._silent[item] = None
        return evicted

    def serve(self, item: Item) -> None:
        """`item` has said what it wants, and gets it: it is not put out any more."""
        if item in self._silent:
            del self._silent[item]
            self._served.add(item)

    def discard(self, item: Item) -> None:
        self._silent.pop(item, None)
        self._served.discard(item)

    def __len__(self) -> int:
        return len(self._silent) + len(self._served)


class Gauge:
    """How many of something there are, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.value = 0

    def enter(self) -> bool:
        if self.value >= self.limit:
            return False
        self.value += 1
        return True

    def leave(self) -> None:
        self.value -= 1
