"""Block Kit: the card of a session and the message about the agent. Pure; every text within Slack's limits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.mrkdwn import escape, to_parts
from bot.progress import Progress, Status

Block = dict[str, Any]

#: How many names the card shows before it counts.
MAX_NAMES = 8
MAX_PROMPT = 400
MAX_ANSWER = 1_500
#: The card's buttons; the value of each is the session's id. INVITE opens the form of invites.
INVITE = "invite_people"
JOIN, MUTE, UNMUTE, END = "join_session", "mute_mirror", "unmute_mirror", "end_session"

AGENT_NAMES = {
    "claude-code": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "opencode": "opencode",
    "aider": "aider",
}
_STATUS: dict[Status, str] = {
    "running": ":hourglass_flowing_sand: Working",
    "completed": ":white_check_mark: Done",
    "failed": ":x: Failed",
    "interrupted": ":octagonal_sign: Stopped",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as Slack takes it. `text` is what a notification and a screen reader say."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def digest(self) -> str:
        """Changes when anything of it changes."""
        content = json.dumps([self.text, self.blocks], sort_keys=True).encode()
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Card:
    """What the card of a session tells. `here` are the names of those who have it open."""

    title: str
    host: str
    is_live: bool
    url: str
    here: tuple[str, ...] = ()
    participants: int = 0
    messages: int = 0
    tokens: int | None = None
    agent: str | None = None
    session_id: str = ""
    #: Whoever has muted the thread; empty while it is copied into.
    muted_by: str = ""
    last_activity: datetime | None = None


def card(view: Card) -> Shown:
    status = ":large_green_circle: Live" if view.is_live else ":white_circle: Ended"
    fields = [
        _mrkdwn(f"*Host*\n{escape(_cut(view.host, 200))}"),
        _mrkdwn(f"*Status*\n{status}"),
        _mrkdwn(f"*Here now*\n{_names(view.here) if view.is_live else '–'}"),
        _mrkdwn(f"*Agent*\n{escape(_agent(view.agent)) if view.agent else 'none yet'}"),
    ]
    counts = [count(view.participants, "participant"), count(view.messages, "message")]
    if view.tokens:
        counts.append(f"{view.tokens:,} tokens")
    if view.last_activity is not None:
        counts.append(f"last activity {moment(view.last_activity)}")
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(view.title, 150), "emoji": False}},
        {"type": "section", "fields": fields},
        {"type": "actions", "elements": _buttons(view)},
        {"type": "context", "elements": [_mrkdwn(" · ".join(counts)), _mrkdwn(_hint(view))]},
    ]
    state = "Live session" if view.is_live else "Ended session"
    text = f"{state}: {escape(_cut(view.title, 200))} (host {escape(_cut(view.host, 200))})"
    return Shown(text, tuple(blocks))


def _hint(view: Card) -> str:
    if not view.is_live:
        return "This session has ended."
    if view.muted_by:
        name = escape(_cut(view.muted_by, 80))
        return f":mute: Muted by *{name}*: what is said in the session is not copied here. Replies still reach it."
    return "Reply in this thread to talk to everybody in the session."


def _buttons(view: Card) -> list[Block]:
    """Open and Join first; what only hosts may do comes last, and asks before it ends anything."""
    link: Block = {
        "type": "button",
        "action_id": "open_session",
        "text": _plain("Open session" if view.is_live else "Read session"),
        "url": view.url,
    }
    if not view.is_live:
        return [link]
    mute = (UNMUTE, "Unmute mirror") if view.muted_by else (MUTE, "Mute mirror")
    confirm = {
        "title": _plain("End the session?"),
        "text": _plain("It ends for everybody. It stays readable."),
        "confirm": _plain("End it"),
        "deny": _plain("Go on"),
    }
    return [
        {**link, "style": "primary"},
        _button(JOIN, "Join", view),
        _button(INVITE, "Invite", view),
        _button(*mute, view),
        {**_button(END, "End", view), "style": "danger", "confirm": confirm},
    ]


def _button(action_id: str, label: str, view: Card) -> Block:
    return {"type": "button", "action_id": action_id, "text": _plain(label), "value": view.session_id}


def moment(at: datetime) -> str:
    """In the reader's own zone and words (https://docs.slack.dev/messaging/formatting-message-text, dates)."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}}, {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def progress(view: Progress) -> Shown:
    """The message about the agent: prompt, state, counts, and how its answer begins."""
    state = _STATUS[view.status]
    if view.status == "running" and view.step:
        state += f": {escape(_cut(view.step, 200))}"
    blocks: list[Block] = []
    if view.prompt:
        blocks.append(_section(_first(f"> {' '.join(view.prompt.split())}", MAX_PROMPT)))
    blocks.append(_section(f"*{escape(_agent(view.agent))}* {state}"))
    if view.problem:
        blocks.append(_section(f":warning: {escape(_cut(view.problem, 500))}"))
    if view.answer:
        blocks.append(_section(_first(view.answer, MAX_ANSWER)))
    blocks.append({"type": "context", "elements": [_mrkdwn(" · ".join(_counts(view)))]})
    return Shown(f"{escape(_agent(view.agent))}: {state.split(' ', 1)[1]}", tuple(blocks))


def ending(status: Status) -> Block:
    """What stands under the last words of a turn."""
    return {"type": "context", "elements": [_mrkdwn(_STATUS[status])]}


def answer(piece: str, under: Sequence[Block] = ()) -> Shown:
    """A part of an answer, in Markdown that calls nobody."""
    words = to_parts(piece)
    return Shown(words[0] if words else "…", ({"type": "markdown", "text": piece}, *under))


def _counts(view: Progress) -> list[str]:
    calls = count(view.calls, "call") + (f" ({view.failed} failed)" if view.failed else "")
    files = f"{count(len(view.files), 'file')} +{view.lines_added} −{view.lines_removed}"
    counts = [calls, files]
    if view.tokens is not None:
        counts.append(f"{view.tokens:,} tokens")
    if view.turns > 1:
        counts.append(f"{view.turns} turns")
    return counts


def _names(names: Sequence[str]) -> str:
    if not names:
        return "nobody yet"
    shown = [escape(_cut(name, 40)) for name in names[:MAX_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _agent(name: str | None) -> str:
    return _cut(AGENT_NAMES.get(name, name), 60) if name else "Agent"


def count(number: int, noun: str) -> str:
    """As many of something, in words."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _first(markdown: str, limit: int) -> str:
    """How a text begins, in mrkdwn, whole lines where possible."""
    parts = to_parts(markdown, limit)
    return parts[0] + ("\n…" if len(parts) > 1 else "") if parts else "…"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}
