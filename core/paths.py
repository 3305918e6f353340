"""The one spelling of a path inside a shared folder, and the refusal of everything that could name something else.

Pure. The server never opens a file by such a path: it is a name in a table. What a reader of the table, a browser or a
program on another system, makes of it is not ours to know; so a path is refused when any usual way of reading it, as a
URL, by a Windows program, by a font or a code page that takes look-alikes for the real sign, leads out of the folder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from core.errors import PathRefused

#: Longest path in characters, and longest name of a file or folder in bytes of UTF-8 (as most file systems have it).
MAX_PATH = 1_000
MAX_PART_BYTES = 255
#: How often a path may have been percent-encoded. Deeper is no accident.
MAX_ENCODINGS = 4

#: Control, format (with every bidirectional and invisible sign), half a character, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LOOK_ALIKES = str.maketrans(dict.fromkeys("∕⁄⧸╱／", "/") | dict.fromkeys("∖⧵⧹╲﹨＼", "\\"))
_DRIVE = re.compile(r"[A-Za-z]:")
#: A shell, and Python's `expanduser`, make somebody's home of it.
_HOME = re.compile(r"~[\w.+-]*$")
#: Git's folder holds programs that it runs. Also as Windows' file systems spell it, for which Git itself looks out:
#: https://github.com/git/git/blob/master/path.c (`is_ntfs_dotgit`).
_GIT = re.compile(r"(\.git|git~\d+)[ .]*(:.*)?$", re.IGNORECASE)
_PERCENT_U = re.compile(r"%u([0-9a-fA-F]{4})")


def normal_path(text: str) -> str:
    """`text` in Unicode's composed form (NFC); nothing else about it is changed. Raises PathRefused."""
    if len(text) > 4 * MAX_PATH:
        raise PathRefused("That path is too long.")
    path = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(sign) in _REFUSED_CATEGORIES for sign in path):
        raise PathRefused("That path holds signs that cannot be seen.")
    if len(path) > MAX_PATH or any(len(part.encode()) > MAX_PART_BYTES for part in path.split("/")):
        raise PathRefused("That path is too long.")
    for reading in _readings(path):
        _check(reading)
    return path


def _readings(path: str) -> Iterator[str]:
    """Everything that a program may take `path` for."""
    for decoded in _decoded(path):
        yield decoded
        yield unicodedata.normalize("NFKC", decoded.translate(_LOOK_ALIKES))


def _decoded(path: str) -> Iterator[str]:
    """`path`, and what is left of it each time that a layer of percent-encoding is taken off."""
    for _ in range(MAX_ENCODINGS):
        yield path
        try:
            inner = unquote_to_bytes(_PERCENT_U.sub(lambda found: chr(int(found[1], 16)), path)).decode()
        except UnicodeError as error:
            # Overlong and broken UTF-8: lenient decoders find dots and slashes in it.
            raise PathRefused from error
        if inner == path:
            return
        path = inner
    raise PathRefused


def _check(path: str) -> None:
    if "\\" in path or _DRIVE.match(path):
        raise PathRefused
    parts = path.split("/")
    if _HOME.match(parts[0]):
        raise PathRefused
    for part in parts:
        # Windows takes trailing dots and spaces off: "..." and ".. " are both "..".
        if not part or part.endswith((".", " ")) or _GIT.match(part):
            raise PathRefused
        if any(unicodedata.category(sign) in _REFUSED_CATEGORIES for sign in part):
            raise PathRefused
