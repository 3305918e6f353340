"""What the command line reads and writes of sessions: `import`, `share`, `export`.

Secrets are taken out of a transcript on this machine, before a word of it is sent: the values of `.env` files and of
the environment literally, everything else that looks like a credential by rule.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from core.events import FileChanged, ToolCallFinished, TranscriptEnded, UsageUpdated
from cosession.connected import Connected, answered, connect
from cosession.operator import CommandFailed
from cosession.settings import Settings, environment, load
from integrations.agents.redact import Redactor, known_secrets
from integrations.agents.share import ShareClient, play
from integrations.agents.transcript import Item, read_transcript

Say = Callable[[str], None]


@dataclass
class Summary:
    """What a transcript turned out to hold."""

    events: int = 0
    tokens: int | None = None
    calls: Counter[str] = field(default_factory=Counter[str])
    files: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    end: TranscriptEnded | None = None

    def add(self, item: Item) -> None:
        self.events += 1
        match item.event:
            case UsageUpdated(tokens=tokens):
                self.tokens = tokens.total
            case ToolCallFinished(status=status):
                self.calls[status] += 1
            case FileChanged(path=path, added=added, removed=removed):
                before = self.files.get(path, (0, 0))
                self.files[path] = (before[0] + added, before[1] + removed)
            case TranscriptEnded() as end:
                self.end = end
            case _:
                pass

    def lines(self) -> list[str]:
        """A few lines for a person."""
        calls = ", ".join(f"{count} {status}" for status, count in sorted(self.calls.items())) or "none"
        files = ", ".join(f"{path} (+{added} -{removed})" for path, (added, removed) in sorted(self.files.items()))
        tokens = "unknown" if self.tokens is None else f"{self.tokens:,}"
        lines = [f"events: {self.events}", f"tokens: {tokens}", f"tool calls: {calls}", f"files: {files or 'none'}"]
        if self.end is not None:
            lines.append(f"records: {self.end.records}, unreadable: {self.end.corrupt}")
            lines.append(f"not shown: {_counts(self.end.skipped)}")
            lines.append(f"secrets taken out: {_counts(self.end.redacted)}")
        return lines


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items())) or "none"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What to read, and into which session: an existing one, or a new one with that title."""

    file: Path
    title: str | None
    session_id: str | None
    email: str | None


def settings_here() -> Settings:
    """The settings, for a command that runs in somebody's project: a `.env` there is the project's own, with a PORT and
    a DATABASE_URL of its own, unless it speaks of Cosession. Raises SettingsError."""
    file = Path(".env")
    is_ours = file.is_file() and re.search(rb"^\s*(?:export\s+)?COSESSION_", file.read_bytes(), re.MULTILINE)
    return load() if is_ours else load(_env_file=None)


async def import_file(settings: Settings, wish: Transfer, say: Say) -> None:
    """Reads a transcript into a session at once. The same file again changes nothing. Raises CommandFailed."""
    items = _items(wish.file)
    async with connect(settings, wish.email) as server:
        session_id = await _session(server, wish, say)
        client = ShareClient(server.url, server.token, session_id=session_id)
        await client.send(items)
        summary = Summary()
        for item in items:
            summary.add(item)
        for line in summary.lines():
            say(f"  {line}")


async def share_file(settings: Settings, wish: Transfer, speed: float, console: Console) -> None:
    """Plays a transcript into a session as if it were happening now, `speed` times as fast. Raises CommandFailed."""
    _items(wish.file)  # Nothing begins with a file that cannot be read.
    async with connect(settings, wish.email) as server:
        session_id = await _session(server, wish, console.print)
        client = ShareClient(server.url, server.token, session_id=session_id)
        summary = Summary()
        with console.status("Sharing") as status:

            def progress(item: Item) -> None:
                summary.add(item)
                status.update(f"Sharing: {summary.events} events")

            await play(wish.file, client, speed=speed, redactor=_redactor(), progress=progress)
        for line in summary.lines():
            console.print(f"  {line}")


def _redactor() -> Redactor:
    return Redactor(known_secrets(Path.cwd(), environment()))


def _items(file: Path) -> list[Item]:
    """Everything in a transcript. Raises CommandFailed, TranscriptUnknown."""
    if not file.is_file():
        raise CommandFailed(f"There is no file {file}.")
    with file.open("rb") as lines:
        return list(read_transcript(lines, redactor=_redactor()))


async def _session(server: Connected, wish: Transfer, say: Say) -> str:
    if wish.session_id is not None:
        session_id = wish.session_id.rstrip("/").rsplit("/", 1)[-1]  # The page's address will do as well.
    else:
        key = "import-" + hashlib.sha256(wish.file.read_bytes()[:65_536]).hexdigest()[:32]
        title = wish.title or wish.file.stem
        async with server.client() as http:
            started = answered(await http.post("/api/sessions", json={"title": title, "key": key}))
        session_id = str(started["id"])
    say(f"Session: {server.public_url}/s/{session_id}")
    return session_id


async def export(settings: Settings, session_id: str, email: str | None) -> AsyncIterator[dict[str, object]]:
    """The session's log, one entry a line, from its beginning. Raises CommandFailed."""
    async with connect(settings, email) as server, server.client() as http:
        after: int | None = 0
        while after is not None:
            page = answered(
                await http.get(f"/api/sessions/{session_id}/events", params={"after": after, "limit": 1_000})
            )
            for entry in page["items"]:
                yield entry
            after = page["next"]
