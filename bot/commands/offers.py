"""What the bot proposes when somebody says something to it that is no command. Pure."""

from __future__ import annotations

from bot.blocks import Block, Shown
from bot.mrkdwn import escape

#: The buttons of an offer; the value of each is a title. START_FORM is opened by `interactions.front`.
START_HERE, START_FORM = "start_here", "start_session_form"
MAX_TITLE = 200


def offer(text: str) -> Shown:
    """To start a session about what was said."""
    title = " ".join(text.split())
    title = title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"
    asked = f"Shall I start a live session about this?\n>{escape(title)}"
    buttons = [
        {**_button(START_HERE, "Start it here", title), "style": "primary"},
        _button(START_FORM, "Choose where and with whom…", title),
    ]
    return Shown(asked, (_section(asked), {"type": "actions", "elements": buttons}))


def welcome() -> Shown:
    """For whoever only says hello."""
    text = "Tell me what the session is about, or press the button. `help` shows what else I understand."
    return Shown(text, (_section(text), {"type": "actions", "elements": [_button(START_FORM, "Start a session…", "")]}))


def _button(action_id: str, label: str, value: str) -> Block:
    button: Block = {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": label}}
    return {**button, **({"value": value} if value else {})}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
