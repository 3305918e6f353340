"""The files that an agent touches, each state of them on its way into the spool: redacted, bounded, in order.

The first state of a file is what git had of it before the agent began, so that its diff says what the agent did. A file
that cannot or must not be read is left out, and counted by reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import orjson

from core.events import FileChanged
from integrations.agents.live.paths import PathNotShared, parts_of, shared_path
from integrations.agents.live.secrets import CurrentSecrets
from integrations.agents.live.spool import KnownFile, Spool
from integrations.agents.live.workspace import LARGEST_FILE, Found, Workspace, is_text

Change = Literal["added", "modified", "deleted", "renamed"]

#: Files of one session.
MAX_FILES = 2_000
#: Bytes of contents that may wait for the network; beyond them a file's states in between are left out.
MAX_WAITING_BYTES = 256 << 20
#: Why a state comes without its content.
_REASONS = {
    "text": "It is larger than 1 MiB.",
    "large": "It is larger than 1 MiB.",
    "binary": "It is not text.",
    "missing": "",
}
#: Seconds that an agent's record of a command may begin after, or end before, what the command does.
_SLACK = 0.5


class TouchedFiles:
    """The files of one session. `commit` is where git is asked what they were."""

    def __init__(
        self,
        workspace: Workspace,
        spool: Spool,
        redact: Callable[[str], str],
        commit: str | None = None,
        *,
        max_files: int = MAX_FILES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._max_files = max_files
        self._max_waiting_bytes = max_waiting_bytes
        self._workspace = workspace
        self._spool = spool
        self._redact = redact
        self._commit = commit
        self._share = spool.note("share") or ""
        self._known = spool.files()
        #: Reason → files that were left out for it; each is counted once.
        self.left_out: Counter[str] = Counter()
        self._left_out: set[str] = set()
        #: What git missed when it was asked last.
        self._gone = set[str]() if workspace.git is None else _missing(workspace.git.changed())

    def close(self) -> None:
        self._workspace.close()

    @property
    def root(self) -> Path:
        return self._workspace.root

    @property
    def count(self) -> int:
        return sum(known.versions > 0 for known in self._known.values())

    def touch(self, changes: Sequence[FileChanged]) -> None:
        """Records the files of these changes as they are now. Raises sqlite3.Error."""
        for path, change in {change.path: change for change in changes}.items():
            if path in self._known or self._begins(path):
                self._look(path, change)

    def ran(self, commands: Sequence[tuple[float, float]]) -> None:
        """Takes in what commands of the agent changed that ran from then to then, in seconds since 1970: files that git
        finds changed and that were written in that time, and files that are gone since. Raises sqlite3.Error."""
        if not commands or self._workspace.git is None:
            return
        changed = self._workspace.git.changed()
        gone = _missing(changed)
        found, self._gone = gone - self._gone, gone
        for path in (path for path in changed if path not in self._known and path not in gone):
            written = self._workspace.written_at(path)
            if any(start - _SLACK <= written <= end + _SLACK for start, end in commands):
                found.add(path)
        for path in sorted(found - self._known.keys()):
            if self._begins(path):
                self._look(path, None)

    def look_again(self) -> None:
        """Records what has changed since the last look: a shell changes files without telling. Raises sqlite3.Error."""
        for path in list(self._known):
            self._look(path, None)

    def _begins(self, path: str) -> bool:
        """Takes a file in, unless it must not be or there are too many."""
        try:
            self._workspace.read(path)
        except PathNotShared as refusal:
            return self._leave_out(path, refusal.message)
        if self._redact(path) != path:
            return self._leave_out(path, "its name may be a secret")
        if len(self._known) >= self._max_files:
            return self._leave_out(path, f"there are {self._max_files:,} files already")
        self._remember(path, KnownFile())
        return True

    def _leave_out(self, path: str, reason: str) -> Literal[False]:
        if path not in self._left_out:
            self._left_out.add(path)
            self.left_out[reason] += 1
        return False

    def _look(self, path: str, change: FileChanged | None) -> None:
        try:
            signature = self._workspace.signature(path)
            if self._known[path].signature == signature:
                return
            if not self._workspace.is_there() or self._spool.waiting_bytes() > self._max_waiting_bytes:
                return  # The next look will find what is there then.
            found = self._workspace.read(path)
        except PathNotShared as refusal:
            self._leave_out(path, refusal.message)
            return
        self._first_state(path)
        self._record(path, found, signature, change)
        if self._known[path].signature != signature:  # Another time stamp, and nothing new to tell.
            self._remember(path, replace(self._known[path], signature=signature))

    def _remember(self, path: str, known: KnownFile) -> None:
        self._spool.set_file(path, known)
        self._known[path] = known

    def _first_state(self, path: str) -> None:
        """What git had of the file."""
        if self._known[path].versions or self._commit is None or self._workspace.git is None:
            return
        before = self._workspace.git.content(self._commit, "/".join(parts_of(path)))
        if before is not None:
            is_readable = is_text(before)
            found = Found("text" if is_readable else "binary", before if is_readable else b"", len(before))
            self._put(path, "modified", found, "")

    def _record(self, path: str, found: Found, signature: str, change: FileChanged | None) -> None:
        known = self._known[path]
        if found.kind == "missing":
            if known.is_there:
                self._put(path, "deleted", found, signature)
            return
        if change is not None and change.change == "renamed" and change.old_path and not known.is_there:
            old_path = self._renamed_from(change.old_path)
            if old_path is not None:
                self._put(path, "renamed", found, signature, shared_path(parts_of(old_path)))
                self._remember(old_path, replace(self._known[old_path], is_there=False))
                return
        self._put(path, "modified" if known.is_there else "added", found, signature)

    def _renamed_from(self, old_path: str) -> str | None:
        """The name that a file had, if it may be told and was there; what git had of it is recorded first."""
        if not self._workspace.allows(old_path):
            return None
        if old_path not in self._known:
            self._remember(old_path, KnownFile())
        self._first_state(old_path)
        return old_path if self._known[old_path].is_there else None

    def _put(self, path: str, change: Change, found: Found, signature: str, old_path: str | None = None) -> None:
        content = self._redacted(found)
        version = None if content is None else hashlib.sha256(content).hexdigest()
        known, is_there = self._known[path], change != "deleted"
        if version is not None and (known.version, known.is_there) == (version, is_there):
            return
        name = f"{self._share}\x1f{path}\x1f{known.versions}\x1f{version}"
        item = {
            "key": hashlib.sha256(name.encode()).hexdigest()[:40],
            "path": shared_path(parts_of(path)),
            "change": change,
            "old_path": old_path,
            "version": version,
            "size": found.size if content is None else len(content),
            "is_binary": found.kind == "binary",
            "reason": "" if content is not None else _REASONS[found.kind],
        }
        now = KnownFile(version, is_there, known.versions + 1, signature)
        self._spool.add_file(path, str(item["key"]), orjson.dumps(item), now, content)
        self._known[path] = now

    def _redacted(self, found: Found) -> bytes | None:
        """The content as it may leave; None where there is none, or what is left of it is too large."""
        if found.kind != "text":
            return None
        content = self._redact(found.data.decode()).encode()
        return content if len(content) <= LARGEST_FILE else None


def _missing(changed: dict[str, bool]) -> set[str]:
    return {path for path, is_there in changed.items() if not is_there}


def open_files(folder: Path, since: str | None, spool: Spool, secrets: CurrentSecrets) -> TouchedFiles | None:
    """The files of the folder in which an agent was started, at the time `since` (RFC 3339); None for a folder that
    holds everything. Raises OSError for one that cannot be opened."""
    workspace = Workspace(folder)
    if workspace.root == Path(workspace.root.anchor):
        workspace.close()
        return None
    commit = None
    if workspace.git is not None:
        toplevel = workspace.git.toplevel()
        if toplevel is not None and toplevel.is_dir():
            secrets.add(toplevel)
        commit = spool.note("commit") or workspace.git.commit_before(since)
        spool.set_notes({"commit": commit} if commit else {})
    return TouchedFiles(workspace, spool, secrets.redact, commit)
