"""Where the bytes of files go in and out: upload addresses, private addresses, and the page's own way to both.

An upload address is its own permission. A private address wants a token that may read files; whoever has none is sent
the page to sign in, with status 200, as Slack does.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.sandbox.bodies import BadBody, read_body
from bot.sandbox.engine import SandboxEngine
from bot.sandbox.errors import SlackError
from bot.sandbox.faults import ApiFault
from bot.sandbox.files import MAX_BYTES
from bot.sandbox.models import BOT_USER_ID

#: Names of the two ways for bytes, for faults that are queued as those of methods are.
UPLOAD, DOWNLOAD = "files.upload", "files.download"
#: An answer that never comes is given up here, should the caller wait longer.
_LONGEST_HANG = 120.0
_SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Acme</body></html>"
#: What a browser shows by itself; everything else it saves.
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")


class FileDoor:
    """The routes below the sandbox's own address."""

    def __init__(self, engine: SandboxEngine) -> None:
        self._engine = engine
        self.routes = [
            Route("/upload/v1/{ticket}", self.upload, methods=["POST"]),
            Route("/files/{file_id}/download/{name}", self.download, methods=["GET"]),
            Route("/files/{file_id}/{name}", self.download, methods=["GET"]),
            Route("/ui/upload", self.attach, methods=["POST"]),
            Route("/ui/files/{file_id}", self.show, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Takes the bytes of one file, as they are."""
        try:
            data = await read_body(request, most=MAX_BYTES)
        except BadBody:
            return PlainTextResponse("too large", 413)
        fault = self._engine.faults.take_api(UPLOAD, "")
        if fault is not None and not fault.after_effect:
            return await failed(request, fault)
        if not self._engine.workspace.files.put(request.path_params["ticket"], data):
            return PlainTextResponse("not expected", 400)
        return await failed(request, fault) if fault is not None else PlainTextResponse(f"OK - {len(data)}")

    async def download(self, request: Request) -> Response:
        fault = self._engine.faults.take_api(DOWNLOAD, "")
        if fault is not None:
            return await failed(request, fault)
        file_id = request.path_params["file_id"]
        if not self._may_read(request, file_id):
            return HTMLResponse(_SIGN_IN)
        data = self._engine.workspace.files.data.get(file_id)
        if data is None:
            return PlainTextResponse("gone", 404)
        return Response(data, media_type=self._engine.workspace.files.by_id[file_id].mimetype)

    async def attach(self, request: Request) -> Response:
        """The page puts a file up: its bytes as the body, `user` and `name` in the query."""
        if request.headers.get("x-sandbox") != "1":
            return JSONResponse({"ok": False, "error": "missing_header"}, status_code=403)
        asked = request.query_params
        try:
            data = await read_body(request, most=MAX_BYTES)
            file_id = self._engine.attach(asked.get("user", ""), asked.get("name") or "file", data)
        except BadBody as bad:
            return JSONResponse({"ok": False, "error": bad.code}, status_code=413)
        except SlackError as refusal:
            return JSONResponse(refusal.answer(), status_code=409)
        return JSONResponse({"ok": True, "result": file_id})

    async def show(self, request: Request) -> Response:
        """A file for the page, to whoever is in a channel that it is shared in."""
        workspace = self._engine.workspace
        file = workspace.files.by_id.get(request.path_params["file_id"])
        user = request.query_params.get("user", "")
        data = workspace.files.data.get(file.id) if file is not None else None
        if file is None or data is None or not any(user in place.members for place, _ in workspace.shares_of(file.id)):
            return PlainTextResponse("There is no such file.", 404)
        is_shown = file.mimetype in _SHOWN
        headers = {
            "content-disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{quote(file.name)}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
        }
        return Response(data, media_type=file.mimetype if is_shown else "application/octet-stream", headers=headers)

    def _may_read(self, request: Request, file_id: str) -> bool:
        workspace = self._engine.workspace
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            workspace.installs.check(token if scheme.lower() == "bearer" else None)
        except SlackError:
            return False
        return "files:read" in self._engine.scopes and any(
            BOT_USER_ID in channel.members for channel, _ in workspace.shares_of(file_id)
        )


async def failed(request: Request, fault: ApiFault) -> Response:
    """How a request for bytes goes wrong."""
    if fault.kind == "redirect":
        return RedirectResponse(fault.location, 302)
    if fault.kind == "status":
        headers = {"Retry-After": str(fault.retry_after)} if fault.status == 429 else {}
        return PlainTextResponse("not now", fault.status, headers)
    if fault.kind == "hang":
        await until_the_caller_leaves(request)
    return broken_answer()


def broken_answer() -> Response:
    return _BrokenResponse()


async def until_the_caller_leaves(request: Request) -> None:
    """Holds the answer back until the caller hangs up."""
    try:
        async with asyncio.timeout(_LONGEST_HANG):
            while (await request.receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return


class _BrokenResponse(Response):
    """Promises more bytes than it sends, so that the server has to cut the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        start = json.dumps({"ok": True}).encode()[:4]
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": start, "more_body": True})
