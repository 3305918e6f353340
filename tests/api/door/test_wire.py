"""The fast way out: whole frames, in order, joined, and nobody waits for somebody who does not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import time

import pytest
from websockets.asyncio.client import connect

from api.door.framing import close_reason, frame_text
from tests.api.door.conftest import PATIENT
from tests.api.door.support import CLOSE, PING, PONG, TEXT, Probe, Running, frame, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("neighbour")]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
async def test_a_frame_of_any_length_arrives_whole(server: Running, size: int) -> None:
    client = await server.websocket("/silent")
    payload = b"x" * size
    wire = server.probe.wires["/silent"]
    wire.write_text(payload)
    wire.write_frames(frame_text(payload))
    assert await client.frame() == (TEXT, payload)
    assert await client.frame() == (TEXT, payload)
    await client.leave()


async def test_frames_arrive_in_the_order_of_the_calls_whichever_way_they_were_written(server: Running) -> None:
    client = await server.websocket("/echo")
    wire = server.probe.wires["/echo"]
    for turn in range(50):
        wire.write_text(b"a%d" % turn)
        wire.write_frames(frame_text(b"b%d" % turn) + frame_text(b"c%d" % turn))
        await asyncio.sleep(0)
    await client.send(frame(TEXT, b"echo") + frame(PING, b"ping"))
    heard = [await client.frame() for _ in range(152)]
    expected = [(TEXT, b"%c%d" % (letter, turn)) for turn in range(50) for letter in b"abc"]
    assert heard[:150] == expected
    assert sorted(heard[150:]) == [(TEXT, b"echo"), (PONG, b"ping")]
    await client.leave()


async def test_what_is_written_before_a_close_arrives_before_it_and_nothing_after(server: Running) -> None:
    client = await server.websocket("/silent")
    wire = server.probe.wires["/silent"]
    wire.write_text(b"last words")
    wire.close(4540, "too_slow")
    wire.write_text(b"never")
    wire.close(4550, "never")
    assert not wire.is_open
    assert await client.frame() == (TEXT, b"last words")
    assert await client.frame() == (CLOSE, struct.pack("!H", 4540) + b"too_slow")
    await client.send(frame(CLOSE, struct.pack("!H", 4540)))
    assert await client.at_end() == b""
    assert server.probe.disconnects["/silent"] == 4540
    await client.leave()


async def test_a_long_reason_is_cut_between_characters(server: Running) -> None:
    client = await server.websocket("/silent")
    server.probe.wires["/silent"].close(4400, "é" * 100)
    assert await client.closed_with() == (4400, "é" * 61)
    assert close_reason("x" * 200) == "x" * 123
    await client.leave()


async def test_a_code_that_may_not_be_sent_is_a_mistake_and_closes_nothing(server: Running) -> None:
    client = await server.websocket("/echo")
    for code in (0, 999, 1005, 1006, 1015, 2999, 5000):
        with pytest.raises(ValueError, match="close code"):
            server.probe.wires["/echo"].close(code)
    await client.echo("still here")
    await client.leave()


async def test_writing_before_accepting_is_a_mistake(server: Running) -> None:
    client = await server.websocket("/early-write")
    assert server.probe.errors[-1] == "accept the WebSocket before writing to it or closing it"
    await client.echo("works all the same")
    await client.leave()


async def test_writing_to_a_peer_that_is_gone_does_nothing(server: Running) -> None:
    client = await server.websocket("/silent")
    wire = server.probe.wires["/silent"]
    client.writer.transport.abort()
    await until(lambda: not wire.is_open)
    wire.write_text(b"hello")
    wire.write_frames(frame_text(b"hello"))
    wire.close(4540, "too late")
    assert wire.buffered == 0


async def test_a_peer_that_does_not_answer_the_close_is_cut(server: Running) -> None:
    client = await server.websocket("/silent")
    wire = server.probe.wires["/silent"]
    began = time.monotonic()
    wire.close(4540, "too_slow")
    await client.at_end(seconds=3)
    assert 0.4 < time.monotonic() - began < 2.5, "close_timeout is 0.5 s here"
    await client.leave()


async def test_a_peer_that_does_not_read_is_cut_and_the_others_get_everything(server: Running) -> None:
    stalled = await server.stalled("/silent?who=stalled")
    await until(lambda: "/silent" in server.probe.wires and server.probe.wires["/silent"].is_open)
    wire = server.probe.wires["/silent"]
    reader = await server.websocket("/echo")
    other = server.probe.wires["/echo"]
    block = frame_text(b"x" * 32_000)
    for _ in range(100):
        wire.write_frames(block)
        other.write_frames(block)
        assert await reader.frame() == (TEXT, b"x" * 32_000)
    await until(lambda: other.buffered == 0)
    assert wire.buffered > 2_000_000
    assert wire.is_congested
    assert wire.is_open
    wire.close(4540, "too_slow")
    assert not wire.is_open
    await until(lambda: server.probe.disconnects.get("/silent") == 4540 and wire.buffered == 0, seconds=3)
    stalled.close()
    await reader.leave()


async def test_a_congested_peer_that_reads_again_is_noticed(server: Running) -> None:
    client = await server.websocket("/echo")
    wire = server.probe.wires["/echo"]
    drained: list[bool] = []
    wire.on_drained(lambda: drained.append(wire.is_congested))
    written = 0
    while not wire.is_congested:
        wire.write_text(b"x" * 60_000)
        written += 1
        await asyncio.sleep(0)
    assert drained == []
    for _ in range(written):
        assert await client.frame() == (TEXT, b"x" * 60_000)
    await until(lambda: drained == [False])
    await client.echo("and goes on")
    await client.leave()


async def test_closing_by_asgi_does_not_wait_for_a_peer_that_does_not_read(server: Running) -> None:
    """uvicorn's own close would wait until the buffer is read."""
    stalled = await server.stalled("/slow")
    await until(lambda: "/slow" in server.probe.wires and server.probe.wires["/slow"].is_open)
    wire = server.probe.wires["/slow"]
    for _ in range(100):
        wire.write_text(b"x" * 30_000)
    await until(lambda: wire.is_congested)
    wire.close(1000)
    server.probe.hold.set()
    await until(lambda: server.probe.disconnects.get("/slow") == 1000)
    await until(lambda: wire.buffered == 0, seconds=3)
    server.probe.hold.clear()
    stalled.close()


