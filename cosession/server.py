"""`cosession serve` and `cosession work`: sets everything up, says where to go, and runs until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import getpass
import logging
import re
import socket
import sys
from contextlib import ExitStack

from rich.console import Console

from api.door.listen import listening_socket
from api.door.serve import event_loop_factory, serve
from api.door.settings import DoorSettings
from core import accounts
from core.db import Transaction
from core.migrations import upgrade
from cosession.compose import Part, Runtime, compose, ensure_first_user
from cosession.datadir import DataDirLock
from cosession.settings import LOOPBACK, Settings
from cosession.slack import body_bytes_for

log = logging.getLogger(__name__)


def run(settings: Settings, part: Part = "all") -> None:
    """Blocks until SIGTERM or SIGINT. Raises DataDirBusy, and OSError when the port is taken."""
    with ExitStack() as stack:
        lock = stack.enter_context(DataDirLock(settings.data_dir)) if settings.is_sqlite else None
        listening = stack.enter_context(listening_socket(settings.host, settings.port))
        upgrade(settings.database_url)
        with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
            runner.run(_serve(settings, listening, lock, part))


async def _serve(settings: Settings, listening: socket.socket, lock: DataDirLock | None, part: Part) -> None:
    runtime = compose(settings, part=part)
    local = _local_url(listening)
    welcome: list[asyncio.Task[None]] = []

    def announce() -> None:
        _spare_the_collector()
        if lock is not None:
            lock.announce(local)
        if part == "work":
            log.info("health and metrics are at %s", local)
        else:
            welcome.append(asyncio.create_task(_say_where(runtime, local)))

    door = DoorSettings(trusted_proxies=_proxies(settings), body_bytes_for=body_bytes_for)
    await serve(runtime.app, sockets=[listening], settings=door, on_started=announce, on_stopping=runtime.stopping)


def _spare_the_collector() -> None:
    """What stands by now stays for ever. Python's collector would look through all of it again with every few thousand
    connections and messages, most of which are freed without it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


def _proxies(settings: Settings) -> tuple[str, ...]:
    return tuple(name.strip() for name in settings.trusted_proxies.split(",") if name.strip())


def _local_url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    name = "127.0.0.1" if host in ("0.0.0.0", "::", *LOOPBACK) else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


async def _say_where(runtime: Runtime, local: str) -> None:
    """The first lines that a newcomer reads. The sign-in link works once; each start prints a new one."""
    user_name = re.sub(r"[^a-z0-9._-]", "", getpass.getuser().lower()) or "host"

    def first_link(tx: Transaction) -> tuple[str, str]:
        user = ensure_first_user(tx, f"{user_name}@localhost", user_name.capitalize())
        return accounts.new_sign_in_link(tx, user.id), user.name

    secret, name = await runtime.db.write(first_link)
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    base = runtime.settings.base_url
    console.print(f"\n  [bold]Cosession[/bold] is running at {base}\n")
    console.print(f"  Sign in as {name} (works once):  {base}/sign-in#{secret}")
    if runtime.sandbox is not None:
        console.print(f"  Slack sandbox:                  {base}/sandbox/slack")
    console.print(f"  Data:                           {runtime.settings.data_dir}")
    console.print("  Stop with Ctrl-C.\n")
    sys.stdout.flush()
    log.info("listening on %s", local)
