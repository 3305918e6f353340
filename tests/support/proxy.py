"""A bad network to order: a TCP proxy on loopback that delays, slices, swallows and resets what passes through it.

It lives on the event loop of the test and may be changed at any moment, also for connections that are open.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

#: Bytes that are taken at once.
CHUNK = 64 * 1024


@dataclass
class BadNetwork:
    """`delay` is in seconds, each way. With `slice_bytes`, nothing travels in larger pieces. While it `swallows`,
    connections stay open and nothing passes, as after a pulled plug; what was swallowed is lost for good, so end it
    with `reset`, unless the plug is to stay out."""

    host: str
    port: int
    listening_port: int = 0
    delay: float = 0.0
    slice_bytes: int = 0
    swallows: bool = False
    #: New connections are ended at once.
    refuses: bool = False
    passed: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open) // 2

    def reset(self) -> None:
        """Breaks every connection off, without a word to either side."""
        for writer in list(self._open):
            _abort(writer)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            _abort(writer)
            return
        try:
            other_reader, other_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            _abort(writer)
            return
        self._open |= {writer, other_writer}
        ways = self._carry(reader, other_writer), self._carry(other_reader, writer)
        tasks = [asyncio.create_task(way) for way in ways]
        self._tasks.update(tasks)
        try:
            await asyncio.gather(*tasks)
        finally:
            self._tasks.difference_update(tasks)
            self._open -= {writer, other_writer}
            _abort(writer)
            _abort(other_writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self.slice_bytes or CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.swallows:
                    continue
                self.passed += len(data)
                writer.write(data)
                await writer.drain()
            if not self.swallows:
                writer.close()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset()


def _abort(writer: asyncio.StreamWriter) -> None:
    """With a reset instead of a farewell."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def bad_network(port: int, host: str = "127.0.0.1") -> AsyncGenerator[BadNetwork]:
    """Between whoever connects to `listening_port` and `host`:`port`; good as gold until it is told otherwise."""
    network = BadNetwork(host, port)
    server = await asyncio.start_server(network.accept, "127.0.0.1", 0, limit=CHUNK)
    network.listening_port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        server.close()
        await network.end()
