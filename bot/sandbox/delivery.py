"""Sends the app what Slack would send: signed requests with a deadline, or envelopes over its connections, and retries
of events.

An event is tried up to four times: at once, again at once, after a minute, after five. A slash command or an
interaction is tried once. Event attempts of one channel are made in order unless a fault says otherwise; what waits for
a later moment does not hold up the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
from starlette.websockets import WebSocketDisconnect

from bot.sandbox.faults import Faults
from bot.sandbox.models import APP_ID, BOT_USER_ID, TEAM_ID, Channel, Payload
from bot.sandbox.shapes import is_object
from bot.sandbox.sockets import Sockets

#: Seconds before each retry.
RETRY_AFTER = (0.0, 60.0, 300.0)
VERIFICATION_WORD = "sandbox-verification-token"
_USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Attempt:
    """One request to the app. `status` is None when no answer came; `reason` is Slack's word for the failure."""

    kind: str
    event_id: str | None
    number: int
    status: int | None
    reason: str | None


@dataclass(frozen=True)
class Ack:
    """What the app answered to a command or an interaction."""

    status: int | None
    body: bytes
    content_type: str
    reason: str | None

    @property
    def is_ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def json(self) -> Payload:
        """The answer when it is a JSON object; else empty."""
        try:
            answer: Any = json.loads(self.body) if self.body.strip() else {}
        except ValueError:
            return {}
        return answer if is_object(answer) else {}


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class Delivery:
    """The way to the app. `request_url` may be set or changed at any time; without one nothing is sent."""

    def __init__(
        self,
        *,
        request_url: str | None,
        signing_secret: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        deadline: float,
        faults: Faults,
        sockets: Sockets,
    ) -> None:
        self.request_url = request_url
        self.sockets = sockets
        self.attempts: deque[Attempt] = deque(maxlen=2_000)
        #: Set where the app is installed for a whole organisation.
        self.enterprise_id: str | None = None
        self._secret = signing_secret
        self._clock = clock
        self._sleep = sleep
        self._deadline = deadline
        self._faults = faults
        self._client: httpx2.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[asyncio.Event] = []
        self._lanes: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_flight = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    # -- events

    def event(self, event: Payload, channel: Channel | None) -> None:
        """Queues an event for the app."""
        if not self._has_way:
            return
        envelope: Payload = {
            "token": VERIFICATION_WORD,
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": self.enterprise_id,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": "Ev0" + secrets.token_hex(5).upper(),
            "event_time": int(self._clock().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": self.enterprise_id,
                    "team_id": TEAM_ID,
                    "user_id": BOT_USER_ID,
                    "is_bot": True,
                    "is_enterprise_install": self.enterprise_id is not None,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": "4-" + secrets.token_urlsafe(24),
        }
        copies = self._faults.take_event(event["type"], ("duplicate",))
        for _ in range(1 + (copies.copies if copies else 0)):
            self._begin()
            task = asyncio.get_running_loop().create_task(self._deliver(envelope, channel.id if channel else ""))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Returns when no request is under way. What waits for a later moment (a retry, a delay) does not count."""
        while True:
            # Who was woken just now (a retry that is due, an event that was held back) gets the chance to begin.
            for _ in range(3):
                await asyncio.sleep(0)
            if not self._in_flight:
                return
            await self._is_idle.wait()

    @property
    def is_done(self) -> bool:
        """Whether every event was delivered or given up: none is under way, and none waits for a later moment."""
        return not self._tasks

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _deliver(self, envelope: Payload, lane: str) -> None:
        """One delivery with its retries. It counts as in flight except while it waits for its time."""
        kind = str(envelope["event"]["type"])
        try:
            disorder = self._faults.take_event(kind, ("delay", "reorder"))
            if disorder is not None and disorder.kind == "delay":
                await self._while_idle(self._sleep(disorder.seconds))
            elif disorder is not None:
                turn = asyncio.Event()
                self._held.append(turn)
                await self._while_idle(turn.wait())
            async with self._lanes[lane]:
                reason, may_retry = await self._attempt(kind, envelope, 0, None)
            if disorder is None or disorder.kind != "reorder":
                self._release_held()
            for number, wait in enumerate(RETRY_AFTER, start=1):
                if reason is None or not may_retry:
                    return
                if wait:
                    await self._while_idle(self._sleep(wait))
                reason, may_retry = await self._attempt(kind, envelope, number, reason)
        finally:
            self._end()

    async def _attempt(self, kind: str, envelope: Payload, number: int, reason: str | None) -> tuple[str | None, bool]:
        """The reason of the failure (None: it was taken), and whether to try again."""
        headers = {"content-type": "application/json"}
        if number:
            headers |= {"x-slack-retry-num": str(number), "x-slack-retry-reason": str(reason)}
        if self._faults.take_event(kind, ("lose",)) is not None:
            answer, failure = None, "connection_failed"
        else:
            answer, failure = await self._post(json.dumps(envelope).encode(), headers)
        status = answer.status_code if answer is not None else None
        if answer is not None and not 200 <= answer.status_code < 300:
            failure = "http_error"
        if failure is None and self._faults.take_event(kind, ("drop_ack",)) is not None:
            failure = "http_timeout"
        self.attempts.append(Attempt(kind, envelope["event_id"], number, status, failure))
        refused = answer is not None and failure == "http_error" and answer.headers.get("x-slack-no-retry") == "1"
        return failure, not refused

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for turn in held:
            turn.set()

    # -- commands and interactions

    async def form(self, kind: str, fields: Mapping[str, str]) -> Ack:
        """Sends a form once and waits for the answer, at most the deadline."""
        if not self._has_way:
            return Ack(None, b"", "", "no_request_url")
        self._begin()
        try:
            answer, failure = await self._post(urlencode(self._as_installed(fields)).encode(), {"content-type": _FORM})
        finally:
            self._end()
        self.attempts.append(Attempt(kind, None, 0, answer.status_code if answer else None, failure))
        if answer is None:
            return Ack(None, b"", "", failure)
        return Ack(answer.status_code, answer.content, answer.headers.get("content-type", ""), None)

    def _as_installed(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        if self.enterprise_id is None:
            return fields
        if "payload" not in fields:
            return {**fields, "enterprise_id": self.enterprise_id, "is_enterprise_install": "true"}
        enterprise = {"id": self.enterprise_id, "name": "Acme Group"}
        payload = {**json.loads(fields["payload"]), "enterprise": enterprise, "is_enterprise_install": True}
        return {**fields, "payload": json.dumps(payload)}

    # -- the request

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[httpx2.Response | None, str | None]:
        """The answer, or why there is none, in Slack's words."""
        if self.sockets.is_on:
            return await self._send(body, headers)
        timestamp = str(int(self._clock().timestamp()))
        signed = {
            **headers,
            "user-agent": _USER_AGENT,
            "accept": "*/*",
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": sign(self._secret, timestamp, body),
        }
        if self._client is None:
            # No proxy and no credentials of the environment: the app is on this machine.
            self._client = httpx2.AsyncClient(follow_redirects=True, max_redirects=2, trust_env=False)
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._client.post(str(self.request_url), content=body, headers=signed, timeout=None)
        except (TimeoutError, httpx2.TimeoutException):
            return None, "http_timeout"
        except httpx2.TooManyRedirects:
            return None, "too_many_redirects"
        except httpx2.ConnectError:
            return None, "connection_failed"
        except httpx2.HTTPError:
            return None, "unknown_error"
        return answer, None

    async def _send(self, body: bytes, headers: dict[str, str]) -> tuple[httpx2.Response | None, str | None]:
        """The same over a connection of the app's."""
        try:
            async with asyncio.timeout(self._deadline):
                payload = await self.sockets.deliver(body, headers)
        except TimeoutError:
            return None, "http_timeout" if self.sockets.connections else "connection_failed"
        except (RuntimeError, WebSocketDisconnect, ConnectionResetError):
            # The connection ended while it was written to, or before it was acknowledged.
            return None, "connection_failed"
        return httpx2.Response(200, json=payload) if payload else httpx2.Response(200), None

    @property
    def _has_way(self) -> bool:
        return self.request_url is not None or self.sockets.is_on

    # -- counting what is in flight

    def _begin(self) -> None:
        self._in_flight += 1
        self._is_idle.clear()

    def _end(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._is_idle.set()

    async def _while_idle(self, waiting: Awaitable[object]) -> None:
        self._end()
        try:
            await waiting
        finally:
            self._begin()
