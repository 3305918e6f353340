"""Socket Mode: requests come over connections that this process opens, so the server needs no public address.

https://docs.slack.dev/apis/events-api/using-socket-mode. Each request is stored before it is acknowledged, by the very
code that takes it over HTTP; one that cannot be stored is not acknowledged, and comes again. There are always several
connections, and each is replaced before it ends: Slack announces that, the next one is opened, and only then is the old
one given up, so that at no moment nobody listens.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_bolt import BoltResponse

from bot import metrics
from bot.desk import backoff
from bot.settings import Pace, SlackSettings
from bot.web import Limited, Refused, SlackApi, SlackFailure

log = logging.getLogger(__name__)

#: Stores a request and makes the answer: `Intake.take`.
Take = Callable[[str, Mapping[str, str]], Awaitable[BoltResponse]]

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_JSON = {"content-type": "application/json"}
#: Larger than any of Slack's payloads.
_MAX_FRAME = 4 * 1024 * 1024


class SocketMode:
    """Several connections, kept up until `close`. `stored` is called once a request is stored and acknowledged; `deaf`
    once Slack has greeted a connection after there was none, with the seconds for which that was so."""

    def __init__(
        self,
        settings: SlackSettings,
        take: Take,
        stored: Callable[[], None],
        deaf: Callable[[float], Awaitable[None]],
    ) -> None:
        self._pace = settings.pace
        self._take = take
        self._stored = stored
        self._deaf = deaf
        #: Monotonic time since which no connection is there, after there was one.
        self._deaf_since: float | None = None
        self._api = SlackApi(settings.api_url, settings.app_token, settings.pace.call_timeout)
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._live: set[Connection] = set()
        #: Set once Slack says that Socket Mode was switched off for the app: there is no use in coming back.
        self.is_disabled = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many of them Slack has greeted."""
        return sum(connection.hello.is_set() for connection in self._live)

    async def open(self) -> None:
        await self._api.open()
        self._http = aiohttp.ClientSession()
        for _ in range(self._pace.sockets):
            self._spawn(self._keep())

    async def close(self) -> None:
        """What was not acknowledged comes again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
        await self._api.close()

    # -- one of several

    async def _keep(self) -> None:
        """Keeps one connection up, and its successor ready before it goes."""
        failures = 0
        present: Connection | None = None
        while not self.is_disabled.is_set():
            following, connecting = await self._connect()
            if following is None:
                failures += 1
                await asyncio.sleep(self._wait_after(connecting, failures))
                continue
            if present is not None:
                self._spawn(present.drain(self._pace.socket_drain))
            present, greeted_at = following, time.monotonic()
            await present.leaving.wait()
            # One that is greeted and dropped at once is a failure as well.
            failures = failures + 1 if time.monotonic() - greeted_at < self._pace.retry_base else 0
            if failures:
                await asyncio.sleep(backoff(self._pace, failures))
            if present.reason == "link_disabled":
                log.error("Slack has switched Socket Mode off for this app: switch it on and start again")
                self.is_disabled.set()
            elif present.reason == "too_many_websockets":
                log.warning("Slack counts too many connections of this app; it is left alone for a while")
                present.close()
                await asyncio.sleep(self._pace.too_many_wait + backoff(self._pace, 4))
        for connection in self._live:
            connection.close()

    async def _connect(self) -> tuple[Connection | None, Exception | None]:
        """A connection that Slack has greeted, or why there is none."""
        assert self._http is not None
        try:
            url = await self._api.open_socket()
        except SlackFailure as failure:
            log.warning("no connection to Slack could be opened: %s", failure)
            return None, failure
        connection = Connection(url, self._http, self._pace, self._receive)
        self._live.add(connection)
        running = self._spawn(connection.run())
        running.add_done_callback(lambda _: self._gone(connection))
        greeted = asyncio.ensure_future(connection.hello.wait())
        try:
            async with asyncio.timeout(self._pace.call_timeout):
                await asyncio.wait((greeted, running), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            log.warning("Slack did not greet a connection")
        finally:
            greeted.cancel()
        if connection.hello.is_set():
            await self._hear()
            return connection, None
        connection.close()
        return None, None

    def _gone(self, connection: Connection) -> None:
        self._live.discard(connection)
        if connection.hello.is_set() and self.connections == 0:
            self._deaf_since = time.monotonic()

    async def _hear(self) -> None:
        if self._deaf_since is not None:
            seconds, self._deaf_since = time.monotonic() - self._deaf_since, None
            log.info("nobody listened to Slack for %.1f s; the threads are read for what was missed", seconds)
            await self._deaf(seconds)

    def _wait_after(self, failure: Exception | None, failures: int) -> float:
        if isinstance(failure, Limited):
            return failure.seconds
        if isinstance(failure, Refused):
            log.error("Slack refuses SLACK_APP_TOKEN: %s", failure.code)
            return self._pace.retry_most
        return backoff(self._pace, failures)

    async def _receive(self, envelope: Mapping[str, Any]) -> dict[str, Any] | None:
        """The acknowledgement of one request, or None where it must come again."""
        answer = await self._take(*as_request(envelope))
        if not 200 <= answer.status < 300:
            return None
        metrics.SOCKET_REQUESTS.inc()
        acknowledgement: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        if envelope.get("accepts_response_payload") and answer.body:
            acknowledgement["payload"] = _payload(answer)
        self._stored()
        return acknowledgement

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a connection to Slack broke", exc_info=task.exception())


class Connection:
    """One connection: greeted, listened to, and left when Slack says so or it breaks."""

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        pace: Pace,
        receive: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any] | None]],
    ) -> None:
        self._url = url
        self._http = http
        self._pace = pace
        self._receive = receive
        self._closing = asyncio.Event()
        self.hello = asyncio.Event()
        #: It will end, or has ended.
        self.leaving = asyncio.Event()
        self.reason = ""

    async def run(self) -> None:
        """Listens until the connection has ended."""
        try:
            async with self._http.ws_connect(
                self._url, heartbeat=self._pace.socket_heartbeat, max_msg_size=_MAX_FRAME
            ) as socket:
                closing = asyncio.create_task(self._close_when_told(socket))
                try:
                    await self._listen(socket)
                finally:
                    closing.cancel()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("a connection to Slack broke: %s", type(error).__name__)
        finally:
            self.leaving.set()

    def close(self) -> None:
        self._closing.set()

    async def drain(self, seconds: float) -> None:
        """Another has taken its place: what Slack still sends on it is taken, for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            self.close()

    async def _close_when_told(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await self._closing.wait()
        await socket.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = _object(frame.data)
            match message.get("type"):
                case "hello":
                    self.hello.set()
                case "disconnect":
                    self.reason = str(message.get("reason") or "")
                    self.leaving.set()
                case "events_api" | "interactive" | "slash_commands":
                    await self._answer(socket, message)
                case kind:
                    log.info("Slack sent %r over a connection; nothing to do", kind)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, message: Mapping[str, Any]) -> None:
        acknowledgement = await self._receive(message)
        if acknowledgement is None:
            log.warning("a request could not be stored; it is not acknowledged, so that it comes again")
            return
        # Where the connection has ended meanwhile, it comes again, and is known.
        if not socket.closed:
            await socket.send_str(json.dumps(acknowledgement))


def as_request(envelope: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Body and headers as the same request would have over HTTP. Pure."""
    payload: Any = envelope.get("payload") or {}
    again = {"x-slack-retry-num": str(envelope["retry_attempt"])} if envelope.get("retry_attempt") else {}
    match envelope.get("type"):
        case "slash_commands":
            return urlencode({name: _text(value) for name, value in payload.items()}), {**_FORM, **again}
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}), {**_FORM, **again}
        case _:
            return json.dumps(payload), {**_JSON, **again}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(text: str) -> dict[str, Any]:
    try:
        message: Any = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _payload(answer: BoltResponse) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return {"text": answer.body}
