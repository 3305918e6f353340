"""A way to talk to a server as one of its people, for commands that feed or read sessions.

Three cases: `COSESSION_TOKEN` names the person on the server of `COSESSION_BASE_URL`; a server runs on this data
folder, and whoever may read the folder's key may act for its people; or nothing runs, and the command brings the whole
product up for itself, on a port that nobody else knows, as long as it needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2

from api.door.listen import listening_socket
from api.door.serve import serve
from api.door.settings import DoorSettings
from api.tokens import Tokens
from core.clock import system_clock
from core.db import Transaction
from core.migrations import upgrade
from cosession import operator
from cosession.compose import compose, ensure_first_user
from cosession.datadir import DataDirBusy, DataDirLock, running_server
from cosession.operator import CommandFailed
from cosession.settings import Settings
from cosession.slack import body_bytes_for

TOKEN_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Connected:
    """Where to call, and as whom. `public_url` is what people open."""

    url: str
    public_url: str
    token: str

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30.0)


@asynccontextmanager
async def connect(settings: Settings, email: str | None) -> AsyncGenerator[Connected]:
    """Yields the way to the server, as `email` or else as the account that was made first. Raises CommandFailed."""
    token = settings.server_token.get_secret_value()
    if token:
        yield Connected(settings.base_url, settings.base_url, token)
        return
    running = running_server(settings.data_dir) if settings.is_sqlite else None
    if running is not None:
        who = await asyncio.to_thread(_running_account, settings, email)
        tokens = Tokens(settings.jwt_key(), system_clock)
        mine = tokens.issue("api", who.user_id, who.token_version, TOKEN_LIFETIME)
        yield Connected(running.url, settings.base_url, mine)
        return
    async with _own_server(settings, email) as own:
        yield own


def _running_account(settings: Settings, email: str | None) -> operator.Account:
    if email is not None:
        return operator.find_user(settings, email)
    return operator.account_from(operator.OperatorClient(settings).get("/api/operator/users"))


@asynccontextmanager
async def _own_server(settings: Settings, email: str | None) -> AsyncGenerator[Connected]:
    with ExitStack() as held:
        if settings.is_sqlite:
            held.enter_context(_locked(settings))
        await asyncio.to_thread(upgrade, settings.database_url)
        listening = listening_socket("127.0.0.1", 0)
        port = int(listening.getsockname()[1])
        own = settings.model_copy(update={"port": port, "base_url_override": f"http://127.0.0.1:{port}"})
        runtime = compose(own)
        started, stop = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(
            serve(
                runtime.app,
                sockets=[listening],
                settings=DoorSettings(body_bytes_for=body_bytes_for),
                on_started=started.set,
                should_stop=stop,
                handle_signals=False,
            )
        )
        await started.wait()
        try:

            def account(tx: Transaction) -> tuple[str, int]:
                user = (
                    ensure_first_user(tx, "host@localhost", "Host")
                    if email is None
                    else operator.user_by_email(tx, email)
                )
                return user.id, user.token_version

            user_id, version = await runtime.db.write(account)
            token = runtime.tokens.issue("api", user_id, version, TOKEN_LIFETIME)
            yield Connected(own.base_url, settings.base_url, token)
        finally:
            stop.set()
            await serving


def _locked(settings: Settings) -> DataDirLock:
    try:
        return DataDirLock(settings.data_dir).acquire()
    except DataDirBusy as error:
        raise CommandFailed("Another command holds the data folder: try again in a moment.") from error


def answered(response: httpx2.Response) -> Any:
    """The body of a good answer. Raises CommandFailed with the server's own words for a bad one."""
    if response.status_code >= 400:
        raise CommandFailed(operator.detail(response))
    return response.json()
