"""Emoji as a character, as the session has them, and by name, as Slack has them. Pure.

Slack's names are mostly the short names that other chats use as well; flags and skin tones it writes in its own way
(https://docs.slack.dev/reference/methods/reactions.add). What has no character, a workspace's own picture, keeps its
name between colons.
"""

from __future__ import annotations

import re
from functools import cache

import emoji

_TONES = {chr(0x1F3FB + number): f"::skin-tone-{number + 2}" for number in range(5)}
_TONE_SUFFIX = re.compile(r"::skin-tone-([2-6])$")
_FLAG = re.compile(r"^flag-([a-z]{2})$")
_NAME = re.compile(r"^[a-z0-9_+'-]{1,90}$")
_REGIONAL_A = 0x1F1E6
_SELECTOR = "\ufe0f"


def slack_name(character: str) -> str | None:
    """Slack's name of an emoji or of `:name:`; None where Slack is not known to have one."""
    if character.startswith(":") and character.endswith(":"):
        return character[1:-1]
    letters = [ord(letter) - _REGIONAL_A for letter in character]
    if len(letters) == 2 and all(0 <= letter < 26 for letter in letters):
        return "flag-" + "".join(chr(ord("a") + letter) for letter in letters)
    tone = next((_TONES[letter] for letter in character if letter in _TONES), "")
    plain = "".join(letter for letter in character if letter not in _TONES)
    found = _names().get(plain.replace(_SELECTOR, ""))
    return f"{found}{tone}" if found else None


def character(name: str) -> str:
    """What the session shows for Slack's `name`: a character, or `:name:` where there is none."""
    flag = _FLAG.match(name)
    if flag:
        return "".join(chr(_REGIONAL_A + ord(letter) - ord("a")) for letter in flag[1])
    tone = _TONE_SUFFIX.search(name)
    base = _TONE_SUFFIX.sub("", name)
    found = _characters().get(base)
    if found is None:
        return f":{base}:"
    if tone is None:
        return found
    toned = found.replace(_SELECTOR, "") + chr(0x1F3FB + int(tone[1]) - 2)
    return toned if emoji.is_emoji(toned) else found


@cache
def _names() -> dict[str, str]:
    """Character, without presentation selectors → the name that Slack prefers."""
    names: dict[str, str] = {}
    for shown, data in emoji.EMOJI_DATA.items():
        known = [*(data.get("alias") or ()), data["en"]]
        usable = [name for name in (one.strip(":").lower() for one in known) if _NAME.match(name)]
        usable.sort(key=lambda name: name not in ("+1", "-1"))
        if usable:
            names.setdefault(shown.replace(_SELECTOR, ""), usable[0])
    return names


@cache
def _characters() -> dict[str, str]:
    """Every known name → the character, in its full form."""
    found: dict[str, str] = {}
    for shown, data in emoji.EMOJI_DATA.items():
        if data["status"] != emoji.STATUS["fully_qualified"]:
            continue
        for name in (*(data.get("alias") or ()), data["en"]):
            found.setdefault(name.strip(":").lower(), shown)
            found.setdefault(name.strip(":").lower().replace("-", "_"), shown)
    return found
