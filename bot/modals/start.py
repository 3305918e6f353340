"""The form that starts a session: title, channel, agent, who may see it, who is invited. Pure.

Its `private_metadata` carries the message that it was opened from, where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bot.blocks import AGENT_NAMES, Block
from core.errors import Invalid
from core.events import Role
from core.sessions import normal_title

CALLBACK = "start_session_form"
#: People in one form.
MOST_PEOPLE = 10
MAX_TITLE = 200
#: Of the message that it was opened from, what the form shows, and what it carries should Slack not tell it again.
MAX_SHOWN, MAX_CARRIED = 300, 1_500

_ROLES: dict[Role, str] = {
    "editor": "Editor: sees everything, chats, invites others",
    "viewer": "Viewer: sees everything, writes nothing",
    "host": "Host: manages the session and its people",
}
_PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Source:
    """A message that a session is started from. `root` is the thread it stands in, `author` its writer's Slack id, or
    empty where that is told by `name` alone."""

    channel: str
    root: str
    ts: str
    author: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody has filled in."""

    title: str
    channel: str
    agent: str | None
    is_private: bool
    people: tuple[str, ...]
    role: Role
    source: Source | None


def view(*, title: str = "", channel: str = "", source: Source | None = None) -> Block:
    """The form, with what is known already. Slack itself proposes the channel that somebody is in."""
    blocks: list[Block] = []
    if source is not None:
        quoted = " ".join(source.text.split())[:MAX_SHOWN] or "a message without text"
        blocks.append(
            {
                "type": "context",
                "elements": [
                    _plain(f"From the message “{quoted}”. It and its thread become the session's first message.")
                ],
            }
        )
    entry: Block = {
        "type": "plain_text_input",
        "action_id": "title",
        "max_length": MAX_TITLE,
        "placeholder": _plain("Fix the login bug"),
        **({"initial_value": title[:MAX_TITLE]} if title else {}),
    }
    place: Block = {
        "type": "conversations_select",
        "action_id": "channel",
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        "placeholder": _plain("Choose a channel"),
        **({"initial_conversation": channel} if channel else {"default_to_current_conversation": True}),
    }
    people: Block = {
        "type": "multi_users_select",
        "action_id": "people",
        "max_selected_items": MOST_PEOPLE,
        "placeholder": _plain("Nobody yet"),
    }
    only_invited = {
        "text": _plain("Private: only for those who are invited"),
        "description": _plain("Else everybody in the workspace may open a session of a public channel."),
        "value": _PRIVATE,
    }
    blocks += [
        _input("title", "What is it about?", entry),
        _input("channel", "Channel of the thread", place, hint="Cosession has to be in it: /invite @Cosession"),
        _input("privacy", "Who may see it", _of("checkboxes", "privacy", [only_invited]), is_optional=True),
        _input("agent", "Agent", _of("static_select", "agent", _options(AGENT_NAMES)), is_optional=True),
        _input("people", "Invite", people, hint="Each gets a direct message.", is_optional=True),
        _input("role", "As", _of("static_select", "role", _options(_ROLES), chosen="editor")),
    ]
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": _carried(source),
        "title": _plain("Start a session"),
        "submit": _plain("Start"),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }


def read(filled: Mapping[str, Any]) -> Filled:
    """What was filled in. Raises KeyError, TypeError, ValueError for what is not this form."""
    values: Mapping[str, Any] = filled["state"]["values"]
    agent = values["agent"]["agent"].get("selected_option")
    role = values["role"]["role"]["selected_option"]["value"]
    privacy: list[Mapping[str, Any]] = values["privacy"]["privacy"].get("selected_options") or []
    people: list[str] = values["people"]["people"].get("selected_users") or []
    return Filled(
        title=str(values["title"]["title"].get("value") or ""),
        channel=str(values["channel"]["channel"].get("selected_conversation") or ""),
        agent=str(agent["value"]) if agent else None,
        is_private=any(option["value"] == _PRIVATE for option in privacy),
        people=tuple(dict.fromkeys(people)),
        role=next(one for one in _ROLES if one == role),
        source=_brought(str(filled.get("private_metadata") or "")),
    )


def problems(filled: Filled) -> dict[str, str]:
    """What is wrong with it, by the block that it stands at; empty when it can be tried."""
    found: dict[str, str] = {}
    try:
        normal_title(filled.title)
    except Invalid as problem:
        found["title"] = problem.message
    if not filled.channel:
        found["channel"] = "Choose the channel that the thread goes to."
    if filled.agent is not None and filled.agent not in AGENT_NAMES:
        found["agent"] = "Choose one of the list."
    if len(filled.people) > MOST_PEOPLE:
        found["people"] = f"At most {MOST_PEOPLE} people at a time; the rest can be invited afterwards."
    return found


def _carried(source: Source | None) -> str:
    if source is None:
        return ""
    # 3,000 characters fit (https://docs.slack.dev/reference/views/modal-views).
    return orjson.dumps(
        [source.channel, source.root, source.ts, source.author, source.name[:80], source.text[:MAX_CARRIED]]
    ).decode()


def _brought(text: str) -> Source | None:
    return Source(*[str(part) for part in orjson.loads(text)]) if text else None


def _input(name: str, label: str, element: Block, *, hint: str = "", is_optional: bool = False) -> Block:
    block: Block = {"type": "input", "block_id": name, "label": _plain(label), "element": element}
    return {**block, **({"hint": _plain(hint)} if hint else {}), **({"optional": True} if is_optional else {})}


def _of(kind: str, name: str, options: list[Block], *, chosen: str = "") -> Block:
    first = next((option for option in options if option["value"] == chosen), None)
    element: Block = {"type": kind, "action_id": name, "options": options}
    if kind == "static_select":
        element["placeholder"] = _plain("None yet")
    return {**element, **({"initial_option": first} if first is not None else {})}


def _options(names: Mapping[Any, str]) -> list[Block]:
    return [{"text": _plain(text), "value": value} for value, text in names.items()]


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
