"""Connections are taken in a few at a time; all come in, and the loop turns in between."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Generator

import pytest

from api.door.acceptor import AT_ONCE, Acceptor
from api.door.listen import listening_socket

CROWD = 5 * AT_ONCE


class Guest(asyncio.Protocol):
    """Notes that it came in."""

    came: list[Guest]

    def __init__(self, came: list[Guest]) -> None:
        self.came = came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.came.append(self)
        transport.close()


@pytest.fixture
def door() -> Generator[socket.socket]:
    with listening_socket("127.0.0.1", 0) as sock:
        yield sock


@pytest.fixture
def crowd(door: socket.socket) -> Generator[list[socket.socket]]:
    """People who have knocked before anybody opens."""
    people = [socket.create_connection(door.getsockname()) for _ in range(CROWD)]
    yield people
    for one in people:
        one.close()


async def until(count: int, came: list[Guest]) -> None:
    async with asyncio.timeout(20):
        while len(came) < count:  # noqa: ASYNC110 - a guest tells nobody
            await asyncio.sleep(0.001)


@pytest.mark.usefixtures("crowd")
async def test_a_crowd_comes_in_a_few_at_a_time_and_the_loop_turns_in_between(door: socket.socket) -> None:
    came: list[Guest] = []
    acceptor = Acceptor(door, lambda: Guest(came))
    steps: list[int] = []
    async with asyncio.timeout(20):
        while len(came) < CROWD:
            before = len(came)
            await asyncio.sleep(0)
            steps.append(len(came) - before)
    assert max(steps) <= AT_ONCE
    assert steps.count(0) > 0, "the loop had time for others"
    acceptor.close()
    await acceptor.wait_closed()


async def test_nobody_comes_in_once_it_is_closed(door: socket.socket) -> None:
    came: list[Guest] = []
    acceptor = Acceptor(door, lambda: Guest(came))
    with socket.create_connection(door.getsockname()):
        await until(1, came)
    acceptor.close()
    with socket.create_connection(door.getsockname()):
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(came) == 1
    await acceptor.wait_closed()


class Exhausted(socket.socket):
    """A listening socket of a process that has no descriptor left, the first time."""

    is_exhausted = True

    def accept(self) -> tuple[socket.socket, object]:
        if self.is_exhausted:
            self.is_exhausted = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.mark.usefixtures("crowd")
async def test_without_a_descriptor_left_it_waits_and_goes_on(door: socket.socket) -> None:
    came: list[Guest] = []
    with Exhausted(fileno=socket.dup(door.fileno())) as sock:
        sock.setblocking(False)
        acceptor = Acceptor(sock, lambda: Guest(came))
        await until(CROWD, came)
        acceptor.close()
        await acceptor.wait_closed()
