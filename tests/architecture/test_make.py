"""The chores: their names are relied upon, each has a sentence, and a machine that lacks something is told what."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from scripts import locks, node
from tests.architecture.test_floors import ROOT

PROMISED = {"setup", "run", "test", "check", "bench", "screenshots", "help"}

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60
    )


@needs_make
def test_help_gives_every_promised_chore_a_sentence() -> None:
    lines = [line.split(maxsplit=2) for line in run("make", "-s", "help", MAKEFLAGS="").stdout.splitlines()]
    assert {name for _, name, _ in lines} >= PROMISED
    assert all(sentence.endswith(".") for _, _, sentence in lines)


def test_a_machine_without_python_is_told_what_is_needed(tmp_path: Path) -> None:
    shutil.copy(shutil.which("dirname") or "", tmp_path / "dirname")
    done = run("/bin/sh", "scripts/setup.sh", PATH=str(tmp_path), PYTHON="")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def test_a_python_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    done = run("/bin/sh", "scripts/setup.sh", PYTHON=str(old))
    assert done.returncode == 1
    assert str(old) in done.stderr


def fake_node(folder: Path, version: str) -> str:
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("?", False),
    ],
)
def test_only_a_node_that_the_web_build_runs_on_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_taken: bool
) -> None:
    monkeypatch.setenv("PATH", fake_node(tmp_path, version))
    found = node.find(tmp_path / "no-environment")
    assert (found is not None) == is_taken


def test_one_package_of_the_lock_comes_with_its_hashes_alone(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    ours = "uv==2 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n"
    lock.write_text(f"a==1 \\\n    --hash=sha256:1\n{ours}    # via x\nuvloop==3\n")
    assert locks.block(lock, "uv") == ours
    assert locks.without(lock, "uv") == lock.read_text().replace(ours, "")
    with pytest.raises(ValueError, match="absent"):
        locks.block(lock, "absent")
