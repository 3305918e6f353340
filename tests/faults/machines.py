"""What people talk to: one process on SQLite or Postgres, or two on one Postgres and one Valkey."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.server import ServerProcess

#: Several processes have to agree on one.
KEY = "0123456789abcdef" * 4


class Machine:
    """The processes of one deployment. `env` is common to all."""

    def __init__(self, folder: Path, env: Mapping[str, str], processes: int = 1) -> None:
        self.env = {"JWT_SECRET_KEY": KEY, **env}
        self.data_dir = folder / "data"
        self.servers = [ServerProcess(self._folder(number), self.env) for number in range(processes)]
        self._down: set[int] = set()

    def _folder(self, number: int) -> Path:
        return self.data_dir if number == 0 else self.data_dir.with_name(f"data-{number}")

    def any_server(self) -> ServerProcess:
        """One of those that run, as a balancer would choose."""
        running = [server for server in self.servers if server.process.poll() is None]
        return random.choice(running or self.servers)

    async def kill_one(self, chance: random.Random) -> None:
        """Kills one of them and starts it again; the others go on."""
        server = chance.choice(self.servers)
        server.kill9()
        await asyncio.to_thread(server.restart)

    async def stop(self) -> None:
        for server in self.servers:
            await asyncio.to_thread(server.terminate)

    def command(self, *words: str) -> str:
        """Runs `cosession …` on the machine."""
        program = str(Path(sys.executable).with_name("cosession"))
        server = self.servers[0]
        environment = {
            **self.env,
            "COSESSION_DATA_DIR": str(server.data_dir),
            "PORT": str(server.port),
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
