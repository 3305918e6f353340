"""The product as its users start it: `cosession serve` in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.processes import start, stop, wait_until

#: Settings of the person who runs the tests must not reach the server under test.
OURS = re.compile(r"^(COSESSION_|SLACK_|SMTP_|MAIL_|JWT_)|^(HOST|PORT|DATABASE_URL|REDIS_URL)$")


class ServerProcess:
    """One server on one port; `restart` keeps port, data folder and settings."""

    def __init__(self, data_dir: Path, env: Mapping[str, str] | None = None, *, port: int | None = None) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self._env = dict(env or {})
        self._log = data_dir.parent / f"{data_dir.name}-server-{self.port}.log"
        self._read_from = 0
        self.process = self._started()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        """Everything that the server printed since it was last started."""
        return self._log.read_bytes()[self._read_from :].decode(errors="replace")

    def sign_in_url(self) -> str:
        """The printed one-time link. Waits for it; raises TimeoutError when it is not printed within 30 s."""
        wait_until(lambda: self._printed_link() is not None, self.process, self._log)
        link = self._printed_link()
        assert link is not None
        return link

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def kill9(self) -> None:
        """The machine loses power, as far as this process can tell."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self) -> int:
        """Asks it to stop, as Ctrl-C does. Returns the exit code."""
        return stop(self.process, seconds=30)

    def restart(self) -> None:
        """Starts it again on the same port and data, after ending it where it still runs."""
        if self.process.poll() is None:
            self.terminate()
        self.process = self._started()

    def run(self, *words: str) -> str:
        """`cosession …` beside the server; what it prints."""
        env = {"COSESSION_DATA_DIR": str(self.data_dir), "PORT": str(self.port), "PATH": "/usr/bin:/bin"}
        command = [str(Path(sys.executable).with_name("cosession")), *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def _started(self) -> subprocess.Popen[bytes]:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        self._read_from = self._log.stat().st_size
        env = {name: value for name, value in os.environ.items() if not OURS.search(name)}
        env |= {"COSESSION_DATA_DIR": str(self.data_dir), "PORT": str(self.port), "HOST": "127.0.0.1"} | self._env
        script = Path(sys.executable).with_name("cosession")
        command = [script] if script.exists() else [sys.executable, "-P", "-m", "cosession"]
        process = start([*command, "serve"], self._log, env=env, cwd=self.data_dir.parent)
        try:
            wait_until(self.is_ready, process, self._log)
        except BaseException:
            stop(process)
            raise
        return process

    def _printed_link(self) -> str | None:
        match = re.search(r"https?://\S+/sign-in#\S+", self.output)
        return match[0] if match else None


@contextmanager
def running_server(data_dir: Path, env: Mapping[str, str] | None = None) -> Generator[ServerProcess]:
    """A server that answers, for as long as the block lasts."""
    server = ServerProcess(data_dir, env)
    try:
        yield server
    finally:
        stop(server.process)
