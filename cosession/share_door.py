"""The way to the server for as long as a sharing lasts: the server may restart on another port, tokens end."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx2

from api.tokens import Tokens
from core.clock import system_clock
from cosession import operator
from cosession.connected import TOKEN_LIFETIME
from cosession.datadir import running_server
from cosession.operator import CommandFailed
from cosession.settings import LOOPBACK, Settings
from integrations.agents.live.delivery import Door, NoServer, Reached, ended


def door_for(settings: Settings, email: str | None, *, is_known: bool) -> Door:
    """`is_known`: there is a session that waits for the rest. Raises CommandFailed where there is nothing to wait for:
    no server here, and none named."""
    token = settings.server_token.get_secret_value()
    if token:
        return FarDoor(settings.base_url, token)
    if not is_known and running_server(settings.data_dir) is None:
        raise CommandFailed(
            "No server runs here. Start one with `cosession serve`, or name another with COSESSION_BASE_URL and "
            "COSESSION_TOKEN."
        )
    return LocalDoor(settings, email)


def public_url(settings: Settings) -> str:
    """What people open. Where nothing is configured it is the server that runs here, on whichever port that is."""
    running = running_server(settings.data_dir)
    if settings.base_url_override or settings.server_token.get_secret_value() or running is None:
        return settings.base_url
    here = urlsplit(running.url)
    return f"http://localhost:{here.port}" if here.hostname in LOOPBACK else running.url


class FarDoor:
    """The server of COSESSION_BASE_URL, by COSESSION_TOKEN."""

    def __init__(self, url: str, token: str) -> None:
        self._reached = Reached(url, token)

    async def reach(self, *, renew: bool = False) -> Reached:
        """Raises ShareEnded when the token was refused: there is no other."""
        if renew:
            raise ended("not_signed_in")
        return self._reached


class LocalDoor:
    """The server that holds this machine's data folder, by its key: as `email`, or as the account made first."""

    def __init__(self, settings: Settings, email: str | None) -> None:
        self._settings = settings
        self._email = email
        self._known: operator.Account | None = None
        self._token = ""

    async def reach(self, *, renew: bool = False) -> Reached:
        """Raises NoServer while none runs, CommandFailed for an account that is not there."""
        running = running_server(self._settings.data_dir)
        if running is None:
            raise NoServer("no server runs here: `cosession serve` starts it")
        if renew or self._known is None:
            self._known = await asyncio.to_thread(self._account)
            tokens = Tokens(self._settings.jwt_key(), system_clock)
            self._token = tokens.issue("api", self._known.user_id, self._known.token_version, TOKEN_LIFETIME)
        return Reached(running.url, self._token)

    def _account(self) -> operator.Account:
        try:
            client = operator.OperatorClient(self._settings)
            email = self._email
            path = "/api/operator/users" if email is None else f"/api/operator/users/{email}"
            return operator.account_from(client.get(path))
        except CommandFailed as error:
            if self._known is None and error.__cause__ is None and running_server(self._settings.data_dir) is not None:
                raise
            raise NoServer(str(error)) from error
        except httpx2.HTTPError as error:
            raise NoServer(str(error)) from error
