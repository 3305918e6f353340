"""An application that listens to the wire is called with every message, in order, and has nothing else running."""

from __future__ import annotations

import struct

import pytest

from api.door.request import read_handshake
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
    until,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("neighbour")]


async def listening(server: Running) -> WebSocketClient:
    """The first message goes to ASGI; from the second on the application listens."""
    server.probe.heard.clear()
    client = await server.websocket("/listen")
    await client.send(frame(TEXT, b"hello"))
    return client


async def test_what_came_before_the_application_listened_is_handed_over(server: Running) -> None:
    client = await server.websocket("/listen")
    await client.send(b"".join(frame(TEXT, text) for text in (b"hello", b"one", b"two", b"three")))
    for text in (b"one", b"two", b"three"):
        assert await client.frame() == (TEXT, b"heard " + text)
    await client.leave()


async def test_thousands_of_messages_in_one_write_are_heard_one_by_one_in_order(server: Running) -> None:
    client = await listening(server)
    await client.send(b"".join(frame(TEXT, b"%d" % n) for n in range(5_000)))
    for n in range(5_000):
        assert await client.frame() == (TEXT, b"heard %d" % n)
    await client.leave()


async def test_a_message_in_any_pieces_is_heard_whole(server: Running) -> None:
    client = await listening(server)
    whole = frame(TEXT, "grüße".encode()) + frame(TEXT, b"x" * 60_000) + frame(BINARY, b"\x00")
    whole += frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONTINUATION, b"b")
    for start in range(40):
        await client.send(whole[start : start + 1])
    await client.send(whole[40:])
    heard = [await client.frame() for _ in range(5)]
    texts = [payload for opcode, payload in heard if opcode == TEXT]
    assert texts == ["heard grüße".encode(), b"heard " + b"x" * 60_000, b"heard ", b"heard ab"]
    assert (PONG, b"p") in heard
    await client.leave()


async def test_it_is_told_once_when_the_peer_has_closed(server: Running) -> None:
    client = await listening(server)
    await client.send(frame(TEXT, b"last") + frame(CLOSE, struct.pack("!H", 1000)))
    assert await client.frame() == (TEXT, b"heard last")
    assert (await client.closed_with())[0] == 1000
    await until(lambda: server.probe.heard == ["gone"])
    await client.leave()


async def test_it_is_told_once_when_it_has_closed_itself_and_when_the_peer_is_lost(server: Running) -> None:
    client = await listening(server)
    await client.send(frame(TEXT, b"one"))
    await client.frame()
    server.probe.wires["/listen"].close(4500, "enough")
    assert await client.closed_with() == (4500, "enough")
    await client.leave()
    await until(lambda: server.probe.heard == ["gone"])
    lost = await listening(server)
    await lost.send(frame(TEXT, b"one"))
    await lost.frame()
    lost.writer.transport.abort()
    await until(lambda: server.probe.heard == ["gone"])


async def test_a_peer_that_breaks_a_rule_is_not_heard_any_more(server: Running) -> None:
    client = await listening(server)
    await client.send(frame(TEXT, b"good") + frame(TEXT, b"bad", rsv=4) + frame(TEXT, b"never"))
    assert await client.frame() == (TEXT, b"heard good")
    assert (await client.closed_with())[0] == 1002
    assert await client.at_end() == b""
    await until(lambda: server.probe.heard == ["gone"])
    await client.leave()


PLAIN = handshake("/live?token=x", 1)
NOT_PLAIN: dict[str, bytes] = {
    "a POST": PLAIN.replace(b"GET", b"POST", 1),
    "HTTP/1.0": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "half a head": PLAIN[:-2],
    "something behind it": PLAIN + b"x",
    "two requests": PLAIN + PLAIN,
    "no Host": PLAIN.replace(b"Host", b"Hosts"),
    "two Hosts": PLAIN.replace(b"Upgrade: websocket", b"Host: a\r\nUpgrade: websocket"),
    "a body": PLAIN.replace(b"Upgrade: websocket", b"Content-Length: 1\r\nUpgrade: websocket"),
    "chunks": PLAIN.replace(b"Upgrade: websocket", b"Transfer-Encoding: chunked\r\nUpgrade: websocket"),
    "another protocol": PLAIN.replace(b"websocket\r\n", b"h2c\r\n"),
    "no wish to upgrade": PLAIN.replace(b"Connection: Upgrade", b"Connection: close"),
    "a folded header": PLAIN.replace(b"Upgrade: websocket", b"A: b\r\n c\r\nUpgrade: websocket"),
    "a blank before the colon": PLAIN.replace(b"Host:", b"Host :"),
    "a NUL": PLAIN.replace(b"Host: ", b"Host: \x00"),
    "a bare line feed": PLAIN.replace(b"Upgrade: websocket\r\n", b"Upgrade: websocket\n"),
    "a blank in the target": PLAIN.replace(b"/live", b"/li ve"),
    "a very long head": PLAIN.replace(b"Upgrade: websocket", b"A: " + b"x" * 5_000 + b"\r\nUpgrade: websocket"),
    "nothing": b"",
}


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_whatever_is_not_a_plain_handshake_is_left_to_the_parser(case: str) -> None:
    assert read_handshake(NOT_PLAIN[case]) is None


def test_a_plain_handshake_is_read_with_names_in_lower_case_and_values_without_blanks() -> None:
    found = read_handshake(PLAIN.replace(b"Upgrade: websocket", b"UPGRADE:\t WebSocket \r\nX-Empty:"))
    assert found is not None
    assert (found.method, found.target) == (b"GET", b"/live?token=x")
    assert dict(found.headers)[b"upgrade"] == b"WebSocket"
    assert dict(found.headers)[b"x-empty"] == b""
