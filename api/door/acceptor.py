"""Takes connections in, a few at a time, so that a crowd at the door keeps nobody waiting who is inside.

A loop's own server accepts all that have queued up before it looks at anything else: a thousand strangers are a tenth
of a second in which no frame leaves.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: Connections at once: a few milliseconds' worth, with the requests that come with them.
AT_ONCE = 8
#: Seconds until the next ones, when that many were waiting: 400 a second, and most of the time is for those inside.
REST = 0.02
#: Seconds until the next try, where the system gives no more descriptors.
PAUSE = 1.0


class Acceptor:
    """Belongs to the running loop. Has what uvicorn asks of a server: `close` and `wait_closed`."""

    def __init__(self, sock: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        """`sock` listens already, and does not block. `make` makes the protocol of a connection."""
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._is_open = True
        self._beginning: set[asyncio.Task[object]] = set()
        self._listen()

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error("no more connections for a moment: %s", error.strerror or error)
                self._rest(PAUSE)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._begin(connection))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)
        self._rest(REST)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._loop.call_later(seconds, self._listen)

    async def _begin(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError:
            connection.close()  # gone before it was there

    def close(self) -> None:
        """Takes nobody in any more. The socket stays its owner's to close."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._sock.fileno())

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._beginning, return_exceptions=True)
