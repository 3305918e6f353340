"""Mail where there is no server for it: each is a file in a folder, which mail programs can open.

The file has the mail's id for a name, so a mail that is sent twice is there once.
"""

from __future__ import annotations

import asyncio
import os
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from core.mailer import TryLater

_NAME = re.compile(r"^<([a-z0-9_]{1,60})@")
_FILE = re.compile(r"^[a-z0-9_]{1,60}$")


class FileTransport:
    """Puts mails into `folder`, which it makes, for this user's eyes only: some open an account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:  # noqa: ARG002 - a transport's
        """Raises TryLater where the disk does not take it."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise TryLater(str(error), is_for_all=True) from error

    async def rest(self) -> None:
        pass

    def _write(self, message: EmailMessage) -> None:
        match = _NAME.match(str(message["Message-ID"]))
        assert match is not None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = self.folder / f"{match[1]}.part"
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(message.as_bytes())
        half.replace(self.folder / f"{match[1]}.eml")

    def list(self, limit: int = 100) -> list[tuple[str, EmailMessage]]:
        """The newest first: the name and the mail."""
        if not self.folder.is_dir():
            return []
        files = sorted(self.folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        return [(file.stem, _read(file)) for file in files[:limit]]

    def find(self, name: str) -> EmailMessage | None:
        file = self.folder / f"{name}.eml"
        return _read(file) if _FILE.match(name) and file.is_file() else None


def _read(file: Path) -> EmailMessage:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message
