"""What is handed to push services, what their answers mean, and what a made-up address reaches: nothing inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from core.notifications.pusher import BrowserGone, Push, PushProblem, PushRefused, TryLater
from core.notifications.subscriptions import Keys
from core.notifications.vapid import KeyPair
from integrations.push.addresses import PublicResolver, is_public
from integrations.push.service import PushServices
from tests.support.push import PushedTo, PushService, encoded, push_service

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def key_pair() -> KeyPair:
    owner = PushedTo("", generate_private_key(SECP256R1()))
    return KeyPair(owner.private, encoded(owner.public))


def to(browser: PushedTo, text: bytes = b'{"id": "ntb_1"}') -> Push:
    return Push(browser.endpoint, Keys(**browser.keys), "ntb_1", timedelta(hours=3), text, is_urgent=True)


@asynccontextmanager
async def sending(also: str, patience: float = 5.0) -> AsyncGenerator[PushServices]:
    services = PushServices("mailto:ops@shop.example", lambda: NOW, also=also, timeout=patience)
    yield services
    await services.rest()


@pytest.fixture
async def service() -> AsyncGenerator[PushService]:
    async with push_service(lambda: NOW) as running:
        yield running


async def test_a_message_arrives_with_its_topic_lifetime_and_proof_of_who_sent_it(service: PushService) -> None:
    browser = service.browser()
    async with sending(service.url) as services:
        await services.push(to(browser), key_pair())
    assert browser.received == [{"id": "ntb_1"}]
    [request] = service.requests
    assert request.headers["TTL"] == "10800"
    assert (request.headers["Topic"], request.headers["Urgency"]) == ("ntb_1", "high")
    assert "Cookie" not in request.headers


@pytest.mark.parametrize(
    ("answer", "problem", "seconds"),
    [
        (web.Response(status=404), BrowserGone, None),
        (web.Response(status=410), BrowserGone, None),
        (web.Response(status=429, headers={"Retry-After": "120"}), TryLater, 120.0),
        (web.Response(status=429, headers={"Retry-After": "999999999999999"}), TryLater, 3_600.0),
        (web.Response(status=503, headers={"Retry-After": "Mon, 23 Nov 2026 09:05:00 GMT"}), TryLater, 300.0),
        (web.Response(status=503, headers={"Retry-After": "soon"}), TryLater, None),
        (web.Response(status=500), TryLater, None),
        (web.Response(status=400), PushRefused, None),
        (web.Response(status=403), PushRefused, None),
        (web.Response(status=413), PushRefused, None),
    ],
    ids=lambda part: f"{part.status} {part.headers.get('Retry-After', '')}" if isinstance(part, web.Response) else "",
)
async def test_every_answer_is_understood(
    service: PushService, answer: web.Response, problem: type[PushProblem], seconds: float | None
) -> None:
    service.answers.append(answer)
    async with sending(service.url) as services:
        with pytest.raises(problem) as caught:
            await services.push(to(service.browser()), key_pair())
    if isinstance(caught.value, TryLater):
        assert caught.value.seconds == seconds
        assert not caught.value.may_be_there, "the service has said no"


async def test_a_service_that_is_not_there_is_tried_later() -> None:
    async with push_service(lambda: NOW) as gone:
        browser = gone.browser()
    async with sending(gone.url) as services:
        with pytest.raises(TryLater) as caught:
            await services.push(to(browser), key_pair())
    assert not caught.value.may_be_there


@asynccontextmanager
async def server(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_service_that_takes_a_message_and_says_nothing_may_have_it() -> None:
    came, hangs = asyncio.Event(), asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await request.read()
        came.set()
        await hangs.wait()
        return web.Response(status=201)

    async with server(silent) as url, sending(url, patience=0.5) as services:
        with pytest.raises(TryLater) as caught:
            await services.push(to(PushedTo(url + "/x")), key_pair())
        assert came.is_set()
        assert caught.value.may_be_there
        hangs.set()


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/inside"})

    async with server(elsewhere) as url, sending(url) as services:
        with pytest.raises(PushRefused):
            await services.push(to(PushedTo(url + "/x")), key_pair())
    assert seen == ["/x"]


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=201)
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 65_536)
        except ConnectionError:
            return answer

    async with server(endless) as url, sending(url) as services:
        await services.push(to(PushedTo(url + "/x")), key_pair())


INSIDE = (
    *(
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://192.168.1.1/x",
        "https://172.16.0.1/x",
        "https://0.0.0.0/x",
    ),
    *("https://169.254.169.254/latest", "https://100.64.0.1/x", "https://[::1]/x", "https://[fe80::1]/x"),
    *(
        "https://[fd00::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[2002:7f00:1::]/x",
    ),
    *("https://2130706433/x", "https://0x7f000001/x", "https://127.1/x", "https://localhost/x", "https://224.0.0.1/x"),
    *("http://127.0.0.1:1/x", "http://push.example.com/x", "https://push.example.com:8443/x", "ftp://127.0.0.1/x"),
    *("https://user@push.example.com/x", "https://push.example.com/x#y", "https:///x", "file:///etc/passwd", ""),
)


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_inside_is_not_talked_to(address: str) -> None:
    async with sending("http://127.0.0.1:9") as services:
        with pytest.raises(BrowserGone):
            await services.push(to(PushedTo(address)), key_pair())


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("::ffff:1.1.1.1", True),
        ("2002:101:101::", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("ff0e::1", False),
        ("fe80::1%lo", False),
        ("push.example.com", False),
        ("", False),
    ],
)
def test_only_public_addresses_are_public(address: str, *, is_so: bool) -> None:
    assert is_public(address) is is_so


async def test_a_name_that_leads_inside_does_not_resolve() -> None:
    with pytest.raises(OSError, match="not public"):
        await PublicResolver().resolve("localhost", 443)
