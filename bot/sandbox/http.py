"""The sandbox over HTTP: `/api/{method}`, `/response/{id}`, `/upload/…` and `/files/…` for the app, `/ui/…` for the
page, and `/openid/connect/authorize` for whoever signs in with Slack, `/oauth/v2/authorize` for who installs the app.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from bot.sandbox.bodies import BadBody, json_object, read_arguments, read_body
from bot.sandbox.engine import SandboxEngine
from bot.sandbox.errors import RateLimited, SlackError
from bot.sandbox.faults import ApiFault
from bot.sandbox.file_http import FileDoor, broken_answer, until_the_caller_leaves
from bot.sandbox.models import Payload
from bot.sandbox.openid import DECLINED, INSTALL, back, page
from bot.sandbox.responses import use_response_url
from bot.sandbox.ui import ui_routes


def sandbox_app(engine: SandboxEngine) -> Starlette:
    """The ASGI app, to be mounted where `engine.base_url` says. It belongs in development mode only."""
    door = _Door(engine)
    return Starlette(
        routes=[
            Route("/api/{method}", door.api, methods=["GET", "POST"]),
            Route("/response/{url_id}", door.response, methods=["POST"]),
            Route("/openid/connect/authorize", door.authorize, methods=["GET"]),
            Route("/oauth/v2/authorize", door.install, methods=["GET"]),
            WebSocketRoute("/socket", engine.sockets.serve),
            *FileDoor(engine).routes,
            Mount("/ui", routes=ui_routes(engine)),
        ]
    )


class _Door:
    def __init__(self, engine: SandboxEngine) -> None:
        self._engine = engine

    async def api(self, request: Request) -> Response:
        method = request.path_params["method"]
        try:
            args, token = await read_arguments(request)
        except BadBody as bad:
            return JSONResponse({"ok": False, "error": bad.code})
        fault = self._engine.faults.take_api(method, str(args.get("channel", "")))
        if fault is None:
            return self._carry_out(method, args, token)
        if fault.kind == "status":
            return _failure(fault)
        if fault.after_effect:
            self._carry_out(method, args, token)
        if fault.kind == "hang":
            await until_the_caller_leaves(request)
        return broken_answer()

    async def response(self, request: Request) -> Response:
        try:
            answer = json_object(await read_body(request))
            use_response_url(self._engine.workspace, request.path_params["url_id"], answer)
        except BadBody as bad:
            return JSONResponse({"ok": False, "error": bad.code}, status_code=400)
        except SlackError as refusal:
            return JSONResponse(refusal.answer(), status_code=404 if refusal.code.endswith("_url") else 400)
        return PlainTextResponse("ok")

    async def authorize(self, request: Request) -> Response:
        """Asks who agrees; each answer is a link back to this page."""
        asked = dict(request.query_params)
        answer = asked.pop("as", None)
        sign_ins = self._engine.workspace.sign_ins
        problem = sign_ins.problem(asked)
        if problem is not None:
            return PlainTextResponse(f"Something is wrong with this request: {problem}", 400)
        if answer is None:
            return HTMLResponse(page(self._engine.people, asked))
        person = self._engine.workspace.people.get(answer)
        return RedirectResponse(sign_ins.grant(person, asked) if person else sign_ins.decline(asked), 303)

    async def install(self, request: Request) -> Response:
        """Asks who agrees to the app's being installed."""
        asked = dict(request.query_params)
        answer = asked.pop("as", None)
        installs = self._engine.workspace.installs
        problem = installs.problem(asked)
        if problem is not None:
            return PlainTextResponse(f"Something is wrong with this request: {problem}", 400)
        if answer is None:
            return HTMLResponse(page(self._engine.people, asked, INSTALL))
        person = self._engine.workspace.people.get(answer)
        return RedirectResponse(installs.agree(person, asked) if person else back(asked, DECLINED), 303)

    def _carry_out(self, method: str, args: Payload, token: str | None) -> Response:
        try:
            scopes = ",".join(sorted(self._engine.scopes))
            return JSONResponse(self._engine.web_api.call(method, args, token), headers={"x-oauth-scopes": scopes})
        except RateLimited as limited:
            return _too_many(limited.retry_after)


def _failure(fault: ApiFault) -> Response:
    if fault.status == 429:
        return _too_many(fault.retry_after)
    return PlainTextResponse("Internal Server Error" if fault.status == 500 else "Service Unavailable", fault.status)


def _too_many(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers={"Retry-After": str(seconds)})
