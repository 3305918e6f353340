"""The Slack side of a running server: a real workspace, or the sandbox where there is none.

In development, nobody has connected a workspace and only this machine can reach the server; then a workspace in a box
takes its place, with the same bot, the same signatures, over the same HTTP.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field

from api import pages
from api.auth import COOKIE, set_login
from api.context import Api
from api.routes import attachments
from bot.app import SlackDoor, SlackSettings
from bot.commands import COMMAND, USAGE_HINT
from bot.identity import PROVIDER, link_person
from bot.manifest import SHORTCUTS, bot_scopes
from bot.sandbox import CLIENT_ID, SandboxEngine, sandbox_app
from bot.sandbox.files import MAX_BYTES
from bot.sign_in import START
from core import accounts, identities
from core.clock import Clock
from core.db import Transaction
from core.errors import NotAllowed, UserNotFound
from cosession.settings import Settings

log = logging.getLogger(__name__)


def connected_workspace(settings: Settings) -> SlackSettings | None:
    """How to reach the workspace that the settings name, if they name one."""
    if not settings.has_slack:
        return None
    return SlackSettings(
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        bot_token=settings.slack_bot_token.get_secret_value(),
        api_url=settings.slack_api_url or "https://slack.com/api/",
        base_url=settings.base_url,
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret.get_secret_value(),
        sealing_key=settings.jwt_key(),
        app_token=settings.slack_app_token.get_secret_value(),
        is_only_process=settings.is_sqlite,
    )


def ways_in(settings: SlackSettings | None) -> dict[str, str]:
    """Where signing in by another system begins: provider → path."""
    return {PROVIDER: START} if settings is not None and settings.can_sign_in else {}


class OpenAs(BaseModel):
    """Whom to open the session as, and where."""

    user_id: str = Field(max_length=40)
    next: str = Field(default="/", max_length=200, pattern=r"^/(s/[a-z0-9_]+)?$")


class Link(BaseModel):
    url: str


class Sandbox:
    """The workspace in a box, kept in a file of the data folder."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        local = f"http://127.0.0.1:{settings.port}"
        signing_secret, bot_token = secrets.token_hex(16), f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.engine = SandboxEngine(
            signing_secret=signing_secret,
            bot_token=bot_token,
            clock=clock,
            scopes=bot_scopes(),
            request_url=f"{local}/slack/events",
            base_url=f"{local}/sandbox/slack",
        )
        self.engine.commands = {COMMAND: USAGE_HINT}
        self.engine.shortcuts = [*SHORTCUTS]
        self.engine.workspace.unfurl_domains.add(urlsplit(settings.base_url).hostname or "localhost")
        self.settings = SlackSettings(
            signing_secret=signing_secret,
            bot_token=bot_token,
            api_url=f"{local}/sandbox/slack/api/",
            base_url=settings.base_url,
            client_id=CLIENT_ID,
            client_secret=self.engine.client_secret,
            authorize_url=f"{settings.base_url}/sandbox/slack/openid/connect/authorize",
            install_url=f"{settings.base_url}/sandbox/slack/oauth/v2/authorize",
            sealing_key=settings.jwt_key(),
            is_only_process=True,
        )
        self._file = settings.data_dir / "sandbox.json"

    def start(self) -> None:
        """Takes up where the last server left off."""
        try:
            self.engine.keep_in(self._file)
        except ValueError:
            log.warning("%s cannot be read: the sandbox starts anew", self._file, exc_info=True)

    def link_people(self, tx: Transaction) -> None:
        """Every full member has an account here, so that the first reply in a thread just works."""
        for person in self.engine.people:
            if person.is_bot or person.is_restricted or person.is_ultra_restricted:
                continue
            user = accounts.find_by_email(tx, person.email) or accounts.add_user(tx, person.email, person.real_name)
            realm = self.engine.team_id
            link_person(tx, realm=realm, team_name="Acme", slack_id=person.id, user_id=user.id)


def mount_sandbox(app: FastAPI, api: Api, sandbox: Sandbox) -> None:
    """The page, its own door, and Slack's Web API, below `/sandbox/slack`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sandbox/slack")
    async def page() -> Response:  # pyright: ignore[reportUnusedFunction]
        return pages.sandbox_page(api.settings.static)

    @router.post("/sandbox/slack/links")
    async def open_as(body: OpenAs, request: Request) -> Link:  # pyright: ignore[reportUnusedFunction]
        """A sign-in link for one of the workspace's people: how one person tries two browsers."""
        if request.headers.get("x-sandbox") != "1":
            raise NotAllowed

        def link(tx: Transaction) -> str:
            user = identities.by_identity(tx, "slack", sandbox.engine.team_id, body.user_id)
            if user is None:
                raise UserNotFound("This person has no account: guests are not linked.")
            return accounts.new_sign_in_link(tx, user.id)

        secret = await api.db.write(link)
        return Link(url=f"{api.settings.base_url}/sign-in?next={body.next}#{secret}")

    app.include_router(router)
    app.mount("/sandbox/slack", sandbox_app(sandbox.engine))


def body_bytes_for(path: str) -> int | None:
    """What the body of a request may weigh where it may be more than others: files, in the sandbox too."""
    is_file = path.startswith("/sandbox/slack/upload/") or path == "/sandbox/slack/ui/upload"
    return MAX_BYTES if is_file else attachments.body_bytes_for(path)


class _Browsers:
    """The logins of the web's door, for whoever comes in by Slack."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def secret_of(self, request: Request) -> str | None:
        return request.cookies.get(COOKIE)

    def let_in(self, response: Response, secret: str, expires_at: datetime) -> None:
        set_login(response, self._api, secret, expires_at)


def build_door(api: Api, settings: SlackSettings, tell: Callable[[], None]) -> SlackDoor:
    """The bot, on the same database and the same budget of messages as the other doors."""
    return SlackDoor(
        db=api.db,
        clock=api.clock,
        settings=settings,
        messages=api.messages,
        present=api.hub.present,
        browsers=_Browsers(api),
        tell=tell,
    )
