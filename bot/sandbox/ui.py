"""The page's own door: what a person sees, what they do, and which faults are queued.

Every POST is JSON and carries `X-Sandbox: 1`, which no other site can send without a preflight that nobody answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.sandbox.bodies import BadBody, json_object, read_body
from bot.sandbox.engine import SandboxEngine
from bot.sandbox.errors import SlackError
from bot.sandbox.models import Payload
from bot.sandbox.screens import Screens

#: The page shows so many messages of a channel.
_SHOWN = 1_000
_HEARTBEAT_SECONDS = 15.0


def ui_routes(engine: SandboxEngine) -> list[Route]:
    """`GET state`, `GET messages`, `GET stream`, `POST {action}`."""
    page = _Page(engine)
    return [
        Route("/state", page.state, methods=["GET"]),
        Route("/messages", page.messages, methods=["GET"]),
        Route("/stream", page.stream, methods=["GET"]),
        Route("/{action}", page.act, methods=["POST"]),
    ]


class _Page:
    def __init__(self, engine: SandboxEngine) -> None:
        self._engine = engine
        self._screens = Screens(engine.workspace)
        engine.on_close.append(self._screens.close)
        self._actions: dict[str, Callable[[Payload], Awaitable[Any]]] = {
            "say": lambda a: engine.say(
                a["user"], a["channel"], a["text"], a.get("thread_ts"), tuple(a.get("files", ()))
            ),
            "edit": lambda a: engine.edit(a["user"], a["channel"], a["ts"], a["text"]),
            "delete": lambda a: engine.delete(a["user"], a["channel"], a["ts"]),
            "react": lambda a: engine.react(a["user"], a["channel"], a["ts"], a["name"], remove=bool(a.get("remove"))),
            "slash": lambda a: engine.slash(a["user"], a["channel"], a["command"], a.get("text", "")),
            "click": lambda a: engine.click(
                a["user"], a["channel"], a["ts"], a["action_id"], a.get("value"), block_id=a.get("block_id")
            ),
            "click_in_view": lambda a: engine.click_in_view(
                a["user"], a["view_id"], a["action_id"], a.get("value"), block_id=a.get("block_id")
            ),
            "shortcut": lambda a: engine.shortcut(a["user"], a["callback_id"], a.get("channel"), a.get("ts")),
            "submit_view": lambda a: engine.submit_view(a["user"], a["view_id"], a["values"]),
            "close_view": lambda a: engine.close_view(a["user"], a["view_id"]),
            "home": lambda a: engine.open_home(a["user"], a.get("tab", "home")),
            "delete_file": lambda a: engine.delete_file(a["user"], a["file"]),
            "dismiss": self._dismiss,
            "faults": self._faults,
        }

    async def state(self, request: Request) -> Response:
        """Everything but messages, as one person sees it."""
        user = request.query_params.get("user", "")
        workspace = self._engine.workspace
        if user not in workspace.people:
            user = next(person.id for person in self._engine.people if not person.is_bot)
        channels = [
            {
                "id": channel.id,
                "name": channel.name,
                "kind": channel.kind,
                "is_archived": channel.is_archived,
                "members": channel.members,
                "latest": max(channel.messages, default=""),
            }
            for channel in self._engine.channels
            if user in channel.members
        ]
        return JSONResponse(
            {
                "team": "Acme",
                "app": {"id": self._engine.app_id, "user": self._engine.bot_user_id, "bot": self._engine.bot_id},
                "me": user,
                "people": [asdict(person) for person in self._engine.people],
                "channels": channels,
                "commands": self._engine.commands,
                "shortcuts": self._engine.shortcuts,
                "home": workspace.views.homes.get(user),
                "modal": workspace.views.current(user),
                "sessions": workspace.agent_sessions,
                "faults": self._queued(),
                "is_connected": self._engine.request_url is not None,
            }
        )

    async def messages(self, request: Request) -> Response:
        user, channel_id = request.query_params.get("user", ""), request.query_params.get("channel", "")
        channel = self._engine.workspace.channels.get(channel_id)
        if channel is None or user not in channel.members:
            return JSONResponse({"ok": False, "error": "channel_not_found"}, status_code=404)
        shown = [self._engine.workspace.shown(channel, message) for message in channel.in_order()[-_SHOWN:]]
        return JSONResponse({"messages": shown + self._engine.ephemerals(user, channel_id)})

    async def stream(self, request: Request) -> Response:
        """Server-sent events, one for each change. A screen that was away reads everything again."""
        user = request.query_params.get("user", "")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_frames(self._screens.watch(user)), media_type="text/event-stream", headers=headers)

    async def act(self, request: Request) -> Response:
        if request.headers.get("x-sandbox") != "1":
            return JSONResponse({"ok": False, "error": "missing_header"}, status_code=403)
        action = self._actions.get(request.path_params["action"])
        if action is None:
            return JSONResponse({"ok": False, "error": "unknown_action"}, status_code=404)
        try:
            result = await action(json_object(await read_body(request)))
        except BadBody as bad:
            return JSONResponse({"ok": False, "error": bad.code}, status_code=400)
        except KeyError as missing:
            return JSONResponse({"ok": False, "error": f"missing {missing.args[0]}"}, status_code=400)
        except SlackError as refusal:
            return JSONResponse(refusal.answer(), status_code=409)
        return JSONResponse(
            {"ok": True, "result": asdict(result) if hasattr(result, "__dataclass_fields__") else result}
        )

    async def _dismiss(self, asked: Payload) -> None:
        self._engine.workspace.drop_ephemeral(asked["user"], asked["ts"])

    async def _faults(self, asked: Payload) -> list[Payload]:
        """Queues a fault by name, or clears them all; answers what is queued then."""
        faults, times = self._engine.faults, int(asked.get("times", 1))
        method = asked.get("method", "chat.postMessage")
        queue: dict[str, Callable[[], None]] = {
            "clear": faults.clear,
            "429": lambda: faults.fail(method, status=429, retry_after=int(asked.get("seconds", 3)), times=times),
            "500": lambda: faults.fail(method, status=500, times=times),
            "503": lambda: faults.fail(method, status=503, times=times),
            "timeout": lambda: faults.hang(method, times=times),
            "lost_answer": lambda: faults.hang(method, after_effect=True, times=times),
            "reset": lambda: faults.reset(method, times=times),
            "duplicate": lambda: faults.duplicate(times=times),
            "delay": lambda: faults.delay(seconds=float(asked.get("seconds", 3)), times=times),
            "reorder": lambda: faults.reorder(times=times),
            "lose": lambda: faults.lose(times=times),
            "drop_ack": lambda: faults.drop_ack(times=times),
        }
        kind = str(asked["kind"])
        if kind not in queue:
            raise SlackError("unknown_fault")
        queue[kind]()
        return self._queued()

    def _queued(self) -> list[Payload]:
        return [asdict(fault) for fault in (*self._engine.faults.api, *self._engine.faults.events)]


async def _frames(changes: AsyncGenerator[Payload, None]) -> AsyncGenerator[str, None]:
    """SSE frames, with a comment now and then so that a dead connection is noticed."""
    yield "retry: 1000\n\n"
    upcoming = asyncio.ensure_future(anext(changes))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=_HEARTBEAT_SECONDS)
            if not done:
                yield ": still here\n\n"
                continue
            try:
                change = upcoming.result()
            except StopAsyncIteration:
                return
            yield f"data: {json.dumps(change)}\n\n"
            upcoming = asyncio.ensure_future(anext(changes))
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await changes.aclose()
