"""What git says of the shared folder: which files it ignores, and what a file was in a commit.

Git runs without its hooks, watchers and prompts, and a path reaches it as data, never as a pattern. Where git fails,
the answer is the careful one: a file counts as ignored, and nothing is known of its past.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

#: Seconds; bytes of a file's earlier content.
PATIENCE = 10.0
LARGEST_BLOB = 1 << 20

_SAFE = (
    "--no-optional-locks",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
)
_ENTRY = re.compile(rb"(?P<mode>\d{6}) (?P<kind>\w+) (?P<name>[0-9a-f]{40,64}) +(?P<size>\d+|-)\t")


@dataclass(frozen=True, slots=True)
class Git:
    """Git in `folder`, which is in a work tree. Paths are relative to the folder."""

    folder: Path

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """None where neither the folder nor one above it is a work tree. Git itself is not asked: where it is missing
        or refuses, the folder still has files that are to be ignored."""
        return cls(folder) if any((one / ".git").exists() for one in (folder, *folder.parents)) else None

    def toplevel(self) -> Path | None:
        found = self._run("rev-parse", "--show-toplevel")
        return Path(found.decode(errors="surrogateescape").removesuffix("\n")) if found else None

    def ignores(self, path: str) -> bool:
        done = self._process(("check-ignore", "-z", "--stdin"), f"./{path}".encode() + b"\0")
        return done is None or done.returncode != 1  # 0: ignored; 1: not ignored; anything else: git does not know.

    def commit_before(self, time: str | None) -> str | None:
        """The last commit before `time` (RFC 3339) on the way here, else the one that is checked out now."""
        before = self._run("rev-list", "-1", f"--before={time}", "HEAD") if time else None
        found = (before or self._run("rev-parse", "--verify", "--quiet", "HEAD") or b"").decode().strip()
        return found or None

    def changed(self) -> dict[str, bool]:
        """Files that differ from the last commit, not the ignored → whether they are there. Empty where git fails."""
        prefix = self._run("rev-parse", "--show-prefix")
        words = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all", "--", ".")
        listed = self._run("status", *words)
        if prefix is None or listed is None:
            return {}
        within = prefix.decode(errors="surrogateescape").removesuffix("\n")
        entries = [entry.decode(errors="surrogateescape") for entry in listed.split(b"\0") if len(entry) > 3]
        return {entry[3:].removeprefix(within): "D" not in entry[:2] for entry in entries}

    def content(self, commit: str, path: str) -> bytes | None:
        """A file's content in a commit; None where it had none, or is no plain file or too large."""
        listed = self._run("--literal-pathspecs", "ls-tree", "-l", "-z", commit, "--", path)
        entry = _ENTRY.match(listed or b"")
        if entry is None or entry["kind"] != b"blob" or entry["mode"] not in (b"100644", b"100755"):
            return None
        if int(entry["size"]) > LARGEST_BLOB:
            return None
        return self._run("cat-file", "blob", entry["name"].decode())

    def _run(self, *words: str) -> bytes | None:
        done = self._process(words, b"")
        return done.stdout if done is not None and done.returncode == 0 else None

    def _process(self, words: Sequence[str], given: bytes) -> subprocess.CompletedProcess[bytes] | None:
        command = ["git", *_SAFE, "-C", str(self.folder), *words]
        try:
            return subprocess.run(command, input=given, capture_output=True, timeout=PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
