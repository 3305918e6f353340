"""One connection to one session, over a WebSocket or, where that is blocked, over server-sent events and POST.

A line knows nothing of what its frames mean. It ends with `Closed`, which carries the server's close code, or with
`LineLost` when the network took it away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import httpx2
import orjson
import websockets

#: Seconds to wait for a connection, and the longest silence on one: the server speaks every 20.
CONNECT_WITHIN = 10.0
SILENCE = 30.0


class LineLost(Exception):
    """The network ended the connection."""


class Closed(Exception):
    """The server ended the connection and said why. Codes from 4000 to 4499 mean: do not come back."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason

    @property
    def is_final(self) -> bool:
        return 4000 <= self.code < 4500


class Line(Protocol):
    """An open connection."""

    def frames(self) -> AsyncIterator[dict[str, Any]]:
        """What arrives. Raises Closed or LineLost at its end."""
        ...

    async def send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        """Hands a frame on. Answers that come back at once are returned, all others arrive among `frames`."""
        ...

    async def close(self) -> None: ...


class Transport(Protocol):
    async def open(self, http: httpx2.AsyncClient, session_id: str, since: tuple[str, int] | None) -> Line:
        """Raises Closed where the server refuses, LineLost where it cannot be reached."""
        ...


def refusal(response: httpx2.Response) -> Closed | LineLost:
    """What a refused request means for a connection: 4xx is final, all else may pass."""
    if response.status_code in (401, 403, 404, 410):
        code = {401: 4401, 403: 4403}.get(response.status_code, 4404)
        return Closed(code, _detail(response))
    return LineLost(_detail(response))


def _detail(response: httpx2.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {response.status_code}"


async def ticket(http: httpx2.AsyncClient, session_id: str) -> str:
    """A ticket for one connection. Raises Closed, LineLost."""
    try:
        response = await http.post(f"/api/sessions/{session_id}/tickets")
    except httpx2.HTTPError as error:
        raise LineLost(str(error)) from error
    if response.status_code != 200:
        raise refusal(response)
    return str(response.json()["ticket"])


class WebSocket:
    """`WS /ws/session/{id}`, entered with a fresh ticket."""

    async def open(self, http: httpx2.AsyncClient, session_id: str, since: tuple[str, int] | None) -> Line:
        where = f"&epoch={since[0]}&since={since[1]}" if since else ""
        base = str(http.base_url).rstrip("/").replace("http", "ws", 1)
        address = f"{base}/ws/session/{session_id}?token={await ticket(http, session_id)}{where}"
        try:
            socket = await websockets.connect(
                address, max_size=None, max_queue=None, open_timeout=CONNECT_WITHIN, compression=None
            )
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            # Its text would hold the address, and with it the ticket.
            raise LineLost(type(error).__name__) from None
        return _SocketLine(socket)


class _SocketLine:
    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            try:
                # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with a frame.
                async with asyncio.timeout(SILENCE):
                    text = await self._socket.recv()
            except TimeoutError:
                await self.close()
                raise LineLost("no word for 30 seconds") from None
            except websockets.ConnectionClosed as error:
                if error.rcvd is None or error.rcvd.code in (1001, 1006, 1012):
                    raise LineLost(str(error)) from error
                raise Closed(error.rcvd.code, error.rcvd.reason) from error
            yield orjson.loads(text)

    async def send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            await self._socket.send(orjson.dumps(frame).decode())
        except websockets.ConnectionClosed as error:
            raise LineLost(str(error)) from error
        return []

    async def close(self) -> None:
        await self._socket.close()


class Sse:
    """`GET …/stream` and `POST …/commands`: for networks that let no WebSocket through."""

    async def open(self, http: httpx2.AsyncClient, session_id: str, since: tuple[str, int] | None) -> Line:
        where = {"epoch": since[0], "since": str(since[1])} if since else {}
        request = http.build_request(
            "GET",
            f"/api/sessions/{session_id}/stream",
            params=where,
            headers={"Accept": "text/event-stream"},
            timeout=httpx2.Timeout(CONNECT_WITHIN, read=SILENCE),
        )
        try:
            response = await http.send(request, stream=True)
            if response.status_code != 200:
                await response.aread()
                raise refusal(response)
        except httpx2.HTTPError as error:
            raise LineLost(str(error)) from error
        return _StreamLine(http, session_id, response)


async def _lines(response: httpx2.Response) -> AsyncIterator[str]:
    """The server ends lines with LF alone. Python's own idea of a line would cut a message at U+2028."""
    rest = b""
    async for part in response.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.decode()


class _StreamLine:
    def __init__(self, http: httpx2.AsyncClient, session_id: str, response: httpx2.Response) -> None:
        self._http = http
        self._session_id = session_id
        self._response = response
        self._connection_id: str | None = None

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        kind, data = "message", ""
        try:
            async for line in _lines(self._response):
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:"):
                    data += line[5:].removeprefix(" ")
                elif not line and data:
                    frame = orjson.loads(data)
                    if kind == "close":
                        raise Closed(frame["code"], frame["reason"])
                    if frame["type"] == "connected":
                        self._connection_id = frame["connection_id"]
                    yield frame
                    kind, data = "message", ""
        except httpx2.HTTPError as error:
            raise LineLost(str(error)) from error
        raise LineLost("the stream ended")

    async def send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"connection_id": self._connection_id, "frames": [frame]}
        try:
            response = await self._http.post(f"/api/sessions/{self._session_id}/commands", json=body)
        except httpx2.HTTPError as error:
            raise LineLost(str(error)) from error
        if response.status_code != 200:
            raise refusal(response)
        return [answer for answer in response.json()["items"] if answer is not None]

    async def close(self) -> None:
        await self._response.aclose()
