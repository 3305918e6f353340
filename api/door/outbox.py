"""What goes out on one connection: everything that one turn of the event loop writes leaves in one write.

Joining is the large lever under load, and costs nothing when it is quiet. Because *all* writes pass here, pongs and
close frames too, their order on the wire is the order in which they were written.

A frame for many people at once skips the joining where nothing waits: `direct` is then the transport's own `write`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Flusher:
    """Flushes every outbox that was written to in this turn of the loop: one callback, however many outboxes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dirty: list[Outbox] = []

    def add(self, outbox: Outbox) -> None:
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            try:
                outbox.flush()
            except Exception as error:  # noqa: BLE001 (whatever it is, it is reported)
                # One broken connection must not keep the others' frames back.
                self._loop.call_exception_handler({"message": "a connection could not be written", "exception": error})
                outbox.abort()


class Outbox:
    """Joins what is written to `transport`. `end` flushes first, and cuts a peer that does not read."""

    __slots__ = ("_abort_timer", "_flusher", "_is_lost", "_loop", "_pending", "_pending_bytes", "_transport", "direct")

    def __init__(self, transport: asyncio.Transport, flusher: Flusher, loop: asyncio.AbstractEventLoop) -> None:
        self.direct: Callable[[bytes], None] | None = None
        """Writes whole frames at once; None while the order or the peer forbids that: then `write` takes them."""
        self._transport = transport
        self._flusher = flusher
        self._loop = loop
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._abort_timer: asyncio.TimerHandle | None = None
        self._is_lost = False

    @property
    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return 0 if self._is_lost else self._pending_bytes + self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if not data:
            return
        if not self._pending:
            self.direct = None
            self._flusher.add(self)
        self._pending.append(data)
        self._pending_bytes += len(data)

    def flush(self) -> None:
        pending = self._pending
        if not pending:
            return
        self._pending = []
        self._pending_bytes = 0
        if not self._transport.is_closing():
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))
            self.flushed()

    def flushed(self) -> None:
        """Nothing waits here any more: called whenever that has become so."""

    def end(self, patience: float) -> None:
        """Ends the connection once the peer has read everything, or after `patience` seconds."""
        if self._transport.is_closing():
            return
        self.flush()
        self.direct = None
        self._transport.close()
        # A transport that closes waits for its buffer to drain: for ever, if the peer does not read.
        if self._transport.get_write_buffer_size() and self._abort_timer is None:
            self._abort_timer = self._loop.call_later(patience, self.abort)

    def abort(self) -> None:
        self._drop()
        self._transport.abort()

    def lost(self) -> None:
        """The connection is gone: nothing is left to do."""
        self._is_lost = True
        self._drop()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None

    def _drop(self) -> None:
        self.direct = None
        self._pending = []
        self._pending_bytes = 0
