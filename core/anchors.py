"""Keeps a remark on its line while a file changes under it.

Pure. A place is carried over by what the lines say: lines that did not change move with what stands around them; lines
that did are looked for by their text and its surroundings. Where more than one place would do, none is taken: a remark
that is shown as outdated is a nuisance, one on the wrong line is a lie.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Status = Literal["exact", "moved", "outdated"]

#: Lines of context on each side of a place.
CONTEXT = 3
#: What a changed place must score at least, and by how much it must beat every other.
ACCEPT = 0.8
MARGIN = 0.1
#: Pairs of lines that are compared at most in one gap between lines that are known to belong together.
MAX_COMPARED = 250_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in one version of a file: its lines, counted from 1, what they say, and up to three lines around them."""

    path: str
    line: int
    end_line: int
    snippet: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an anchor stands in another version. `confidence` is from 0.8 to 1 where there is a place, else 0."""

    status: Status
    line: int | None
    end_line: int | None
    confidence: float


OUTDATED = Placement("outdated", None, None, 0.0)


def lines_of(text: str) -> list[str]:
    """Lines without their ends, so that another kind of line end is no change."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def take_anchor(text: str, path: str, line: int, end_line: int) -> Anchor:
    """Raises ValueError for lines that the text does not have."""
    lines = lines_of(text)
    if not 1 <= line <= end_line <= len(lines):
        raise ValueError(f"lines {line} to {end_line} of {len(lines)}")
    first, last = line - 1, end_line
    return Anchor(
        path,
        line,
        end_line,
        "\n".join(lines[first:last]),
        "\n".join(lines[max(0, first - CONTEXT) : first]),
        "\n".join(lines[last : last + CONTEXT]),
    )


def place_along(anchor: Anchor, versions: Sequence[str]) -> Placement:
    """The place in the last of `versions`, the first of which the anchor was made on."""
    current, confidence = anchor, 1.0
    placed = Placement("exact", anchor.line, anchor.end_line, 1.0)
    for old, new in pairwise(versions):
        step = place(current, old, new)
        if step.line is None or step.end_line is None:
            # What was taken out may have been put back: the first version is compared with the last.
            return place(anchor, versions[0], versions[-1])
        confidence = min(confidence, step.confidence)
        status: Status = "moved" if "moved" in (step.status, placed.status) else "exact"
        placed = Placement(status, step.line, step.end_line, confidence)
        current = take_anchor(new, anchor.path, step.line, step.end_line)
    return placed


def place(anchor: Anchor, old_text: str, new_text: str) -> Placement:
    """The place of `anchor`, which was made on `old_text`, in `new_text`."""
    old, new = lines_of(old_text), lines_of(new_text)
    first, last = anchor.line - 1, anchor.end_line
    if old == new:
        return Placement("exact", anchor.line, anchor.end_line, 1.0)
    if last > len(old):
        return OUTDATED
    pairs = dict(matched(old, new))
    carried = _carried(old, new, pairs, first, last)
    if carried is not None:
        return Placement("exact", carried + 1, carried + (last - first), 1.0)
    return _searched(old, new, pairs, first, last)


# ── Lines that did not change ─────────────────────────────────────────────────────────────────────────────────────────


