"""Finds values by the name that they stand under: `KEY=value`, `"key": "value"`, `key: value`, `--key value`, tags.

Names and signs may be escaped any number of times, because what agents say is JSON in JSON. A match never crosses a
line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from integrations.agents.redact.values import Style, is_secret, is_secret_name

#: Text without any of these, in lower case, holds no such name.
HINTS = ("pass", "pwd", "secret", "token", "key", "credential", "auth", "jwt", "_pin", "_pat", "_otp")

_EDGE = r"(?:(?<![\w.\\-])|(?<=\\[nrt]))"
_NAME = rf"{_EDGE}(?P<name>[A-Za-z_][\w.-]{{1,63}}|(?i:api|access|secret|private|auth) key)"
_QUOTE = r"\\{0,7}[\"'`]"
_SIGN = r"(?:=>|:=|\?=|=(?!=)|:(?!:)|(?<=[\"']),)"
#: `name: type = ` and `name type = `, as typed languages write it.
_TYPED = r"(?::[ \t]*[A-Za-z_][\w.\[\]| ]{0,40}=|[ \t]+string[ \t]*=)"
_QUOTED = rf"(?P<quote>{_QUOTE})(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\n\\])){{1,2000}}?)(?P=quote)"
_BARE = r"(?P<bare>[^\s\"'`,;(){}\[\]<>|&\\]{4,2000}+)(?![(\[])"

_ASSIGNED = re.compile(rf"{_NAME}(?:{_QUOTE}\]?)?[ \t]*(?:{_TYPED}|{_SIGN})[ \t]*(?:[bBrRuU]{{0,2}}{_QUOTED}|{_BARE})")
#: A whole line of an environment file: everything up to the next white space is the value, whatever signs are in it.
_ENVIRONMENT = re.compile(
    rf"{_EDGE}(?<!\$)(?P<name>[A-Z_][A-Z0-9_]{{1,63}})="
    rf"(?:(?P<quote>{_QUOTE})(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\n\\])){{1,2000}}?)(?P=quote)|(?P<bare>(?:[^\s\"'`\\]|\\\\(?![nrtu\"'])|\\(?![nrtu\"'\\])){{4,4000}}))"
)
_FLAG = re.compile(
    _EDGE + r"(?:--?|(?:ENV|ARG|setenv|set -g?x)[ \t])(?P<name>[A-Za-z][\w-]{1,63})[ \t=](?P<quote>\\{0,7}[\"']?)"
    r"(?P<bare>[^\s\"'`\\-][^\s\"'`\\]{3,2000})"
)
_TAG = re.compile(r"<(?P<name>[A-Za-z][\w.:-]{1,63})>(?P<quoted>[^<\n]{4,2000})</")
_ATTRIBUTE = re.compile(
    rf"(?:key|name|id)=(?:{_QUOTE})(?P<name>[\w.:-]{{2,64}})(?:{_QUOTE})[ \t]+"
    rf"value=(?P<quote>{_QUOTE})(?P<quoted>[^\n\"']{{4,2000}}?)(?P=quote)"
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where a secret value stands, and where its name begins."""

    begin: int
    start: int
    end: int
    style: Style


def assigned_secrets(text: str) -> Iterator[Assigned]:
    """Values of secret names in `text`, in no particular order; they may overlap."""
    lowered = text.lower()
    if not any(hint in lowered for hint in HINTS):
        return
    yield from _found(_ASSIGNED, text, "bare")
    yield from _found(_ENVIRONMENT, text, "environment")
    yield from _found(_FLAG, text, "flag")
    yield from _found(_TAG, text, "quoted")
    yield from _found(_ATTRIBUTE, text, "quoted")


def _found(pattern: re.Pattern[str], text: str, style: Style) -> Iterator[Assigned]:
    at = 0
    while (match := pattern.search(text, at)) is not None:
        at = match.end("name")
        if not is_secret_name(match["name"]):
            continue
        groups = match.groupdict()
        group = "quoted" if groups.get("quoted") is not None else "bare"
        here: Style = style if style == "environment" or group == "bare" else "quoted"
        value = match[group]
        if style == "environment" and group == "bare":
            value = value.rstrip(",;)}]")
        if is_secret(match["name"], value, here):
            yield Assigned(match.start(), match.start(group), match.start(group) + len(value), style)
            at = match.end(group)
