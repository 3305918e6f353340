"""The open screens of the page: each hears of every change that its person may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from bot.sandbox.models import Payload
from bot.sandbox.workspace import Workspace

#: A screen that is so far behind is closed; the page reloads what it shows and listens again.
_QUEUE = 1_000


class Screens:
    """Fans changes out to the open streams. Never waits for any of them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._queues: dict[asyncio.Queue[Payload | None], str] = {}
        workspace.on_change.append(self._changed)

    async def watch(self, user: str) -> AsyncGenerator[Payload, None]:
        """Changes from now on, until the screen falls behind or everything closes."""
        queue: asyncio.Queue[Payload | None] = asyncio.Queue(_QUEUE)
        self._queues[queue] = user
        try:
            while (change := await queue.get()) is not None:
                yield change
        finally:
            self._queues.pop(queue, None)

    def close(self) -> None:
        """Ends every stream."""
        for queue in list(self._queues):
            self._end(queue)

    def _changed(self, change: Payload) -> None:
        for queue, user in list(self._queues.items()):
            if not self._may_see(user, change):
                continue
            try:
                queue.put_nowait(change)
            except asyncio.QueueFull:
                self._end(queue)

    def _may_see(self, user: str, change: Payload) -> bool:
        if change.get("user") not in (None, user):
            return False
        channel = self._workspace.channels.get(change.get("channel", ""))
        return channel is None or change["kind"] == "channel" or user in channel.members

    def _end(self, queue: asyncio.Queue[Payload | None]) -> None:
        self._queues.pop(queue, None)
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)
