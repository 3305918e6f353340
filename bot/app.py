"""The door for Slack, both ways: requests come in through the inbox, sessions go out through their mirrors.

Settings and pieces are put together here, and nowhere else. `start` returns at once: whether Slack answers is not the
start's business, because its Web API may be served by this very process (the sandbox).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from fastapi import APIRouter

from bot import metrics, preferences
from bot.catching_up import CatchingUp
from bot.commands import Commands
from bot.commands.deeds import Deeds
from bot.commands.mentions import Mentions
from bot.desk import Desk
from bot.health import examine, in_words, measure
from bot.home import Home
from bot.identity import People
from bot.installations.lifecycle import Lifecycle
from bot.installations.oauth import Install
from bot.installations.origin import Origin
from bot.installations.tokens import NewTokens, Token
from bot.installations.workspaces import Workspaces
from bot.intake import COMMAND_KIND, EVENT, INTERACTION, Intake
from bot.interactions.card import Buttons
from bot.interactions.dispatch import Interactions
from bot.interactions.front import Front
from bot.interactions.start_form import StartForm
from bot.invites.answering import Answering
from bot.invites.courier import Courier
from bot.invites.inviting import Inviting
from bot.keeper import Keeper
from bot.manifest import bot_scopes
from bot.messages import Events
from bot.notices import Notices
from bot.settings import Pace, SlackSettings
from bot.sign_in import Browsers, SignIn
from bot.socket_mode import SocketMode
from bot.web import Bot, SlackApi
from bot.worker import Handler, Worker
from core import inbox, installations, mirror_lag, presence
from core.clock import Clock
from core.db import Database
from core.errors import CosessionError
from core.ids import new_id
from core.limits import Limits, TokenBuckets
from core.sealing import Sealer

__all__ = ["Pace", "SlackDoor", "SlackSettings"]

log = logging.getLogger(__name__)


class SlackDoor:
    """One Slack workspace's door. `messages` is the budget of messages per user that every door shares; `present` tells
    who is in a session now; with `browsers` people may sign in with Slack; `tell` says to other processes that a
    request was stored. Belongs to the event loop that `start` runs on."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        settings: SlackSettings,
        messages: Limits,
        present: Callable[[str], list[presence.Shown]],
        browsers: Browsers | None = None,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        pace = settings.pace
        self._clock = clock
        self._messages = messages
        self._db = db
        self._settings = settings
        self._present = present
        self._owner = new_id("own")
        #: The desk of the one workspace that the settings name. For any other, and wherever a realm is known:
        #: `(await self.workspaces.of(realm)).desk`.
        self._desk = self._new_desk(SlackApi(settings.api_url, settings.bot_token, pace.call_timeout))
        self._new_tokens = NewTokens(settings, Sealer(settings.sealing_key), clock) if settings.can_install else None
        self.workspaces = Workspaces(
            db,
            self._desk if settings.bot_token else None,
            self._open_desk if self._new_tokens is not None else None,
            self._furnish,
        )
        self._keeper = Keeper(self._desk, self.workspaces.desk)
        self._catching_up = CatchingUp(db, clock, self.workspaces.desk, self._stored)
        self._courier = Courier(db, settings, self._owner, self.workspaces.desk)
        self._notices = Notices(db, clock, settings, self._owner, self.workspaces.desk, present)
        kinds = (EVENT, COMMAND_KIND, INTERACTION)
        self._worker = Worker(db, clock, settings, self._owner, kinds, self.workspaces.handler)
        self._front = Front(self.workspaces, pace.ack_within)
        self._intake = Intake(db, clock, settings, self._stored, self._front)
        self._tell = tell
        self.sockets = (
            SocketMode(settings, self._intake.take, self._stored, self._was_deaf) if settings.app_token else None
        )
        self._sign_in = (
            SignIn(db, clock, settings, browsers, self._answers_for) if browsers and settings.can_sign_in else None
        )
        self._install = (
            Install(db, clock, settings, browsers, self._new_tokens, bot_scopes(), self._installed)
            if browsers and self._new_tokens is not None
            else None
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._does_work = False
        db.on_commit(self._keeper.poke)
        db.on_commit(self._courier.poke)

    @property
    def router(self) -> APIRouter:
        """`POST /slack/events`, and `GET /slack/sign_in` with its way back where people may sign in."""
        router = APIRouter()
        router.include_router(self._intake.router)
        if self._sign_in is not None:
            router.include_router(self._sign_in.router)
        if self._install is not None:
            router.include_router(self._install.router)
        return router

    @property
    def bot(self) -> Bot | None:
        """Who the token belongs to; None until Slack has told."""
        return self._intake.bot

    async def start(self, *, does_work: bool = True) -> None:
        """Without `does_work` requests are taken in and stored, and another process mirrors and answers."""
        self._does_work = does_work
        await self._catching_up.open()
        await self.workspaces.open()
        if self._sign_in is not None:
            await self._sign_in.open()
        if self._new_tokens is not None:
            await self._new_tokens.api.open()
        self._tasks = [asyncio.create_task(self._meet_slack(), name="slack workspace")]
        if does_work:
            self._tasks.append(asyncio.create_task(self._worker.run(), name="slack inbox"))
            self._tasks.append(asyncio.create_task(self._keeper.run(), name="slack mirrors"))
            self._tasks.append(asyncio.create_task(self._courier.run(), name="slack invites"))
            self._tasks.append(asyncio.create_task(self._notices.run(), name="slack notices"))
            self._tasks.append(asyncio.create_task(self._renew_tokens(), name="slack tokens"))
            self._tasks.append(asyncio.create_task(self._measure(), name="slack measures"))
            pace = self._settings.pace
            looking = self._catching_up.run(pace.poll, pace.look_again)
            self._tasks.append(asyncio.create_task(looking, name="slack, what was missed"))
            if self.sockets is not None:
                await self.sockets.open()
        for task in self._tasks:
            task.add_done_callback(_report)

    async def close(self) -> None:
        """Stops where it is; what is under way is in the database and goes on with the next start."""
        if self.sockets is not None and self._does_work:
            await self.sockets.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._intake.close()
        await self._front.close()
        await self._keeper.close()
        if self._does_work:
            await self._worker.close()
            await self._courier.close()
            await self._notices.close()
        await self.workspaces.close()
        if self._sign_in is not None:
            await self._sign_in.close()
        if self._new_tokens is not None:
            await self._new_tokens.api.close()

    def has_news(self, session_ids: Collection[str]) -> None:
        """Another process has added to these sessions. What nobody tells is found by a slow look."""
        self._keeper.wake(session_ids)
        self._courier.hear()

    def has_notices(self) -> None:
        """Somebody is to be told something, now or soon."""
        self._notices.wake()

    def inbox_grew(self) -> None:
        """A request was stored, in this process or another. What nobody tells is found by a slow look."""
        self._worker.wake()

    def _stored(self) -> None:
        self.inbox_grew()
        self._tell()

    async def _was_deaf(self, seconds: float) -> None:
        await self._catching_up.deaf(self._clock() - timedelta(seconds=seconds))

    async def _meet_slack(self) -> None:
        """Asks Slack once whose the token is; until it answers, requests wait in the inbox."""
        await self.workspaces.meet()
        fixed = self.workspaces.fixed
        if fixed is None:
            return
        self._intake.bot = fixed.bot
        if self._sign_in is not None:
            self._sign_in.team_id = "" if self._new_tokens is not None else fixed.bot.team_id
        self._worker.wake()
        self._keeper.look()
        self._courier.wake()

    def _furnish(self, desk: Desk, bot: Bot, people: People) -> dict[str, Handler]:
        """Who handles the requests that come through one workspace: kind of request → handler."""
        inviting = Inviting(desk, bot, people)
        events = Events(desk, bot, people, self._messages, self._clock, self._catching_up)

        async def doctor(channel: str) -> str:
            now = self._clock()
            return in_words(await examine(self._db, desk.api, self._settings, bot.realm, now, only=(channel,)))

        deeds = Deeds(desk, bot, people, inviting, doctor)
        home = Home(desk, bot, people, Mentions(desk, bot, deeds, events), (preferences.part,))
        answering = (Answering(desk, bot, people, inviting), preferences.Choices(desk, bot))
        parts = (Buttons(deeds), StartForm(desk, people, deeds, inviting), *answering)
        return {
            EVENT: Lifecycle(desk, bot, home, self._ended),
            COMMAND_KIND: Commands(deeds),
            INTERACTION: Interactions(parts, home),
        }

    # -- workspaces that come and go

    def _new_desk(self, api: SlackApi, realm: str = "") -> Desk:
        pace = self._settings.pace
        return Desk(
            db=self._db,
            api=api,
            settings=self._settings,
            present=self._present,
            owner=self._owner,
            posts=TokenBuckets(pace.posts_per_minute, pace.posts_burst),
            streams=TokenBuckets(pace.streams_per_minute, pace.streams_burst),
            appends=TokenBuckets(pace.appends_per_minute, pace.appends_burst),
            realm=realm,
        )

    async def _open_desk(self, realm: str) -> tuple[Desk, Token]:
        assert self._new_tokens is not None
        token = Token(self._db, self._clock, self._new_tokens, realm, self._owner)
        api = SlackApi(self._settings.api_url, token, self._settings.pace.call_timeout)
        await api.open()
        return self._new_desk(api, realm), token

    async def _answers_for(self, enterprise: str, team: str) -> tuple[Bot, People] | None:
        found = await self.workspaces.at(Origin(enterprise, team))
        return None if found is None else (found.bot, found.people)

    async def _installed(self, realm: str) -> None:
        """A grant was given in this process: what waits for it is looked at."""
        await self.workspaces.of(realm)
        self._worker.wake()
        self._keeper.look()

    async def _ended(self, realm: str) -> None:
        await self.workspaces.ended(realm)
        await self._keeper.leave(realm)
        self._keeper.look()  # The organisation's grant may have taken its threads over.

    async def _measure(self) -> None:
        """How far behind this door is, for `/metrics`."""
        while True:
            try:
                installed: dict[str, datetime | None] = dict.fromkeys(
                    [workspace.realm for workspace in await self.workspaces.all()]
                )
                installed |= await self._db.read(
                    lambda tx: {row.realm: row.token_expires_at for row in installations.present(tx)}
                )
                behind, backlog = await self._db.read(lambda tx: (mirror_lag.behind(tx), inbox.backlog(tx)))
                measure(behind, backlog, installed, self._clock())
            except CosessionError as error:
                log.warning("it could not be measured how far Slack is behind: %s", error)
            metrics.SOCKETS.set(self.sockets.connections if self.sockets is not None else 0)
            await asyncio.sleep(self._settings.pace.measure_every)

    async def _renew_tokens(self) -> None:
        """Tokens that end are renewed in good time, whether anybody uses them or not."""
        while True:
            try:
                await self.workspaces.renew()
            except CosessionError as error:
                log.warning("tokens could not be renewed: %s", error)
            except Exception:
                log.exception("renewing tokens failed; it is tried again")
            await asyncio.sleep(self._settings.pace.renew_every)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("%s stopped", task.get_name(), exc_info=task.exception())
