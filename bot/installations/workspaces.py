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
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.desk import Desk, backoff
from bot.identity import People
from bot.installations.origin import Origin, origin_of
from bot.installations.tokens import Token
from bot.web import Bot, Refused, SlackFailure
from bot.worker import Handler, NotYet
from core import installations, tables
from core.db import Database
from core.inbox import Item

log = logging.getLogger(__name__)

#: Seconds for which it is believed which grants there are.
LOOK_EVERY = 1.0

#: Opens the desk of an installed realm, with the token that its API asks.
OpenDesk = Callable[[str], Awaitable[tuple[Desk, Token]]]
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
    """`fixed` is the desk of the workspace whose token the settings name; `open_desk` makes one for an installed realm.
    Belongs to one event loop."""

    def __init__(self, db: Database, fixed: Desk | None, open_desk: OpenDesk | None, furnish: Furnish) -> None:
        self._db = db
        self._fixed_desk = fixed
        self._open_desk = open_desk
        self._furnish = furnish
        self._fixed: Workspace | None = None
        self._fixed_has_ended = False
        #: Realm → the workspace, its token, and when it was installed.
        self._installed: dict[str, _Installed] = {}
        self._present: dict[str, _Row] = {}
        self._looked_at = float("-inf")
        self._opening = asyncio.Lock()

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
        for one in self._installed.values():
            await one.workspace.desk.api.close()

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
        """The workspace of a realm; None where nothing is installed there. Raises NotYet.

        The token of the settings counts before a grant to the same workspace.
        """
        if self._fixed is not None and self._fixed.realm == realm:
            return None if self._fixed_has_ended else self._fixed
        row = await self._row(realm)
        if row is not None:
            return await self._work_with(row)
        if self._fixed_desk is not None and self._fixed is None:
            raise NotYet
        return None

    async def at(self, origin: Origin) -> Workspace | None:
        """The workspace that a request came through; None where nothing is installed there. Raises NotYet.

        A workspace's own grant counts before that of its organisation, for as long as it lasts: what the workspace
        had is found under its name until then.
        """
        if origin.is_org_wide and await self._is_of(origin.team, origin.enterprise):
            return await self.of(origin.team)
        found = await self.of(origin.realm)
        if found is None and origin.enterprise:
            found = await self.of(origin.enterprise)
        return found

    async def all(self) -> list[Workspace]:
        """Every workspace that can be worked in now."""
        await self._look(0.0)
        found = [await self._work_with(row) for row in self._present.values() if row.realm != self._fixed_realm]
        return [*([self._fixed] if self._fixed is not None and not self._fixed_has_ended else []), *found]

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

    async def ended(self, realm: str) -> None:
        """The grant of this realm was taken back: nothing is sent there from now on."""
        if realm == self._fixed_realm:
            log.error("the token of the settings has ended: replace SLACK_BOT_TOKEN and start again")
            self._fixed_has_ended = True
        if realm in self._installed:
            self._installed[realm].token.forget()
        await self._look(0.0)

    async def renew(self) -> None:
        """Renews the tokens that will end soon. Raises CosessionError where the database is away."""
        await self.all()
        for realm in list(self._present):
            if realm in self._installed:
                try:
                    await self._installed[realm].token.renew()
                except Refused as refusal:
                    log.warning("the token of %s is gone: %s", realm, refusal.code)

    # -- inside

    @property
    def _fixed_realm(self) -> str | None:
        return self._fixed.realm if self._fixed is not None else None

    async def _is_of(self, realm: str, enterprise: str) -> bool:
        """Whether this workspace of the organisation has granted it for itself."""
        row = await self._row(realm)
        return row is not None and row.enterprise == enterprise

    async def _row(self, realm: str) -> _Row | None:
        await self._look(LOOK_EVERY)
        if realm and realm not in self._present:
            # It may have been installed a moment ago, by another process.
            await self._look(LOOK_EVERY / 10)
        return self._present.get(realm)

    async def _look(self, age: float) -> None:
        """Learns which grants there are, unless that is known for no longer than `age` seconds."""
        if self._open_desk is None or time.monotonic() - self._looked_at <= age:
            return
        rows = await self._db.read(lambda tx: [_values(row) for row in installations.present(tx)])
        self._present = {row.realm: row for row in rows}
        self._looked_at = time.monotonic()

    async def _work_with(self, row: _Row) -> Workspace:
        async with self._opening:
            known = self._installed.get(row.realm)
            if known is not None and known.installed_at == row.installed_at:
                return known.workspace
            assert self._open_desk is not None
            # The desk of a grant that is given again stays: its threads are at work there.
            desk, token = (known.workspace.desk, known.token) if known else await self._open_desk(row.realm)
            token.forget()
            desk.may_customize, desk.streams_again_at = True, 0.0
            workspace = self._furnished(desk, row.bot)
            self._installed[row.realm] = _Installed(workspace, token, row.installed_at)
            return workspace

    def _furnished(self, desk: Desk, bot: Bot) -> Workspace:
        desk.bot = bot
        people = desk.people = People(desk.api, bot.realm, desk.pace.profile_age)
        return Workspace(bot, desk, people, self._furnish(desk, bot, people))


@dataclass(frozen=True, slots=True)
class _Row:
    realm: str
    enterprise: str
    bot: Bot
    installed_at: datetime


@dataclass(frozen=True, slots=True)
class _Installed:
    workspace: Workspace
    token: Token
    installed_at: datetime


def _values(row: tables.Installation) -> _Row:
    return _Row(row.realm, row.enterprise_id, Bot(row.realm, row.name, row.bot_user_id, row.bot_id), row.installed_at)
