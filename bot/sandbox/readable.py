"""Whether whoever sees no blocks and no pictures is told the same: in a notification, on a watch, by a screen reader.

Slack takes a message whose `text` is missing next to blocks, and shows "This content can't be displayed" for it; it
asks for `alt_text` and takes a blank one (https://docs.slack.dev/reference/methods/chat.postMessage#text). The sandbox
carries such calls out too, and counts them as the app's mistakes.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.shapes import is_array, is_object

_SHOWING = ("chat.postMessage", "chat.postEphemeral", "chat.update")
#: White space, marks, and characters that take up no room.
_NOTHING = re.compile(r"[\s*_~`>\u200b-\u200d\u2060\ufeff]+")
_LETTER = re.compile(r"[^\W_]")
#: A file's name, or a word for any picture, tells nothing about one.
_ANY_PICTURE = frozenset({"image", "picture", "photo", "img", "alt"})


def mistakes(method: str, args: Mapping[str, Any]) -> list[str]:
    """What nobody could read out, one sentence each."""
    found: list[str] = []
    if method in _SHOWING:
        text = _NOTHING.sub("", str(args.get("text") or ""))
        has_blocks = bool(args.get("blocks"))
        # Next to blocks the text is ours, and says in words what they show; alone it is what somebody wrote.
        if not text or (has_blocks and not _LETTER.search(text)):
            found.append("the text says nothing [json-pointer:/text]")
    if method == "files.getUploadURLExternal" and _is_picture(str(args.get("filename") or "")):
        found += [] if str(args.get("alt_txt") or "").strip() else ["a picture without alt_txt [json-pointer:/alt_txt]"]
    for name in ("blocks", "view", "attachments"):
        found += _pictures(_value(args.get(name)), f"/{name}")
    return found


def _value(given: Any) -> Any:
    """Whatever is no JSON, the method itself refuses."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return None


def _is_picture(filename: str) -> bool:
    return (mimetypes.guess_type(filename)[0] or "").startswith("image/")


def _pictures(value: Any, at: str) -> Iterator[str]:
    """Pictures at any depth, also those beside a text."""
    if is_object(value):
        alt = str(value.get("alt_text") or "").strip()
        if value.get("type") == "image" and (not alt or alt.lower() in _ANY_PICTURE):
            yield f"a picture whose alt_text says nothing [json-pointer:{at}/alt_text]"
        for name, one in value.items():
            yield from _pictures(one, f"{at}/{name}")
    elif is_array(value):
        for number, one in enumerate(value):
            yield from _pictures(one, f"{at}/{number}")
