"""Child processes of tests: none outlives the test that started it, and what they print is kept for the report."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class DiedEarly(AssertionError):
    """A server ended before it was ready; the message holds what it printed."""


def start(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    uid: int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a child in a group of its own that writes to `log`, as another user where `uid` names one.

    It starts in `cwd`; a `.env` there would be read, so servers under test get a folder of their own.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            start_new_session=True,
        )


def wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, seconds: float = 30.0
) -> None:
    """Asks `is_ready` again and again. Raises DiedEarly when the process ends, TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            raise DiedEarly(f"{process.args!r} left with code {process.returncode}:\n{log.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds} s:\n{log.read_text(errors='replace')}")
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue


def stop(process: subprocess.Popen[bytes], *, seconds: float = 10.0) -> int:
    """Asks the process to end, then insists. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait(seconds)
