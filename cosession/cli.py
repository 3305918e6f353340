"""The command line. Each command is a sentence in `--help`; what goes wrong is one line on standard error."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from core.errors import CosessionError
from cosession import chores, logs, operator, settings
from cosession.datadir import DataDirBusy, running_server

if TYPE_CHECKING:
    from cosession.compose import Part

app = typer.Typer(
    help="Live, shared AI coding sessions, in the browser and in a Slack thread.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user_app = typer.Typer(help="Accounts.", no_args_is_help=True)
app.add_typer(user_app, name="user")


@contextmanager
def _plain_errors(config: settings.Settings | None = None) -> Generator[None]:
    """Turns what went wrong into one sentence and exit code 2."""
    try:
        yield
    except (settings.SettingsError, operator.CommandFailed) as error:
        _fail(str(error))
    except CosessionError as error:
        _fail(error.message)
    except DataDirBusy:
        holder = running_server(config.data_dir) if config else None
        where = f" It runs at {holder.url}." if holder else ""
        _fail(
            "A Cosession server holds this data folder already, and SQLite allows one."
            f"{where} Stop it, or set COSESSION_DATA_DIR to another folder."
        )


chores.add_to(app, user_app, _plain_errors)


def _fail(sentence: str) -> None:
    typer.echo(f"cosession: {sentence}", err=True)
    raise typer.Exit(2)


def _settings() -> settings.Settings:
    return settings.load()


@app.command()
def serve(
    workers: Annotated[int, typer.Option(help="Processes; SQLite allows one.", min=1)] = 1,
    work: Annotated[bool, typer.Option(help="Also keep Slack threads and the timetable, not only the doors.")] = True,
) -> None:
    """Run the server."""
    config = _settings_to_run("--no-work" if not work else "", workers)
    _run(config, "all" if work else "doors")


@app.command()
def work() -> None:
    """Run what needs no door: the Slack threads and the timetable. On PORT are its health and metrics alone."""
    _run(_settings_to_run("work", 1), "work")


def _settings_to_run(several: str, workers: int) -> settings.Settings:
    """`several` names what asks for several processes, if anything does."""
    logs.configure(is_terminal=sys.stderr.isatty())
    with _plain_errors():
        config = _settings()
        if workers > 1:
            kind = "SQLite allows one process" if config.is_sqlite else "start several, each on its own PORT"
            raise settings.SettingsError(f"--workers {workers} is not possible: {kind}.")
        if several and config.is_sqlite:
            raise settings.SettingsError(
                f"{several} leaves the rest to other processes, and SQLite allows one: set DATABASE_URL to Postgres."
            )
        return config
    raise AssertionError("unreachable")


def _run(config: settings.Settings, part: Part) -> None:
    from cosession import server

    with _plain_errors(config):
        try:
            server.run(config, part)
        except OSError as error:
            raise settings.SettingsError(str(error)) from error


@user_app.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="The name that others see.")],
    admin: Annotated[bool, typer.Option("--admin", help="May see every live session and connection.")] = False,
) -> None:
    """Make an account."""
    with _plain_errors():
        account = operator.add_user(_settings(), email, name, is_admin=admin)
        typer.echo(f"{account.user_id}  {account.email}  {account.name}")


@user_app.command("sign-in")
def user_sign_in(email: str) -> None:
    """Print a link that signs somebody in, once."""
    with _plain_errors():
        typer.echo(operator.sign_in_url(_settings(), email))


@user_app.command("sign-out")
def user_sign_out(email: str) -> None:
    """End every login and token of somebody, at once."""
    with _plain_errors():
        operator.sign_out(_settings(), email)
        typer.echo(f"{email} is signed out everywhere.")


@app.command()
def token(
    email: str,
    ttl: Annotated[str, typer.Option(help="How long it lasts: 30m, 1h, 7d.")] = "1h",
) -> None:
    """Print an API token for an account."""
    with _plain_errors():
        typer.echo(operator.token_for(_settings(), email, parse_duration(ttl)))


@app.command()
def migrate(
    restored: Annotated[
        bool, typer.Option("--restored", help="A backup was put back: clients that saw more begin anew.")
    ] = False,
) -> None:
    """Bring the database to this version's schema. No server may run on SQLite meanwhile."""
    from core.backup import begin_another_history
    from core.migrations import upgrade

    config = None
    with _plain_errors():
        config = _settings()
    with _plain_errors(config):
        if not config.is_sqlite:
            upgrade(config.database_url)
        operator.on_database(config, begin_another_history if restored else lambda _tx: None)
        typer.echo("The database is up to date.")


