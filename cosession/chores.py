"""Commands for whoever runs the server: the timetable, and people who leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlencode

import orjson
import typer

from cosession import operator, settings
from cosession.datadir import DataDirBusy, DataDirLock, running_server

if TYPE_CHECKING:
    from core.db import Database, Transaction

T = TypeVar("T")
#: A job, or erasing somebody, may take this many seconds.
PATIENCE = 3_600.0

jobs_app = typer.Typer(help="The timetable.", no_args_is_help=True)


def add_to(app: typer.Typer, user_app: typer.Typer, plain_errors: Callable[[], AbstractContextManager[None]]) -> None:
    """Adds `jobs` and `audit` to the commands, and what is done about leaving to `user`."""
    app.add_typer(jobs_app, name="jobs")

    @app.command("audit")
    def audit(  # pyright: ignore[reportUnusedFunction]
        days: Annotated[int, typer.Option(help="How far back.", min=1)] = 30,
        person: Annotated[str | None, typer.Option(help="Only what concerns the account with this address.")] = None,
    ) -> None:
        """Print who was let in, linked, promoted, removed or erased, one line of JSON each, the oldest first."""
        with plain_errors():
            for line in read_audit(settings.load(), days, person):
                typer.echo(orjson.dumps(line).decode())

    @jobs_app.command("list")
    def list_jobs() -> None:  # pyright: ignore[reportUnusedFunction]
        """Name the jobs, when each ran last, and when it is due."""
        with plain_errors():
            for job in list_of_jobs(settings.load()):
                last = _short(job["last_at"]) if job["last_at"] else "never"
                typer.echo(f"{job['name']:<18}  last {last:<20}  due {_short(job['next_at'])}  {job['does']}")

    @jobs_app.command("run")
    def run(name: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Run a job now, whether it is due or not."""
        with plain_errors():
            typer.echo(f"{name} did {run_job(settings.load(), name)}.")

    @user_app.command("deactivate")
    def deactivate(email: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Let somebody in no more, and end their logins and sockets at once. What they wrote stays."""
        with plain_errors():
            leave(settings.load(), email, "deactivate")
            typer.echo(f"{email} may not come in any more.")

    @user_app.command("reactivate")
    def reactivate(email: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Let somebody in again."""
        with plain_errors():
            leave(settings.load(), email, "reactivate")
            typer.echo(f"{email} may come in again.")

    @user_app.command("export")
    def export(email: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Print what is kept about somebody, as JSON."""
        with plain_errors():
            typer.echo(orjson.dumps(export_of(settings.load(), email), option=orjson.OPT_INDENT_2).decode())

    @user_app.command("erase")
    def erase(email: str, yes: bool = typer.Option(False, "--yes", help="Do not ask.")) -> None:  # pyright: ignore[reportUnusedFunction]
        """Take away what somebody wrote, everywhere, and empty their account. There is no way back."""
        if not yes:
            typer.confirm(f"Erase {email} and everything that they wrote?", abort=True)
        with plain_errors():
            typer.echo(f"{email} is erased: {erase_person(settings.load(), email)} texts were taken away.")


def _short(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S")


def list_of_jobs(config: settings.Settings) -> list[dict[str, Any]]:
    async def direct(db: Database) -> list[dict[str, Any]]:
        from cosession.timetable import view_of

        return [view_of(status).model_dump() for status in await _scheduler(config, db).statuses()]

    return _either(config, direct, lambda server: server.get("/api/operator/jobs")["items"])


def run_job(config: settings.Settings, name: str) -> int:
    """Raises CommandFailed, CosessionError."""

    async def direct(db: Database) -> int:
        from cosession.timetable import job_of

        scheduler = _scheduler(config, db)
        return await scheduler.run_now(job_of(scheduler, name))

    path = f"/api/operator/jobs/{name}/run"
    return _either(config, direct, lambda server: int(server.post(path, {}, PATIENCE)["done"]))


def leave(config: settings.Settings, email: str, what: str) -> None:
    """`what` is `deactivate` or `reactivate`. Raises CommandFailed, CosessionError."""

    async def direct(db: Database) -> None:
        from core import erasing

        verb = {"deactivate": erasing.deactivate, "reactivate": erasing.reactivate}[what]
        await db.write(lambda tx: verb(tx, operator.user_by_email(tx, email).id))

    _either(config, direct, lambda server: server.post(f"/api/operator/users/{email}/{what}", {}))


def read_audit(config: settings.Settings, days: int, email: str | None) -> list[dict[str, Any]]:
    """Raises CommandFailed, CosessionError."""

    async def direct(db: Database) -> list[dict[str, Any]]:
        from core import audit

        def read(tx: Transaction) -> list[audit.Entry]:
            user_id = operator.user_by_email(tx, email).id if email is not None else None
            return audit.since(tx, tx.now - timedelta(days=min(days, audit.MOST_DAYS)), user_id)

        return [entry.line() for entry in await db.read(read)]

    query = urlencode({"days": days} | ({"email": email} if email is not None else {}))
    return _either(config, direct, lambda server: server.get(f"/api/operator/audit?{query}")["items"])


def export_of(config: settings.Settings, email: str) -> dict[str, Any]:
    """Raises CommandFailed, CosessionError."""

    async def direct(db: Database) -> dict[str, Any]:
        from core import erasing

        return dict(await db.write(lambda tx: erasing.export(tx, operator.user_by_email(tx, email).id)))

    return _either(config, direct, lambda server: server.get(f"/api/operator/users/{email}/export"))


def erase_person(config: settings.Settings, email: str) -> int:
    """How many texts that took away. Raises CommandFailed, CosessionError."""

    async def direct(db: Database) -> int:
        from core import erasing

        user = await db.write(lambda tx: erasing.begin_erasing(tx, operator.user_by_email(tx, email).id))
        return await erasing.erase(db, user.id)

    path = f"/api/operator/users/{email}/erase"
    return _either(config, direct, lambda server: int(server.post(path, {}, PATIENCE)["texts"]))


def _scheduler(config: settings.Settings, db: Database) -> Any:
    from core.clock import system_clock
    from cosession.compose import jobs_of
    from jobs.scheduler import Scheduler

    return Scheduler(db, system_clock, "command", jobs_of(config))


def _either(
    config: settings.Settings,
    direct: Callable[[Database], Awaitable[T]],
    through: Callable[[operator.OperatorClient], T],
) -> T:
    """Directly, or through the server that holds the data folder."""
    if not config.is_sqlite:
        return asyncio.run(_with_database(config, direct))
    try:
        with DataDirLock(config.data_dir):
            from core.migrations import upgrade

            upgrade(config.database_url)
            return asyncio.run(_with_database(config, direct))
    except DataDirBusy:
        if running_server(config.data_dir) is None:
            raise operator.CommandFailed("Something else holds the data folder: try again in a moment.") from None
        return through(operator.OperatorClient(config))


async def _with_database(config: settings.Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    from cosession.compose import ensure_epoch, open_database

    db = open_database(config)
    db.start()
    try:
        await db.write(ensure_epoch)
        return await work(db)
    finally:
        await db.close()
