"""Do remarks stay on their lines? Successive releases of real packages, and lines whose fate is known otherwise.

    .venv/bin/python -m bench.anchors OLD NEW [OLD NEW …] [--per-file 20] [--seed 1]

OLD and NEW are folders, wheels or .tar.gz archives of two releases, say from `pip download PACKAGE==VERSION --no-deps`.
Every file that both hold and that differs is one edit. The truth comes from a plainer rule than the one under test, so
it knows fewer lines: a line that stands once in both files is the same line; one between two such neighbours is that
between their partners; one without anything like it in the new file is gone. Lines near a change are taken first.
"""

from __future__ import annotations

import argparse
import difflib
import random
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.anchors import lines_of, place, take_anchor

SUFFIXES = (".py", ".pyi", ".js", ".ts", ".go", ".rs", ".c", ".h", ".toml", ".md", ".rst")
MAX_LINES = 8_000
GONE_PER_FILE = 5


@dataclass
class Tally:
    placed: int = 0
    right: int = 0
    outdated: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list[str])


def files_of(source: Path) -> dict[str, str]:
    """Path without the release's own folder → text."""
    found: dict[str, bytes] = {}
    if source.is_dir():
        found = {str(p.relative_to(source)): p.read_bytes() for p in source.rglob("*") if p.suffix in SUFFIXES}
    elif source.suffix == ".whl":
        with zipfile.ZipFile(source) as archive:
            found = {name: archive.read(name) for name in archive.namelist() if name.endswith(SUFFIXES)}
    else:
        with tarfile.open(source) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.name.endswith(SUFFIXES) else None
                if content is not None:
                    found[member.name.split("/", 1)[-1]] = content.read()
    return {name: content.decode(errors="replace") for name, content in found.items() if ".dist-info/" not in name}


def edits(sources: list[Path]) -> Iterator[tuple[str, str, str]]:
    for old_source, new_source in zip(sources[::2], sources[1::2], strict=True):
        old_files, new_files = files_of(old_source), files_of(new_source)
        for name in sorted(old_files.keys() & new_files.keys()):
            old, new = old_files[name], new_files[name]
            if old != new and max(old.count("\n"), new.count("\n")) <= MAX_LINES:
                yield name, old, new


def truth_of(old: list[str], new: list[str], rng: random.Random) -> dict[int, tuple[str, int | None]]:
    """Line of the old file, from 0 → (kind, line of the new one or None for a line that is gone)."""
    in_old, in_new = Counter(old), Counter(new)
    once = {line: j for j, line in enumerate(new) if in_new[line] == 1 and line.strip()}
    truth: dict[int, tuple[str, int | None]] = {
        i: ("unique", once[line]) for i, line in enumerate(old) if in_old[line] == 1 and line in once
    }
    for i in range(1, len(old) - 1):
        above, below = truth.get(i - 1), truth.get(i + 1)
        if i in truth or above is None or below is None or above[0] != "unique" or below[0] != "unique":
            continue
        if above[1] is not None and below[1] == above[1] + 2:
            same = old[i] == new[above[1] + 1]
            if same or difflib.SequenceMatcher(None, old[i], new[above[1] + 1]).ratio() > 0.6:
                truth[i] = ("repeated" if same else "edited", above[1] + 1)
    # Comparing a line with every other is slow: a few for each file are enough.
    absent = [i for i, line in enumerate(old) if i not in truth and line not in in_new and len(line.strip()) > 12]
    for i in rng.sample(absent, min(GONE_PER_FILE, len(absent))):
        if not difflib.get_close_matches(old[i], new, 1, 0.5):
            truth[i] = ("gone", None)
    return truth


def chosen(old: list[str], new: list[str], how_many: int, rng: random.Random) -> dict[int, tuple[str, int | None]]:
    truth = truth_of(old, new, rng)
    in_new = set(new)
    changed = {i for i, line in enumerate(old) if line not in in_new or truth.get(i, ("", None))[1] != i}
    near = [i for i in truth if any(k in changed for k in range(i - 3, i + 4))] or list(truth)
    return {i: truth[i] for i in rng.sample(near, min(how_many, len(near)))}


def measure(sources: list[Path], per_file: int, seed: int) -> tuple[int, dict[str, Tally], list[float]]:
    rng, tallies, times, count = random.Random(seed), dict[str, Tally](), list[float](), 0
    for name, old_text, new_text in edits(sources):
        count += 1
        old, new = lines_of(old_text), lines_of(new_text)
        for i, (kind, expected) in chosen(old, new, per_file, rng).items():
            anchor = take_anchor(old_text, name, i + 1, i + 1)
            started = time.perf_counter()
            placed = place(anchor, old_text, new_text)
            times.append((time.perf_counter() - started) * 1_000)
            got = None if placed.line is None else placed.line - 1
            tally = tallies.setdefault(kind, Tally())
            tally.placed += 1
            if got == expected:
                tally.right += 1
            elif got is None:
                tally.outdated += 1
            else:
                tally.wrong += 1
                tally.examples.append(f"{name}:{i + 1} → {got + 1}, expected {expected and expected + 1}: {old[i]!r}")
    return count, tallies, sorted(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--per-file", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    count, tallies, times = measure(asked.sources, asked.per_file, asked.seed)
    print(
        f"{count} edits, {len(times)} remarks, {times[len(times) // 2]:.1f} ms p50, {times[-len(times) // 100]:.1f} p99"
    )
    print(f"{'line':10} {'remarks':>8} {'right':>8} {'outdated':>9} {'wrong':>6}")
    for kind, tally in sorted(tallies.items()):
        share = tally.right / tally.placed
        print(f"{kind:10} {tally.placed:8} {share:8.2%} {tally.outdated:9} {tally.wrong:6}")
    for example in [example for tally in tallies.values() for example in tally.examples]:
        print("  wrong?", example)


if __name__ == "__main__":
    main()
