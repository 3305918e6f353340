"""Takes requests from Slack in: verified on the raw bytes, stored, and only then answered.

Bolt reads the request and runs the listeners; `before_authorize` is where it can be stored before anything else. If
storing fails Slack gets a 500 and sends it again, so nothing that was answered with 200 is ever lost. Commands, clicks
and forms, which Slack sends once and gives up after three seconds, are answered within one: where storing takes longer
the answer says that it is not known yet, and whoever made the request is told should it fail. Whatever needs no storing
is answered by `interactions.front`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from slack_bolt import BoltResponse
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.background import BackgroundTask

from bot import metrics
from bot.commands import COMMAND, acknowledge, parse
from bot.interactions.front import NOT_TAKEN, Front, late_answer
from bot.settings import SlackSettings
from bot.signature import is_genuine
from bot.web import Bot
from core import inbox
from core.clock import Clock
from core.db import Database
from core.errors import CosessionError

log = logging.getLogger(__name__)

#: Slack's own requests stay far below.
MAX_BODY = 2 * 1024 * 1024

#: Kinds of stored requests.
EVENT, COMMAND_KIND, INTERACTION = "slack_event", "slack_command", "slack_interaction"


class Intake:
    """The one URL of events, commands and interactivity. `stored` is called once a request is stored and answered."""

    def __init__(
        self, db: Database, clock: Clock, settings: SlackSettings, stored: Callable[[], None], front: Front
    ) -> None:
        self._db = db
        self._front = front
        #: Requests that were answered before they were known to be stored.
        self._late: set[asyncio.Task[Any]] = set()
        self._clock = clock
        self._settings = settings
        self._stored = stored
        #: Who the token belongs to, once Slack has told.
        self.bot: Bot | None = None
        self._bolt = self._build()
        self.router = APIRouter(tags=["slack"])
        self.router.add_api_route("/slack/events", self._receive, methods=["POST"], include_in_schema=False)

    def _build(self) -> AsyncApp:
        async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
            return self._authorized(enterprise_id, team_id)

        # Bolt looks into the environment by itself and tells, wrongly, that it has made stores of its own from what it
        # finds: all that it does here is to read a request and to answer it.
        logger = logging.getLogger(f"{__name__}.bolt")
        logger.setLevel(logging.ERROR)
        app = AsyncApp(
            name="cosession",
            logger=logger,
            client=AsyncWebClient(base_url=self._settings.api_url, retry_handlers=[]),
            authorize=authorize,
            before_authorize=self._store,
            # The route has verified the raw bytes already, by a clock that can be handed in.
            request_verification_enabled=False,
        )
        app.command(COMMAND)(self._acknowledge)
        return app

    def _authorized(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """From what is known already: no call to Slack stands between a request and its answer."""
        bot = self.bot
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=bot.team_id if bot else team_id,
            bot_user_id=bot.user_id if bot else None,
            bot_id=bot.bot_id if bot else None,
            bot_token=self._settings.bot_token,
        )

    async def _acknowledge(self, ack: AsyncAck, request: AsyncBoltRequest) -> None:
        text = acknowledge(parse(request.raw_body.encode()))
        await ack(text=text, response_type="ephemeral") if text else await ack()

    # -- the route

    async def _receive(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return _problem(413, "too_large", "That request is larger than any that Slack sends.")
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        text = _decoded(body)
        if text is None or not is_genuine(self._settings.signing_secret, timestamp, signature, body, self._clock()):
            metrics.REJECTED.inc()
            return _problem(401, "not_signed_in", "This request is not signed by Slack, or it is too old.")
        response = to_starlette_response(await self.take(text, request.headers))
        # Afterwards, so that "Starting …" is on the screen before what came of it.
        response.background = BackgroundTask(self._after_answer)
        return response

    async def take(self, body: str, headers: Mapping[str, str]) -> BoltResponse:
        """Stores a request that is known to be Slack's, whichever way it came, and makes the answer. A status that is
        not 2xx means that it was not stored."""
        known: dict[str, str | Sequence[str]] = {**headers}
        return await self._bolt.async_dispatch(AsyncBoltRequest(body=body, headers=known))

    async def _after_answer(self) -> None:
        # A coroutine: a plain function would run on another thread.
        self._stored()

    async def _store(
        self,
        req: AsyncBoltRequest,
        body: dict[str, Any],
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse:
        if body.get("type") == "url_verification":
            return await next()
        kind, item_id = name_of(body, req.raw_body)
        if kind != EVENT:
            answer = await self._front.answer(body, req.raw_body)
            if answer is not None:
                return answer
        raw = req.raw_body.encode()
        storing = asyncio.ensure_future(self._db.write(lambda tx: inbox.store(tx, item_id, kind, raw)))
        # Should the connection end meanwhile, nobody is left to be told that it failed: Slack sends it again.
        storing.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Slack sends an event again, but neither a command nor a click: who made those sees an error instead.
        done, _ = await asyncio.wait({storing}, timeout=None if kind == EVENT else self._settings.pace.ack_within)
        if not done:
            self._answer_late(storing, req.raw_body)
            return late_answer(body)
        storing.result()
        metrics.LAST_EVENT.set(self._clock().timestamp())
        return await next() if kind == COMMAND_KIND else BoltResponse(status=200, body="")

    def _answer_late(self, storing: asyncio.Future[bool], raw: str) -> None:
        """It goes on being stored; should that fail, whoever made the request is told so."""

        async def follow() -> None:
            try:
                await storing
            except CosessionError as error:
                log.error("a request that was answered could not be stored: %s", error)
                self._front.tell_later(raw, NOT_TAKEN)
            else:
                self._stored()

        task = asyncio.create_task(follow())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Waits a moment for what was answered and is still being stored. What takes longer is queued in the database,
        which stores it before it closes."""
        if self._late:
            await asyncio.wait(self._late, timeout=self._settings.pace.ack_within)


def name_of(body: dict[str, Any], raw: str) -> tuple[str, str]:
    """The kind of a request, and the id under which Slack would send it again."""
    if "command" in body:
        return COMMAND_KIND, "cmd:" + _digest(str(body.get("trigger_id") or raw))
    if body.get("type") == "event_callback" and "event" in body:
        return EVENT, _short(str(body.get("event_id") or _digest(raw)))
    if body.get("type") == "app_rate_limited":
        return EVENT, f"limit:{_digest(raw)}"
    return INTERACTION, "act:" + _digest(str(body.get("trigger_id") or raw))


def _short(text: str) -> str:
    return text if len(text) <= 100 else _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


async def _body(request: Request) -> bytes | None:
    """The raw bytes, or None when there are too many."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _problem(status: int, error_code: str, detail: str) -> Response:
    body = {
        "type": f"urn:cosession:{error_code}",
        "title": error_code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "error_code": error_code,
    }
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/problem+json")
