"""The AsyncAPI 3 description of the socket, from the same models as the JSON Schema and the TypeScript types.

`python -m api.asyncapi` writes docs/asyncapi.yaml; with `--check` it fails when that file is stale. A running server
gives the same document at `/asyncapi.json`. https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from api.frames import ClientFrames, ServerFrames
from api.schema import protocol_schema
from core.events import AnyEvent

TARGET = Path(__file__).parent.parent / "docs" / "asyncapi.yaml"
ADDRESS = "/ws/session/{session_id}"


def asyncapi() -> dict[str, Any]:
    """The whole document."""
    sent, told, entries = _members(ClientFrames), _members(ServerFrames), _members(AnyEvent)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cosession live",
            "version": "1",
            "description": "One live session over a WebSocket. docs/protocol.md tells how the frames belong together.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "session": {
                "address": ADDRESS,
                "title": "One session",
                "description": "Open it with a ticket, or send join_session first.",
                "parameters": {"session_id": {"description": "ses_ and 26 characters."}},
                "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"}
                    for name in (*map(_sent_name, sent), *map(_told_name, told), *map(_entry_name, entries))
                },
            }
        },
        "operations": {
            "send": _operation("receive", "What a client sends.", [_sent_name(model) for model in sent]),
            "hear": _operation(
                "send",
                "What the server sends beside the log: no seq, never stored, the latest value wins.",
                [_told_name(model) for model in told],
            ),
            "read": _operation(
                "send",
                "Entries of the log, in the order of their seq, without holes.",
                [_entry_name(model) for model in entries],
            ),
        },
        "components": {
            "messages": {
                **{_sent_name(model): _message(model, f"client: {_type_of(model)}") for model in sent},
                **{_told_name(model): _message(model, f"server: {_type_of(model)}") for model in told},
                **{_entry_name(model): _entry(model) for model in entries},
            },
            "schemas": _schemas(),
        },
    }


def _members(union: Any) -> list[type[BaseModel]]:
    """The models of an annotated union."""
    return list(get_args(get_args(union)[0]))


def _type_of(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _sent_name(model: type[BaseModel]) -> str:
    return f"client_{_type_of(model)}"


def _told_name(model: type[BaseModel]) -> str:
    return f"server_{_type_of(model)}"


def _entry_name(model: type[BaseModel]) -> str:
    return f"log_{_type_of(model)}"


def _operation(action: str, summary: str, names: list[str]) -> dict[str, Any]:
    """`action` is the server's: it receives what clients send."""
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/session"},
        "messages": [{"$ref": f"#/channels/session/messages/{name}"} for name in names],
    }


def _message(model: type[BaseModel], title: str) -> dict[str, Any]:
    return {
        "name": _type_of(model),
        "title": title,
        "summary": _summary(model),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _entry(model: type[BaseModel]) -> dict[str, Any]:
    body = {"$ref": f"#/components/schemas/{model.__name__}"}
    return _message(model, f"log: {_type_of(model)}") | {
        "payload": {"allOf": [{"$ref": "#/components/schemas/Entry"}, body]}
    }


def _summary(model: type[BaseModel]) -> str:
    """The first sentence of the model's docstring, if it has one of its own."""
    text = " ".join((model.__dict__.get("__doc__") or "").split())
    return re.split(r"(?<=[.:])\s", text, maxsplit=1)[0] if text else _type_of(model).replace("_", " ")


def _query() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "token": {
                "type": "string",
                "description": "A ticket: single-use, for this session, at most 60 seconds old.",
            },
            "epoch": {"type": "string", "description": "Which history `since` counts in."},
            "since": {"type": "integer", "minimum": 0, "description": "The last entry that the client holds."},
        },
    }


def _schemas() -> dict[str, Any]:
    """The models by name, with references that fit this document. An event's own object may not be closed, because the
    envelope's fields stand in the same object."""
    schema = protocol_schema()
    events = {model.__name__ for model in _members(AnyEvent)}
    moved = _moved(schema["$defs"])
    for name in events & moved.keys():
        moved[name].pop("additionalProperties", None)
    return {name: moved[name] for name in sorted(moved)}


def _moved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _moved(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner) for inner in value]
    if isinstance(value, str) and value.startswith("#/$defs/"):
        return "#/components/schemas/" + value.removeprefix("#/$defs/")
    return value


def _as_yaml(document: dict[str, Any]) -> str:
    import yaml  # Only generating needs it: a server does not install it.

    banner = "# Generated by `python -m api.asyncapi` from api/frames and core/events. Do not edit.\n"
    return banner + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    text = _as_yaml(asyncapi())
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/asyncapi.yaml is stale: run `python -m api.asyncapi` and commit the result.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
