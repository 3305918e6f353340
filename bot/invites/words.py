"""What people write after `invite`: whom, as what, for how long, to which session. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from core.events import Role

HOW = "invite @somebody [viewer|editor|host] [for 2h] [to TITLE]"
#: People in one command.
MOST = 10

_PERSON = re.compile(r"\s*<@([UW][A-Z0-9]+)(?:\|[^>]*)?>[\s,]*(?:and\s+)?")
_ROLE = re.compile(r"\s*(?:as\s+)?(?:an?\s+)?(\w+)\b", re.IGNORECASE)
_FOR = re.compile(r"\s*for\s+(\d{1,4}|an?)\s*([a-z]+)\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|in|into)\s+(.+)$", re.IGNORECASE | re.DOTALL)
_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
}
_ROLES: tuple[Role, ...] = get_args(Role)


class NotUnderstood(Exception):
    """The text says what is wrong, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`users` are Slack ids. What was not said is None, or empty."""

    users: tuple[str, ...]
    role: Role | None = None
    lifetime: timedelta | None = None
    title: str = ""


def read(text: str) -> Wanted:
    """`text` as Slack sends it, with `<@U…>` for people. Raises NotUnderstood."""
    users: list[str] = []
    while match := _PERSON.match(text):
        users.append(match[1])
        text = text[match.end() :]
    if not users:
        raise NotUnderstood(f"Say whom, picked from the list that opens with `@`: `{HOW}`")
    if len(users) > MOST:
        raise NotUnderstood(f"At most {MOST} people at a time.")
    role: Role | None = None
    lifetime: timedelta | None = None
    title = ""
    while text.strip():
        if match := _FOR.match(text):
            lifetime = _lifetime(match[1], match[2])
        elif match := _TO.match(text):
            title = match[1].strip()
        elif (match := _ROLE.match(text)) and match[1].lower() in _ROLES:
            role = next(one for one in _ROLES if one == match[1].lower())
        else:
            raise NotUnderstood(f"I do not understand “{text.strip()[:40]}”. `{HOW}`")
        text = text[match.end() :]
    return Wanted(tuple(dict.fromkeys(users)), role, lifetime, title)


def _lifetime(count: str, unit: str) -> timedelta:
    size = _UNITS.get(unit.lower())
    if size is None:
        raise NotUnderstood("Say how long as `for 30m`, `for 2h`, `for 3 days` or `for 1 week`.")
    return size * (int(count) if count.isdigit() else 1)
