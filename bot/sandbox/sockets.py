"""Socket Mode in the box: addresses that work once, greetings, envelopes to any one connection, notices to leave."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.models import APP_ID, Payload
from bot.sandbox.shapes import is_object

#: Most connections of one app.
MOST = 10


@dataclass(eq=False)
class _Line:
    socket: WebSocket
    is_leaving: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Sockets:
    """The connections of the app. `is_on` while it is in Socket Mode; then nothing is sent over HTTP."""

    def __init__(self, app_token: str | None) -> None:
        self.app_token = app_token
        self.is_on = app_token is not None
        #: Every connection that was ever greeted, and every acknowledgement that came.
        self.greeted = 0
        self.acknowledged = 0
        self._tickets: set[str] = set()
        self._lines: list[_Line] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._came = asyncio.Event()
        self._turn = itertools.count()

    @property
    def connections(self) -> int:
        """Those that take requests."""
        return sum(not line.is_leaving for line in self._lines)

    def new_url(self, base_url: str) -> str:
        """`apps.connections.open`."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"{base_url.replace('http', 'ws', 1)}/socket?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its greeting to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets or not self.is_on:
            await socket.close(4401)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        line = _Line(socket)
        if len(self._lines) >= MOST:
            await self._say_leave(line, "too_many_websockets")
            await socket.close()
            return
        self._lines.append(line)
        self.greeted += 1
        hello = {"num_connections": len(self._lines), "debug_info": {"approximate_connection_time": 18060}}
        await socket.send_json({"type": "hello", **hello, "connection_info": {"app_id": APP_ID}})
        self._came.set()
        try:
            while True:
                self._take(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            line.gone.set()
            self._lines.remove(line)

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Sends one request over any connection; what it was acknowledged with. Waits for a connection.

        Raises ConnectionResetError where the connection ended before the acknowledgement.
        """
        envelope = envelope_of(body, headers)
        while not (open_lines := [line for line in self._lines if not line.is_leaving]):
            self._came.clear()
            await self._came.wait()
        line = open_lines[next(self._turn) % len(open_lines)]
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = acknowledged
        ended = asyncio.ensure_future(line.gone.wait())
        try:
            await line.socket.send_json(envelope)
            await asyncio.wait((acknowledged, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            self._waiting.pop(envelope["envelope_id"], None)
        if not acknowledged.done():
            raise ConnectionResetError
        return acknowledged.result()

    async def ask_to_leave(self, reason: str, *, only: int | None = None) -> None:
        """Tells connections (the oldest `only`) why they will end. After a warning they still get requests."""
        for line in list(self._lines)[:only]:
            await self._say_leave(line, reason)
            line.is_leaving = reason != "warning"

    async def cut(self, *, only: int | None = None) -> None:
        """Ends connections, the oldest first, whether they were warned or not."""
        for line in list(self._lines)[:only]:
            await line.socket.close()

    async def _say_leave(self, line: _Line, reason: str) -> None:
        await line.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

    def _take(self, text: str) -> None:
        answer: Any = json.loads(text)
        waiting = self._waiting.get(str(answer.get("envelope_id"))) if is_object(answer) else None
        if waiting is not None and not waiting.done():
            self.acknowledged += 1
            waiting.set_result(answer.get("payload"))


def envelope_of(body: bytes, headers: Mapping[str, str]) -> Payload:
    """What would be a request over HTTP, as it goes over a connection."""
    if headers["content-type"] == "application/json":
        kind, payload, accepts = "events_api", json.loads(body), False
    else:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        is_command = "command" in fields
        kind, payload = ("slash_commands", fields) if is_command else ("interactive", json.loads(fields["payload"]))
        accepts = is_command or payload.get("type") in ("view_submission", "block_suggestion")
    again = headers.get("x-slack-retry-num")
    retry = {"retry_attempt": int(again), "retry_reason": headers.get("x-slack-retry-reason", "")} if again else {}
    return {
        "type": kind,
        "envelope_id": secrets.token_hex(16),
        "payload": payload,
        "accepts_response_payload": accepts,
        **retry,
    }
