"""Hands messages to push services over HTTP (RFC 8030), and understands every answer.

The address comes from a browser, so nothing about it is believed: HTTPS only, public machines only, no redirect is
followed, no more than a few bytes of an answer are read, and none of them are shown to anybody but the log.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from core.clock import Clock
from core.errors import Invalid
from core.notifications.pusher import BrowserGone, Push, PushRefused, TryLater
from core.notifications.subscriptions import decoded, origin_of
from core.notifications.vapid import KeyPair
from integrations.push.addresses import NotPublic, PublicResolver, is_public
from integrations.push.authorization import authorization
from integrations.push.encryption import encrypt

#: Seconds for a whole attempt.
TIMEOUT = 10.0
#: Bytes of an answer that are looked at.
MOST_ANSWER = 512
#: The longest that a service is left alone at its own wish, in seconds.
LONGEST_WAIT = 3_600.0


class PushServices:
    """Every push service there is. Belongs to the event loop that it is used on. `contact` is whom a service may ask
    about this server; `also` one more origin that is allowed, on this machine."""

    def __init__(self, contact: str, clock: Clock, *, also: str = "", timeout: float = TIMEOUT) -> None:
        self._contact = contact
        self._clock = clock
        self._also = also
        self._timeout = timeout
        self._http: aiohttp.ClientSession | None = None
        self._local: aiohttp.ClientSession | None = None

    async def push(self, message: Push, pair: KeyPair) -> None:
        """Returns once the service has taken responsibility for it. Raises PushProblem."""
        origin = self._origin(message.endpoint)
        try:
            body = encrypt(message.payload, decoded(message.keys.p256dh), decoded(message.keys.auth))
        except (ValueError, Invalid) as error:
            raise PushRefused(f"it cannot be encrypted: {error}") from error
        headers = {
            "Authorization": authorization(origin, pair, self._contact, self._clock()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, int(message.lifetime.total_seconds()))),
            "Topic": message.topic,
            "Urgency": "high" if message.is_urgent else "normal",
        }
        http = self._client(origin)
        try:
            async with http.post(message.endpoint, data=body, headers=headers, allow_redirects=False) as answer:
                words = await answer.content.read(MOST_ANSWER)
                retry_after = answer.headers.get("Retry-After", "")
                status = answer.status
        except aiohttp.InvalidURL as error:
            raise BrowserGone("its address is none of a push service") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, NotPublic):
                raise BrowserGone(str(error.os_error)) from error
            raise TryLater(_kind(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TryLater(_kind(error), may_be_there=True) from error
        self._understand(status, words, retry_after)

    async def rest(self) -> None:
        """Lets go of connections."""
        for one in (self._http, self._local):
            if one is not None:
                await one.close()
        self._http = self._local = None

    def _origin(self, endpoint: str) -> str:
        """Raises BrowserGone for an address that no push is sent to."""
        try:
            origin = origin_of(endpoint, self._also)
        except Invalid as error:
            raise BrowserGone("its address is none of a push service") from error
        # A name is looked at when it is resolved; an address that stands for itself never is.
        host = urlsplit(endpoint).hostname or ""
        if origin != self._also and _is_address(host) and not is_public(host):
            raise BrowserGone("its address is not public")
        return origin

    def _client(self, origin: str) -> aiohttp.ClientSession:
        if self._also and origin == self._also:
            self._local = self._local or self._new(aiohttp.TCPConnector())
            return self._local
        self._http = self._http or self._new(aiohttp.TCPConnector(resolver=PublicResolver(), use_dns_cache=False))
        return self._http

    def _new(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        # Neither a proxy nor credentials from the environment; no cookies; an answer is not decompressed.
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    def _understand(self, status: int, words: bytes, retry_after: str) -> None:
        """What an answer means (RFC 8030 §5, §7.3)."""
        if 200 <= status < 300:
            return
        said = f"{status} {' '.join(words.decode('utf-8', 'replace').split())}"[:200]
        if status in (404, 410):
            raise BrowserGone(said)
        if status in (408, 425, 429) or status >= 500:
            raise TryLater(said, seconds=self._seconds(retry_after))
        raise PushRefused(said)

    def _seconds(self, text: str) -> float | None:
        """`Retry-After`: seconds, or a date (RFC 9110 §10.2.3)."""
        if text.isascii() and text.isdigit():
            return min(float(text[:10]), LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return min(max(0.0, _between(self._clock(), at)), LONGEST_WAIT)


def _between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _kind(error: BaseException) -> str:
    """What happened, without the address: it is the browser's alone."""
    return type(error).__name__
