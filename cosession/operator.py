"""What the command line does to the data: directly where nobody holds it, else through the server that does.

With SQLite only one process may write. A command therefore takes the data folder's lock, or, while a server has it,
asks that server with a token that only a reader of its key can make. What only the direct way needs is imported there:
the database's libraries take longer to load than a server takes to answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from api.tokens import Tokens
from core.clock import system_clock
from core.errors import UserNotFound
from cosession.datadir import DataDirBusy, DataDirLock, running_server
from cosession.settings import Settings

if TYPE_CHECKING:
    from core import tables
    from core.db import Transaction

T = TypeVar("T")

#: Seconds that another command, or a server that is starting, is waited for.
PATIENCE = 30.0


class CommandFailed(Exception):
    """The command had no effect; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    user_id: str
    email: str | None
    name: str
    token_version: int


def add_user(settings: Settings, email: str, name: str, *, is_admin: bool = False) -> Account:
    """A new account. Raises CommandFailed, CosessionError."""
    body = {"email": email, "name": name, "is_admin": is_admin}

    def direct(tx: Transaction) -> Account:
        from core import accounts

        return _account(accounts.add_user(tx, email, name, is_admin=is_admin))

    return _either(
        settings,
        direct,
        lambda server: account_from(server.post("/api/operator/users", body)),
    )


def find_user(settings: Settings, email: str) -> Account:
    """The account with that address. Raises CommandFailed, CosessionError."""
    return _either(
        settings,
        lambda tx: _account(user_by_email(tx, email)),
        lambda server: account_from(server.get(f"/api/operator/users/{email}")),
    )


def sign_in_url(settings: Settings, email: str) -> str:
    """A link that signs whoever opens it in as `email`, once. Raises CommandFailed, CosessionError."""

    def direct(tx: Transaction) -> str:
        from core import accounts

        secret = accounts.new_sign_in_link(tx, user_by_email(tx, email).id)
        return f"{settings.base_url}/sign-in#{secret}"

    return _either(
        settings,
        direct,
        lambda server: str(server.post(f"/api/operator/users/{email}/sign-in-links", {})["url"]),
    )


def sign_out(settings: Settings, email: str) -> None:
    """Ends every login and token of somebody, and their open sockets. Raises CommandFailed, CosessionError."""

    def direct(tx: Transaction) -> None:
        from core import accounts

        accounts.sign_out_everywhere(tx, user_by_email(tx, email).id)

    _either(settings, direct, lambda server: server.post(f"/api/operator/users/{email}/sign-out", {}))


def back_up(settings: Settings, target: Path) -> int:
    """Copies the database to a new file, whether a server runs or not; its size in bytes. Raises CommandFailed,
    CosessionError."""
    if not settings.is_sqlite:
        raise CommandFailed("That is for SQLite. Postgres is backed up with pg_dump: see docs/deployment.md.")
    target = target.absolute()

    def direct(_tx: Transaction) -> int:
        from core import backup

        return backup.copy(settings.database_url, target)

    return _either(
        settings,
        direct,
        lambda server: int(server.post("/api/operator/backups", {"path": str(target)}, patience=3_600.0)["size"]),
    )


def user_by_email(tx: Transaction, email: str) -> tables.User:
    """Raises UserNotFound in words that help."""
    from core import accounts

    user = accounts.find_by_email(tx, email)
    if user is None:
        raise UserNotFound(f"There is no account for {email}: make one with `cosession user add {email} --name …`.")
    return user


def token_for(settings: Settings, email: str, lifetime: timedelta) -> str:
    """An API token. Raises CommandFailed, CosessionError."""
    account = find_user(settings, email)
    tokens = Tokens(settings.jwt_key(), system_clock)
    return tokens.issue("api", account.user_id, account.token_version, lifetime)


def on_database(settings: Settings, work: Callable[[Transaction], T]) -> T:
    """Runs `work` on a database that nobody else holds. Raises DataDirBusy."""
    if not settings.is_sqlite:
        return asyncio.run(_run(settings, work))
    with DataDirLock(settings.data_dir):
        from core.migrations import upgrade

        upgrade(settings.database_url)
        return asyncio.run(_run(settings, work))


def _either(settings: Settings, direct: Callable[[Transaction], T], through: Callable[[OperatorClient], T]) -> T:
    """Directly, or through the server. Whoever holds the folder without being a server, or not yet, is waited for."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return on_database(settings, direct)
        except DataDirBusy:
            if running_server(settings.data_dir) is not None:
                return through(OperatorClient(settings))
            if time.monotonic() > deadline:
                raise CommandFailed("Something else has held the data folder for long: try again later.") from None
            time.sleep(0.1)


async def _run(settings: Settings, work: Callable[[Transaction], T]) -> T:
    from cosession.compose import ensure_epoch, open_database

    db = open_database(settings)
    db.start()
    try:
        await db.write(ensure_epoch)
        return await db.write(work)
    finally:
        await db.close()


class OperatorClient:
    """Talks to the server that holds the data folder, on this machine."""

    def __init__(self, settings: Settings) -> None:
        server = running_server(settings.data_dir)
        if server is None:
            raise CommandFailed("Another command holds the data folder: try again in a moment.")
        self._url = server.url
        self._token = Tokens(settings.jwt_key(), system_clock).issue("operator", "operator", 0, timedelta(minutes=1))

    def get(self, path: str) -> Any:
        return self._answer("GET", path, None)

    def post(self, path: str, body: dict[str, Any], patience: float = 10.0) -> Any:
        return self._answer("POST", path, body, patience)

    def _answer(self, method: str, path: str, body: dict[str, Any] | None, patience: float = 10.0) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            response = httpx2.request(method, self._url + path, json=body, headers=headers, timeout=patience)
        except httpx2.HTTPError as error:
            raise CommandFailed(f"The server at {self._url} does not answer: {error}.") from error
        if response.status_code >= 400:
            raise CommandFailed(detail(response))
        return response.json() if response.content else None


def detail(response: httpx2.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code}."


def _account(user: tables.User) -> Account:
    return Account(user.id, user.email, user.name, user.token_version)


def account_from(body: dict[str, Any]) -> Account:
    return Account(body["user_id"], body["email"], body["username"], body["token_version"])
