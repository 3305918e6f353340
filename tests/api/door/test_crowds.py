"""Too many connections are told so, health checks get through, and nobody hides behind a made-up address."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import pytest

from api.door.settings import DoorSettings
from tests.api.door.support import PING, PONG, TEXT, Probe, Raw, Response, Running, frame, running, until

pytestmark = pytest.mark.anyio

DESCRIPTORS = Path("/proc/self/fd")


async def _health(server: Running) -> int:
    return (await server.get("/healthz")).status


def _says_come_back(response: Response) -> bool:
    return (
        response.status == 503
        and response.headers["retry-after"] == "5"
        and response.json()["error_code"] == "overloaded"
        and response.headers["content-type"] == "application/problem+json"
    )


async def test_beyond_the_cap_everybody_is_told_and_health_is_answered() -> None:
    async with running(Probe(), DoorSettings(max_connections=5, reserved_connections=3)) as server:
        inside = [await server.websocket("/echo") for _ in range(5)]
        assert _says_come_back(await server.get("/"))
        assert _says_come_back((await server.try_websocket("/echo"))[1])
        assert await _health(server) == 200
        assert (await server.get("/readyz")).status == 200
        for client in inside:
            await client.echo("not disturbed")
        await inside.pop().leave()
        await until(lambda: "/echo" in server.probe.disconnects)
        assert (await server.get("/")).status == 200
        for client in inside:
            await client.leave()


async def test_a_crowd_of_silent_connections_does_not_keep_health_out() -> None:
    async with running(Probe(), DoorSettings(max_connections=2, reserved_connections=3)) as server:
        crowd = [await server.connect() for _ in range(40)]
        assert await _health(server) == 200
        assert await _health(server) == 200
        told = crowd[2]  # the first two are inside; this one had to make room
        assert _says_come_back(await told.response())
        for raw in crowd:
            await raw.leave()


async def test_one_health_check_beyond_the_cap_is_the_last_on_its_connection() -> None:
    async with running(Probe(), DoorSettings(max_connections=1)) as server:
        inside = await server.websocket("/echo")
        raw = await server.connect()
        await raw.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await raw.response()).status == 200
        assert await raw.at_end() == b""
        await inside.leave()


async def test_beyond_the_cap_of_an_address_only_that_address_is_told() -> None:
    settings = DoorSettings(max_connections_per_address=3, uncapped_networks=("127.0.0.2/32",))
    async with running(Probe(), settings) as server:
        inside = [await server.websocket("/echo") for _ in range(3)]
        assert _says_come_back(await server.get("/"))
        assert await _health(server) == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
        other = Raw(reader, writer)
        await other.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await other.response()).json()["client"] == "127.0.0.2"
        await other.leave()
        for client in inside:
            await client.echo("not disturbed")
            await client.leave()


async def test_loopback_is_not_counted_per_address_by_default() -> None:
    async with running(Probe(), DoorSettings(max_connections_per_address=1)) as server:
        clients = [await server.websocket("/echo") for _ in range(5)]
        for client in clients:
            await client.leave()


async def test_sockets_that_have_not_logged_in_are_limited() -> None:
    async with running(Probe(), DoorSettings(max_newcomers=2)) as server:
        known = [await server.websocket("/echo") for _ in range(4)]
        waiting = [await server.websocket("/login") for _ in range(2)]
        assert _says_come_back((await server.try_websocket("/login"))[1])
        server.probe.wires["/login"].logged_in()
        another = await server.websocket("/login")
        assert _says_come_back((await server.try_websocket("/echo"))[1])
        await another.leave()
        await until(lambda: "/login" in server.probe.disconnects)
        await (await server.websocket("/echo")).echo("room again")
        for client in known + waiting:
            await client.leave()


async def test_a_made_up_forwarded_address_is_ignored() -> None:
    async with running(Probe(), DoorSettings()) as server:
        answer = (await server.get("/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https")).json()
        assert (answer["client"], answer["scheme"]) == ("127.0.0.1", "http")
        client = await server.websocket("/echo", "X-Forwarded-For: 6.6.6.6")
        assert server.probe.wires["/echo"].peer == "127.0.0.1"
        await client.leave()


async def test_a_trusted_proxy_is_believed_as_far_as_it_has_seen() -> None:
    settings = DoorSettings(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"), max_connections_per_address=1)
    async with running(Probe(), settings) as server:
        headers = ("X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.2.3", "X-Forwarded-Proto: https")
        answer = (await server.get("/", *headers)).json()
        assert (answer["client"], answer["scheme"]) == ("203.0.113.7", "https")
        client = await server.websocket("/echo", *headers)
        assert server.probe.wires["/echo"].peer == "203.0.113.7"
        assert _says_come_back((await server.try_websocket("/echo", *headers))[1])
        other = await server.websocket("/echo", "X-Forwarded-For: 203.0.113.8")
        await client.leave()
        await other.leave()


async def test_a_peer_that_answers_no_ping_is_closed() -> None:
    async with running(Probe(), DoorSettings(ping_interval=0.1, ping_timeout=0.2, close_timeout=0.2)) as server:
        client = await server.websocket("/echo")
        assert await client.closed_with() == (1011, "keepalive ping timeout")
        await client.at_end()
        await until(lambda: "/echo" in server.probe.disconnects)
        await client.leave()


async def test_a_peer_is_not_blamed_for_a_pong_that_the_application_has_not_let_in() -> None:
    async with running(Probe(), DoorSettings(ping_interval=0.05, ping_timeout=0.1)) as server:
        client = await server.websocket("/slow")
        await client.send(frame(TEXT, b"taken") + frame(TEXT, b"later"))
        pings = [await client.frame() for _ in range(5)]
        assert [opcode for opcode, _ in pings] == [PING] * 5
        assert server.probe.wires["/slow"].is_open
        server.probe.hold.set()
        heard = await client.frame()
        while heard[0] == PING:
            await client.send(frame(PONG, heard[1]))
            heard = await client.frame()
        assert heard == (TEXT, b"taken")
        await client.leave()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})])  # once: the system does it, not the loop
async def test_who_does_not_read_is_cut_by_the_system_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody closes these: they must go by themselves (TCP_USER_TIMEOUT is 10 s). The slowest test here."""
    caplog.set_level(logging.CRITICAL, "asyncio")
    async with running(Probe(), DoorSettings(ping_interval=60)) as server:
        neighbour = await server.websocket("/echo")
        wires = server.probe.wires
        paths = [f"/silent/{n}" for n in range(10)]
        stalled = [await server.stalled(path) for path in paths]
        stalled.append(await server.stalled("", b"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n"))
        await until(lambda: all(path in wires and wires[path].is_open for path in paths))
        for path in paths:
            for _ in range(20):
                wires[path].write_text(b"x" * 60_000)
        rounds = 0
        async with asyncio.timeout(25):
            while any(wires[path].is_open for path in paths) or "/flood sent" not in server.probe.heard:
                await neighbour.echo(f"round {rounds}")
                rounds += 1
                await asyncio.sleep(0.1)
        assert rounds > 50, "they were held for about 10 s, while the neighbour was served"
        assert all(path in server.probe.disconnects for path in paths)
        assert all(wires[path].buffered == 0 for path in paths)
        if sys.platform == "linux":
            await until(lambda: _peers_of(server.port) == {neighbour.writer.get_extra_info("sockname")})
        await neighbour.leave()
        for sock in stalled:
            sock.close()


def _peers_of(port: int) -> set[object]:
    """Whom this process holds accepted connections of, going by its open descriptors."""
    peers: set[object] = set()
    for entry in DESCRIPTORS.iterdir():
        try:
            with socket.socket(fileno=os.dup(int(entry.name))) as sock:
                if sock.getsockname()[1:2] == (port,):
                    peers.add(sock.getpeername())
        except (OSError, IndexError):
            continue  # no socket, or one that listens
    return peers
