"""A second workspace with the same channels and people under the same ids, behind the same Web API address.

Each workspace in a box calls itself by one id. What the second sends and answers is rewritten on the way, so that two
stand side by side in which everything but that id is equal: whoever mixes them up is found out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from bot.installations.tokens import refresh_of, token_of
from bot.sandbox import SandboxEngine, sandbox_app
from bot.sandbox.models import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from bot.sandbox.openid import CLIENT_ID
from bot.signature import sign
from core import installations
from core.db import Database
from core.installations import Grant, Tokens
from core.sealing import Sealer
from tests.bot.support.office import SECRET, Office, served

FIRST, OTHER = TEAM_ID, "T0OTHER001"
KEY = "the server's own key, of the tests, with enough bytes"


@dataclass
class Street:
    """Two workspaces: the office's own, and another."""

    office: Office
    other: SandboxEngine
    #: Where the other sends what is for the app, once it is rewritten.
    target: str
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(trust_env=False, timeout=10))

    async def events(self, request: Request) -> Response:
        body = (await request.body()).replace(FIRST.encode(), OTHER.encode())
        timestamp = request.headers["x-slack-request-timestamp"]
        headers = {
            "content-type": request.headers["content-type"],
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": sign(SECRET, timestamp, body),
        }
        return await self._pass_on(self.target, body, headers, "POST")

    async def api(self, request: Request) -> Response:
        """Whose token it is decides which of the two is asked; without one, both look."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        engine = self.other if token in self.other.workspace.installs.tokens else self.office.engine
        url = f"{engine.base_url}/api/{request.path_params['method']}?{request.url.query}"
        headers = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        answer = await self._pass_on(url, await request.body(), headers, request.method)
        if engine is self.other:
            answer.body = bytes(answer.body).replace(FIRST.encode(), OTHER.encode())
        return answer

    async def _pass_on(self, url: str, body: bytes, headers: dict[str, str], method: str) -> Response:
        answer = await self.http.request(method, url, content=body, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name in ("content-type", "retry-after")}
        return Response(answer.content, answer.status_code, kept)


def settings_for(office: Office, api_url: str) -> None:
    """The door of this office has no token of its own: workspaces are installed."""
    office.settings |= {
        "bot_token": "",
        "api_url": api_url,
        "client_id": CLIENT_ID,
        "client_secret": office.engine.client_secret,
        "sealing_key": KEY,
    }


async def grant(db: Database, engine: SandboxEngine, realm: str, name: str, *, enterprise: str = "") -> None:
    """Installs the app as if an administrator had just agreed."""
    installs, sealer = engine.workspace.installs, Sealer(KEY)
    admin = engine.people[0]
    where = installs.agree(admin, {"client_id": CLIENT_ID, "redirect_uri": "https://x.example", "scope": "chat:write"})
    code = httpx2.URL(where).params["code"]
    answer = installs.exchange(
        {
            "client_id": CLIENT_ID,
            "client_secret": engine.client_secret,
            "code": code,
            "redirect_uri": "https://x.example",
        }
    )
    ends = installs.tokens[answer["access_token"]]
    refresh = answer.get("refresh_token")
    tokens = Tokens(
        sealer.seal(token_of(realm), answer["access_token"]),
        sealer.seal(refresh_of(realm), refresh) if refresh else None,
        ends,
    )
    granted = Grant(
        realm=realm,
        enterprise_id=enterprise,
        team_id="" if realm == enterprise else realm,
        name=name,
        app_id=APP_ID,
        bot_user_id=BOT_USER_ID,
        bot_id=BOT_ID,
        scopes="chat:write",
        installed_by=admin.id,
        tokens=tokens,
    )
    await db.write(lambda tx: installations.install(tx, granted))


@asynccontextmanager
async def open_street(office: Office) -> AsyncGenerator[Street]:
    """Puts the second workspace beside the office's, both installed, and opens the door anew without a fixed token."""
    other = SandboxEngine(signing_secret=SECRET, bot_token="xoxb-unused", clock=office.clock)
    # Both belong to one app, which has one secret.
    other.workspace.installs.client_secret = office.engine.client_secret
    other.workspace.sign_ins.client_secret = office.engine.client_secret
    street = Street(office, other, f"{office.base_url}/slack/events")
    routes = [
        Mount("/other", sandbox_app(other)),
        Route("/events", street.events, methods=["POST"]),
        Route("/api/{method}", street.api, methods=["GET", "POST"]),
    ]
    async with served(Starlette(routes=routes)) as url:
        other.base_url, other.request_url = f"{url}/other", f"{url}/events"
        settings_for(office, f"{url}/api/")
        await grant(office.web, office.engine, FIRST, "Acme")
        await grant(office.web, other, OTHER, "Other")
        await office.restart()
        try:
            yield street
            assert other.violations == []
        finally:
            await other.aclose()
            await street.http.aclose()
