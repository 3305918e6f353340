"""What is committed can be cloned anywhere: no addresses of registries, no paths of one machine, nothing huge."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.architecture.test_floors import ROOT

LARGEST = 1024 * 1024
LOCKS = ("requirements.lock", "requirements-run.lock")
#: Of the peers that the bench measures: in an environment of their own.
BENCH_LOCK = "bench/requirements.lock"
NPM_LOCKS = ("web/package-lock.json", "tests/browser/package-lock.json", "bench/peers/node/package-lock.json")

#: Written so that this file does not match itself.
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|yarnpkg[.]com|artifact[o]ry|deb[.]debian"
    r"|find[-]links|(?<!emit-)index[-]url[= ]"
)
MACHINE_PATHS = re.compile(r"/(work/(main|brief|shared)|[r]oot/|Users/[a-z]+/|home/[a-z]+/)")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def lines_with(pattern: re.Pattern[str], *, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked()
        if not str(path.relative_to(ROOT)).startswith(but or ("\0",))
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_registry() -> None:
    assert lines_with(REGISTRIES, but=("scripts/lock.sh",)) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATHS, but=("tests/", "bench/")) == []


def test_no_file_is_larger_than_a_mebibyte() -> None:
    assert [str(path) for path in tracked() if path.stat().st_size > LARGEST] == []


@pytest.mark.parametrize("name", [*LOCKS, BENCH_LOCK])
def test_every_locked_python_package_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", "    "), re.MULTILINE)
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+.*\n(    --hash=sha256:[0-9a-f]{64})?", text, re.MULTILINE)
    assert len(pins) > 20
    assert all(pins)


def test_a_server_runs_on_the_versions_that_were_tested() -> None:
    everything, run = (set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS)
    assert run < everything


def test_every_requirement_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for_bench = extras.pop("bench")
    everything = project["dependencies"] + [line for group in extras.values() for line in group]
    for lines, lock in ((everything, "requirements.lock"), (for_bench, BENCH_LOCK)):
        wanted = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in lines}
        locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
        assert wanted - locked == set(), lock


@pytest.mark.parametrize("name", NPM_LOCKS)
def test_every_locked_web_package_has_a_hash_and_no_address(name: str) -> None:
    packages = json.loads((ROOT / name).read_text())["packages"]
    installed = {path: package for path, package in packages.items() if path}
    assert len(installed) > 5
    assert [path for path, package in installed.items() if "resolved" in package] == []
    assert [
        path for path, package in installed.items() if "integrity" not in package and not package.get("inBundle")
    ] == []
