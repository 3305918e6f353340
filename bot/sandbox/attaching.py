"""What people do with files: they put one up, share it with what they say, and delete it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.errors import SlackError
from bot.sandbox.models import Payload, Person
from bot.sandbox.workspace import Workspace


class Attaching:
    """The part of `Humans` that has to do with files."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def attach(self, user: str, name: str, data: bytes, **fields: Any) -> str:
        """Puts a file up that a message is to share; returns its id. `fields` are those of `files.File`."""
        return self.workspace.files.attach(self.workspace.person(user).id, name, data, **fields).id

    async def delete_file(self, user: str, file_id: str) -> None:
        """Only one's own: raises `cant_delete_file`."""
        file = self.workspace.files.find(file_id)
        if file.user != self.workspace.person(user).id:
            raise SlackError("cant_delete_file")
        self.workspace.delete_file(file)

    def attached(self, person: Person, files: Sequence[str]) -> list[Payload]:
        """What a message says of its files. Raises `file_not_found` for what is not there or somebody else's."""
        for file_id in files:
            file = self.workspace.files.find(file_id)
            if file.user != person.id:
                raise SlackError("file_not_found")
            file.is_shared = True
        return [{"id": file_id} for file_id in files]
