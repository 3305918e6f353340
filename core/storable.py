"""Which values JSON allows and a log entry does not: text that no database holds, numbers that not every reader can."""

from __future__ import annotations

import re
from typing import Any, cast

#: Integers that every reader of JSON gets right: https://www.rfc-editor.org/rfc/rfc8259#section-6.
MAX_NUMBER = 2**53 - 1
#: NUL, which Postgres cannot store, and lone surrogates, which are no text (RFC 8259 §8.2).
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_storable(value: Any) -> None:
    """Looks through a decoded JSON document. Raises ValueError with words for whoever sent it."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise ValueError("text with NUL or half a character cannot be stored")
    elif isinstance(value, int):
        if abs(value) > MAX_NUMBER:
            raise ValueError("that number is too large")
    elif isinstance(value, dict):
        for name, part in cast("dict[Any, Any]", value).items():
            check_storable(name)
            check_storable(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            check_storable(part)
