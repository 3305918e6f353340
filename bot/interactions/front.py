"""What is answered before anything is stored: forms are opened within the request, and what is wrong in one is shown.

A trigger lives for three seconds (https://docs.slack.dev/interactivity/handling-user-interaction), too short for a
queue. Opening a form changes nothing here, so nothing is lost when that fails: the person is told, and tries again.
Nothing that has an effect passes here but to be refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from slack_bolt import BoltResponse

from bot import identity
from bot.blocks import Block
from bot.commands.asking import Answers, Ask
from bot.commands.offers import START_FORM
from bot.commands.starting import Starting
from bot.commands.words import COMMAND, parse
from bot.installations.origin import Origin, of_form
from bot.installations.workspaces import Workspace, Workspaces
from bot.interactions.payloads import (
    Payload,
    action_id_of,
    channel_of,
    thread_of,
    user_of,
    value_of,
)
from bot.modals import notices, start
from bot.mrkdwn import from_slack
from bot.web import Refused, SlackFailure
from bot.worker import NotYet
from core.errors import CosessionError

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Shortcuts, as the manifest names them.
SHORTCUT, MESSAGE_SHORTCUT = "start_session", "start_session_from_message"
#: What is looked at before a form is opened, or taken, may take so long (seconds); what is not known then is found
#: out afterwards.
GLANCE = 0.5
_TOO_LATE = ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A form that somebody wants to see."""

    user: str
    trigger_id: str
    view: Block
    #: Where they are told should it not open.
    ask: Ask


def wanted_form(body: Mapping[str, Any], raw: str) -> Wanted | None:
    """The form that a request wants opened; None for any other request. Pure."""
    if body.get("command") == COMMAND:
        command = parse(raw.encode())
        if not command.wants_form:
            return None
        is_channel = not command.channel.startswith("D")
        view = start.view(channel=command.channel if is_channel else "")
        ask = Ask(command.user, command.channel, "start", "", "", command.trigger_id, response_url=command.response_url)
        return Wanted(command.user, command.trigger_id, view, ask)
    kind, name = body.get("type"), body.get("callback_id")
    if kind == "shortcut" and name == SHORTCUT:
        view = start.view()
    elif kind == "message_action" and name == MESSAGE_SHORTCUT:
        view = _from_message(body)
    elif kind == "block_actions" and action_id_of(body) == START_FORM:
        view = start.view(title=value_of(body))
    else:
        return None
    trigger_id = str(body.get("trigger_id") or "")
    ask = Ask(
        user_of(body),
        channel_of(body),
        "start",
        "",
        "",
        trigger_id,
        root=thread_of(body),
        response_url=str(body.get("response_url") or ""),
    )
    return Wanted(ask.user, trigger_id, view, ask)


def _from_message(body: Payload) -> Block:
    message: Payload = body.get("message") or {}
    ts, channel = str(message.get("ts") or body.get("message_ts") or ""), channel_of(body)
    said = from_slack(message, lambda _: "").text
    source = start.Source(
        channel=channel,
        root=str(message.get("thread_ts") or ts),
        ts=ts,
        author=str(message.get("user") or ""),
        name=str(message.get("username") or ""),
        text=said,
    )
    first_line = next((line.strip("#>*_ `") for line in said.splitlines() if line.strip("#>*_ `")), "")
    is_channel = not channel.startswith("D")
    return start.view(title=first_line[:80], channel=channel if is_channel else "", source=source)