def matched(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of lines that belong together, in order: around lines that stand once in both, as patience diff has it
    (Bram Cohen), then inside the gaps that these leave."""
    anchors = [(-1, -1), *_unique_in_both(old, new), (len(old), len(new))]
    for (i, j), (next_i, next_j) in pairwise(anchors):
        if i >= 0:
            yield i, j
        yield from _in_gap(old, new, (i + 1, next_i), (j + 1, next_j))


def _unique_in_both(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run, in order, of lines that stand exactly once in each."""
    in_old, in_new = Counter(old), Counter(new)
    where = {line: j for j, line in enumerate(new) if in_new[line] == 1 and line.strip()}
    candidates = [(i, where[line]) for i, line in enumerate(old) if in_old[line] == 1 and line in where]
    return _increasing(candidates)


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second numbers grow too."""
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for at, (_, j) in enumerate(pairs):
        k = bisect_left(tails, j)
        previous.append(tail_at[k - 1] if k else -1)
        if k == len(tails):
            tails.append(j)
            tail_at.append(at)
        else:
            tails[k], tail_at[k] = j, at
    chain: list[tuple[int, int]] = []
    at = tail_at[-1] if tail_at else -1
    while at >= 0:
        chain.append(pairs[at])
        at = previous[at]
    return chain[::-1]


def _in_gap(
    old: Sequence[str], new: Sequence[str], rows: tuple[int, int], columns: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Equal lines at both edges of a gap, and what a plain diff finds between them, where that is not too much."""
    (i, end_i), (j, end_j) = rows, columns
    while i < end_i and j < end_j and old[i] == new[j]:
        yield i, j
        i, j = i + 1, j + 1
    tail = 0
    while end_i - tail > i and end_j - tail > j and old[end_i - tail - 1] == new[end_j - tail - 1]:
        tail += 1
    end_i, end_j = end_i - tail, end_j - tail
    if 0 < (end_i - i) * (end_j - j) <= MAX_COMPARED:
        inner = difflib.SequenceMatcher(None, old[i:end_i], new[j:end_j], autojunk=False)
        for block in inner.get_matching_blocks():
            for step in range(block.size):
                yield i + block.a + step, j + block.b + step
    for step in range(tail):
        yield end_i + step, end_j + step


def _carried(old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int) -> int | None:
    """Where lines that all have a partner stand now, if nothing else could be meant; counted from 0."""
    start = pairs.get(first)
    if start is None or any(pairs.get(i) != start + i - first for i in range(first, last)):
        return None
    if _is_held(old, new, pairs, first, last):
        return start
    return None


def _is_held(old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int) -> bool:
    """Whether the place is certain: the run of neighbours that moved with it contains a line that stands once in both
    files near by, or the whole of it stands but once in the new file."""
    offset = pairs[first] - first
    low, high = first, last
    while low > 0 and first - low < 12 and pairs.get(low - 1) == low - 1 + offset:
        low -= 1
    while high < len(old) and high - last < 12 and pairs.get(high) == high + offset:
        high += 1
    run = old[low:high]
    if not any(line.strip() for line in run):
        return False
    in_old, in_new = Counter(old), Counter(new)
    if any(in_old[line] == 1 == in_new[line] and line.strip() for line in run):
        return True
    return _count(new, run) == 1 == _count(old, run)


def _count(lines: Sequence[str], run: Sequence[str]) -> int:
    """How often `run` stands in `lines`; counting ends at two."""
    found = 0
    for at in range(len(lines) - len(run) + 1):
        if lines[at] == run[0] and list(lines[at : at + len(run)]) == list(run):
            found += 1
            if found == 2:
                break
    return found


# ── Lines that did ────────────────────────────────────────────────────────────────────────────────────────────────────


def _searched(old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int) -> Placement:
    """The place of lines of which at least one changed, moved or went."""
    ends = _between_its_ends(old, new, pairs, first, last)
    if ends is not None:
        return ends
    alone = _stands_alone(old, new, first, last)
    if alone is not None:
        return alone
    return _most_alike(old, new, pairs, first, last)


def _between_its_ends(
    old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int
) -> Placement | None:
    """Several lines whose first and last are certain: what lies between them now."""
    if last - first < 2 or first not in pairs or last - 1 not in pairs:
        return None
    if not (_is_held(old, new, pairs, first, first + 1) and _is_held(old, new, pairs, last - 1, last)):
        return None
    start, end = pairs[first], pairs[last - 1] + 1
    alike = _alike(old[first:last], new[start:end])
    if not 1 <= end - start <= 3 * (last - first) or alike < 0.5:
        return None
    return Placement("moved", start + 1, end, max(ACCEPT, alike))


def _stands_alone(old: Sequence[str], new: Sequence[str], first: int, last: int) -> Placement | None:
    """A text that stands once in both files, whatever its indentation."""
    wanted = _bare(old[first:last])
    if sum(len(line) for line in wanted) < 12:
        return None
    bare_new, bare_old = _bare(new), _bare(old)
    if _count(bare_new, wanted) != 1 or _count(bare_old, wanted) != 1:
        return None
    at = next(j for j in range(len(bare_new)) if bare_new[j : j + len(wanted)] == wanted)
    return Placement("moved", at + 1, at + len(wanted), 0.9)


def _most_alike(old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int) -> Placement:
    """The lines that took the old ones' place: in the gap that they left, of no other origin, and alike enough."""
    low, high = _gap(old, new, pairs, first, last)
    mine = {pairs[i] for i in range(first, last) if i in pairs}
    taken = set(pairs.values()) - mine
    size = last - first
    bare_new, wanted = _bare(new), _bare(old[first:last])
    if any(j in taken and bare_new[j : j + size] == wanted for j in range(len(new) - size + 1)):
        return OUTDATED  # Its like belongs to another line: nothing tells which of them was meant.
    before, after = old[max(0, first - CONTEXT) : first], old[last : last + CONTEXT]
    scored: list[tuple[float, int]] = []
    for at in range(low, high - size + 1):
        if any(j in taken for j in range(at, at + size)):
            continue
        alike = _alike(old[first:last], new[at : at + size])
        if alike < 0.6:
            continue
        around = _alike(before, new[max(0, at - CONTEXT) : at]) + _alike(after, new[at + size : at + size + CONTEXT])
        scored.append((0.7 * alike + 0.15 * around, at))
    scored.sort(reverse=True)
    if not scored or scored[0][0] < ACCEPT:
        return OUTDATED
    best, at = scored[0]
    if any(best - score < MARGIN for score, _ in scored[1:]):
        return OUTDATED
    return Placement("moved", at + 1, at + size, best)


def _gap(old: Sequence[str], new: Sequence[str], pairs: dict[int, int], first: int, last: int) -> tuple[int, int]:
    """Between the nearest lines on both sides whose partners are certain."""
    in_old, in_new = Counter(old), Counter(new)

    def is_certain(i: int) -> bool:
        return i in pairs and in_old[old[i]] == 1 == in_new[old[i]] and bool(old[i].strip())

    above = next((i for i in range(first - 1, -1, -1) if is_certain(i)), None)
    below = next((i for i in range(last, len(old)) if is_certain(i)), None)
    return (pairs[above] + 1 if above is not None else 0, pairs[below] if below is not None else len(new))


def _bare(lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    """From 0 to 1: how much of two texts is the same, whatever their white space."""
    left, right = "\n".join(_bare(one)).strip(), "\n".join(_bare(other)).strip()
    if left == right:
        return 1.0
    return difflib.SequenceMatcher(None, left[:2_000], right[:2_000], autojunk=False).ratio()
