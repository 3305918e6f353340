"""Whom and what a text would call in Slack: everything to which Slack gives a meaning besides links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from bot.sandbox import SandboxEngine

#: Everything between angle brackets to which Slack gives a meaning besides links.
CONTROL = re.compile(r"<([@#!][^<>]*)>")
#: The app's own times, which each reader sees in their zone.
OUR_TIME = re.compile(r"!date\^[0-9]+\^\{date_short_pretty\}, \{time\}\|[0-9-]+ [0-9:]+ UTC")
#: What calls everybody who is there, or a whole group.
CROWD = re.compile(r"!(channel|here|everyone|group|subteam)\b", re.IGNORECASE)
#: Elements of rich text that do the same.
CROWD_ELEMENTS = ("broadcast", "usergroup")


#: Fields that Slack shows as they are, or not at all: the names of people and files, what a button or a form carries.
_LITERAL = frozenset({"username", "value", "initial_value", "private_metadata", "filename", "alt_txt"})


def texts_in(value: Any) -> Iterator[str]:
    """Every text in the arguments of a call in which Slack looks for control sequences: not in plain text, and not in
    fields that it shows as they are or not at all."""
    if isinstance(value, dict):
        if value.get("type") == "plain_text":
            return
        if value.get("type") in CROWD_ELEMENTS:
            yield f"<!{value.get('range') or 'subteam^' + str(value.get('usergroup_id'))}>"
        for name, one in value.items():
            if name in ("link_names", "parse") and one not in (False, "none"):
                yield "<!everyone|as names are linked>"
            if name not in _LITERAL:
                yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, str):
        if value[:1] in "[{":
            try:
                yield from texts_in(json.loads(value))
            except ValueError:
                yield value
        else:
            yield value


def sent(engine: SandboxEngine) -> list[str]:
    """Every such text that the app has sent: by calls, and in answers to what people did."""
    calls = [call for call in engine.calls if call.method.startswith(("chat.", "views."))]
    answers = [entry["message"] for entry in engine.workspace.ephemerals]
    return [text for one in (*(dict(call.args) for call in calls), *answers) for text in texts_in(one)]


def live(texts: list[str]) -> set[str]:
    """What in these texts calls somebody or leads into a channel."""
    found = {found for text in texts for found in CONTROL.findall(text)}
    return {one for one in found if not OUR_TIME.fullmatch(one)}


def crowds(texts: list[str]) -> set[str]:
    """What in these texts calls many at once."""
    return {one for one in live(texts) if CROWD.match(one)}
