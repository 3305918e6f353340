"""What a client hears, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from api.client.line import Closed
from api.frames import ErrorFrame, server_frame_adapter
from core.events import AnyEvent, event_adapter

_ENVELOPE = ("seq", "at", "actor_id")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log. `frame` is its JSON text; `event` is None for a kind that is newer than this program."""

    seq: int
    at: str
    actor_id: str | None
    type: str
    event: AnyEvent | None
    frame: bytes


@dataclass(frozen=True, slots=True)
class Restarted:
    """Forget every entry so far: the server tells another history, or yours was found to differ. It begins anew."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is lost; `connected` says when there is another."""


Heard = LogEntry | Restarted | Offline | Any


class Refused(Exception):
    """The server refused that, with its own code and words."""

    def __init__(self, frame: ErrorFrame) -> None:
        super().__init__(frame.message)
        self.error_code = frame.error_code


class Stopped(Exception):
    """The server ended this for good."""

    def __init__(self, closed: Closed) -> None:
        super().__init__(closed.reason)
        self.close_code = closed.code


def parsed(frame: dict[str, Any]) -> Any:
    """The frame as its model, or None for one that this program is too old to know."""
    try:
        return server_frame_adapter.validate_python(frame)
    except ValueError:
        return None


def entry(seq: int, text: bytes) -> LogEntry:
    frame: dict[str, Any] = orjson.loads(text)
    body = {name: value for name, value in frame.items() if name not in _ENVELOPE}
    try:
        event = event_adapter.validate_python(body)
    except ValueError:
        event = None
    return LogEntry(seq, frame["at"], frame["actor_id"], frame["type"], event, text)
