"""The workspaces that this process acts in: realm → the API, the desk and the handlers for that realm.

**The accessor to use** is `await workspaces.of(realm)`: its `desk.api` is the Web API of that realm, `bot` who acts
there, `people` its profiles. Each has its own desk, so what is remembered of one (profiles, rate limits, pace, scopes)
never answers for another. Handlers and mirrors are given the desk of their own realm and need not ask.

Where the settings name one bot token, that workspace is known once Slack has told whose token it is; until then what
came from there waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.desk import Desk, backoff
from bot.identity import People
from bot.installations.origin import Origin, origin_of
from bot.web import Bot, SlackFailure
from bot.worker import Handler, NotYet
from core.inbox import Item

log = logging.getLogger(__name__)

#: Makes what handles the requests of one workspace: kind of request → handler.
Furnish = Callable[[Desk, Bot, People], Mapping[str, Handler]]


@dataclass(frozen=True, slots=True)
class Workspace:
    """One installation as this process works with it."""

    bot: Bot
    desk: Desk
    people: People
    handlers: Mapping[str, Handler]

    @property
    def realm(self) -> str:
        return self.bot.realm


class Workspaces:
    """`fixed` is the desk of the workspace whose token the settings name. Belongs to one event loop."""

    def __init__(self, fixed: Desk | None, furnish: Furnish) -> None:
        self._fixed_desk = fixed
        self._furnish = furnish
        self._fixed: Workspace | None = None

    @property
    def fixed(self) -> Workspace | None:
        """The workspace of the settings; None where they name none, or Slack has not told whose the token is."""
        return self._fixed

    async def open(self) -> None:
        if self._fixed_desk is not None:
            await self._fixed_desk.api.open()

    async def close(self) -> None:
        if self._fixed_desk is not None:
            await self._fixed_desk.api.close()

    async def meet(self) -> None:
        """Asks Slack whose token the settings name, until it answers."""
        desk, failures = self._fixed_desk, 0
        while desk is not None and self._fixed is None:
            try:
                bot = await desk.api.who_am_i()
            except SlackFailure as failure:
                failures += 1
                log.warning("Slack does not tell whose token this is: %s", failure)
                await asyncio.sleep(backoff(desk.pace, failures))
            else:
                desk.realm = bot.realm
                self._fixed = self._furnished(desk, bot)

    async def of(self, realm: str) -> Workspace | None:
        """The workspace of a realm; None where nothing is installed there. Raises NotYet."""
        if self._fixed is not None and self._fixed.realm == realm:
            return self._fixed
        self._must_be_met()
        return None

    async def at(self, origin: Origin) -> Workspace | None:
        """The workspace that a request came through; None where nothing is installed there. Raises NotYet."""
        return await self.of(origin.realm)

    async def handler(self, item: Item) -> Handler | None:
        """Who handles a stored request; None where nobody does. Raises NotYet, and ValueError for one that is none."""
        workspace = await self.at(origin_of(item))
        return None if workspace is None else workspace.handlers.get(item.kind)

    async def desk(self, realm: str) -> Desk | None:
        """The desk of a realm, where there is one now."""
        try:
            workspace = await self.of(realm)
        except NotYet:
            return None
        return None if workspace is None else workspace.desk

    def _must_be_met(self) -> None:
        if self._fixed_desk is not None and self._fixed is None:
            raise NotYet

    def _furnished(self, desk: Desk, bot: Bot) -> Workspace:
        people = People(desk.api, bot.realm, desk.pace.profile_age)
        return Workspace(bot, desk, people, self._furnish(desk, bot, people))
