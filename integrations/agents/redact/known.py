"""The secrets that this machine knows, and every form in which they may stand in text.

Replacing known values literally gives no false negatives for the secrets that matter most: the ones of this project.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

from integrations.agents.redact.values import is_folder, is_placeholder, is_secret_name

#: Characters. Shorter values are too likely to be ordinary words.
MIN_KNOWN = 8
#: A line of a longer value (of a private key) is a secret of its own from this length on.
_MIN_LINE = 16
#: Files of this kind show how to fill in the real one.
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")
_LARGEST_FILE = 1 << 20
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.]*)[ \t]*=[ \t]*(?P<value>.*)")
#: Settings that are plainly no secrets stay readable: words, numbers, addresses, paths, times.
_PLAIN_SETTING = re.compile(
    r"[A-Za-z]+(?:[ _.,:-][A-Za-z]+)*|[0-9.,:]+[a-z]{0,2}|[a-z][a-z0-9+.-]*://[^@?\s]*|~?/[^@]*|[\w.-]+:[0-9]+/?|[\w.+-]+@[\w.-]+|v?[0-9.]+[\w.-]*|"
    r"[\w-]+(?:\.[\w-]+)+"
)


def known_secrets(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Name → value: of `environ`, what its name or its shape says is secret; of `.env` and `.env.*` in `directory`,
    everything that is not plainly a setting. Raises OSError for a file that cannot be read."""
    found = [(name, value) for name, value in environ.items() if is_secret_name(name) and not is_folder(name, value)]
    found += [(name, password) for name, value in environ.items() if (password := _password_in_url(value))]
    for file in sorted(directory.glob(".env*")):
        if file.is_file() and not file.name.endswith(_EXAMPLES) and file.stat().st_size <= _LARGEST_FILE:
            for name, value in assignments(file.read_text(encoding="utf-8", errors="replace")):
                if is_secret_name(name) or not _PLAIN_SETTING.fullmatch(value):
                    found.append((name, value))
                if password := _password_in_url(value):
                    found.append((name, password))
    known: dict[str, str] = {}
    for name, value in found:
        if len(value) >= MIN_KNOWN and not is_placeholder(value):
            known[next(free for free in _names(name) if known.get(free, value) == value)] = value
    return known


def _names(name: str) -> Iterator[str]:
    """A name, then others like it: several files may give one name several values, and none of them may leave."""
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of an environment file, values in quotes over several lines included."""
    lines = iter(text.splitlines())
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        value = match["value"].strip()
        mark = value[:1]
        if mark in ("'", '"') and mark:
            value = value[1:]
            while mark not in value:
                following = next(lines, None)
                if following is None:
                    break
                value += "\n" + following
            value = value.split(mark)[0]
        else:
            value = re.split(r"\s#", value)[0].strip()
        yield match["name"], value
        if "\\n" in value:
            yield match["name"], value.replace("\\n", "\n")


def _password_in_url(value: str) -> str | None:
    if "://" not in value or "@" not in value:
        return None
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def forms(value: str) -> Iterator[str]:
    """A value as it may stand in text: plain, in JSON (in JSON), in a URL, in HTML, in base64 at any offset."""
    yield value
    yield from _escaped(value)
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    yield html.escape(value)
    yield from _base64(value)
    for line in value.splitlines():
        if len(line) >= _MIN_LINE and line != value and not line.startswith("-----"):
            yield line
            yield from _escaped(line)


def _escaped(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]


def _base64(value: str) -> Iterator[str]:
    """base64 codes three bytes at a time, so what a value becomes depends on where it begins. Its first and last
    characters mix with the neighbours and are left out."""
    raw = value.encode()
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(b"\0" * before + raw).decode()
            start = {0: 0, 1: 2, 2: 3}[before]
            whole = (before + len(raw)) // 3 * 4
            yield coded[start:whole]
            if before == 0:
                yield coded.rstrip("=")
