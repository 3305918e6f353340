"""The bytes of files, between this server and Slack's own hosts.

The bot's token opens everything that the bot may see, so it is sent to Slack's own hosts only, and every redirect is
looked at before it is followed. Slack answers whoever may not read a file with a page to sign in, of status 200.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from bot.calling import Caller
from bot.failures import Ambiguous, Limited, Refused, seconds_to_wait

MAX_REDIRECTS = 3
#: Refusals, beside Slack's own: too many bytes, a page to sign in, and an address that is not Slack's.
TOO_LARGE, SIGN_IN, FOREIGN = "too_large", "sign_in", "foreign_host"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes
    content_type: str

    @property
    def is_page(self) -> bool:
        return self.content_type.split(";")[0].strip().lower() == "text/html"


def is_slacks(url: str, api_url: str) -> bool:
    """Whether an address is one that the token may be sent to: where the Web API is, and the host of its files."""
    asked, api = urlsplit(url), urlsplit(api_url)
    try:
        origin, home = (asked.scheme, asked.hostname, asked.port), (api.scheme, api.hostname, api.port)
    except ValueError:
        return False  # A port that is none.
    if asked.username is not None or asked.password is not None or not asked.hostname:
        return False
    return origin in (home, (api.scheme, f"files.{api.hostname}", api.port))


async def fetch(api: Caller, url: str, most: int, seconds: float) -> Fetched:
    """What is at a file's private address, at most `most` bytes, within so many seconds.

    Raises Limited, Ambiguous (worth another try), Refused: TOO_LARGE, SIGN_IN, FOREIGN, or "status …".
    """
    assert api.pool is not None
    headers = {"Authorization": f"Bearer {await api.bearer()}"}
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        for _ in range(MAX_REDIRECTS + 1):
            if not is_slacks(url, api.address):
                raise Refused(SIGN_IN if _is_sign_in(url, api.address) else FOREIGN)
            asked = URL(url, encoded=True)
            async with api.pool.get(asked, headers=headers, allow_redirects=False, timeout=limit) as answer:
                if answer.status in _REDIRECTS:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                _check(answer)
                data = await _read(answer, most)
                return Fetched(data, answer.headers.get("Content-Type", ""))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Ambiguous(f"fetching a file: {type(error).__name__}") from error
    raise Refused("too_many_redirects")


async def put(api: Caller, url: str, data: bytes, seconds: float) -> None:
    """Sends the bytes of one file to an upload address. Raises Limited, Ambiguous, Refused; nothing is shared by it."""
    assert api.pool is not None
    if not is_slacks(url, api.address):
        raise Refused(FOREIGN)
    limit = aiohttp.ClientTimeout(total=seconds)
    asked = URL(url, encoded=True)
    try:
        async with api.pool.post(asked, data=BytesIO(data), allow_redirects=False, timeout=limit) as answer:
            _check(answer)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Ambiguous(f"uploading a file: {type(error).__name__}") from error


def _check(answer: aiohttp.ClientResponse) -> None:
    """Raises for whatever is not a 2xx."""
    if answer.status == 429:
        raise Limited(seconds_to_wait(answer.headers))
    if answer.status >= 500 or answer.status == 408:
        raise Ambiguous(f"status {answer.status}")
    if answer.status in (401, 403):
        raise Refused(SIGN_IN)
    if not 200 <= answer.status < 300:
        raise Refused(f"status {answer.status}")


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    if (answer.content_length or 0) > most:
        raise Refused(TOO_LARGE)
    data = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE):
        data += piece
        if len(data) > most:
            raise Refused(TOO_LARGE)
    return bytes(data)


def _is_sign_in(url: str, api_url: str) -> bool:
    """A workspace's own host, where Slack sends whoever has to sign in first."""
    asked, api = urlsplit(url), urlsplit(api_url)
    return asked.scheme == "https" and (asked.hostname or "").endswith(f".{api.hostname}")
