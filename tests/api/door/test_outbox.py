"""What one turn of the loop writes to one connection leaves in one write. The transport below is a recording one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.door.outbox import Flusher, Outbox
from tests.api.door.support import until

pytestmark = pytest.mark.anyio

PATIENCE = 0.02


class Recorder(asyncio.Transport):
    """The port: a transport that keeps what is written, and holds on to it if its peer does not read."""

    def __init__(self, *, is_read: bool = True, is_broken: bool = False) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_read = is_read
        self.is_broken = is_broken
        self.is_closed = False
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self.is_broken:
            raise RuntimeError("the handle is closed")
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0 if self.is_read or self.is_aborted else sum(map(len, self.writes))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


def outbox(transport: Recorder, flusher: Flusher) -> Outbox:
    return Outbox(transport, flusher, asyncio.get_running_loop())


async def test_the_writes_of_one_turn_are_joined_and_leave_in_that_turn() -> None:
    transport = Recorder()
    out = outbox(transport, Flusher(asyncio.get_running_loop()))
    out.write(b"one ")
    out.write(b"")
    out.write(b"two ")
    out.write(b"three four")
    assert transport.writes == []
    assert out.buffered == 18
    await asyncio.sleep(0)
    assert transport.writes == [b"one two three four"]
    assert out.buffered == 0
    out.write(b"five")
    await asyncio.sleep(0)
    assert transport.writes == [b"one two three four", b"five"]


async def test_closing_flushes_first_and_writes_nothing_after() -> None:
    transport = Recorder()
    out = outbox(transport, Flusher(asyncio.get_running_loop()))
    out.write(b"last words")
    out.end(PATIENCE)
    assert transport.writes == [b"last words"]
    assert transport.is_closed
    out.write(b"never")
    await asyncio.sleep(0)
    assert transport.writes == [b"last words"]


async def test_a_peer_that_does_not_read_is_cut_some_time_after_the_close() -> None:
    transport = Recorder(is_read=False)
    out = outbox(transport, Flusher(asyncio.get_running_loop()))
    out.write(b"x" * 100)
    out.end(PATIENCE)
    assert not transport.is_aborted
    await until(lambda: transport.is_aborted)


async def test_a_connection_lost_after_the_close_is_not_cut_again() -> None:
    transport = Recorder(is_read=False)
    out = outbox(transport, Flusher(asyncio.get_running_loop()))
    out.write(b"x")
    out.end(PATIENCE)
    out.lost()
    await asyncio.sleep(PATIENCE * 2)
    assert not transport.is_aborted


async def test_one_broken_connection_does_not_keep_back_the_others_frames() -> None:
    loop = asyncio.get_running_loop()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context))
    try:
        flusher = Flusher(loop)
        broken, well = Recorder(is_broken=True), Recorder()
        outbox(broken, flusher).write(b"a")
        outbox(well, flusher).write(b"b")
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert well.writes == [b"b"]
    assert broken.is_aborted
    assert isinstance(reported[0]["exception"], RuntimeError)
