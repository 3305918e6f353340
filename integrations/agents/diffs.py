"""Unified diffs as events carry them: hunks without file headers, and their counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

#: `cat > FILE <<'TAG'`, `cat <<'TAG' > FILE`, `tee FILE <<'TAG' > /dev/null`: the first line of a file written by hand,
#: after nothing but the making of its folder.
_FILE = r"(?P<path>[^\s<>|;&'\"`$*?~()]+|'[^'\n]+'|\"[^\"$`\n]+\")"
_TAG = r"<<(?P<dash>-?)[ \t]*(?P<quote>['\"]?)(?P<tag>\w+)(?P=quote)"
_SILENT = r"(?:[ \t]*>[ \t]*/dev/null)?"
_BEFORE = r"(?:mkdir -p [\w./-]+[ \t]*(?:&&|;|\n)\s*)*"
_HEREDOCS = tuple(
    re.compile(_BEFORE + shape + r"[ \t]*")
    for shape in (
        rf"cat[ \t]*>[ \t]*{_FILE}[ \t]*{_TAG}",
        rf"cat[ \t]*{_TAG}[ \t]*>[ \t]*{_FILE}",
        rf"tee[ \t]+{_FILE}{_SILENT}[ \t]*{_TAG}{_SILENT}",
    )
)


@dataclass(frozen=True, slots=True)
class Diff:
    """`added` and `removed` are lines."""

    text: str
    added: int
    removed: int


def counted(text: str) -> Diff:
    """A diff with its lines counted."""
    lines = text.split("\n")
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return Diff(text, added, removed)


def whole_file(content: str, sign: str) -> Diff:
    """The diff of a file that is new (`+`) or gone (`-`)."""
    lines = content.removesuffix("\n").split("\n") if content else []
    count = len(lines)
    header = f"@@ -0,0 +1,{count} @@" if sign == "+" else f"@@ -1,{count} +0,0 @@"
    return counted("\n".join([header, *(sign + line for line in lines)]) if lines else "")


def from_hunks(hunks: list[dict[str, Any]]) -> Diff:
    """From the `structuredPatch` of Claude Code: hunks with starts, counts and lines."""
    parts: list[str] = []
    for hunk in hunks:
        start = f"-{hunk['oldStart']},{hunk['oldLines']} +{hunk['newStart']},{hunk['newLines']}"
        parts += [f"@@ {start} @@", *(str(line) for line in hunk["lines"])]
    return counted("\n".join(parts))


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a shell command wrote, as far as the command itself shows it."""

    path: str
    content: str


def written_by_heredoc(command: str) -> Written | None:
    """The file that `cat > FILE <<'EOF'` writes whole. Anything less plain is not guessed at: an appended file, a
    pipe, a second command, a heredoc whose body the shell would change."""
    opening, rest = _split_behind_opening(command.strip())
    match = next((found for shape in _HEREDOCS if (found := shape.fullmatch(opening))), None)
    if match is None or match["path"].startswith("/dev/"):
        return None
    lines = rest.split("\n")
    if match["dash"]:
        lines = [line.lstrip("\t") for line in lines]
    if match["tag"] not in lines or any(line.strip() for line in lines[lines.index(match["tag"]) + 1 :]):
        return None
    body = lines[: lines.index(match["tag"])]
    if not match["quote"] and any(re.search(r"[$`\\]", line) for line in body):
        return None
    return Written(match["path"].strip("'\""), "".join(line + "\n" for line in body))


def _split_behind_opening(command: str) -> tuple[str, str]:
    """A command, split behind the line that opens its heredoc."""
    at = command.find("<<")
    end = command.find("\n", at) if at >= 0 else -1
    return (command, "") if end < 0 else (command[:end], command[end + 1 :])