class Front:
    """`ack_within` is how long Slack may be kept waiting, in seconds. Belongs to one event loop."""

    def __init__(self, workspaces: Workspaces, ack_within: float) -> None:
        self._workspaces = workspaces
        self._ack_within = ack_within
        self._known: dict[Origin, Workspace] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def answer(self, body: Mapping[str, Any], raw: str) -> BoltResponse | None:
        """The answer to a request that needs not be stored; None for one that has to be."""
        wanted = wanted_form(body, raw)
        if wanted is not None:
            await self._at_most(self._open(raw, wanted), self._ack_within)
            return BoltResponse(status=200, body="")
        view: Payload = body.get("view") or {}
        if body.get("type") == "view_submission" and view.get("callback_id") == start.CALLBACK:
            return await self._refused(raw, view)
        return None

    def tell_later(self, raw: str, text: str) -> None:
        """Tells whoever made a request something, in their own time."""
        self._spawn(self._tell_sender(raw, text))

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- opening

    async def _open(self, raw: str, wanted: Wanted) -> None:
        workspace = await self._workspace(raw)
        if workspace is None:
            return
        is_linked = await self._at_most(self._is_linked(workspace, wanted.user), GLANCE)
        base_url = workspace.desk.settings.base_url
        view = notices.connect_first(base_url) if is_linked is False else wanted.view
        try:
            await workspace.desk.api.open_view(wanted.trigger_id, view)
        except SlackFailure as failure:
            if not (isinstance(failure, Refused) and failure.code in _TOO_LATE):
                log.warning("a form could not be opened: %s", failure)
            words = "That took too long for Slack to show a form. Try it once more."
            await self._tell(workspace, wanted.ask, words)

    async def _is_linked(self, workspace: Workspace, user: str) -> bool:
        return await workspace.desk.db.read(lambda tx: identity.actor_for(tx, workspace.realm, user) is not None)

    # -- taking

    async def _refused(self, raw: str, view: Payload) -> BoltResponse | None:
        """What is wrong with the form, shown in it; None where it can be tried."""
        try:
            filled = start.read(view)
        except (KeyError, TypeError, ValueError, StopIteration):
            log.warning("a form came back in a shape that is not known")
            return None
        found = start.problems(filled)
        if not found:
            place = await self._at_most(self._look_at(raw, filled.channel), GLANCE)
            found = {"channel": place} if isinstance(place, str) and place else {}
        if not found:
            return None
        return as_json({"response_action": "errors", "errors": found})

    async def _look_at(self, raw: str, channel: str) -> str:
        """Why no thread can be made in the channel; empty where it can, or where that is not known."""
        workspace = await self._workspace(raw)
        if workspace is None:
            return ""
        desk = workspace.desk
        place = await Starting(desk, workspace.bot, Answers(desk, workspace.bot)).look_at(channel)
        return place.replace("`", "") if isinstance(place, str) else ""

    # -- inside

    async def _workspace(self, raw: str) -> Workspace | None:
        """Where it came from; as it was known last, where the database does not tell in time."""
        origin = of_form(dict(parse_qsl(raw, keep_blank_values=True)))
        looking = self._spawn(self._workspaces.at(origin))
        done, _ = await asyncio.wait({looking}, timeout=GLANCE)
        if not done:
            return self._known.get(origin)
        found = looking.result()
        if found is not None:
            self._known[origin] = found
        else:
            self._known.pop(origin, None)
        return found

    async def _tell_sender(self, raw: str, text: str) -> None:
        fields = dict(parse_qsl(raw, keep_blank_values=True))
        workspace = await self._workspace(raw)
        if workspace is None:
            return
        if "payload" in fields:
            payload: Payload = orjson.loads(fields["payload"])
            user, channel, url = user_of(payload), channel_of(payload), str(payload.get("response_url") or "")
        else:
            user, channel, url = (fields.get(name, "") for name in ("user_id", "channel_id", "response_url"))
        await self._tell(
            workspace,
            Ask(user, channel, "", "", "", f"late:{hashlib.sha256(raw.encode()).hexdigest()[:32]}", response_url=url),
            text,
        )

    async def _tell(self, workspace: Workspace, ask: Ask, text: str) -> None:
        try:
            await Answers(workspace.desk, workspace.bot).tell(ask, text)
        except SlackFailure as failure:
            log.warning("somebody could not be told why nothing happened: %s", failure)

    async def _at_most(self, work: Awaitable[T], seconds: float) -> T | None:
        """What comes of it within so many seconds; it goes on alone after that. None too where it fails."""
        task = self._spawn(work)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return task.result() if done and not task.cancelled() and task.exception() is None else None

    def _spawn(self, work: Awaitable[T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, (CosessionError, SlackFailure, NotYet)):
            log.warning("a request was answered without a look: %s", error)
        elif error is not None:
            log.error("a form failed", exc_info=error)


#: Told at once to whoever typed a command, while the database is too slow to say that it was stored.
IN_A_MOMENT = (
    "That takes longer than usual. You are told here what comes of it; if there is nothing within a minute, type it"
    " again."
)
NOT_TAKEN = ":warning: That was *not taken*: Cosession could not store it. Try it again."


def late_answer(body: Mapping[str, Any]) -> BoltResponse:
    """The acknowledgement of a request that is not known to be stored yet. Pure."""
    if "command" in body:
        return as_json({"response_type": "ephemeral", "text": IN_A_MOMENT})
    if body.get("type") == "view_submission":
        return as_json({"response_action": "update", "view": notices.in_a_moment()})
    return BoltResponse(status=200, body="")


def as_json(answer: Mapping[str, Any]) -> BoltResponse:
    return BoltResponse(status=200, body=orjson.dumps(answer).decode(), headers={"content-type": "application/json"})
