"""The ASGI side of a WebSocket: the scope that an application is called with, and what it receives."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Headers = Sequence[tuple[bytes, bytes]]


def scope_of(target: bytes, headers: Headers, *, scheme: str, client: str, state: MutableMapping[str, Any]) -> Scope:
    """The ASGI scope of a WebSocket whose request asked for `target`."""
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": scheme,
        "server": None,
        "client": (client, 0),
        "root_path": "",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": query,
        "headers": list(headers),
        "subprotocols": [],
        "state": dict(state),
    }


class Inbox:
    """What an application is going to receive by ASGI: one message at a time, and at last, for ever, the end."""

    __slots__ = ("_end", "_waiter", "messages")

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self._end: dict[str, Any] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self._wake()

    def end(self, message: dict[str, Any]) -> None:
        self._end = self._end or message
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> dict[str, Any]:
        while not self.messages:
            if self._end is not None:
                return self._end
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.messages.pop(0)
