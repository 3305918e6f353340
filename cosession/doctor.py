"""`cosession doctor`: looks at everything that can be misconfigured and says, in words, what to change."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from sqlalchemy.exc import SQLAlchemyError

from core.db import Transaction
from cosession import operator
from cosession.compose import STATIC
from cosession.datadir import DataDirBusy, running_server
from cosession.settings import LOOPBACK, Settings, SettingsError, load
from cosession.slack_doctor import examine_slack

#: Versions before this one can damage a file that two processes write at once
#: (https://sqlite.org/wal.html#walresetbug). One process owns ours, so a server is safe with any.
SAFE_FOR_TWO = (3, 51, 3)
MIN_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is empty when all is well."""

    what: str
    advice: str = ""


def examine() -> list[Finding]:
    """Every check, in the order in which a person would go about it."""
    try:
        settings = load()
    except SettingsError as error:
        return [Finding("settings", str(error))]
    return [Finding("settings"), *(finding for check in CHECKS for finding in check(settings))]


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield Finding("data folder", f"{folder} cannot be made: {error.strerror}. Set COSESSION_DATA_DIR.")
        return
    if not os.access(folder, os.W_OK):
        yield Finding("data folder", f"{folder} cannot be written: give it to the user who runs Cosession.")
        return
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        yield Finding("disk", f"Only {free // 2**20} MiB are free in {folder}: make room.")
    key = folder / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding("key", f"Others can read {key}: run `chmod 600 {key}`.")
    yield Finding(f"data folder {folder}")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.is_sqlite:
        is_old = sqlite3.sqlite_version_info < SAFE_FOR_TWO
        caution = ": let no other program write to its file" if is_old else ""
        yield Finding(f"SQLite {sqlite3.sqlite_version}{caution}")
    if running_server(settings.data_dir) is not None and settings.is_sqlite:
        yield Finding("database (held by the running server)")
        return
    try:
        operator.on_database(settings, _look)
    except DataDirBusy:
        yield Finding("database", "Another process holds the data folder and has not announced itself: try again.")
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
        yield Finding("database", f"It cannot be opened: {error}. Check DATABASE_URL.")
    else:
        yield Finding("database")


def _look(tx: Transaction) -> None:
    tx.sql.connection()


def _address(settings: Settings) -> Iterator[Finding]:
    base = urlsplit(settings.base_url)
    if base.hostname not in LOOPBACK and base.scheme != "https":
        yield Finding("base URL", f"{settings.base_url} is not encrypted: put a proxy with TLS before it.")
    if base.hostname not in LOOPBACK and settings.host in LOOPBACK and not settings.trusted_proxies:
        yield Finding(
            "base URL",
            f"{settings.base_url} is public and the server listens on {settings.host}: if a proxy on this machine leads"
            " there, set COSESSION_TRUSTED_PROXIES=127.0.0.1; if not, set HOST=0.0.0.0.",
        )
    yield from _port(settings)


def _port(settings: Settings) -> Iterator[Finding]:
    running = running_server(settings.data_dir)
    if running is not None:
        try:
            answer = httpx2.get(f"{running.url}/readyz", timeout=3.0)
        except httpx2.HTTPError as error:
            yield Finding("server", f"{running.url} was announced and does not answer ({error}): restart it.")
            return
        advice = "" if answer.status_code == 200 else f"It is not ready: {answer.text}."
        yield Finding(f"server at {running.url}", advice)
        return
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", settings.port)) == 0:
            yield Finding("port", f"Something else listens on port {settings.port}: set PORT to another.")


def _web_view(_settings: Settings) -> Iterator[Finding]:
    built = (STATIC / "index.html").exists()
    yield Finding("web view", "" if built else "It is not built: run `make setup`.")


def _slack(settings: Settings) -> Iterator[Finding]:
    for found in examine_slack(settings):
        yield Finding(found.what, found.advice)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_data_folder, _database, _address, _web_view, _slack)
