"""The web view is held to the same: its own tests run with ours, so one summary speaks for the whole product."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.architecture.test_floors import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "web" / "node_modules").exists(), reason="the packages of the web view are not installed: make setup"
)


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/node.py", "web", "run", "--silent", *arguments]
    env = {**os.environ, "COSESSION_PYTHON": sys.executable, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_the_types_of_the_web_view_are_those_of_the_wire() -> None:
    done = npm("types", "--", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_web_view_passes_its_own_tests() -> None:
    done = npm("test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tests +[1-9]\d* passed", done.stdout), done.stdout
