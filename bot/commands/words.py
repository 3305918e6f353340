"""The words that people may say to the bot, how they are read, and the nearest right one to a wrong one. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bot.mrkdwn import escape, plain

COMMAND = "/cosession"
#: Word → what it does, for the help.
WORDS = {
    "start": "[TITLE] [--agent NAME] [--private] – starts a live session and a thread for it; without a title: a form",
    "list": "– shows the live sessions that you can open",
    "join": "[TITLE] – takes you into the session of this channel",
    "invite": "@somebody [viewer|editor|host] [for 2h] [to TITLE] – invites to the session of this channel",
    "mute": "[TITLE] – nothing more is copied from the session that you host into its thread",
    "unmute": "[TITLE] – it is copied again",
    "end": "[TITLE] – ends the session that you host in this channel",
    "link": "– tells how your account is linked, and the address of the session",
    "doctor": "– says what is wrong between Slack and Cosession, and what to do about it",
    "help": "– shows this",
}
USAGE_HINT = "start TITLE | list | join | invite @somebody [ROLE] [for 2h] | mute | end | link | doctor | help"
#: Agents that people name, and how they are called here.
AGENTS = {
    "claude": "claude-code",
    "claude-code": "claude-code",
    "codex": "codex",
    "gemini": "gemini",
    "opencode": "opencode",
    "aider": "aider",
}
#: A title that is shown back to whoever wrote it.
_SHOWN = 200

_PERSON = re.compile(r"<[@!][A-Z0-9^]+(?:\|[^>]*)?>")
#: One option, spelled with two hyphens or with the dash that some keyboards make of them.
_OPTION = re.compile(r"(?:^|\s)(?:--|—)(\w[\w-]*)(?:[=\s]+(?!--|—)(\S+))?")


class NotUnderstood(Exception):
    """The text says what is wrong, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command as Slack sent it. `rest` is plain text, `raw` the same with Slack's own marks for people."""

    user: str
    channel: str
    channel_name: str
    word: str
    rest: str
    raw: str
    response_url: str
    trigger_id: str

    @property
    def wants_form(self) -> bool:
        return self.word == "start" and not self.rest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says after `start`."""

    title: str
    agent: str | None = None
    is_private: bool = False


def parse(body: bytes) -> Command:
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    word, raw = split(fields.get("text", ""))
    return Command(
        user=fields.get("user_id", ""),
        channel=fields.get("channel_id", ""),
        channel_name=fields.get("channel_name", ""),
        word=word or "help",
        rest=unmarked(raw),
        raw=raw,
        response_url=fields.get("response_url", ""),
        trigger_id=fields.get("trigger_id", ""),
    )


def split(text: str) -> tuple[str, str]:
    """The first word, and what follows it."""
    word, *rest = text.strip().split(None, 1) or [""]
    return unmarked(word).lower().rstrip(".,:!?"), rest[0].strip() if rest else ""


def unmarked(text: str) -> str:
    """The text as people read it."""
    return plain(text, lambda _: "").strip()


def read_start(text: str) -> Wanted:
    """What follows `start`, in plain text. Raises NotUnderstood."""
    agent: str | None = None
    is_private = False
    title = text
    for match in _OPTION.finditer(text):
        name, value = match[1].lower(), match[2]
        if name == "private":
            # It takes no value: what follows belongs to the title.
            is_private, said = True, match[0][: match.start(2) - match.start(0)] if value else match[0]
        elif name == "agent" and value:
            agent, said = agent_named(value), match[0]
        elif name == "agent":
            raise NotUnderstood(f"Say which agent: `--agent` and one of {_agents()}.")
        else:
            near = nearest(name, ("agent", "private"))
            hint = f" Did you mean `--{near}`?" if near else " There are `--agent NAME` and `--private`."
            raise NotUnderstood(f"There is no `--{escape(name[:40])}`.{hint}")
        title = title.replace(said, " ", 1)
    return Wanted(" ".join(title.split()), agent, is_private)


def agent_named(text: str) -> str:
    """Raises NotUnderstood for one that nobody knows here."""
    name = text.lower()
    if name in AGENTS:
        return AGENTS[name]
    near = nearest(name, AGENTS)
    hint = f"Did you mean `{near}`?" if near else f"There are {_agents()}."
    raise NotUnderstood(f"No agent is called `{escape(text[:40])}` here. {hint}")


def nearest(word: str, known: dict[str, str] | tuple[str, ...]) -> str:
    """The known word that was probably meant; "" where none is near."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return near[0] if near else ""


def acknowledge(command: Command) -> str:
    """What the person is told at once; empty where the answer follows."""
    if command.word == "start" and command.rest:
        try:
            wanted = read_start(command.rest)
        except NotUnderstood as problem:
            return str(problem)
        if not wanted.title:
            return f"Give the session a title: `{COMMAND} start Fix the login bug`"
        return f"Starting *{escape(wanted.title[:_SHOWN])}* …"
    if command.word == "help":
        return help_text()
    # A start without a title opens a form, and the rest is worked off.
    return "" if command.word in WORDS else unknown(command.word)


def help_text() -> str:
    lines = [f"`{COMMAND} {word}` {what}" for word, what in WORDS.items()]
    return "\n".join([*lines, "The same words work after a mention of @Cosession, in a thread too."])


def unknown(word: str) -> str:
    near = nearest(word, WORDS)
    hint = f"Did you mean `{COMMAND} {near}`?" if near else f"`{COMMAND} help` shows what there is."
    return f"There is no `{escape(word[:40])}`. {hint}"


def names_somebody(text: str) -> bool:
    """Whether the text begins with a person, as Slack writes them."""
    return _PERSON.match(text.lstrip()) is not None


def _agents() -> str:
    return ", ".join(f"`{name}`" for name in AGENTS)
