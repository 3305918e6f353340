"""What carries frames between a tab of a story and the product: a WebSocket, or an event stream with POST."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Protocol

import httpx2
import websockets

Frame = dict[str, Any]
Transport = Literal["websocket", "sse"]
Headers = Callable[[], dict[str, str]]


class Line(Protocol):
    #: Set once the line is closed: the server's close code and reason.
    closed: tuple[int, str] | None

    def frames(self) -> AsyncIterator[Frame]:
        """What the server sends, until either side closes."""
        ...

    async def send_text(self, text: str) -> list[Frame]:
        """Sends one frame; returns the answers that did not come among `frames`."""
        ...

    async def close(self) -> None: ...


class SocketLine:
    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.closed: tuple[int, str] | None = None

    async def frames(self) -> AsyncIterator[Frame]:
        try:
            async for text in self.socket:
                yield json.loads(text)
        finally:
            self.closed = (self.socket.close_code or 1006, self.socket.close_reason or "")

    async def send_text(self, text: str) -> list[Frame]:
        await self.socket.send(text)
        return []

    async def close(self) -> None:
        await self.socket.close()


async def lines_of(response: httpx2.Response) -> AsyncIterator[str]:
    """Lines of an event stream end with LF here. Python's own idea of a line would cut messages at U+2028."""
    rest = b""
    async for part in response.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.decode()


class StreamLine:
    """`commands` is where frames are posted to, with `headers` as they are then. Each event's `id` must name
    the place of the entry that it brings."""

    def __init__(self, http: httpx2.AsyncClient, response: httpx2.Response, commands: str, headers: Headers) -> None:
        self.closed: tuple[int, str] | None = None
        self._http = http
        self._response = response
        self._commands = commands
        self._headers = headers
        self._hello: Frame = {}
        self._in_order = asyncio.Lock()

    async def frames(self) -> AsyncIterator[Frame]:
        event: dict[str, str] = {}
        try:
            async for line in lines_of(self._response):
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
                elif "event" in event:
                    farewell = json.loads(event["data"])
                    self.closed = (farewell["code"], farewell["reason"])
                    event = {}
                elif event:
                    if "data" in event:
                        yield self._checked(event)
                    event = {}
        except (httpx2.HTTPError, httpx2.StreamClosed):
            pass
        finally:
            self.closed = self.closed or (1006, "")

    def _checked(self, event: dict[str, str]) -> Frame:
        frame: Frame = json.loads(event["data"])
        if frame["type"] == "connected":
            self._hello = frame
        is_entry = "at" in frame and "seq" in frame
        assert event.get("id") == (f"{self._hello['epoch']}:{frame['seq']}" if is_entry else None)
        return frame

    async def send_text(self, text: str) -> list[Frame]:
        body = f'{{"connection_id":"{self._hello["connection_id"]}","frames":[{text}]}}'
        async with self._in_order:
            headers = {**self._headers(), "Content-Type": "application/json"}
            answer = await self._http.post(self._commands, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return [item for item in answer.json()["items"] if item is not None]

    async def close(self) -> None:
        await self._response.aclose()
