"""Redaction that keeps up: a key that is put into `.env` while the agent works is known before the agent repeats it.

Values that were known once stay known, for the agent may still say a key that was taken out of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from integrations.agents.redact import Redactor, known_secrets


class CurrentSecrets:
    """A redactor for the folders `directories` and the environment `environ`. `refresh` before new text comes."""

    def __init__(self, directories: Iterable[Path], environ: Mapping[str, str]) -> None:
        self._directories = list(directories)
        self._environ = dict(environ)
        self._files: dict[Path, tuple[int, int]] = {}
        self._known: dict[str, str] = {}
        self._redactor = Redactor()
        self._load(self._stamps())

    @property
    def counts(self) -> Counter[str]:
        return self._redactor.counts

    def add(self, directory: Path) -> None:
        """Another folder whose `.env` files hold secrets. Raises OSError for one that cannot be read."""
        if directory not in self._directories:
            self._directories.append(directory)
        self.refresh()

    def refresh(self) -> None:
        """Looks whether `.env` files have changed. Raises OSError for one that cannot be read."""
        stamps = self._stamps()
        if stamps != self._files:
            self._load(stamps)

    def redact(self, text: str) -> str:
        return self._redactor.redact(text)

    def _stamps(self) -> dict[Path, tuple[int, int]]:
        files = [file for directory in self._directories for file in directory.glob(".env*") if file.is_file()]
        return {file: (status.st_mtime_ns, status.st_size) for file in files if (status := file.stat())}

    def _load(self, stamps: dict[Path, tuple[int, int]]) -> None:
        values = set(self._known.values())
        for directory in self._directories:
            for name, value in known_secrets(directory, self._environ).items():
                if value not in values:
                    values.add(value)
                    self._known[f"{len(values)} {name}"] = value
        redactor = Redactor(self._known)
        redactor.counts.update(self._redactor.counts)
        self._redactor, self._files = redactor, stamps
