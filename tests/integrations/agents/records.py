"""Records as Claude Code and Codex write them, with invented content, and what tests ask of the events they become."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from core.events import AgentEvent, TranscriptEnded
from integrations.agents.redact import Redactor
from integrations.agents.transcript import Item, read_transcript

E = TypeVar("E", bound=AgentEvent)

AT = "2026-03-01T10:00:00.000Z"
HOME = "/home/ann/shop"


def claude(kind: str, **fields: Any) -> bytes:
    """A row of Claude Code's transcript."""
    record = {"type": kind, "sessionId": "s-1", "cwd": HOME, "timestamp": AT}
    return json.dumps({**record, **fields}).encode() + b"\n"


def prompt(text: str, number: int = 1, **fields: Any) -> bytes:
    return claude("user", uuid=f"u{number}", promptId=f"p{number}", message={"content": text}, **fields)


def said(uuid: str, *blocks: dict[str, Any], **fields: Any) -> bytes:
    """A row of an assistant's message, of one token each way."""
    stop = fields.pop("stop_reason", "tool_use")
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": f"m-{uuid}", "model": "m", "content": list(blocks), "usage": usage, "stop_reason": stop}
    return claude("assistant", uuid=uuid, message=message, **fields)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(call_id: str, name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def result(call_id: str, content: Any, *, is_error: bool = False, **fields: Any) -> bytes:
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
    return claude("user", uuid=f"r-{call_id}", message={"content": [block]}, **fields)


def codex(kind: str, **payload: Any) -> bytes:
    """A record of Codex's rollout."""
    return json.dumps({"timestamp": AT, "type": kind, "payload": payload}).encode() + b"\n"


def event(kind: str, **payload: Any) -> bytes:
    return codex("event_msg", **{"type": kind, **payload})


def item(kind: str, item_id: str = "i", **fields: Any) -> bytes:
    return event("item_completed", turn_id="t1", item={"type": kind, "id": item_id, **fields})


def function_call(call_id: str, name: str, **arguments: Any) -> bytes:
    return codex("response_item", type="function_call", name=name, call_id=call_id, arguments=json.dumps(arguments))


def function_output(call_id: str, output: Any) -> bytes:
    return codex("response_item", type="function_call_output", call_id=call_id, output=output)


THREAD = (
    codex("session_meta", id="thread-1", cwd=HOME, cli_version="0.169.0"),
    event("task_started", turn_id="t1"),
    codex("turn_context", turn_id="t1", model="gpt-x"),
)


def read(lines: Iterable[bytes], redactor: Redactor | None = None) -> list[Item]:
    return list(read_transcript(lines, redactor=redactor or Redactor()))


def events(lines: Iterable[bytes], kind: type[E]) -> list[E]:
    return [found.event for found in read(lines) if isinstance(found.event, kind)]


def account(lines: Iterable[bytes]) -> TranscriptEnded:
    return events(lines, TranscriptEnded)[0]
