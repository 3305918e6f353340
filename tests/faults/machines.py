"""What people talk to: one process on SQLite or Postgres, or two on one Postgres and one Valkey."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx2

from api.tokens import Tokens
from core.clock import system_clock
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

    def someone(self, name: str) -> str:
        """An API token of a new account."""
        tokens = Tokens(KEY, system_clock)
        operator = tokens.issue("operator", "operator", 0, timedelta(minutes=5))
        answer = httpx2.post(
            f"{self.any_server().url}/api/operator/users",
            json={"email": f"{name.lower()}@example.com", "name": name},
            headers={"Authorization": f"Bearer {operator}"},
        )
        answer.raise_for_status()
        return tokens.issue("api", answer.json()["user_id"], 0, timedelta(hours=1))

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
