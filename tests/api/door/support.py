"""A real server on a free loopback port, an application that shows what reaches it, and clients made of raw bytes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from api.door.listen import listening_socket
from api.door.serve import serve
from api.door.settings import DoorSettings
from api.door.wire import Wire, wire_of

PATIENCE = 5.0
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for a condition that nothing announces."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for is seen from outside only)
            await asyncio.sleep(0.005)


@dataclass
class Probe:
    """An ASGI application: echoes, and keeps what tests look at."""

    wires: dict[str, Wire] = field(default_factory=dict[str, Wire])
    disconnects: dict[str, int] = field(default_factory=dict[str, int])
    queries: dict[str, bytes] = field(default_factory=dict[str, bytes])
    heard: list[str] = field(default_factory=list[str])
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        size = 0
        if scope["path"] != "/early":
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.heard.append(f"{scope['path']} gone")
                    return
                size += len(message["body"])
                if not message["more_body"]:
                    break
        if scope["path"] == "/flood":
            await self._flood(send)
            return
        answer = {"size": size, "client": scope["client"][0], "scheme": scope["scheme"], "path": scope["path"]}
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _flood(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(4_000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.heard.append("/flood sent")

    async def _websocket(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        wire = wire_of(scope)
        self.wires[path] = wire
        self.queries[path] = scope["query_string"]
        assert (await receive())["type"] == "websocket.connect"
        if path == "/refused":
            await send({"type": "websocket.close"})
            return
        if path == "/login":
            wire.expect_login()
        if path == "/early-write":
            try:
                wire.write_text(b"too early")
            except RuntimeError as error:
                self.errors.append(str(error))
        await send({"type": "websocket.accept"})
        if path == "/slow":
            await self.hold.wait()
        if path == "/listen":
            await receive()
            self._listen(wire)
            return
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self.disconnects[path] = message["code"]
                return
            if path == "/silent":
                continue
            if "text" in message:
                await send({"type": "websocket.send", "text": message["text"]})
            else:
                await send({"type": "websocket.send", "bytes": message["bytes"]})

    def _listen(self, wire: Wire) -> None:
        """Answers each message a turn of the loop later, and takes no other until then."""

        def heard(text: str) -> None:
            wire.hold()
            asyncio.get_running_loop().call_soon(answer, text)

        def answer(text: str) -> None:
            wire.write_text(f"heard {text}".encode())
            wire.go_on()

        wire.listen(heard, lambda: self.heard.append("gone"))


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """A frame as a client sends it, or, on request, as no client may. `length` is a lie about the payload's length."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, masked | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


@dataclass
class Raw:
    """A TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # what the server thinks of it, it says in what it sends
            self.writer.write(data)
            await self.writer.drain()

    async def response(self) -> Response:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Response(int(head[0].split()[1]), headers, body)

    async def at_end(self, seconds: float = PATIENCE) -> bytes:
        """Everything that still comes until the server closes; a reset is an end too."""
        rest = b""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65_536):
                    rest += piece
        return rest

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class WebSocketClient(Raw):
    """A WebSocket after its handshake."""

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload. The server must not mask, fragment or set reserved bits."""
        async with asyncio.timeout(PATIENCE):
            first, second = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80, "a whole frame without reserved bits"
            assert second & 0x80 == 0, "a server does not mask"
            size = second
            if second == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
                assert size > 125, "the shortest encoding"
            elif second == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
                assert size > 65_535, "the shortest encoding"
            return first & 0x0F, await self.reader.readexactly(size)

    async def closed_with(self) -> tuple[int, str]:
        """Code and reason of the close frame that ends the connection. Frames before it are skipped."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def echo(self, text: str) -> None:
        await self.send(frame(TEXT, text.encode()))
        assert await self.frame() == (TEXT, text.encode())


def handshake(path: str, port: int, *extra: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *extra,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@dataclass
class Running:
    """A server that accepts connections."""

    probe: Probe
    port: int
    stop: asyncio.Event
    done: asyncio.Future[None]
    opened: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def connect(self) -> Raw:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(writer)
        return Raw(reader, writer)

    async def sweep(self) -> None:
        """Closes every client that is still there."""
        while self.opened:
            writer = self.opened.pop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def get(self, path: str, *headers: str) -> Response:
        raw = await self.connect()
        lines = "".join(f"{header}\r\n" for header in headers)
        await raw.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n{lines}Connection: close\r\n\r\n".encode())
        try:
            return await raw.response()
        finally:
            await raw.leave()

    async def try_websocket(self, path: str, *headers: str) -> tuple[WebSocketClient, Response]:
        raw = await self.connect()
        await raw.send(handshake(path, self.port, *headers))
        client = WebSocketClient(raw.reader, raw.writer)
        return client, await client.response()

    async def websocket(self, path: str, *headers: str) -> WebSocketClient:
        client, response = await self.try_websocket(path, *headers)
        assert response.status == 101, response
        return client

    async def stalled(self, path: str, request: bytes | None = None) -> socket.socket:
        """A connection whose owner never reads, with the smallest buffer that the system gives.

        It asks for a WebSocket on `path`, or sends `request`.
        """
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", self.port))
        await loop.sock_sendall(sock, request or handshake(path, self.port))
        return sock


@contextlib.asynccontextmanager
async def running(app: Any, settings: DoorSettings, sock: socket.socket | None = None) -> AsyncGenerator[Running]:
    """Serves `app`; where that is no Probe, `Running.probe` is an idle one."""
    sock = sock or listening_socket("127.0.0.1", 0)
    probe = app if isinstance(app, Probe) else Probe()
    port = sock.getsockname()[1]
    started, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        serve(
            app,
            sockets=[sock],
            settings=settings,
            on_started=started.set,
            should_stop=stop,
            handle_signals=False,
        )
    )
    await asyncio.wait({task, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    served = Running(probe, port, stop, task)
    try:
        yield served
    finally:
        await served.sweep()
        probe.hold.set()
        stop.set()
        async with asyncio.timeout(15):
            await task
