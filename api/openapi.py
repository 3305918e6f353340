"""The OpenAPI document of this door: every operation says that its refusals are problem documents (RFC 9457).

FastAPI describes a shape of its own for malformed requests, which nothing here ever sends.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request had no effect, as RFC 9457 has it.",
    "properties": {
        "type": {"type": "string", "description": "urn:cosession: and the error_code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people: what happened and what to do."},
        "error_code": {"type": "string", "description": "Stable; the same as on the socket."},
        "retry_after_ms": {"type": "integer", "description": "Where waiting helps: milliseconds."},
    },
    "required": ["type", "title", "status", "detail", "error_code"],
}
_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS = {
    "4XX": {"description": "Refused: nothing was changed.", "content": _CONTENT},
    "503": {"description": "Not possible just now: nothing was changed. Try again.", "content": _CONTENT},
}
_UNUSED = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Replaces the document that FastAPI makes by ours, which is made from it once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(
                get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
            )
        return app.openapi_schema

    app.openapi = document


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with our refusals in place of FastAPI's."""
    for path in schema["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            responses.pop("422", None)
            for status, refusal in _REFUSALS.items():
                responses.setdefault(status, refusal)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    return schema
