"""Markdown tables as aligned text in a fence: mrkdwn has no tables, and rows of bars are hard to read."""

from __future__ import annotations

import re
import unicodedata

from bot.mrkdwn.fences import Fences

_ROW = re.compile(r"^ {0,3}\|?.*\|.*$")
_RULE = re.compile(r"^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_CELL = re.compile(r"(?<!\\)\|")
_MARKS = re.compile(r"\*\*|__|`+")


def tables_as_code(markdown: str) -> str:
    """The same text, with every table outside of code as a fenced block. Styles in cells are taken off."""
    lines = markdown.split("\n")
    shown: list[str] = []
    fences = Fences()
    at = 0
    while at < len(lines):
        line = lines[at]
        is_text = fences.read(line)[0] == "text"
        is_table = is_text and _ROW.match(line) and at + 1 < len(lines) and "|" in lines[at + 1]
        if is_table and _RULE.match(lines[at + 1]):
            end = at + 2
            while end < len(lines) and lines[end].strip() and _ROW.match(lines[end]):
                end += 1
            shown += ["```", *_aligned([line, *lines[at + 2 : end]]), "```"]
            at = end
        else:
            shown.append(line)
            at += 1
    return "\n".join(shown)


def _aligned(rows: list[str]) -> list[str]:
    table = [_cells(row) for row in rows]
    columns = max(len(cells) for cells in table)
    table = [[*cells, *[""] * (columns - len(cells))] for cells in table]
    widths = [max(_width(cells[column]) for cells in table) for column in range(columns)]
    text = [_padded(cells, widths) for cells in table]
    return [text[0], "  ".join("─" * width for width in widths), *text[1:]]


def _padded(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(row: str) -> list[str]:
    parts = _CELL.split(row.strip().removeprefix("|").removesuffix("|"))
    # A run of backticks would end the fence that the table is put into.
    return [_MARKS.sub("", part).replace("\\|", "|").strip() for part in parts]


def _width(text: str) -> int:
    """Columns that a text takes up in a fixed font."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
