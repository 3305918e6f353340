"""A remark stays on its line while the file changes under it, or says that it is out of date; it never lies."""

from __future__ import annotations

import random
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.anchors import Placement, lines_of, place, place_along, take_anchor

OLD = """import os

def first(path):
    with open(path) as file:
        return file.read()

def second(path, mode):
    if mode == "r":
        return first(path)
    return None

def third():
    return None
"""


def put(old: str, new: str, line: int, end_line: int | None = None) -> Placement:
    return place(take_anchor(old, "a.py", line, end_line or line), old, new)


def test_the_same_text_keeps_the_same_line() -> None:
    assert put(OLD, OLD, 8) == Placement("exact", 8, 8, 1.0)


def test_other_line_ends_are_no_change() -> None:
    assert put(OLD, OLD.replace("\n", "\r\n"), 8).line == 8
    assert put(OLD, OLD.removesuffix("\n"), 13).line == 13


def test_lines_above_move_it() -> None:
    assert put(OLD, "# one\n# two\n" + OLD, 8) == Placement("exact", 10, 10, 1.0)
    assert put(OLD, OLD.replace("import os\n\n", ""), 8) == Placement("exact", 6, 6, 1.0)


def test_lines_directly_above_and_below_do_not_take_it_along() -> None:
    edited = OLD.replace('    if mode == "r":\n', '    check(path)\n    if mode == "r":\n        log(path)\n')
    assert put(OLD, edited, 8) == Placement("exact", 9, 9, 1.0)


def test_a_line_that_was_edited_a_little_is_found_and_marked_so() -> None:
    placed = put(OLD, OLD.replace('if mode == "r":', 'if mode == "rb":'), 8)
    assert (placed.status, placed.line) == ("moved", 8)
    assert placed.confidence >= 0.8


def test_a_line_that_became_another_is_outdated() -> None:
    assert put(OLD, OLD.replace('if mode == "r":', "while True:"), 8).status == "outdated"


def test_a_line_that_was_taken_out_is_outdated_though_its_like_stands_elsewhere() -> None:
    assert put(OLD, OLD.replace("        return first(path)\n    return None\n", ""), 10) == Placement(
        "outdated", None, None, 0.0
    )


def test_one_of_several_equal_lines_is_told_by_its_neighbours() -> None:
    assert put(OLD, "\n" + OLD, 10).line == 11
    assert put(OLD, "\n" + OLD, 13).line == 14


def test_a_block_that_was_moved_is_found() -> None:
    block = OLD.split("\n\n")[1]
    moved = OLD.replace(block + "\n\n", "") + "\n" + block + "\n"
    placed = put(OLD, moved, 4)
    assert lines_of(moved)[(placed.line or 0) - 1] == "    with open(path) as file:"


def test_a_block_that_was_indented_is_found() -> None:
    indented = OLD.replace('    if mode == "r":\n', '        if mode == "r":\n')
    assert put(OLD, indented, 8).line == 8


def test_several_lines_stay_together_while_one_between_them_changes() -> None:
    edited = OLD.replace("        return first(path)\n", "        found = first(path)\n        return found\n")
    placed = put(OLD, edited, 7, 10)
    assert (placed.status, placed.line, placed.end_line) == ("moved", 7, 11)


def test_a_copy_of_the_block_leaves_it_where_it_was_or_says_so() -> None:
    block = OLD.split("\n\n")[1] + "\n\n"
    for copied in (OLD.replace(block, block + block), block + OLD, OLD + "\n" + block):
        placed = put(OLD, copied, 4)
        assert placed.line is None or lines_of(copied)[placed.line - 1] == "    with open(path) as file:"


def test_what_was_put_back_brings_the_remark_back() -> None:
    gone = OLD.replace('    if mode == "r":\n        return first(path)\n', "")
    anchor = take_anchor(OLD, "a.py", 8, 8)
    assert place_along(anchor, [OLD, gone]).status == "outdated"
    assert place_along(anchor, [OLD, gone, "# top\n" + OLD]) == Placement("exact", 9, 9, 1.0)


def test_many_small_steps_lead_where_one_leap_does_not() -> None:
    steps = [
        'if mode == "r":',
        'if mode == "rb":',
        'if mode in ("rb",):',
        'if mode in ("rb", "r"):',
        'if mode in ("rb", "r", "w"):',
    ]
    versions = [OLD.replace(steps[0], step) for step in steps]
    assert place_along(take_anchor(OLD, "a.py", 8, 8), versions).line == 8


