"""Server-sent events as a transport: the same frames as on a socket, in an answer that does not end.

https://html.spec.whatwg.org/multipage/server-sent-events.html. Each frame is one event; an entry of the log carries
`id: epoch:seq`, which a browser sends back as Last-Event-ID. The last event is `close`, with the code and the reason
that a socket would be closed with.

Writing never waits: what the reader has not taken is counted, and whoever writes decides what becomes of that. One
task hands it on at the reader's pace. A reader that does not take the end of the stream is cut.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson

from api.door.framing import payload_of

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

#: Bytes that are handed on at once, and above which a reader counts as one that has to catch up.
PIECE = 64 * 1024
#: Seconds for a reader to take what is left once the stream was closed.
CLOSE_PATIENCE = 10.0
#: Milliseconds after which a browser's EventSource comes back by itself.
RETRY = 2_000

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # Proxies of the nginx family would keep events back to fill a buffer.
    (b"x-accel-buffering", b"no"),
    (b"connection", b"close"),
]


class Outlet(Protocol):
    """The connection underneath."""

    @property
    def buffered(self) -> int: ...
    def abort(self) -> None: ...


class StreamWire:
    """One open stream. `peer` is the client's address, `epoch` the history that its entries are numbered in."""

    def __init__(self, outlet: Outlet, peer: str, epoch: str) -> None:
        self.peer = peer
        self.is_open = True
        self._outlet = outlet
        self._epoch = epoch
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._is_behind = False
        self._is_lost = False
        self._news = asyncio.Event()
        self._on_drained: list[Callable[[], None]] = []
        self._put(b"retry: %d\n\n" % RETRY)

    # ── For those who write ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def buffered(self) -> int:
        return self._queued + self._outlet.buffered

    def write_text(self, payload: bytes) -> None:
        self._put(b"data: " + payload + b"\n\n")

    def write_frames(self, framed: bytes) -> None:
        """One frame, in the framing of a socket, which many share."""
        self.write_text(payload_of(framed))

    @property
    def direct(self) -> None:
        """Each entry has an id of its own here."""

    def write_entry(self, seq: int, framed: bytes) -> None:
        self._put(b"id: %b:%d\ndata: " % (self._epoch.encode(), seq) + payload_of(framed) + b"\n\n")

    def on_drained(self, callback: Callable[[], None]) -> None:
        self._on_drained.append(callback)

    def close(self, code: int, reason: str, patience: float = CLOSE_PATIENCE) -> None:
        """Sends what is queued and the reason, then ends; a second close does nothing."""
        if not self.is_open:
            return
        self._put(b"event: close\ndata: " + orjson.dumps({"code": int(code), "reason": reason}) + b"\n\n")
        self.is_open = False
        asyncio.get_running_loop().call_later(patience, self._outlet.abort)

    def _put(self, event: bytes) -> None:
        if self.is_open:
            self._queue.append(event)
            self._queued += len(event)
            self._is_behind = self._is_behind or self._queued > PIECE
            self._news.set()

    # ── For the one that hands on ─────────────────────────────────────────────────────────────────────────────────────

    async def run(self, receive: Receive, send: Send) -> None:
        """Answers the request with what is written, until the stream is closed or its reader is gone."""
        watcher = asyncio.create_task(self._watch(receive), name="stream reader")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            while self._queue or self.is_open:
                if not self._queue:
                    self._caught_up()
                    await self._news.wait()
                self._news.clear()
                if self._queue:
                    await send({"type": "http.response.body", "body": self._piece(), "more_body": True})
            if not self._is_lost:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._lose()
            watcher.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._lose()

    def _lose(self) -> None:
        self.is_open = False
        self._is_lost = True
        self._queue.clear()
        self._queued = 0
        self._news.set()

    def _piece(self) -> bytes:
        """As many whole events as fit, at least one. They count as unread until the connection has taken them."""
        taken = [self._queue.popleft()]
        size = len(taken[0])
        while self._queue and size + len(self._queue[0]) <= PIECE:
            taken.append(self._queue.popleft())
            size += len(taken[-1])
        self._queued -= size
        return b"".join(taken)

    def _caught_up(self) -> None:
        if self._is_behind:
            self._is_behind = False
            for callback in self._on_drained:
                callback()
