"""From a stored interaction to whom it concerns. What concerns nobody was a link, and is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.interactions.payloads import Payload, payload_of, user_of
from bot.worker import Lane, Wish
from core.inbox import Item


class Part(Protocol):
    """Handles some of the interactions."""

    def concerns(self, payload: Payload) -> bool: ...

    async def handle(self, item: Item) -> Wish | None: ...


class HomeTab(Protocol):
    """The app's home tab: see `bot.home`."""

    def concerns(self, payload: Payload) -> bool: ...

    async def press(self, item: Item) -> Wish | None: ...

    def refreshing(self, payload: Payload, wish: Wish | None) -> Wish | None: ...


class Interactions:
    """Belongs to one workspace. **Who wants to hear of more hooks in here**: the first that it concerns handles it."""

    def __init__(self, parts: Sequence[Part], home: HomeTab) -> None:
        self._parts = parts
        self._home = home

    def lane(self, item: Item) -> Lane:
        user = user_of(payload_of(item))
        return Lane(f"clicks of {user}", user)

    async def handle(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        if self._home.concerns(payload):
            return await self._home.press(item)
        part = next((part for part in self._parts if part.concerns(payload)), None)
        return self._home.refreshing(payload, await part.handle(item)) if part is not None else None
