"""What is generated and committed is what would be generated now."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.architecture.test_floors import ROOT


def test_the_types_of_the_web_view_are_those_of_the_wire() -> None:
    if not (ROOT / "web" / "node_modules").exists():
        pytest.skip("the packages of the web view are not installed: run `make setup`")
    command = [sys.executable, "scripts/node.py", "web", "run", "--silent", "types", "--", "--check"]
    env = {**os.environ, "COSESSION_PYTHON": sys.executable}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
