"""One call of Slack's Web API: sent, its failures sorted by what to do about them, and Slack's wishes to wait kept.

Whatever is posted is made to fit first (`bot.limits`). Nothing here retries what may have been done, because only the
caller knows whether a second try could post twice; blocks that Slack has refused are left out, for the plain text to be
seen at least.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse as Answer

from bot import metrics
from bot.failures import Ambiguous, Limited, Refused, sorted_failure
from bot.limits import MESSAGES, fitting

Payload = dict[str, Any]
T = TypeVar("T")

log = logging.getLogger(__name__)

#: What Slack says of blocks that it does not take. Nothing was posted then.
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})


class Caller:
    """One workspace's Web API on one shared connection pool. `open` and `close` belong to one event loop.

    `token` may be something to ask before every call, for one that changes.
    """

    def __init__(self, api_url: str, token: str | Callable[[], Awaitable[str]], timeout: float) -> None:
        self._api_url = api_url.rstrip("/") + "/"
        self._token = token
        self._timeout = timeout
        self.pool: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        #: (method, channel) → monotonic time before which Slack does not want to hear of it.
        self._quiet_until: dict[tuple[str, str], float] = {}
        self._beside: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str:
        """The base of the Web API."""
        return self._api_url

    async def bearer(self) -> str:
        """The token of this moment. It goes to Slack and to nobody else."""
        return self._token if isinstance(self._token, str) else await self._token()

    def beside(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Does something that nobody has to wait for; `close` ends it."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return task

    async def open(self) -> None:
        self.pool = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timeout))
        # Connection errors are not retried here: a post may have been made before the connection broke.
        self._client = AsyncWebClient(base_url=self._api_url, session=self.pool, retry_handlers=[])

    async def close(self) -> None:
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        if self.pool is not None:
            await self.pool.close()

    def waits(self) -> dict[str, float]:
        """Method → seconds for which Slack wants to hear no more of it, somewhere."""
        now = time.monotonic()
        found: dict[str, float] = {}
        for (method, _), until in self._quiet_until.items():
            if until > now:
                found[method] = max(found.get(method, 0.0), until - now)
        return found

    async def until_welcome(self, method: str, channel: str) -> None:
        """Waits as long as Slack has asked for, for this method in this channel; no time at all otherwise."""
        left = self._quiet_until.get((method, channel), 0.0) - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        else:
            self._quiet_until.pop((method, channel), None)

    async def call(self, method: str, args: Payload, *, is_get: bool = False, is_form: bool = False) -> Payload:
        """What a method answers. Raises Limited, Refused, Ambiguous."""
        data = (await self.ask(method, args, is_get=is_get, is_form=is_form)).data
        assert isinstance(data, dict)
        return data

    async def ask(self, method: str, args: Payload, *, is_get: bool = False, is_form: bool = False) -> Answer:
        """The same, with the headers of the answer."""
        args, cut = fitting(method, args)
        if cut:
            log.warning("%s was shortened to what Slack takes: %s", method, "; ".join(cut))
        try:
            return await self._send(method, args, is_get=is_get, is_form=is_form)
        except Refused as refusal:
            has_words = method in MESSAGES and args.get("blocks") and args.get("text")
            if refusal.code not in _BAD_BLOCKS or not has_words:
                raise
            log.error("Slack does not take the blocks of a %s (%s): its text goes alone", method, refusal.code)
            # Empty, not absent: an edit would keep the blocks that it does not name.
            return await self._send(method, {**args, "blocks": []}, is_get=is_get, is_form=is_form)

    async def _send(self, method: str, args: Payload, *, is_get: bool, is_form: bool) -> Answer:
        assert self._client is not None, "open() first"
        key = (method, str(args.get("channel", "")))
        await self.until_welcome(*key)
        token = await self.bearer()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            if is_get:
                # These take no JSON body (https://docs.slack.dev/apis/web-api/#methods_supporting_json).
                return await self._client.api_call(method, http_verb="GET", params=_flat(args), headers=headers)
            if is_form:
                return await self._client.api_call(method, data=args, headers=headers)
            return await self._client.api_call(method, json=args, headers=headers)
        except SlackApiError as error:
            failure = sorted_failure(error)
            if isinstance(failure, Limited):
                metrics.LIMITED.labels(method).inc()
                self._quiet_until[key] = time.monotonic() + failure.seconds
            raise failure from error
        except (aiohttp.ClientError, SlackClientError, TimeoutError, ValueError, AttributeError) as error:
            # The client fails with an AttributeError on an answer that is a plain text of status 200.
            raise Ambiguous(f"{method}: {type(error).__name__}") from error


def _flat(args: Payload) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in args.items()}
