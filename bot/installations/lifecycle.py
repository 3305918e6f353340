"""A workspace takes its grant back: the secrets are erased, and nothing is sent there from that event on.

Events come late and in any order, so one from before the newest grant must not end it. Where the times do not tell,
Slack does: a token that still works was not meant.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bot.desk import Desk
from bot.web import Bot, Refused
from bot.worker import Handler, Lane, Wish
from core import installations
from core.db import Transaction
from core.errors import CosessionError
from core.inbox import Item

log = logging.getLogger(__name__)

#: What a workspace says when it takes its grant back.
ENDINGS = ("app_uninstalled", "tokens_revoked")
#: By how much Slack's clock and ours may differ.
SKEW = timedelta(minutes=2)
#: What Slack says of a token that has ended.
ENDED = frozenset({"account_inactive", "token_revoked", "invalid_auth", "not_authed", "token_expired"})


class Lifecycle:
    """Handles the events of one workspace: its endings here, everything else by `others`. `ended` is called once the
    grant is gone."""

    def __init__(self, desk: Desk, bot: Bot, others: Handler, ended: Callable[[str], Awaitable[None]]) -> None:
        self._desk = desk
        self._bot = bot
        self._others = others
        self._ended = ended

    def lane(self, item: Item) -> Lane:
        if _event(item).get("type") in ENDINGS:
            return Lane("installation", "")
        return self._others.lane(item)

    async def handle(self, item: Item) -> Wish | None:
        event = _event(item)
        if event.get("type") not in ENDINGS:
            return await self._others.handle(item)
        if not self._is_about_us(event) or not await self._is_over(item):
            return None
        realm = self._bot.realm

        def end(tx: Transaction) -> None:
            installations.remove(tx, realm)

        async def then(_result: object) -> None:
            log.warning("Cosession was removed from the Slack workspace %s", self._bot.team_name)
            await self._ended(realm)

        return Wish(end, _cannot_be_refused, then)

    def _is_about_us(self, event: Mapping[str, Any]) -> bool:
        """Whether the bot's own token has ended, rather than somebody's who signed in."""
        if event["type"] == "app_uninstalled":
            return True
        tokens: Mapping[str, Any] = event.get("tokens") or {}
        return self._bot.user_id in (tokens.get("bot") or ())

    async def _is_over(self, item: Item) -> bool:
        """Raises what the Web API raises."""
        row = await self._desk.db.read(lambda tx: _installed_at(tx, self._bot.realm))
        said_at = orjson.loads(item.body).get("event_time")
        if row is not None and isinstance(said_at, int) and datetime.fromtimestamp(said_at, UTC) > row + SKEW:
            return True
        try:
            await self._desk.api.who_am_i()
        except Refused as refusal:
            if refusal.code not in ENDED:
                raise
            return True
        log.warning("an old notice of removal came late: the token of %s works", self._bot.team_name)
        return False


def _installed_at(tx: Transaction, realm: str) -> datetime | None:
    row = installations.find(tx, realm)
    return None if row is None else row.installed_at


def _event(item: Item) -> Mapping[str, Any]:
    return orjson.loads(item.body).get("event") or {}


async def _cannot_be_refused(error: CosessionError) -> None:
    raise error