async def test_the_query_string_reaches_the_application_and_no_log(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client = await server.websocket("/echo?token=canary-of-a-ticket")
    await client.echo("hello")
    assert server.probe.queries["/echo"] == b"token=canary-of-a-ticket"
    await client.leave()
    assert "canary" not in caplog.text


async def test_the_websockets_library_talks_to_it(server: Running) -> None:
    async with connect(f"ws://127.0.0.1:{server.port}/echo") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers, "deflate stays off"
        for text in ("", "hello", "ünï", "x" * 65_536):
            await client.send(text)
            assert await client.recv() == text
        await client.send(["frag", "ment", "s"])
        assert await client.recv() == "fragments"
        await (await client.ping())
        server.probe.wires["/echo"].write_text(json.dumps({"type": "ping"}).encode())
        assert await client.recv() == '{"type": "ping"}'
        server.probe.wires["/echo"].close(4550, "draining")
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4550, "draining")


async def test_many_sockets_get_one_frame_that_was_framed_once(server: Running) -> None:
    clients = [await server.websocket(f"/many/{n}") for n in range(100)]
    framed = frame_text(b'{"seq":1}')
    for n in range(100):
        server.probe.wires[f"/many/{n}"].write_frames(framed)
    for client in clients:
        assert await client.frame() == (TEXT, b'{"seq":1}')
        await client.leave()


async def test_stopping_tells_every_socket_to_come_back(server: Running) -> None:
    async with contextlib.AsyncExitStack() as stack:
        other = await stack.enter_async_context(running(Probe(), PATIENT))
        client = await other.websocket("/echo")
        mute = await other.websocket("/silent")
        other.stop.set()
        assert await client.closed_with() == (4550, "draining")
        assert await mute.closed_with() == (4550, "draining")
        await client.send(frame(CLOSE, struct.pack("!H", 4550)))
        assert await client.at_end() == b""
        await mute.at_end(seconds=2)
        await until(other.done.done)
        with pytest.raises(ConnectionRefusedError):
            await other.connect()
        await client.leave()
        await mute.leave()
