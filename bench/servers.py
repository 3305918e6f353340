"""Starts the servers to be measured, each in a process of its own, and stops them by their pid."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import httpx2

from api.tokens import Tokens
from core.clock import system_clock
from cosession import settings as configuration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(arguments: list[str], environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    child = subprocess.Popen(
        arguments,
        env={**configuration.environment(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)


def wait_for(url: str, seconds: float = 20.0) -> None:
    """Returns when `url` answers. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(url, timeout=1.0).status_code < 500:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer")


@contextlib.contextmanager
def cosession(data_dir: Path, *, is_unlimited: bool = False) -> Generator[Cosession]:
    """Our own server on a fresh SQLite file: `synchronous=FULL`, every message on disk before it is shown.

    `is_unlimited` raises the limits per person, see `bench.unlimited`.
    """
    port = free_port()
    environment = {"COSESSION_DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
    command = ["-m", "bench.unlimited"] if is_unlimited else ["-P", "-m", "cosession", "serve"]
    with process([sys.executable, *command], environment) as child:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        key = configuration.load(_env_file=None, COSESSION_DATA_DIR=data_dir).jwt_key()
        yield Cosession(port, Tokens(key, system_clock), child.pid)


@contextlib.contextmanager
def fastapi_loop() -> Generator[int]:
    """The peer; its port."""
    port = free_port()
    with process([sys.executable, "-m", "bench.peers.fastapi_loop", str(port)], {}):
        wait_for(f"http://127.0.0.1:{port}/docs")
        yield port


class Cosession:
    """A running server, and accounts on it."""

    def __init__(self, port: int, tokens: Tokens, pid: int) -> None:
        self.port = port
        self.pid = pid
        self._tokens = tokens
        self._http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20.0)

    def add_user(self, number: int) -> dict[str, str]:
        """A new account; the headers that act as it."""
        operator = self._tokens.issue("operator", "operator", 0, timedelta(minutes=5))
        answer = self._http.post(
            "/api/operator/users",
            json={"email": f"user{number}@example.com", "name": f"User {number}"},
            headers={"Authorization": f"Bearer {operator}"},
        )
        answer.raise_for_status()
        token = self._tokens.issue("api", answer.json()["user_id"], 0, timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    def session_with(self, people: list[dict[str, str]]) -> str:
        """A session that all of them are in, the first as host."""
        session_id = str(self.post("/api/sessions", people[0], {"title": "Bench"})["id"])
        body = {"role": "editor", "max_uses": len(people)}
        url = str(self.post(f"/api/sessions/{session_id}/invites", people[0], body)["url"])
        for person in people[1:]:
            self.post(f"/api/invites/{url.split('#')[1]}/accept", person, {})
        return session_id

    def ticket(self, session_id: str, person: dict[str, str]) -> str:
        return str(self.post(f"/api/sessions/{session_id}/tickets", person, {})["ticket"])

    def post(self, path: str, person: dict[str, str], body: dict[str, object]) -> dict[str, object]:
        answer = self._http.post(path, json=body, headers=person)
        answer.raise_for_status()
        return answer.json()
