"""Derives `contract.json` from the machine-readable reference of Slack's Web API: facts only, no prose.

Run as `python -m bot.sandbox.derive_contract REFERENCE_DIR`, where the directory holds one `<method>.json` for each
method. Kept so that the facts can be refreshed and so that a test can show that they are what the reference says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CONTRACT_FILE = Path(__file__).with_name("contract.json")

#: The methods that the sandbox implements: what a bot for shared sessions plausibly calls.
METHODS = (
    "agents.sessions.rename",
    "agents.sessions.setStatus",
    "api.test",
    "apps.connections.open",
    "assistant.threads.setStatus",
    "auth.test",
    "bots.info",
    "chat.appendStream",
    "chat.delete",
    "chat.getPermalink",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.startStream",
    "chat.stopStream",
    "chat.unfurl",
    "chat.update",
    "conversations.history",
    "conversations.info",
    "conversations.invite",
    "conversations.join",
    "conversations.list",
    "conversations.members",
    "conversations.open",
    "conversations.replies",
    "dnd.info",
    "files.completeUploadExternal",
    "files.delete",
    "files.getUploadURLExternal",
    "files.info",
    "oauth.v2.access",
    "openid.connect.token",
    "reactions.add",
    "reactions.get",
    "reactions.remove",
    "team.info",
    "users.conversations",
    "users.info",
    "users.list",
    "users.lookupByEmail",
    "users.profile.get",
    "views.open",
    "views.publish",
    "views.push",
    "views.update",
)


def argument_type(schema: dict[str, Any]) -> str:
    """The one type of an argument; unions with null or boolean come from optional strings and count as strings."""
    if "type" in schema:
        return str(schema["type"])
    names = [str(option.get("type", "any")) for option in schema.get("anyOf", [])]
    known = [name for name in names if name not in ("null", "boolean")]
    return known[0] if known else "any"


def facts_of(reference: dict[str, Any]) -> dict[str, Any]:
    """The facts of one method: arguments, bot scopes, error codes, rate tier."""
    arguments = reference["args"]
    required: list[str] = [name for name in arguments.get("required") or [] if name != "token"]
    scopes: list[str] = (reference.get("scope") or {}).get("bot") or []
    return {
        "args": {
            name: argument_type(schema) for name, schema in sorted(arguments["properties"].items()) if name != "token"
        },
        "required": sorted(required),
        "scopes": sorted(scopes),
        "errors": sorted(reference.get("errors") or {}),
        "tier": int(str(reference.get("rate_limits", "t5")).removeprefix("t")),
        "needs_token": "token" in arguments["properties"],
    }


def derive(reference_dir: Path) -> dict[str, Any]:
    """All facts, by method. One whose reference is not in the directory keeps the facts that it has."""
    known: dict[str, Any] = json.loads(CONTRACT_FILE.read_text())
    paths = {name: reference_dir / f"{name}.json" for name in METHODS}
    return {
        name: facts_of(json.loads(path.read_text())) if path.exists() else known[name] for name, path in paths.items()
    }


def main() -> None:
    facts = derive(Path(sys.argv[1]))
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(body, sort_keys=True)}" for name, body in facts.items())
    CONTRACT_FILE.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
