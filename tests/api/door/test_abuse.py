"""Clients that mean no good get an answer or an end, and their neighbours do not notice."""

from __future__ import annotations

import asyncio
import struct
import time

import pytest

from tests.api.door.support import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Running,
    WebSocketClient,
    frame,
    handshake,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("neighbour")]

# What is wrong, what is sent after a good handshake, the close code that answers it.
BAD_FRAMES: dict[str, tuple[bytes, int]] = {
    "a frame that claims 2**40 bytes": (frame(BINARY, length=2**40), 1009),
    "a frame that claims 2**63 bytes": (frame(BINARY, length=2**63), 1009),
    "a message of 64 KiB and one byte": (frame(TEXT, b"x" * 65_537), 1009),
    "fragments of 64 KiB and one byte": (
        frame(TEXT, b"x" * 65_530, fin=False) + frame(CONTINUATION, b"x" * 7),
        1009,
    ),
    "1,025 empty fragments": (frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1_025, 1009),
    "an unmasked frame": (frame(TEXT, b"hello", mask=False), 1002),
    "a reserved bit": (frame(TEXT, b"hello", rsv=4), 1002),
    "all reserved bits": (frame(TEXT, b"hello", rsv=7), 1002),
    "an unknown opcode": (frame(3, b"hello"), 1002),
    "an unknown control opcode": (frame(11, b"hello"), 1002),
    "invalid UTF-8": (frame(TEXT, b"\xc3\x28"), 1007),
    "UTF-8 cut at the end": (frame(TEXT, "é".encode()[:1]), 1007),
    "invalid UTF-8 over fragments": (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"("), 1007),
    "invalid UTF-8 and a close in one write": (frame(TEXT, b"\xff") + frame(CLOSE, struct.pack("!H", 1000)), 1007),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a new message inside a fragmented one": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "a close with a reserved code": (frame(CLOSE, struct.pack("!H", 1005)), 1002),
    "a close with code 0": (frame(CLOSE, struct.pack("!H", 0)), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with a reason that is not UTF-8": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    "HTTP after the upgrade": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 1002),
    "101 pings in a second": (frame(PING, b"p") * 101, 1008),
    "101 pongs that nobody asked for": (frame(PONG, b"p") * 101, 1008),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
async def test_a_frame_that_breaks_the_rules_ends_its_own_socket_with_the_right_code(
    server: Running, case: str
) -> None:
    data, code = BAD_FRAMES[case]
    client = await server.websocket("/echo")
    await client.send(data)
    assert (await client.closed_with())[0] == code
    await client.at_end()
    await client.leave()


async def test_a_message_of_exactly_the_limit_comes_back(server: Running) -> None:
    client = await server.websocket("/echo")
    await client.echo("x" * 65_536)
    await client.send(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1_022 + frame(CONTINUATION, b"end"))
    assert await client.frame() == (TEXT, b"end")
    await client.send(frame(BINARY, b"\x00\xff"))
    assert await client.frame() == (BINARY, b"\x00\xff")
    await client.leave()


async def test_the_reason_says_what_was_too_large(server: Running) -> None:
    client = await server.websocket("/echo")
    await client.send(frame(TEXT, b"x" * 65_537))
    assert await client.closed_with() == (1009, "frame_too_large")


async def test_pings_between_fragments_are_answered_and_the_message_stays_whole(server: Running) -> None:
    client = await server.websocket("/echo")
    await client.send(frame(TEXT, b"one ", fin=False) + frame(PING, b"now") + frame(CONTINUATION, b"two"))
    assert sorted([await client.frame(), await client.frame()]) == [(TEXT, b"one two"), (PONG, b"now")]
    await client.leave()


async def test_a_frame_that_never_ends_holds_only_its_own_socket(server: Running) -> None:
    client = await server.websocket("/echo")
    await client.send(frame(TEXT, b"x" * 10, length=60_000))
    other = await server.websocket("/echo")
    await other.echo("served")
    await client.leave()
    await other.leave()


async def test_ten_thousand_tiny_messages_in_one_write_all_come_back_in_order(server: Running) -> None:
    client = await server.websocket("/echo")
    sending = asyncio.create_task(client.send(b"".join(frame(TEXT, b"%d" % n) for n in range(10_000))))
    for n in range(10_000):
        assert await client.frame() == (TEXT, b"%d" % n)
    await sending
    await client.leave()


async def _refused(server: Running, data: bytes, status: int) -> None:
    raw = await server.connect()
    await raw.send(data)
    response = await raw.response()
    assert response.status == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["error_code"]
    await raw.at_end()
    await raw.leave()


BAD_HEADS: dict[str, tuple[bytes, int]] = {
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Content-Lengths": (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "a header with a NUL": (b"GET / HTTP/1.1\r\nHost: h\r\nA: \x00\r\n\r\n", 400),
    "a head of 70,000 bytes": (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    "a head of 200,000 bytes": (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 200_000 + b"\r\n\r\n", 431),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 30_000, 431),
    "a request line without end": (b"GET /" + b"x" * 300_000, 431),
    "a body over the limit, announced": (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n", 413),
    "a body over its path's limit": (b"POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n" + b"x" * 11, 413),
    "a body over the limit, in chunks": (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 7,
        413,
    ),
    "a handshake header of 9 KiB": (handshake("/echo", 1, "A: " + "x" * 9_216), 431),
    "a handshake header one byte too long": (handshake("/echo", 1, "A: " + "x" * (8_192 - 4)), 431),
    "a handshake with 200 headers": (handshake("/echo", 1, *["A: b"] * 200), 431),
    "a handshake for an address of 9 KiB": (handshake("/" + "x" * 9_216, 1), 414),
    "a handshake of 100 KB": (handshake("/echo", 1, *["A: " + "x" * 8_000] * 12), 431),
    "frames before the answer": (handshake("/echo", 1) + frame(TEXT, b"hello"), 400),
    "a handshake with a body": (handshake("/echo", 1, "Content-Length: 5") + b"hello", 400),
    "a handshake without a key": (handshake("/echo", 1).replace(b"Sec-WebSocket-Key", b"No-Key"), 400),
    "a handshake with a bad key": (handshake("/echo", 1).replace(b"WebSocket-Key: ", b"WebSocket-Key: =?"), 400),
    "a handshake by POST": (handshake("/echo", 1).replace(b"GET", b"POST", 1), 405),
    "an old version": (handshake("/echo", 1).replace(b"Version: 13", b"Version: 8"), 426),
    "a socket that the application refuses": (handshake("/refused", 1), 403),
}


@pytest.mark.parametrize("case", BAD_HEADS)
async def test_a_bad_request_gets_a_problem_document_and_an_end(server: Running, case: str) -> None:
    data, status = BAD_HEADS[case]
    await _refused(server, data, status)


async def test_a_handshake_header_of_just_the_limit_is_accepted(server: Running) -> None:
    client = await server.websocket("/echo", "A: " + "x" * (8_192 - 5))
    await client.echo("hello")
    await client.leave()


async def test_a_body_of_just_the_limit_is_read(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
    assert (await raw.response()).json()["size"] == 100_000
    await raw.send(b"POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n" + b"x" * 10)
    assert (await raw.response()).json()["size"] == 10
    await raw.leave()


async def test_a_connection_that_says_nothing_is_closed_after_the_deadline(server: Running) -> None:
    raw = await server.connect()
    began = time.monotonic()
    assert await raw.at_end() == b""
    assert 0.4 < time.monotonic() - began < 2.5
    await raw.leave()


@pytest.mark.parametrize("beginning", [b"GET", b"GET / HTTP/1.1\r\nHost: h\r\n"])
async def test_half_a_head_gets_408_after_the_deadline(server: Running, beginning: bytes) -> None:
    await _refused(server, beginning, 408)


async def test_a_head_that_drips_gets_408_however_steadily_it_drips(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"GET / HTTP/1.1\r\nHost: h\r\n")

    async def drip() -> None:
        while not raw.reader.at_eof():
            await raw.send(b"A: b\r\n")
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    began = time.monotonic()
    assert (await raw.response()).status == 408
    assert time.monotonic() - began < 2.5
    dripping.cancel()
    await raw.leave()


async def test_half_a_second_head_gets_408_too(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await raw.response()).status == 200
    await raw.send(b"GET /b HT")
    assert (await raw.response()).status == 408
    await raw.leave()


async def test_half_a_head_behind_a_whole_one_gets_408_too(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HT")
    assert (await raw.response()).status == 200
    assert (await raw.response()).status == 408
    await raw.leave()


async def test_an_idle_connection_is_closed_quietly(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await raw.response()).status == 200
    assert await raw.at_end() == b""
    await raw.leave()


async def test_requests_in_a_row_on_one_connection_are_all_answered(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(20)))
    for n in range(20):
        assert (await raw.response()).json()["path"] == f"/{n}"
    await raw.leave()


async def test_a_body_that_drips_gets_408(server: Running) -> None:
    await _refused(server, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nx", 408)
    assert "/ gone" in server.probe.heard


async def test_an_upload_after_the_answer_does_not_hold_the_connection(server: Running) -> None:
    raw = await server.connect()
    await raw.send(b"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nx")
    assert (await raw.response()).status == 200
    assert await raw.at_end() == b""
    await raw.leave()


async def test_a_client_that_resets_in_the_middle_disturbs_nobody(server: Running) -> None:
    for data in (b"GET / HT", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", handshake("/echo", 1)):
        raw = await server.connect()
        await raw.send(data)
        raw.writer.transport.abort()
    client = await server.websocket("/echo")
    client.writer.transport.abort()


async def test_a_good_close_is_answered_with_the_same_code(server: Running) -> None:
    client: WebSocketClient = await server.websocket("/echo")
    await client.send(frame(CLOSE, struct.pack("!H", 4321) + b"bye"))
    assert await client.closed_with() == (4321, "bye")
    assert await client.at_end() == b""
    await client.leave()
