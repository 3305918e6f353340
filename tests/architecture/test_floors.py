"""The house stands on its floors: who may import whom, and that every name is ours."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("api", "bot", "core", "cosession", "integrations", "jobs")
MODULES = sorted(path for name in NAMES for path in (ROOT / name).rglob("*.py"))


def test_no_floor_imports_the_one_above_and_no_door_another() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_of_our_generic_names_is_this_checkout_s(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().parent == ROOT / name


def test_our_names_hold_in_a_folder_that_has_its_own_api(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "__init__.py").write_text("raise RuntimeError('the wrong api')")
    script = Path(sys.executable).with_name("cosession")
    command = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "cosession"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*command, "--help"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_package_of_ours_is_built_and_linted() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    packages = sorted(
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "bench")
    )
    assert packages == sorted(NAMES)
    assert sorted(project["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages
    assert sorted(project["importlinter"]["root_packages"]) == packages


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.name == "__init__.py" and not tree.body:
        return
    words = ast.get_docstring(tree) or ""
    assert words.split("\n")[0].rstrip(), f"{path.relative_to(ROOT)} has no docstring"


def test_every_folder_of_tests_is_a_package() -> None:
    """Otherwise pytest takes tests/api for the `api` that tests import."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    folders = {folder for path in files for folder in path.relative_to(ROOT).parents if folder.parts}
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []
