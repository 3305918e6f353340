"""The files of the workspace: uploaded in two steps or attached by people, shown with private addresses, and deleted.

Slack hands out an upload address first, takes the bytes there, and shares what was uploaded with a third call
(https://docs.slack.dev/messaging/working-with-files#upload). Who downloads without a token that may read files gets a
page to sign in, with status 200.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from mimetypes import MimeTypes
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from bot.sandbox.errors import SlackError
from bot.sandbox.models import BOT_USER_ID, Payload

MAX_ALT_TEXT = 1_000
#: What the sandbox takes of one file, in bytes. Slack takes 1 GB, which nobody wants in a box.
MAX_BYTES = 64 * 1024 * 1024

#: By the ending of a name, the same on every machine.
_TYPES = MimeTypes(filenames=())


@dataclass
class File:
    """One file. `mode` is Slack's word for where its bytes are; only those of a "hosted" one are here."""

    id: str
    name: str
    user: str
    size: int
    created: int
    title: str = ""
    alt_txt: str = ""
    mode: str = "hosted"
    #: Further members of what is shown of it, such as `external_type`.
    extra: Payload = field(default_factory=dict[str, Any])
    #: Shared somewhere: until then nobody but its owner sees it.
    is_shared: bool = False
    #: Of another workspace: messages show its id alone, and `files.info` the rest.
    is_foreign: bool = False

    @property
    def mimetype(self) -> str:
        return _TYPES.guess_type(self.name)[0] or "application/octet-stream"


@dataclass
class _Ticket:
    """An address that waits for the bytes of one file."""

    file: File
    is_used: bool = False


class Files:
    """Files by id. Belongs to one workspace; `address` tells where the sandbox is mounted."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.address: Callable[[], str] = lambda: ""
        self.by_id: dict[str, File] = {}
        #: The bytes of hosted files.
        self.data: dict[str, bytes] = {}
        self._tickets: dict[str, _Ticket] = {}
        #: What an administrator may forbid: all uploads, endings of names, and files above a size in bytes.
        self.is_disabled = False
        self.forbidden: set[str] = set()
        self.most_bytes = MAX_BYTES
        #: Whether what was uploaded is refused when it is to be shared.
        self.is_unshareable = False

    # -- coming

    def attach(self, user: str, name: str, data: bytes, **fields: Any) -> File:
        """A person's file, complete; it is seen once a message shares it. Raises `file_upload_size_restricted`."""
        self._check(name, len(data))
        file = self._new(user, name, len(data), **fields)
        self.data[file.id] = data
        return file

    def reserve(self, name: str, size: int, alt_txt: str) -> tuple[File, str]:
        """A file of the app that is to come, and the address that takes its bytes."""
        self._check(name, size)
        if len(alt_txt) > MAX_ALT_TEXT:
            raise SlackError("alt_txt_too_large")
        file, ticket = self._new(BOT_USER_ID, name, size, alt_txt=alt_txt), secrets.token_urlsafe(24)
        self._tickets[ticket] = _Ticket(file)
        return file, f"{self.address()}/upload/v1/{ticket}"

    def put(self, ticket: str, data: bytes) -> bool:
        """Takes the bytes at an upload address, once. False for another number of bytes than was said."""
        found = self._tickets.get(ticket)
        if found is None or found.is_used or len(data) != found.file.size:
            return False
        found.is_used = True
        self.data[found.file.id] = data
        return True

    def complete(self, ids: Collection[str]) -> list[File]:
        """Ends the uploads of these files: all or none, each once. Raises `file_not_found`, `file_type_not_allowed`."""
        if self.is_unshareable:
            raise SlackError("file_type_not_allowed")
        tickets = {one.file.id: name for name, one in self._tickets.items() if one.is_used}
        if not ids or any(file_id not in tickets for file_id in ids):
            raise SlackError("file_not_found")
        for file_id in ids:
            del self._tickets[tickets[file_id]]
        return [self.by_id[file_id] for file_id in ids]

    # -- going

    def forget(self, file: File) -> None:
        """Its bytes are gone; what stays of it says so."""
        self.data.pop(file.id, None)
        file.mode = "tombstone"

    # -- showing

    def find(self, file_id: str) -> File:
        """Raises `file_not_found` or `file_deleted`."""
        file = self.by_id.get(file_id)
        if file is None:
            raise SlackError("file_not_found")
        if file.mode == "tombstone":
            raise SlackError("file_deleted")
        return file

    def shown(self, file_id: str) -> Payload:
        """A file as messages show it."""
        if self.by_id[file_id].is_foreign:
            return {"id": file_id, "mode": "file_access", "file_access": "check_file_info"}
        return self.described(file_id)

    def described(self, file_id: str) -> Payload:
        """A file as `files.info` shows it."""
        file = self.by_id[file_id]
        if file.mode == "tombstone":
            return {"id": file.id, "mode": "tombstone"}
        name = quote(file.name)
        shown: Payload = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title or file.name,
            "mimetype": file.mimetype,
            "filetype": PurePosixPath(file.name).suffix.lstrip(".") or "binary",
            "user": file.user,
            "mode": file.mode,
            "size": file.size,
            "editable": False,
            "is_external": False,
            "is_public": True,
            "file_access": "visible",
            "url_private": f"{self.address()}/files/{file.id}/{name}",
            "url_private_download": f"{self.address()}/files/{file.id}/download/{name}",
            "permalink": f"https://acme.slack.com/files/{file.user}/{file.id}/{name}",
        }
        return {**shown, **({"alt_txt": file.alt_txt} if file.alt_txt else {}), **file.extra}

    # -- keeping

    def snapshot(self) -> list[Payload]:
        """What is known of each file, without bytes; uploads that are under way are given up by a restart."""
        return [asdict(file) for file in self.by_id.values() if file.is_shared]

    def restore(self, raw: list[Payload]) -> None:
        self.by_id = {one["id"]: File(**one) for one in raw}

    def dump_data(self, folder: Path) -> None:
        """Writes the bytes that the folder lacks, and deletes those of files that are gone."""
        kept = {name for name in self.data if self.by_id[name].is_shared}
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
        for name in kept:
            path = folder / name
            if not path.exists():
                unfinished = folder / f"{name}.part"
                unfinished.write_bytes(self.data[name])
                unfinished.replace(path)

    def load_data(self, folder: Path) -> None:
        """Takes the bytes up again; a file whose bytes are not there counts as deleted."""
        for file in self.by_id.values():
            path = folder / file.id
            if path.exists():
                self.data[file.id] = path.read_bytes()
            elif file.mode == "hosted":
                self.forget(file)

    def _new(self, user: str, name: str, size: int, **fields: Any) -> File:
        file_id = "F0" + secrets.token_hex(4).upper()
        file = File(file_id, name, user, size, int(self._clock().timestamp()), **fields)
        self.by_id[file.id] = file
        return file

    def _check(self, name: str, size: int) -> None:
        if self.is_disabled:
            raise SlackError("file_uploads_disabled")
        if PurePosixPath(name).suffix.lstrip(".").lower() in self.forbidden:
            raise SlackError("file_type_not_allowed")
        if size > self.most_bytes:
            raise SlackError("file_upload_size_restricted")
