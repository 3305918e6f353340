"""Who is called by a text: the people that its sender picked, those it names, and everybody who is here for `@here`.

Code is not searched: `@property` in a code block calls nobody.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import col, select

from core import tables
from core.db import Transaction

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TICKS = re.compile(r"`+")
_HERE = re.compile(r"(?<![\w@])@here\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Called:
    """Ids of people, sorted, and whether `@here` was said."""

    user_ids: list[str]
    everybody_here: bool


def called_by(tx: Transaction, session_id: str, content: str, picked: Collection[str]) -> Called:
    """Only people with a seat can be called; other names stay text."""
    if not picked and "@" not in content:
        return Called([], everybody_here=False)
    prose = prose_of(content)
    names = _members(tx, session_id)
    found = {user_id for user_id, _ in names if user_id in picked} | named_in(prose, names)
    return Called(sorted(found), everybody_here=_HERE.search(prose) is not None)


def prose_of(text: str) -> str:
    """`text` without its code: fenced blocks, and spans between equal runs of backticks (CommonMark §4.5, §6.1)."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        opening = _FENCE.match(line)
        if fence:
            if opening and opening[1].startswith(fence) and not line[opening.end() :].strip():
                fence = ""
        elif opening:
            fence = opening[1]
        else:
            lines.append(line)
    return _without_spans("\n".join(lines))


def _without_spans(text: str) -> str:
    """In one pass, because a text may hold thousands of backticks."""
    runs = [match.span() for match in _TICKS.finditer(text)]
    by_length: dict[int, list[int]] = {}
    for number, (start, end) in enumerate(runs):
        by_length.setdefault(end - start, []).append(number)
    kept: list[str] = []
    at = number = 0
    while number < len(runs):
        start, end = runs[number]
        alike = by_length[end - start]
        following = bisect_right(alike, number)
        if following < len(alike):
            number = alike[following]
            kept.append(text[at:start])
            at = runs[number][1]
        number += 1
    return " ".join([*kept, text[at:]])


def named_in(prose: str, members: Sequence[tuple[str, str]]) -> set[str]:
    """Ids of the members that `prose` names after an `@`: by the whole name, or by a first name that only one has."""
    firsts = Counter(name.split()[0].casefold() for _, name in members if name.split())
    by_name = {name.casefold(): user_id for user_id, name in members}
    for user_id, name in members:
        first = name.split()[0].casefold() if name.split() else ""
        if firsts[first] == 1:
            by_name.setdefault(first, user_id)
    if not by_name:
        return set()
    longest_first = sorted(by_name, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w@])@(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    return {by_name[match[1]] for match in pattern.finditer(prose.casefold())}


def _members(tx: Transaction, session_id: str) -> list[tuple[str, str]]:
    seat, user = tables.Participation, tables.User
    query = select(user.id, user.name).where(
        seat.session_id == session_id, col(seat.removed_at).is_(None), seat.user_id == user.id
    )

    def load() -> list[tuple[str, str]]:
        return [(user_id, name) for user_id, name in tx.stored.execute(query)]

    return tx.known(("members", session_id), load)


def record(
    tx: Transaction, session_id: str, seq: int, ref_id: str, user_ids: Collection[str], *, besides: Collection[str]
) -> None:
    """Notes that the entry at `seq` calls these people, each once for each text that calls them."""
    rows = [
        {"session_id": session_id, "user_id": user_id, "seq": seq, "ref_id": ref_id}
        for user_id in sorted(set(user_ids) - set(besides))
    ]
    if rows:
        tx.collected.add("mentions", rows)


def of(tx: Transaction, ref_id: str) -> set[str]:
    """Whom this message or comment has called so far."""
    return set(tx.sql.exec(select(tables.Mention.user_id).where(tables.Mention.ref_id == ref_id)))


def forget(tx: Transaction, ref_id: str) -> None:
    """The text is gone, and with it the call."""
    tx.sql.exec(delete(tables.Mention).where(col(tables.Mention.ref_id) == ref_id))
