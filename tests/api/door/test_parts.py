"""The parts that need no server: the listening socket, addresses, counters, headers, origins."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from api.door.address import AddressRules, parse_address
from api.door.framing import frame_text
from api.door.headers import CONTENT_SECURITY_POLICY, SecurityHeaders, origin_allowed
from api.door.limits import Connections, Overflow
from api.door.listen import CannotListen, listening_socket
from core.errors import CosessionError, Invalid


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_free_port_is_listened_on(host: str) -> None:
    with listening_socket(host, 0) as sock:
        port = sock.getsockname()[1]
        assert port > 0
        with socket.create_connection((host if host != "localhost" else "127.0.0.1", port), timeout=2):
            accepted, _ = _accept(sock)
            accepted.close()


def _accept(sock: socket.socket) -> tuple[socket.socket, Any]:
    sock.settimeout(2)
    return sock.accept()


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_an_accepted_connection_inherits_the_options() -> None:
    with listening_socket("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname(), timeout=2):
        accepted, _ = _accept(sock)
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 128 * 1024, "Linux doubles it"
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_port_in_use_is_refused_in_words() -> None:
    with listening_socket("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127.0.0.1:{port}: another program uses this port") as caught:
            listening_socket("127.0.0.1", port)
    assert isinstance(caught.value, CosessionError)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_impossible_address_is_refused_in_words(host: str, port: int) -> None:
    with pytest.raises(CannotListen, match=f"Cannot listen on {host}:{port}: "):
        listening_socket(host, port)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        (" 1.2.3.4:80", "1.2.3.4"),
        ("2001:db8::1", "2001:db8::1"),
        ('"[2001:db8::1]:80"', "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", "None"),
        ("", "None"),
        ("1.2.3", "None"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str, address: str) -> None:
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", ["6.6.6.6"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_a_proxy_of_ours(
    peer: str, forwarded: list[str], client: str
) -> None:
    rules = AddressRules(trusted_proxies=["10.0.0.0/8"], uncapped=[])
    assert rules.client(peer, [(b"x-forwarded-for", value.encode()) for value in forwarded]) == client


def test_ipv6_clients_are_counted_by_their_block_and_exempt_ones_not_at_all() -> None:
    rules = AddressRules(trusted_proxies=[], uncapped=["127.0.0.0/8", "::1/128"])
    assert rules.counted_as("2001:db8::1") == rules.counted_as("2001:db8::2:3") == "2001:db8::/64"
    assert rules.counted_as("2001:db8:0:1::1") != "2001:db8::/64"
    assert rules.counted_as("1.2.3.4") == rules.counted_as("::ffff:1.2.3.4") == "1.2.3.4"
    assert rules.counted_as("127.0.0.1") is rules.counted_as("::1") is None


def test_a_malformed_network_is_refused_in_words() -> None:
    with pytest.raises(Invalid, match=r"trusted proxies: '10\.0\.0\.0/99' is not"):
        AddressRules(trusted_proxies=["10.0.0.0/99"], uncapped=[])


def test_slots_are_counted_in_all_and_per_address_and_given_back_once() -> None:
    connections = Connections(total=3, per_address=2)
    slots = [connections.enter("a"), connections.enter("a")]
    assert connections.enter("a") is None
    other = connections.enter(None)
    assert other is not None
    assert connections.enter("b") is None
    assert not other.claim("a")
    assert other.claim("b")
    assert slots[0] is not None
    slots[0].release()
    slots[0].release()
    assert (connections.open, connections.count("a"), connections.count("b")) == (2, 1, 1)
    other.release()
    assert connections.count("b") == 0


def test_the_longest_silent_makes_room_and_whoever_is_served_stays() -> None:
    overflow: Overflow[str] = Overflow(2)
    assert overflow.add("a") is None
    assert overflow.add("b") is None
    overflow.serve("a")
    assert overflow.add("c") == "b"
    overflow.serve("c")
    assert overflow.add("d") == "d"
    overflow.discard("a")
    assert overflow.add("e") is None
    assert len(overflow) == 2


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_has_the_shortest_head_for_its_length(size: int, head: bytes) -> None:
    assert frame_text(b"x" * size) == head + b"x" * size


async def _headers(scheme: str, own: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await SecurityHeaders(app)({"type": "http", "scheme": scheme}, receive, send)
    assert sent[1] == {"type": "http.response.body", "body": b""}
    names = [name for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names)), "no header twice"
    return dict(sent[0]["headers"])


@pytest.mark.anyio
async def test_every_response_carries_the_security_headers() -> None:
    headers = await _headers("http", [(b"content-type", b"text/html")])
    policy = headers[b"content-security-policy"].decode()
    assert policy == CONTENT_SECURITY_POLICY
    for rule in ("default-src 'self'", "script-src 'self'", "object-src 'none'", "frame-ancestors 'none'"):
        assert rule in policy.split("; ")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"cross-origin-opener-policy"] == b"same-origin"
    assert b"permissions-policy" in headers
    assert b"strict-transport-security" not in headers


@pytest.mark.anyio
async def test_https_is_remembered_and_a_header_of_the_application_wins() -> None:
    headers = await _headers("https", [(b"Referrer-Policy", b"same-origin")])
    assert headers[b"strict-transport-security"].startswith(b"max-age=")
    assert headers[b"Referrer-Policy"] == b"same-origin"
    assert b"referrer-policy" not in headers


ALLOWED = frozenset({"https://cosession.example", "http://localhost:5173"})


@pytest.mark.parametrize(
    "origin",
    ["https://cosession.example", "https://cosession.example:443", "http://localhost:5173", "http://here:8000"],
)
def test_an_allowed_origin_and_the_place_itself_are_let_in(origin: str) -> None:
    assert origin_allowed(origin, "here:8000", ALLOWED)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://cosession.example",
        "https://cosession.example:8443",
        "https://cosession.example.evil.example",
        "https://evil.example/cosession.example",
        "https://evil.example#cosession.example",
        "https://cosession.example@evil.example",
        "https://evil@cosession.example",
        "https://sub.cosession.example",
        "https://cosession.example/",
        " https://cosession.example",
        "http://localhost",
        "http://localhost:51730",
        "http://localhost:99999",
        "http://here",
        "http://here:8001",
        "file://here:8000",
        "javascript://here:8000",
        "http://[::1",
    ],
)
def test_a_foreign_null_or_lookalike_origin_is_not(origin: str | None) -> None:
    assert not origin_allowed(origin, "here:8000", ALLOWED)
