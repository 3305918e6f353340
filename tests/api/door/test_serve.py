"""Starting and stopping, as a process; and the framework on top, as applications use it."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect

from api.door.framing import frame_text
from api.door.listen import listening_socket
from api.door.serve import event_loop_factory
from api.door.settings import DoorSettings
from api.door.wire import wire_of
from tests.api.door.support import CLOSE, TEXT, Probe, Running, WebSocketClient, frame, handshake, running

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, resource, sys
from api.door.listen import listening_socket
from api.door.serve import DoorSettings, event_loop_factory, serve
from tests.api.door.support import Probe

if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))

async def main():
    sock = listening_socket("127.0.0.1", 0)
    port = sock.getsockname()[1]
    await serve(Probe(), sockets=[sock], settings=DoorSettings(drain_patience=0.5),
                on_started=lambda: print(port, flush=True))
    print("put away", flush=True)

with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
    runner.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_closes_sockets_kindly_and_lets_the_program_put_things_away(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
            client = WebSocketClient(*await asyncio.open_connection("127.0.0.1", port))
            await client.send(handshake("/echo", port))
            assert (await client.response()).status == 101
            await client.echo("hello")
            process.send_signal(number)
            assert await client.closed_with() == (4550, "draining")
            await client.send(frame(CLOSE, struct.pack("!H", 4550)))
            assert await client.at_end() == b""
            assert await process.stdout.read() == b"put away\n"
            assert await process.wait() == 0
            await client.leave()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_small_limit_of_open_files_is_said_and_kept_within() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "300"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            warning = (await process.stderr.readline()).decode()
            assert "may open 300 files, enough for 100 connections instead of 10000" in warning
            server = Running(Probe(), int(await process.stdout.readline()), asyncio.Event(), asyncio.Future())
            crowd = [await server.websocket("/echo") for _ in range(100)]
            assert (await server.get("/")).status == 503
            assert (await server.get("/healthz")).status == 200
            assert len(crowd) == 100
            await server.sweep()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


def test_the_loop_is_uvloops_where_it_is_installed() -> None:
    factory = event_loop_factory()
    assert factory is not None
    loop = factory()
    assert type(loop).__module__ == "uvloop"
    loop.close()


def _framework(app: FastAPI) -> FastAPI:

    @app.post("/body")
    async def body(request: Request) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]
        return {"size": len(await request.body())}

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:  # pyright: ignore[reportUnusedFunction]
        wire = wire_of(websocket.scope)
        await websocket.accept()
        wire.write_frames(frame_text(b"from the wire"))
        try:
            while True:
                text = await websocket.receive_text()
                await websocket.send_text(text)
                if text == "close":
                    wire.close(4403, "removed")
        except WebSocketDisconnect as gone:
            app.state.gone_with = gone.code
            await websocket.close()  # too late, and no mistake

    return app


async def test_a_framework_uses_the_wire_beside_its_own_calls(caplog: pytest.LogCaptureFixture) -> None:
    app = _framework(FastAPI())
    async with running(app, DoorSettings()) as server:
        client = await server.websocket("/live")
        assert await client.frame() == (TEXT, b"from the wire")
        await client.echo("hello")
        await client.echo("close")
        assert await client.closed_with() == (4403, "removed")
        await client.leave()
    assert app.state.gone_with == 4403
    assert "Traceback" not in caplog.text


async def test_a_framework_never_sees_the_end_of_a_body_that_is_too_large(caplog: pytest.LogCaptureFixture) -> None:
    async with running(_framework(FastAPI()), DoorSettings(body_bytes=100_000)) as server:
        raw = await server.connect()
        await raw.send(b"POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        await raw.send((b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 8)
        assert (await raw.response()).status == 413
        await raw.leave()
    assert "Exception in ASGI application" not in caplog.text


async def test_a_socket_of_ipv6_is_served_too() -> None:
    async with running(Probe(), DoorSettings(), listening_socket("::1", 0)) as server:
        reader, writer = await asyncio.open_connection("::1", server.port)
        client = WebSocketClient(reader, writer)
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await client.response()).json()["client"] == "::1"
        await client.leave()


async def test_requests_under_way_are_finished_before_the_server_stops() -> None:
    async with running(Probe(), DoorSettings()) as server:
        raw = await server.connect()
        await raw.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx")
        await (await server.connect()).leave()
        server.stop.set()
        await _refuses(server)
        await raw.send(b"y")
        assert (await raw.response()).json()["size"] == 2
        assert await raw.at_end() == b""
        await raw.leave()


async def _refuses(server: Running) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                raw = await server.connect()
                await raw.leave()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                continue  # It was still in the queue of the socket that was just closed.
            await asyncio.sleep(0.01)