def test_twenty_thousand_equal_lines_are_no_place() -> None:
    old, new = "x\n" * 20_000, "x\n" * 20_001
    assert put(old, new, 10_000).status == "outdated"


@pytest.mark.parametrize(("line", "end_line"), [(0, 1), (2, 1), (14, 14), (1, 14)])
def test_lines_that_are_not_there_cannot_be_remarked_on(line: int, end_line: int) -> None:
    with pytest.raises(ValueError):
        take_anchor(OLD, "a.py", line, end_line)


LINES = st.lists(
    st.sampled_from(["", "}", "    pass", "x = 1", "y = 2", "def f():", "return x"]), min_size=1, max_size=12
)


@given(LINES, LINES, st.data())
@settings(max_examples=400)
def test_whatever_becomes_of_a_file_the_place_is_in_it_and_fits(
    old: list[str], new: list[str], data: st.DataObject
) -> None:
    line = data.draw(st.integers(1, len(old)))
    end_line = data.draw(st.integers(line, len(old)))
    old_text, new_text = ("".join(f"{text}\n" for text in lines) for lines in (old, new))
    placed = put(old_text, new_text, line, end_line)
    if placed.line is None or placed.end_line is None:
        assert (placed.status, placed.confidence) == ("outdated", 0.0)
        return
    assert 1 <= placed.line <= placed.end_line <= len(new)
    assert placed.confidence >= 0.8
    if placed.status == "exact":
        assert new[placed.line - 1 : placed.end_line] == old[line - 1 : end_line]


# ── A corpus: the standard library, edited as agents edit ─────────────────────────────────────────────────────────────

Line = tuple[int, str]
FILES = ("textwrap.py", "shlex.py", "string.py", "heapq.py", "bisect.py", "queue.py", "sched.py", "calendar.py")


def edited(lines: list[Line], rng: random.Random) -> list[Line]:
    """One edit of the kinds that agents make. Lines carry the number that they were born with; new ones have none."""
    at = rng.randrange(2, len(lines) - 12)
    size = rng.randint(1, 8)
    block = lines[at : at + size]
    match rng.randrange(6):
        case 0:
            added = [(-1, f"    added_{rng.randrange(10**6)} = {n}") for n in range(size)]
            return lines[:at] + added + lines[at:]
        case 1:
            return lines[:at] + lines[at + size :]
        case 2:
            rest = lines[:at] + lines[at + size :]
            to = rng.randrange(len(rest))
            return rest[:to] + block + rest[to:]
        case 3:
            return [
                (n, "    " + text if at <= k < at + size and text.strip() else text)
                for k, (n, text) in enumerate(lines)
            ]
        case 4:
            words = Counter(word for _, text in lines for word in text.split() if word.isidentifier() and len(word) > 4)
            word = rng.choice([word for word, _ in words.most_common(20)])
            return [(n, text.replace(word, word + "_new")) for n, text in lines]
        case _:
            copy = [(-1, text) for _, text in block]
            return lines[: at + size] + copy + lines[at + size :]


def test_on_240_edits_of_real_sources_no_remark_is_on_a_wrong_line_and_nearly_all_are_on_the_right_one() -> None:
    rng = random.Random(20)
    library = Path(sysconfig.get_paths()["stdlib"])
    right = outdated = 0
    wrong: list[str] = []
    for number in range(240):
        name = FILES[number % len(FILES)]
        before = list(enumerate(lines_of((library / name).read_text(encoding="utf-8"))))
        after = edited(edited(before, rng), rng)
        old, new = ("\n".join(text for _, text in version) for version in (before, after))
        where = {n: k for k, (n, _) in enumerate(after) if n >= 0}
        told_apart = [n for n, text in before if len(text.strip()) > 8]
        for n in rng.sample(told_apart, 12):
            placed = place(take_anchor(old, name, n + 1, n + 1), old, new)
            expected = where.get(n)
            if placed.line is None:
                outdated += expected is not None
                right += expected is None
            elif placed.line - 1 == expected or after[placed.line - 1][1].split() == before[n][1].split():
                # A copy of the line in the same neighbourhood says the same.
                right += 1
            else:
                wrong.append(f"{name}:{n + 1} {before[n][1]!r} → {after[placed.line - 1][1]!r}")
    assert wrong == []
    assert right / (right + outdated) >= 0.95
