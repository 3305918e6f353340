"""A push service on a loopback socket, and the browsers that are connected to it.

It takes messages as RFC 8030 says, lets in whoever shows the key that a browser was switched on with (RFC 8292), and
hands them to the browser, which decrypts them by itself (RFC 8291). Nothing of the product's own code is used.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import struct
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class PushedTo:
    """One browser. `shown` is what stands on its screen, by tag; `received` is everything that came."""

    endpoint: str
    private: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    shown: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    received: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": encoded(self.public), "auth": encoded(self.auth)}

    def take(self, body: bytes) -> None:
        message = json.loads(self.decrypt(body))
        self.received.append(message)
        self.shown[message["id"]] = message

    def decrypt(self, body: bytes) -> bytes:
        """RFC 8291 §3.4, from the side of whoever gets it."""
        salt, (_, length) = body[:16], struct.unpack("!IB", body[16:21])
        theirs, hidden = body[21 : 21 + length], body[21 + length :]
        shared = self.private.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs))
        info = b"WebPush: info\0" + self.public + theirs
        material = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
        text = AESGCM(key).decrypt(nonce, hidden, None).rstrip(b"\0")
        assert text.endswith(b"\x02"), "the last record ends so"
        return text[:-1]


@dataclass
class Request:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    status: int


@dataclass
class PushService:
    """`answers` are given one after the other instead of taking a message; `is_taken` still takes it. `problems` are
    requests that no service would take: a test with any of them fails."""

    clock: Callable[[], datetime]
    url: str = ""
    browsers: dict[str, PushedTo] = field(default_factory=dict[str, PushedTo])
    requests: list[Request] = field(default_factory=list[Request])
    answers: list[web.Response] = field(default_factory=list[web.Response])
    problems: list[str] = field(default_factory=list[str])
    #: Answers to everything, while it is set.
    always: int = 0
    #: Called when a message was taken, before that is answered.
    taken: Callable[[], Any] = lambda: None

    def browser(self) -> PushedTo:
        path = f"/wpush/{secrets.token_urlsafe(18)}"
        self.browsers[path] = PushedTo(self.url + path)
        return self.browsers[path]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self._refusal(request) or self._take(request, body)
        self.requests.append(Request(request.path, dict(request.headers), answer.status))
        return answer

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.always:
            return web.Response(status=self.always)
        if self.answers:
            return self.answers.pop(0)
        return None if request.path in self.browsers else web.Response(status=410)

    def _take(self, request: web.Request, body: bytes) -> web.Response:
        headers = request.headers
        try:
            assert headers["Content-Encoding"] == "aes128gcm"
            assert len(body) <= 4_096
            assert 0 < int(headers["TTL"]) <= 28 * 24 * 3_600
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers["Topic"])
            self._check_authorization(headers["Authorization"])
            self.browsers[request.path].take(body)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the test is told
            self.problems.append(f"{type(error).__name__}: {error}")
            return web.Response(status=400)
        self.taken()
        return web.Response(status=201, headers={"Location": f"{self.url}/m/{secrets.token_hex(8)}"})

    def _check_authorization(self, text: str) -> None:
        scheme, _, rest = text.partition(" ")
        assert scheme == "vapid"
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(parts["k"]))
        claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=self.url, options={"verify_exp": False})
        assert 0 < claims["exp"] - self.clock().timestamp() <= 24 * 3_600
        assert claims["sub"].startswith(("mailto:", "https://"))


@asynccontextmanager
async def push_service(clock: Callable[[], datetime]) -> AsyncGenerator[PushService]:
    """Runs on a free port of this machine."""
    service = PushService(clock)
    app = web.Application()
    app.router.add_post("/{tail:.*}", service.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    service.url = f"http://127.0.0.1:{port}"
    try:
        yield service
    finally:
        await runner.cleanup()
    assert not service.problems, service.problems
