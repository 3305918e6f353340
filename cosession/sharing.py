"""`cosession share --follow`: an agent that is running now, shared until somebody stops it.

Three things run side by side: the transcript is read into a spool on this machine, the spool is emptied towards the
server, and the session's socket tells who is watching. What the network does concerns the second alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import signal
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cosession.audience import Audience
from cosession.operator import CommandFailed
from cosession.settings import Settings, environment
from cosession.share_display import Display
from cosession.share_door import door_for, public_url
from integrations.agents.live.delivery import Delivery, NewSession, ShareEnded
from integrations.agents.live.discover import NAMES, Candidate, Places, elsewhere, transcripts_of
from integrations.agents.live.follow import Follower
from integrations.agents.live.secrets import CurrentSecrets
from integrations.agents.live.spool import Spool, SpoolLock
from integrations.agents.live.touched import open_files

#: Seconds between two looks at the transcript; how long the last entries are waited for at the end.
LOOK_EVERY = 0.2
LAST_CALL = 5.0

#: Exit codes beside 0, and 2 for what could not begin or was refused.
STILL_WAITING = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """Into which session: an existing one, the one that the transcript went into before, or a new one; and as whom."""

    title: str | None = None
    session_id: str | None = None
    email: str | None = None
    is_new: bool = False
    with_files: bool = True


def run(settings: Settings, file: Path | None, terms: Terms, console: Console, is_quiet: bool) -> int:
    """Follows `file`, or without one the latest transcript of this folder, until it is stopped. Returns the exit code.
    Raises CommandFailed, CosessionError."""
    with Display(console, is_quiet=is_quiet) as display:
        if file is None:
            found, older = latest(Path.cwd())
            display.say(f"{found.agent_name}, as it was started here: {found.path}")
            if older:
                display.say(f"There are {len(older)} older ones here; --follow FILE names another.")
            file = found.path
        return follow(settings, file, terms, display)


def latest(directory: Path) -> tuple[Candidate, list[Candidate]]:
    """The transcript of the agent that works in `directory`, and older ones. Raises CommandFailed, in helpful words."""
    env = environment()
    places = Places.of(Path.home(), env.get("CLAUDE_CONFIG_DIR", ""), env.get("CODEX_HOME", ""))
    found = transcripts_of(directory, places)
    if not found:
        others = [f"{one.directory} ({one.agent_name})" for one in elsewhere(directory, places)]
        where = f" The latest were started in {', '.join(others)}." if others else ""
        raise CommandFailed(
            f"Neither Claude Code nor Codex was started in {directory}.{where} Start the agent here and try again, run "
            "this where the agent was started, or name its transcript: cosession share --follow FILE"
        )
    return found[0], found[1:]


def follow(settings: Settings, file: Path, terms: Terms, display: Display) -> int:
    """Shares until Ctrl-C, or until the session is over. Returns the exit code. Raises CommandFailed, CosessionError
    for what is no transcript or is shared already."""
    if not file.is_file():
        raise CommandFailed(f"There is no file {file}.")
    transcript = file.resolve()
    with ExitStack() as held:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        shares = settings.data_dir / "shares"
        lock = held.enter_context(SpoolLock(shares / f"{_name(str(transcript))}.lock"))
        spool = held.enter_context(_spool(settings, terms, transcript, shares))
        known = CurrentSecrets([Path.cwd()], environment())
        follower = Follower(
            transcript,
            spool,
            known,
            lambda folder, since: open_files(folder, since, spool, known) if terms.with_files else None,
        )
        held.callback(follower.close)
        share = Share(settings, terms, spool, follower, display)
        return asyncio.run(share.run(lock))


def _spool(settings: Settings, terms: Terms, transcript: Path, shares: Path) -> Spool:
    server = settings.base_url if settings.server_token.get_secret_value() else "local"
    session = "" if terms.session_id is None else terms.session_id.rstrip("/").rsplit("/", 1)[-1]
    file = shares / f"{_name(str(transcript), server, session)}.db"
    if terms.is_new:
        file.unlink(missing_ok=True)
    spool = Spool(file)
    if spool.note("share") is None:
        spool.set_notes({"share": secrets.token_hex(16), "transcript": str(transcript)})
        spool.set_notes({"session": session} if session else {})
    return spool


def _name(*words: str) -> str:
    return hashlib.sha256("\x1f".join(words).encode(errors="surrogateescape")).hexdigest()[:32]


class Share:
    """One run of the command."""

    def __init__(self, settings: Settings, terms: Terms, spool: Spool, follower: Follower, display: Display) -> None:
        self._settings = settings
        self._terms = terms
        self._spool = spool
        self._follower = follower
        self._display = display
        self._door = door_for(settings, terms.email, is_known=spool.note("session") is not None)
        self._delivery = Delivery(spool, self._door, session=self._new_session, changed=self._tell)
        self._audience: Audience | None = None
        self._stop = asyncio.Event()
        self._news = asyncio.Event()

    async def run(self, lock: SpoolLock) -> int:
        self._listen_for_signals()
        self._display.begin(self._spool.note("session") is not None, self._spool.count("acknowledged"))
        await self._read()  # The session's title is the first prompt.
        work = {asyncio.create_task(one) for one in (self._keep_reading(), self._delivery.run(), self._watch(lock))}
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({*work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            over = next((task.exception() for task in work if task.done()), None)
            if over is None:
                await self._finish()
            elif not isinstance(over, ShareEnded):
                raise over
            return self._end(over)
        finally:
            self._stop.set()
            for task in (*work, stopped):
                task.cancel()
            await asyncio.wait({*work, stopped})
            for task in work:
                _ = task.cancelled() or task.exception()  # What comes second is not told.

    def _new_session(self) -> NewSession:
        folder = Path(self._follower.directory or Path.cwd()).name
        agent = NAMES.get(self._follower.agent or "", "An agent")
        title = self._terms.title or self._follower.title or f"{agent} in {folder}"
        return NewSession(title, self._spool.note("share") or "")

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self._stop.is_set():
                os._exit(STILL_WAITING)  # Asked twice: at once. What waits is on disk.
            self._stop.set()

        for which in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(which, stop)

    # ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_reading(self) -> None:
        while not self._stop.is_set():
            if not await self._read():
                await asyncio.sleep(LOOK_EVERY)

    async def _read(self) -> bool:
        """One step; whether there is more at once. What this machine refuses now is tried again, and told."""
        before = self._spool.added
        try:
            has_more = await asyncio.to_thread(self._follower.step)
            self._display.local_problem = "the transcript is gone" if self._follower.is_missing else ""
        except sqlite3.OperationalError as error:
            has_more, self._display.local_problem = False, f"this machine's disk does not take what is read ({error})"
        except OSError as error:
            has_more, self._display.local_problem = False, f"something cannot be read ({error})"
        if self._spool.added != before:
            self._delivery.poke()
        self._tell()
        return has_more

    # ── Watching ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self, lock: SpoolLock) -> None:
        await self._until(lambda: self._delivery.session_id is not None)
        session_id = self._delivery.session_id or ""
        url = f"{public_url(self._settings)}/s/{session_id}"
        lock.say(f"It is process {os.getpid()}: {url}")
        self._display.link(url)
        self._audience = Audience(self._door, session_id, self._tell)
        await self._audience.run()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        files = self._follower.files
        self._display.show(
            waiting=self._spool.count(),
            shared=self._spool.count("acknowledged"),
            refused=self._delivery.refusal,
            problem=self._delivery.problem,
            is_idle=self._delivery.is_idle,
            watching=None if self._audience is None else self._audience.names,
            restarts=self._follower.restarts,
            folder=None if files is None else files.root,
        )

    # ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _finish(self) -> None:
        """Reads what is there now and gives the network a moment to take it."""
        while await self._read():
            pass
        files = self._follower.files
        if files is not None:
            await asyncio.to_thread(files.look_again)
        self._delivery.poke()
        try:
            async with asyncio.timeout(LAST_CALL):
                await self._until(lambda: self._delivery.is_idle or self._delivery.problem is not None)
        except TimeoutError:
            pass  # It waits on disk; the end says so.

    def _end(self, over: ShareEnded | None) -> int:
        waiting = self._spool.count()
        files = self._follower.files
        again = " With --new it goes on in another session." if over is not None and over.is_over else ""
        self._display.end(
            "" if over is None else f"{over.message} Sharing has stopped.{again}",
            waiting,
            self._spool.count("acknowledged"),
            self._spool.count("refused"),
            {} if files is None else dict(files.left_out),
        )
        if over is not None:
            return 0 if over.is_over else 2
        return STILL_WAITING if waiting else 0
