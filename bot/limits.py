"""What Slack takes of one payload, and how one that is too long is made to fit: words are shortened, visibly.

People's words never come here too long: `bot.mrkdwn.to_parts` has split them before. This is the last look at what is
posted, so that a long title or file name makes a card shorter instead of making it vanish. Addresses, values and ids
are never cut, because a cut one means something else: Slack's refusal says so then (see `bot.calling`).

Sources: https://docs.slack.dev/reference/block-kit/blocks, …/reference/views and the warnings of chat.postMessage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

#: Methods whose `text` and `blocks` are a message, with the longest text in characters: more is cut off by Slack
#: without a word (a post), or refused (an edit).
MESSAGES = {"chat.postMessage": 40_000, "chat.postEphemeral": 40_000, "chat.update": 4_000}
#: Methods that carry a form or a home tab.
VIEWS = frozenset({"views.open", "views.push", "views.update", "views.publish"})
MAX_BLOCKS, MAX_VIEW_BLOCKS = 50, 100
MARKER = "…"

#: Kind of a block or an element → longest text of its fields, in characters.
_TEXTS: dict[str, dict[str, int]] = {
    "section": {"text": 3_000},
    "header": {"text": 150},
    "markdown": {"text": 12_000},
    "button": {"text": 75},
    "image": {"alt_text": 2_000, "title": 2_000},
    "input": {"label": 2_000, "hint": 2_000},
    "modal": {"title": 24, "submit": 24, "close": 24},
}
#: The same for what has no `type`: options of a menu, the question behind a button.
_OPTION = {"text": 75, "description": 75}
_CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
#: Kind → field with a list → most entries of it.
_LISTS: dict[str, dict[str, int]] = {
    "section": {"fields": 10},
    "context": {"elements": 10},
    "actions": {"elements": 25},
}
_MAX_FIELD, _MAX_PLACEHOLDER, _MAX_OPTIONS = 2_000, 150, 100

#: Half an entity or half a link at the end of what was cut.
_HALF = re.compile(r"(?:&\w{0,4}|<(?:https?:|mailto:|[@#!])[^<>]*|<[^<>\s]*)$")


def fitting(method: str, args: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments as Slack takes them, and what was shortened for it. `args` itself is left as it is."""
    fitted, cut = dict(args), list[str]()
    if method in MESSAGES:
        if isinstance(fitted.get("text"), str):
            fitted["text"] = _short(fitted["text"], MESSAGES[method], "text", cut)
        if isinstance(fitted.get("blocks"), list):
            fitted["blocks"] = _few(_fit_all(fitted["blocks"], cut), MAX_BLOCKS, "blocks", cut)
    elif method in VIEWS and isinstance(fitted.get("view"), Mapping):
        view = cast("dict[str, Any]", _fit(fitted["view"], cut))
        view["blocks"] = _few(view.get("blocks", []), MAX_VIEW_BLOCKS, "blocks", cut)
        fitted["view"] = view
    return fitted, cut


def _fit(value: Any, cut: list[str]) -> Any:
    if isinstance(value, list):
        return _fit_all(cast("list[Any]", value), cut)
    if not isinstance(value, Mapping):
        return value
    fitted = {name: _fit(one, cut) for name, one in cast("Mapping[str, Any]", value).items()}
    kind = str(fitted.get("type", ""))
    for name, limit in _TEXTS.get(kind, {}).items():
        _shorten(fitted, name, limit, f"{kind}.{name}", cut)
    for name, most in _LISTS.get(kind, {}).items():
        if name in fitted:
            fitted[name] = _few(fitted[name], most, f"{kind}.{name}", cut)
    if kind == "section" and "fields" in fitted:
        fitted["fields"] = [_text(one, _MAX_FIELD, "field", cut) for one in fitted["fields"]]
    _shorten(fitted, "placeholder", _MAX_PLACEHOLDER, "placeholder", cut)
    if isinstance(fitted.get("options"), list):
        options = _few(fitted["options"], _MAX_OPTIONS, "options", cut)
        for option in options:
            for name, limit in _OPTION.items():
                _shorten(option, name, limit, f"option.{name}", cut)
        fitted["options"] = options
    if isinstance(fitted.get("confirm"), dict):
        for name, limit in _CONFIRM.items():
            _shorten(fitted["confirm"], name, limit, f"confirm.{name}", cut)
    return fitted


def _fit_all(values: list[Any], cut: list[str]) -> list[Any]:
    return [_fit(value, cut) for value in values]


def _shorten(holder: dict[str, Any], name: str, limit: int, said: str, cut: list[str]) -> None:
    if name in holder:
        holder[name] = _text(holder[name], limit, said, cut)


def _text(value: Any, limit: int, said: str, cut: list[str]) -> Any:
    """A text as it is, or inside of a text object."""
    if isinstance(value, str):
        return _short(value, limit, said, cut)
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return {**cast("Mapping[str, Any]", value), "text": _short(cast("str", value["text"]), limit, said, cut)}
    return value


def _short(text: str, limit: int, said: str, cut: list[str]) -> str:
    if len(text) <= limit:
        return text
    cut.append(f"{said}: {len(text)} of {limit}")
    return _HALF.sub("", text[: limit - len(MARKER)]) + MARKER


def _few(values: list[Any], most: int, said: str, cut: list[str]) -> list[Any]:
    if len(values) <= most:
        return values
    cut.append(f"{said}: {len(values)} of {most}")
    return values[:most]
