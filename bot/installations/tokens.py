"""The bot token of one realm: opened from the database, and renewed before it runs out, by one process at a time.

A refresh token works once (https://docs.slack.dev/authentication/using-token-rotation): of all processes the one with
the lease renews, after it has looked again; the others use what it stored. The token that is being replaced works on
until its own end, so nobody waits while there is time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.settings import SlackSettings
from bot.web import Refused, SlackApi, SlackFailure
from core import installations, leases, tables
from core.clock import Clock
from core.db import Database, Transaction
from core.installations import Tokens
from core.sealing import CannotOpen, Sealer

log = logging.getLogger(__name__)

#: A token is renewed so long before its end, and waited for when there is less left than the second.
RENEW_BEFORE = timedelta(hours=2)
URGENT = timedelta(minutes=2)
#: Seconds for which a token is believed before the database is asked again: so long a grant may outlive its end in
#: another process than the one that heard of it.
BELIEVED = 2.0
#: How long a process that died keeps the others from renewing, in seconds. Longer than a call.
LEASE = 30.0
#: Seconds between two looks at whether another process has renewed.
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """A token as it is used now."""

    token: str = field(repr=False)
    version: int
    expires_at: datetime | None
    refresh: bytes | None


class NewTokens:
    """Asks Slack for tokens, and seals what it answers. The app's own secret is the credential."""

    def __init__(self, settings: SlackSettings, sealer: Sealer, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.sealer = sealer
        self.api = SlackApi(settings.api_url, "", settings.pace.call_timeout)

    async def ask(self, **grant: str) -> dict[str, Any]:
        """`oauth.v2.access`. Raises SlackFailure."""
        secrets = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        return await self.api.oauth_access(**secrets, **grant)

    def sealed(self, realm: str, answer: dict[str, Any]) -> Tokens:
        refresh, seconds = answer.get("refresh_token"), answer.get("expires_in")
        return Tokens(
            self.sealer.seal(token_of(realm), str(answer["access_token"])),
            self.sealer.seal(refresh_of(realm), str(refresh)) if refresh else None,
            self._clock() + timedelta(seconds=int(seconds)) if seconds else None,
        )


class Token:
    """The token of one installation, for one process. `owner` names the process in leases."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        new_tokens: NewTokens,
        realm: str,
        owner: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._clock = clock
        self._new = new_tokens
        self._realm = realm
        self._owner = owner
        self._monotonic = monotonic
        self._held: Held | None = None
        self._seen_at = float("-inf")
        self._renewing = asyncio.Lock()

    async def __call__(self) -> str:
        """The token to use now. Raises Refused where the grant was taken back or the token is of no use."""
        held = await self._look() if self._monotonic() - self._seen_at > BELIEVED else self._held
        if held is None:
            raise Refused("token_revoked")
        if self._is_due(held, URGENT):
            held = await self.renew(URGENT)
        if held.expires_at is not None and held.expires_at <= self._clock():
            raise Refused("token_expired")
        return held.token

    def forget(self) -> None:
        """What is in the database counts from now on."""
        self._held, self._seen_at = None, float("-inf")

    async def renew(self, before: timedelta = RENEW_BEFORE) -> Held:
        """Renews the token where it ends within that time and no other process has. Raises Refused where the grant is
        gone; a renewal that fails leaves the token as it is."""
        name = f"slack token {self._realm}"
        async with self._renewing:
            while True:
                held = await self._look()
                if held is None:
                    raise Refused("token_revoked")
                if not self._is_due(held, before) or held.refresh is None:
                    return held
                if await self._db.write(lambda tx: leases.take(tx, name, self._owner, LEASE)) is not None:
                    try:
                        return await self._renew_alone(before)
                    finally:
                        await self._db.write(lambda tx: leases.let_go(tx, name, self._owner))
                if not self._is_due(held, URGENT):
                    return held
                await asyncio.sleep(LOOK_EVERY)

    async def _renew_alone(self, before: timedelta) -> Held:
        """Under the lease. Another may have renewed between the last look and the lease, so it looks again."""
        held = await self._look()
        if held is None:
            raise Refused("token_revoked")
        if not self._is_due(held, before) or held.refresh is None:
            return held
        try:
            refresh = self._new.sealer.open(refresh_of(self._realm), held.refresh)
            answer = await self._new.ask(grant_type="refresh_token", refresh_token=refresh)
        except CannotOpen:
            await self._report(held.version, UNREADABLE)
            return held
        except Refused as refusal:
            log.error("Slack does not renew the token of %s: %s", self._realm, refusal.code)
            await self._report(held.version, f"Slack does not renew the token ({refusal.code}). {AGAIN}")
            return held
        except SlackFailure as failure:
            log.warning("the token of %s could not be renewed yet: %s", self._realm, failure)
            return held
        tokens, version = self._new.sealed(self._realm, answer), held.version
        await self._db.write(lambda tx: installations.renewed(tx, self._realm, version, tokens))
        return await self._look() or held

    def _is_due(self, held: Held, before: timedelta) -> bool:
        return held.expires_at is not None and held.expires_at - self._clock() < before

    async def _look(self) -> Held | None:
        row = await self._db.read(lambda tx: _values(installations.find(tx, self._realm)))
        self._held, self._seen_at = None, self._monotonic()
        if row is None:
            return None
        sealed, refresh, version, expires_at = row
        try:
            token = self._new.sealer.open(token_of(self._realm), sealed)
        except CannotOpen:
            log.error("the token of %s cannot be opened: was JWT_SECRET_KEY changed?", self._realm)
            await self._report(version, UNREADABLE)
            return None
        self._held = Held(token, version, expires_at, refresh)
        return self._held

    async def _report(self, version: int, words: str) -> None:
        def note(tx: Transaction) -> None:
            installations.in_trouble(tx, self._realm, version, words)

        await self._db.write(note)


AGAIN = "Install the app again: open /slack/install as an administrator."
UNREADABLE = f"The token was sealed with another key: JWT_SECRET_KEY was changed. {AGAIN}"


def token_of(realm: str) -> str:
    """The place under which a realm's token is sealed."""
    return f"slack token {realm}"


def refresh_of(realm: str) -> str:
    return f"slack refresh token {realm}"


def _values(row: tables.Installation | None) -> tuple[bytes, bytes | None, int, datetime | None] | None:
    if row is None or row.sealed_token is None:
        return None
    return row.sealed_token, row.sealed_refresh_token, row.token_version, row.token_expires_at