@app.command()
def backup(file: Path) -> None:
    """Copy the SQLite database to a new file, also while the server runs."""
    with _plain_errors():
        size = operator.back_up(_settings(), file)
        typer.echo(f"{file}: {size:,} bytes")


@app.command(name="import")
def import_(
    file: Path,
    title: Annotated[str | None, typer.Option(help="Of the new session; the file's name otherwise.")] = None,
    session: Annotated[str | None, typer.Option(help="Read it into this session (its id or address).")] = None,
    as_: Annotated[str | None, typer.Option("--as", help="Whose session it is: an e-mail address.")] = None,
) -> None:
    """Read a finished transcript of Claude Code or Codex into a session."""
    from cosession import transfer

    with _plain_errors():
        wish = transfer.Transfer(file, title, session, as_)
        asyncio.run(transfer.import_file(transfer.settings_here(), wish, typer.echo))


@app.command()
def share(
    follow: Annotated[
        Path | None, typer.Option("--follow", help="The transcript of an agent that is running now.", metavar="FILE")
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Follow the agent that was started in this folder last.")
    ] = False,
    from_: Annotated[
        Path | None, typer.Option("--from", help="A finished transcript, to be played.", metavar="FILE")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="With --from: 1 is as it happened; 0 is as fast as possible.", min=0)
    ] = 1.0,
    title: Annotated[str | None, typer.Option(help="Of the new session; otherwise what the agent is asked.")] = None,
    session: Annotated[str | None, typer.Option(help="Share into this session (its id or address).")] = None,
    as_: Annotated[str | None, typer.Option("--as", help="Whose session it is: an e-mail address.")] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Start another session for a transcript that was shared before.")
    ] = False,
    files: Annotated[bool, typer.Option(help="Share the files that the agent changes.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the link, and what goes wrong.")] = False,
) -> None:
    """Share an agent's session: one that is running now (--latest, --follow FILE), or a finished one (--from FILE)."""
    from rich.console import Console

    from cosession import sharing, transfer

    console = Console(soft_wrap=True, highlight=False)
    if follow == Path("--latest"):  # `--follow --latest` says the same as `--latest`.
        follow, latest = None, True
    with _plain_errors():
        if sum((follow is not None, latest, from_ is not None)) != 1:
            raise operator.CommandFailed("Say what to share: --latest, --follow FILE or --from FILE.")
        config = transfer.settings_here()
        if from_ is not None:
            wish = transfer.Transfer(from_, title, session, as_)
            asyncio.run(transfer.share_file(config, wish, speed, console))
            return
        code = sharing.run(config, follow, sharing.Terms(title, session, as_, new, files), console, quiet)
    raise typer.Exit(code)


@app.command()
def export(
    session: str,
    as_: Annotated[str | None, typer.Option("--as", help="Who reads it: an e-mail address.")] = None,
) -> None:
    """Print a session's log, one JSON object a line."""
    from cosession import transfer

    async def run() -> None:
        async for entry in transfer.export(_settings(), session, as_):
            typer.echo(orjson.dumps(entry))

    with _plain_errors():
        asyncio.run(run())


@app.command()
def manifest(
    *,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode: no public address is needed.")] = False,
    many: Annotated[bool, typer.Option("--many", help="To be installed into several workspaces by OAuth.")] = False,
) -> None:
    """Print the Slack app manifest, to paste at api.slack.com/apps."""
    from bot.manifest import manifest as build

    with _plain_errors():
        built = build(_settings().base_url, socket_mode=socket, many=many)
        typer.echo(orjson.dumps(built, option=orjson.OPT_INDENT_2))


@app.command()
def doctor() -> None:
    """Say what is misconfigured, and what to do about it."""
    from cosession.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(f"✗ {finding.what}: {finding.advice}" if finding.advice else f"✓ {finding.what}")
    if any(finding.advice for finding in findings):
        raise typer.Exit(1)


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `1h`, `7d`. Raises CommandFailed."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None or int(match[1]) == 0:
        raise operator.CommandFailed(f"{text!r} is not a length of time: write it like 30m, 1h or 7d.")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    duration = timedelta(**{unit: int(match[1])})
    if duration > timedelta(days=366):
        raise operator.CommandFailed("A token lasts a year at most.")
    return duration
