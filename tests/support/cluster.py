"""`make cluster` as its users start it, and the accounts that a test needs on it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from api.client import Access
from api.tokens import Tokens
from core.clock import system_clock
from tests.support.chromium import ROOT
from tests.support.ports import free_port
from tests.support.processes import start, stop, wait_until
from tests.support.server import OURS

_PROGRAM = re.compile(r"^  ([a-z]+(?: \d)?) +pid (\d+)", re.MULTILINE)
_AGAIN = re.compile(r"^  ([a-z]+(?: \d)?) runs again \(pid (\d+)\)", re.MULTILINE)


class Cluster:
    """A running cluster. `pids` are those of its programs now, by name: `door 1`, `work`, `nginx`."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log
        values = dict(line.split("=", 1) for line in self._environment().read_text().splitlines())
        self._tokens = Tokens(values["JWT_SECRET_KEY"], system_clock)

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def pids(self) -> dict[str, int]:
        first = {name: int(pid) for name, pid in _PROGRAM.findall(self.output)}
        return first | {name: int(pid) for name, pid in _AGAIN.findall(self.output)}

    def _environment(self) -> Path:
        found = re.search(r"set -a; \. (\S+);", self.output)
        assert found is not None
        return Path(found[1])

    def person(self, name: str) -> Access:
        """A new account; what it shows at the door."""
        operator = self._tokens.issue("operator", "operator", 0, timedelta(minutes=5))
        answer = httpx2.post(
            f"{self.url}/api/operator/users",
            json={"email": f"{name.lower()}@example.com", "name": name},
            headers={"Authorization": f"Bearer {operator}"},
            timeout=20.0,
        )
        answer.raise_for_status()
        return Access(self.url, self._tokens.issue("api", answer.json()["user_id"], 0, timedelta(hours=1)))

    def session_with(self, people: list[Access]) -> str:
        """A session that all of them are in, the first as host."""
        session_id = str(self._post(people[0], "/api/sessions", {"title": "Behind a proxy"})["id"])
        wish = {"role": "editor", "max_uses": len(people)}
        secret = str(self._post(people[0], f"/api/sessions/{session_id}/invites", wish)["url"]).split("#")[1]
        for person in people[1:]:
            self._post(person, f"/api/invites/{secret}/accept", {})
        return session_id

    def _post(self, person: Access, path: str, body: dict[str, object]) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {person.token}"}
        answer = httpx2.post(f"{self.url}{path}", json=body, headers=headers, timeout=20.0)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running_cluster(folder: Path, *, doors: int = 3) -> Generator[Cluster]:
    """For as long as the block lasts. Skips the test where nginx is missing."""
    if shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is None:
        pytest.skip("nginx is not installed: no proxy for several processes")
    port, log = free_port(), folder / "cluster.log"
    env = {name: value for name, value in os.environ.items() if not OURS.search(name)}
    command = [sys.executable, ROOT / "scripts" / "cluster.py", "--port", str(port), "--doors", str(doors)]
    process = start(command, log, env=env, cwd=folder)
    try:
        wait_until(lambda: "Stop with Ctrl-C" in log.read_text(errors="replace"), process, log, seconds=110)
        yield Cluster(f"http://localhost:{port}", log)
    finally:
        stop(process, seconds=60)
