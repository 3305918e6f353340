"""What goes out on one connection: everything that one turn of the event loop writes leaves in one write.

Joining is the large lever under load, and costs nothing when it is quiet: the first frame leaves at the end of the turn
that wrote it. Because *all* writes pass here, pongs and close frames too, their order on the wire is the order in which
they were written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


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


class Outbox(asyncio.Transport):
    """A transport that joins writes. `close` flushes first, and cuts a peer that does not read within `patience` s."""

    def __init__(
        self, transport: asyncio.Transport, flusher: Flusher, loop: asyncio.AbstractEventLoop, patience: float
    ) -> None:
        super().__init__()
        self._transport = transport
        self._flusher = flusher
        self._loop = loop
        self._patience = patience
        self._pending: list[bytes | bytearray | memoryview[Any]] = []
        self._pending_bytes = 0
        self._abort_timer: asyncio.TimerHandle | None = None

    @property
    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._pending_bytes + self._transport.get_write_buffer_size()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not data:
            return
        if not self._pending:
            self._flusher.add(self)
        self._pending.append(data)
        self._pending_bytes += len(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        for data in list_of_data:
            self.write(data)

    def flush(self) -> None:
        pending = self._pending
        if not pending:
            return
        self._pending = []
        self._pending_bytes = 0
        if not self._transport.is_closing():
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def close(self) -> None:
        if self._transport.is_closing():
            return
        self.flush()
        self._transport.close()
        # A transport that closes waits for its buffer to drain: for ever, if the peer does not read.
        if self._transport.get_write_buffer_size() and self._abort_timer is None:
            self._abort_timer = self._loop.call_later(self._patience, self.abort)

    def abort(self) -> None:
        self._pending = []
        self._pending_bytes = 0
        self._transport.abort()

    def lost(self) -> None:
        """The connection is gone: nothing is left to do."""
        self._pending = []
        self._pending_bytes = 0
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_reading(self) -> bool:
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()
