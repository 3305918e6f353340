"""Finds the transcript of the agent that works in a folder: the one that was written last.

Claude Code keeps them in `<config>/projects/<folder, other characters than letters and digits as ->/<id>.jsonl`, Codex
in `<home>/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`. Neither name is believed: the folder that a transcript itself
tells decides. Helpers of an agent's own write transcripts too, and are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from integrations.agents.transcript import LOOK_AHEAD

#: Transcripts that are looked into, the latest first, and bytes of their beginning that are.
MOST_FILES = 400
MOST_BYTES = 4 << 20

NAMES = {"claude-code": "Claude Code", "codex": "Codex"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agents of this person keep their transcripts."""

    claude: Path
    codex: Path

    @classmethod
    def of(cls, home: Path, claude_config_dir: str = "", codex_home: str = "") -> Places:
        claude = Path(claude_config_dir) if claude_config_dir else home / ".claude"
        codex = Path(codex_home) if codex_home else home / ".codex"
        return cls(claude / "projects", codex / "sessions")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transcript. `written_at` is when it was written last, in seconds since 1970."""

    agent: str
    path: Path
    directory: str
    written_at: float

    @property
    def agent_name(self) -> str:
        return NAMES.get(self.agent, self.agent)


def transcripts_of(directory: Path, places: Places) -> list[Candidate]:
    """Transcripts of agents that were started in `directory`, the latest first."""
    names = {str(directory), os.path.realpath(directory)}
    found = [one for one in _all(places, names) if one.directory in names or _same(one.directory, directory)]
    return sorted(found, key=lambda one: one.written_at, reverse=True)


def elsewhere(directory: Path, places: Places, most: int = 3) -> list[Candidate]:
    """The latest transcripts of other folders, for somebody who is in the wrong one."""
    names = {str(directory), os.path.realpath(directory)}
    found: dict[str, Candidate] = {}
    for one in sorted(_all(places, None), key=lambda one: one.written_at, reverse=True):
        if one.directory not in names:
            found.setdefault(one.directory, one)
        if len(found) == most:
            break
    return list(found.values())


def directory_in(line: bytes) -> str:
    """The folder that a record says its agent was started in, or ""."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(record, dict):
        return ""
    payload = record.get("payload")
    found = payload.get("cwd") if isinstance(payload, dict) else record.get("cwd")
    return found.removeprefix("file://") if isinstance(found, str) else ""


def _all(places: Places, directories: set[str] | None) -> Iterator[Candidate]:
    folders = [places.claude]
    if directories is not None:
        known = {_folder_name(directory) for directory in directories}
        folders = [places.claude / name for name in known]
        pattern = "*.jsonl"
    else:
        pattern = "*/*.jsonl"
    yield from _candidates("claude-code", (file for folder in folders for file in folder.glob(pattern)))
    yield from _candidates("codex", places.codex.glob("*/*/*/rollout-*.jsonl"))


def _folder_name(directory: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", directory)


def _candidates(agent: str, files: Iterable[Path]) -> Iterator[Candidate]:
    times: list[tuple[float, Path]] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue  # It went away, or belongs to somebody else.
        times.append((status.st_mtime, file))
    for written_at, file in sorted(times, reverse=True)[:MOST_FILES]:
        try:
            records = list(_beginning(file))
        except OSError:
            continue
        directory = next((found for record in records if (found := directory_in(record))), "")
        if directory and not any(_is_of_a_helper(record) for record in records):
            yield Candidate(agent, file, directory, written_at)


def _beginning(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from islice(iter(lambda: lines.readline(MOST_BYTES), b""), 1 if "rollout-" in file.name else LOOK_AHEAD)


def _is_of_a_helper(line: bytes) -> bool:
    if b"isSidechain" not in line and b"subagent" not in line:
        return False
    try:
        record: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(record, dict):
        return False
    if "payload" not in record:
        return bool(record.get("isSidechain"))
    payload = record["payload"]
    source = payload.get("source") if isinstance(payload, dict) else None
    return isinstance(payload, dict) and (
        payload.get("thread_source") == "subagent" or (isinstance(source, dict) and "subagent" in source)
    )


def _same(one: str, directory: Path) -> bool:
    try:
        return Path(one).samefile(directory)
    except OSError:
        return False
