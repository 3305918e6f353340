"""A path names one file inside the shared folder, however it is spelled and whoever reads it."""

from __future__ import annotations

import posixpath
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PathRefused
from core.paths import normal_path

DOTS = ["..", "．．", "․․", "‥", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%u002e%u002e", "%c0%ae%c0%ae", "%uff0e%uff0e"]
SLASHES = [
    "/",
    "\\",
    "／",
    "＼",
    "∕",
    "⁄",
    "﹨",
    "%2f",
    "%5c",
    "%252f",
    "%255c",
    "%c0%af",
    "%ef%bc%8f",
    "%u2215",
    "%u002f",
]
TRAVERSALS = [f"{dots}{slash}etc{slash}passwd" for dots in DOTS for slash in SLASHES]
DEEPER = [f"src{slash}{dots}{slash}{dots}{slash}secret" for dots in DOTS[:6] for slash in SLASHES[:6]]
OTHERS = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "//server/share",
    "///etc/passwd",
    "\\\\server\\share",
    "\\\\?\\C:\\Windows",
    "\\windows\\win.ini",
    "C:",
    "C:/Windows/win.ini",
    "c:windows",
    "C：/Windows",
    "%43:/Windows",
    "c%3a/windows",
    "./a",
    "a/.",
    "a/./b",
    "a//b",
    "a/",
    "a/..",
    "a/../b",
    "a/b/../../..",
    "...",
    "....//....//etc",
    ".../a",
    ".. /a",
    "..  /a",
    " ../a",
    "a/.. ",
    "a/..\u00a0/b",
    "a/..\u3000/b",
    "a. /b",
    "a./b",
    "a /b",
    "~/.ssh/id_rsa",
    "~root/.bashrc",
    "~",
    "～/.ssh/id_rsa",
    "%7e/.ssh",
    "a\x00b",
    "a%00b",
    "../a\x00.png",
    "a\nb",
    "a\rb",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "a%0ab",
    "a\u200bb",
    "a\u200eb",
    "a\u202egpj.exe",
    "a\u2066b",
    "a\u2069b",
    "a\u2028b",
    "a\u2029b",
    "a\ufeffb",
    "a\u00adb",
    ".\u200b./a",
    ".\u2060./a",
    "a\ud800b",
    "%ff%fe",
    "%e0%80%ae%e0%80%ae/a",
    "%25252525252e%25252525252e/a",
    ".git/config",
    ".GIT/config",
    "a/.git/hooks/post-checkout",
    ".git",
    "．git/config",
    ".ｇit/config",
    "%2egit/config",
    ".git ",
    ".git./config",
    ".g\u200cit/config",
    "git~1/config",
    "GIT~1/config",
    ".git::$INDEX_ALLOCATION/config",
    "a/.git:x",
    "a" * 1_001,
    "a/" * 500 + "a",
    "ä" * 128,
    "a" * 256,
    "a" * 5_000,
]
REFUSED = [*TRAVERSALS, *DEEPER, *OTHERS]
GOOD = [
    "a",
    "README.md",
    "src/app.py",
    "src/.env.example",
    ".gitignore",
    ".github/workflows/ci.yml",
    "a.git/b",
    "a..b/c",
    "..a/b",
    "...a",
    "100%.txt",
    "50% off/a%b.txt",
    "a b/c d.txt",
    "a+b=c&d.txt",
    "src/[id]/page.tsx",
    "src/(group)/@slot/page.tsx",
    "notes…md",
    "½.txt",
    "C",
    "CD:a",
    "a/C:",
    "a~",
    "~$document.docx",
    "file#1?.txt",
    "größe.txt",
    "日本語/ファイル.txt",
    "emoji 🎉.txt",
    "x" * 255,
    "/".join(["a" * 9] * 100),
    "a\\b".replace("\\", "-"),
    "aux.c",
]


def test_there_are_more_than_a_hundred_spellings() -> None:
    assert len(set(REFUSED)) > 250


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_a_path_that_could_name_something_outside_is_refused(text: str) -> None:
    with pytest.raises(PathRefused):
        normal_path(text)


@pytest.mark.parametrize("text", GOOD, ids=ascii)
def test_a_good_path_is_left_as_it_is(text: str) -> None:
    assert normal_path(text) == text


def test_two_spellings_of_one_letter_are_one_path() -> None:
    assert normal_path("gro\u0308ße.txt") == normal_path("gr\u00f6ße.txt") == "gr\u00f6ße.txt"


SIGNS = st.sampled_from("./\\~:%2eEfF5cC a．／‥∕\x00\u200b") | st.characters()


@given(st.text(SIGNS, max_size=40))
def test_whatever_is_let_through_stays_inside_and_stays_itself(text: str) -> None:
    try:
        path = normal_path(text)
    except PathRefused:
        return
    assert normal_path(path) == path
    for reading in (path, unquote(path), unquote(unquote(path)), unicodedata.normalize("NFKC", path)):
        assert not posixpath.isabs(reading)
        assert posixpath.normpath(reading) == reading
        assert ".." not in PurePosixPath(reading).parts
        windows = PureWindowsPath("C:/shared") / reading
        assert windows.is_relative_to("C:/shared")
        assert ".." not in windows.parts
