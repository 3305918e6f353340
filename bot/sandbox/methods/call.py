"""One call of a Web API method: its arguments, read in whatever form they came, and the workspace it acts on."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.sandbox.errors import SlackError
from bot.sandbox.models import BOT_USER_ID, Channel, Payload
from bot.sandbox.workspace import Workspace


@dataclass(frozen=True)
class Call:
    """Arguments come from forms as strings and from JSON as values; the accessors take either."""

    workspace: Workspace
    args: Mapping[str, Any]
    scopes: frozenset[str]

    def text(self, name: str) -> str | None:
        value = self.args.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        return str(self.args.get(name, "")).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        value = self.args.get(name)
        return default if value in (None, "") else int(str(value))

    def structure(self, name: str, error: str) -> Any:
        """JSON, as such or as a text of JSON; raises `error` when it is neither."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as broken:
            raise SlackError(error) from broken

    def channel(self, name: str = "channel") -> Channel:
        """The conversation, by id. Raises `channel_not_found`, for a private one without the bot too."""
        found = self.workspace.channel(str(self.args[name]))
        if found.kind != "channel" and BOT_USER_ID not in found.members:
            raise SlackError("channel_not_found")
        return found

    def open_channel(self, name: str = "channel") -> Channel:
        """One that can be written to by the bot. Raises `is_archived` or `not_in_channel`."""
        found = self.channel(name)
        if found.is_archived:
            raise SlackError("is_archived")
        if BOT_USER_ID not in found.members and "chat:write.public" not in self.scopes:
            raise SlackError("not_in_channel")
        return found

    def require_scope(self, scope: str) -> None:
        if scope not in self.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))


Handler = Callable[[Call], Payload]
T = TypeVar("T")


def page(call: Call, items: Sequence[T], *, default: int, most: int = 1000) -> tuple[list[T], Payload]:
    """One page of `items` and what to add to the answer. Raises `invalid_cursor`."""
    start = 0
    cursor = call.text("cursor")
    if cursor:
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except (binascii.Error, ValueError) as broken:
            raise SlackError("invalid_cursor") from broken
    size = max(1, min(call.number("limit", default), most))
    end = start + size
    next_cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), {"response_metadata": {"next_cursor": next_cursor}}
