"""Unified diffs as events carry them: hunks without file headers, and their counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_HEREDOC = re.compile(
    r"^(?:cat|tee)\s+(?P<append>>>|>)?\s*(?P<path>[^\s<>|;&'\"]+|'[^']+'|\"[^\"$`]+\")\s*(?:>\s*/dev/null\s*)?"
    r"<<-?\s*(?P<quote>['\"]?)(?P<tag>\w+)(?P=quote)[^\n]*\n(?P<body>[\s\S]*?)\n?(?P=tag)\s*$"
)


@dataclass(frozen=True, slots=True)
class Diff:
    """`added` and `removed` are lines."""

    text: str
    added: int
    removed: int


def counted(text: str) -> Diff:
    """A diff with its lines counted."""
    lines = text.splitlines()
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return Diff(text, added, removed)


def whole_file(content: str, sign: str) -> Diff:
    """The diff of a file that is new (`+`) or gone (`-`)."""
    lines = content.splitlines()
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
    pipe, a heredoc whose body the shell would change."""
    match = _HEREDOC.match(command.strip())
    if match is None or match["append"] == ">>":
        return None
    if command.lstrip().startswith("cat") and match["append"] is None:
        return None
    body = match["body"]
    if not match["quote"] and re.search(r"[$`\\]", body):
        return None
    return Written(match["path"].strip("'\""), body + "\n" if body else "")
