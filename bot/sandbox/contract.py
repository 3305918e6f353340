"""What Slack's Web API asks of a call, and the check of a call against it: arguments, their types, scopes.

The facts come from `contract.json`, which `derive_contract.py` makes. Slack itself ignores an argument that it does not
know; the sandbox refuses it, because such an argument is always a mistake of the caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.sandbox.errors import SlackError

#: Errors that any method may answer with.
COMMON_ERRORS = frozenset(
    {"invalid_arguments", "invalid_auth", "missing_scope", "not_authed", "ratelimited", "unknown_method"}
)

#: Arguments that the reference lists as required, but that another one may stand for.
_ALTERNATIVES = {("chat.appendStream", "markdown_text"): "chunks"}

#: Slack's Python SDK adds it to every call of a client that knows its workspace, so no caller can help it.
_ALWAYS_ALLOWED = frozenset({"team_id"})

#: Which scope family reads or writes which kind of conversation.
_FAMILY_OF_KIND = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True)
class MethodContract:
    """The facts of one method. `tier` 1 to 4 are Slack's; 5 means a special limit."""

    name: str
    args: Mapping[str, str]
    required: tuple[str, ...]
    scopes: tuple[str, ...]
    errors: frozenset[str]
    tier: int
    needs_token: bool


@cache
def load_contract() -> dict[str, MethodContract]:
    """Every method that the sandbox knows, by name."""
    raw: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("contract.json").read_text())
    return {
        name: MethodContract(
            name=name,
            args=body["args"],
            required=tuple(body["required"]),
            scopes=tuple(body["scopes"]),
            errors=frozenset(body["errors"]) | COMMON_ERRORS,
            tier=body["tier"],
            needs_token=body["needs_token"],
        )
        for name, body in raw.items()
    }


def check_scopes(method: MethodContract, granted: Collection[str], kind: str | None) -> None:
    """Raises `missing_scope` when the token may not call this method on a conversation of this kind.

    A `conversations.*` method lists one scope for each kind of conversation, and the conversation decides which one is
    needed; without a conversation any of them will do, as elsewhere.
    """
    needed = method.scopes
    if kind is not None and method.name.startswith("conversations.") and len(needed) > 1:
        family = _FAMILY_OF_KIND[kind]
        needed = tuple(scope for scope in needed if scope.split(":")[0] == family)
    if needed and not any(scope in granted for scope in needed):
        raise SlackError("missing_scope", needed=",".join(needed), provided=",".join(sorted(granted)))


def check_arguments(method: MethodContract, args: Mapping[str, Any]) -> None:
    """Raises `invalid_arguments`, with Slack's way of naming the culprit in `response_metadata.messages`."""
    known = method.args.keys() | _ALWAYS_ALLOWED
    complaints = [f"[ERROR] unknown argument: {name}" for name in args if name not in known]
    for name in method.required:
        stand_in = _ALTERNATIVES.get((method.name, name))
        if args.get(name) in (None, "") and (stand_in is None or not args.get(stand_in)):
            complaints.append(f"[ERROR] missing required field: {name}")
    for name, value in args.items():
        if name in method.args and not _fits(value, method.args[name]):
            complaints.append(f"[ERROR] {name} must be a {method.args[name]}")
    if complaints:
        raise SlackError("invalid_arguments", response_metadata={"messages": complaints})


def _fits(value: object, kind: str) -> bool:
    """Whether a value, from a form (all strings) or from JSON, can be what the reference asks for.

    "string" also covers what Slack documents as a JSON text (`blocks`, `metadata`, `view`) and takes as plain JSON.
    """
    if kind == "boolean":
        return isinstance(value, bool) or str(value).lower() in ("true", "false", "1", "0")
    if kind in ("number", "integer"):
        return isinstance(value, int | float) or str(value).lstrip("-").isdigit()
    if kind == "array":
        return isinstance(value, list | str)
    return True
