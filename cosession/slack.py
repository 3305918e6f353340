"""The Slack side of a running server: a real workspace, or the sandbox where there is none.

In development, nobody has connected a workspace and only this machine can reach the server; then a workspace in a box
takes its place, with the same bot, the same signatures, over the same HTTP.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.app import SlackDoor, SlackSettings
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field

from api import pages
from api.context import Api
from bot.identity import link_person
from bot.sandbox import Person, SandboxEngine, sandbox_app
from core import accounts, tables
from core.clock import Clock
from core.db import Transaction
from core.errors import NotAllowed, UserNotFound
from cosession.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the sandbox has changed.
KEEP_EVERY = 2.0


def slack_settings(settings: Settings) -> SlackSettings:
    """How to reach the connected workspace."""
    return SlackSettings(
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        bot_token=settings.slack_bot_token.get_secret_value(),
        api_url=settings.slack_api_url or "https://slack.com/api/",
        base_url=settings.base_url,
    )


class OpenAs(BaseModel):
    """Whom to open the session as, and where."""

    user_id: str = Field(max_length=40)
    next: str = Field(default="/", max_length=200, pattern=r"^/(s/[a-z0-9_]+)?$")


class Link(BaseModel):
    url: str


@dataclass(slots=True)
class Sandbox:
    """The workspace in a box, kept in a file of the data folder."""

    engine: SandboxEngine
    settings: SlackSettings
    path: Path
    _kept: str = ""
    _keeper: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> Sandbox:
        local = f"http://127.0.0.1:{settings.port}"
        signing_secret, bot_token = secrets.token_hex(16), f"xoxb-sandbox-{secrets.token_hex(12)}"
        engine = SandboxEngine(
            signing_secret=signing_secret,
            bot_token=bot_token,
            clock=clock,
            request_url=f"{local}/slack/events",
            base_url=f"{local}/sandbox/slack",
        )
        path = settings.data_dir / "sandbox.json"
        try:
            engine.load(path)
        except ValueError:
            log.warning("the sandbox's file cannot be read: it starts anew", exc_info=True)
        slack = SlackSettings(
            signing_secret=signing_secret,
            bot_token=bot_token,
            api_url=f"{local}/sandbox/slack/api/",
            base_url=settings.base_url,
        )
        return cls(engine, slack, path)

    def link_people(self, tx: Transaction) -> None:
        """Everybody who is a full member has an account here, so that the first reply in a thread just works."""
        team = accounts.team_for_realm(tx, self.engine.team_id, "Acme")
        for person in self.engine.people:
            if not person.is_bot and not person.is_restricted and not person.is_ultra_restricted:
                user = _account_of(tx, person)
                link_person(tx, user.id, self.engine.team_id, person.id)
                accounts.join_team(tx, team.id, user.id)

    async def keep(self) -> None:
        """Writes the workspace down whenever it has changed."""
        while True:
            await asyncio.sleep(KEEP_EVERY)
            await self.keep_now()

    async def keep_now(self) -> None:
        state = json.dumps(self.engine.workspace.snapshot(), sort_keys=True)
        if state != self._kept:
            self._kept = state
            self.engine.dump(self.path)

    def start(self) -> None:
        self._keeper = asyncio.create_task(self.keep(), name="sandbox keeper")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self.keep_now()
        await self.engine.aclose()


def _account_of(tx: Transaction, person: Person) -> tables.User:
    return accounts.find_by_email(tx, person.email) or accounts.add_user(tx, person.email, person.real_name)


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
            user = accounts.by_identity(tx, "slack", sandbox.engine.team_id, body.user_id)
            if user is None:
                raise UserNotFound("This person has no account: guests are not linked.")
            return accounts.new_sign_in_link(tx, user.id)

        secret = await api.db.write(link)
        return Link(url=f"{api.settings.base_url}/sign-in?next={body.next}#{secret}")

    app.include_router(router)
    app.mount("/sandbox/slack", sandbox_app(sandbox.engine))


def build_door(api: Api, settings: SlackSettings) -> SlackDoor:
    """The bot, on the same database and the same budget of messages as the other doors."""
    return SlackDoor(
        db=api.db,
        clock=api.clock,
        settings=settings,
        messages=api.messages,
        present=api.hub.present,
    )
