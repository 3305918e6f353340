"""What Slack sends of a click, a shortcut, a form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs

import orjson

from core.inbox import Item

Payload = Mapping[str, Any]


def payload_of(item: Item) -> Payload:
    """Raises ValueError, KeyError for what is no interaction."""
    [text] = parse_qs(item.body.decode())["payload"]
    return cast("Payload", orjson.loads(text))


def user_of(payload: Payload) -> str:
    return str((payload.get("user") or {}).get("id") or payload.get("user_id") or "")


def action_of(payload: Payload) -> Payload:
    """The one action of a click; empty for anything else."""
    if payload.get("type") != "block_actions":
        return {}
    actions = payload.get("actions") or [{}]
    return cast("Payload", actions[0])


def action_id_of(payload: Payload) -> str:
    return str(action_of(payload).get("action_id") or "")


def value_of(payload: Payload) -> str:
    return str(action_of(payload).get("value") or "")


def channel_of(payload: Payload) -> str:
    """Where it was done; empty in App Home and in a form that was opened nowhere."""
    return str((payload.get("channel") or {}).get("id") or payload.get("channel_id") or "")


def thread_of(payload: Payload) -> str:
    """The thread of the message whose button it was, where that message stands in one as a reply."""
    message: Payload = payload.get("message") or {}
    root, ts = message.get("thread_ts"), message.get("ts")
    return str(root) if root and root != ts else ""
