"""One JSON Schema of everything on the wire: client frames, server frames, and the events of the log.

`python -m api.schema` prints it; the TypeScript types of the web view are generated from that. Client frames are
described as they are accepted, everything else as it is sent, so a field with a default is optional in the first and
always there in the second.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from api.frames import Entry, Participant, SessionView, client_frame_adapter, server_frame_adapter
from api.frames.parts import CommentThread, FileVersion, FileView, MessageView, SearchHit
from core.events import event_adapter


class _Schema(GenerateJsonSchema):
    """Without a title on every field, which would become a named type of its own in TypeScript."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


_ADAPTERS: dict[str, tuple[JsonSchemaMode, TypeAdapter[Any]]] = {
    "ClientFrame": ("validation", client_frame_adapter),
    "ServerFrame": ("serialization", server_frame_adapter),
    "LogEvent": ("serialization", event_adapter),
    "Entry": ("serialization", TypeAdapter(Entry)),
    "SessionView": ("serialization", TypeAdapter(SessionView)),
    "Participant": ("serialization", TypeAdapter(Participant)),
    "FileView": ("serialization", TypeAdapter(FileView)),
    "FileVersion": ("serialization", TypeAdapter(FileVersion)),
    "CommentThread": ("serialization", TypeAdapter(CommentThread)),
    "SearchHit": ("serialization", TypeAdapter(SearchHit)),
    "MessageView": ("serialization", TypeAdapter(MessageView)),
}


def protocol_schema() -> dict[str, Any]:
    """Every shape by its name under `$defs`: the unions `ClientFrame`, `ServerFrame` and `LogEvent`, the `Entry` that
    an event stands in, and the views that the HTTP interface shares with the socket."""
    definitions: dict[str, JsonSchemaValue] = {}
    for name, (mode, adapter) in _ADAPTERS.items():
        schema = adapter.json_schema(mode=mode, schema_generator=_Schema)
        _merge(definitions, schema.pop("$defs", {}))
        _merge(definitions, {name: {"title": name, **schema}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Protocol",
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in _ADAPTERS},
        "required": list(_ADAPTERS),
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _merge(definitions: dict[str, JsonSchemaValue], found: dict[str, JsonSchemaValue]) -> None:
    """Adds `found`. A part that both directions share keeps the stricter description, the one of what is sent."""
    for name, schema in found.items():
        known = definitions.get(name)
        if known is None or len(schema.get("required", [])) >= len(known.get("required", [])):
            definitions[name] = schema


if __name__ == "__main__":
    sys.stdout.write(json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n")
