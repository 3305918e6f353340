"""The disk is full, and then it is not any more: said at once, read throughout, over without a restart."""

from __future__ import annotations

import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from tests.faults.machines import Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is Linux's")

MARKER = "z" * 4_000


def limit_files(pid: int, size: int) -> None:
    """No file of the process may grow beyond `size` bytes: writing fails, as it does on a full disk (setrlimit(2))."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


class Writer:
    """Somebody who speaks over HTTP. A context."""

    def __init__(self, machine: Machine) -> None:
        headers = {"Authorization": f"Bearer {machine.someone('Ann')}"}
        self.http = httpx2.Client(base_url=machine.any_server().url, headers=headers, timeout=20.0)
        self.session_id = self.http.post("/api/sessions", json={"title": "Full"}).json()["id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def say(self, key: str) -> dict[str, Any]:
        frame = {"type": "chat_message", "client_msg_id": key, "content": f"{key} {MARKER}"}
        answer = self.http.post(f"/api/sessions/{self.session_id}/commands", json={"frames": [frame]})
        return answer.json()["items"][0] if answer.is_success else answer.json()

    def entries(self) -> list[dict[str, Any]]:
        answer = self.http.get(f"/api/sessions/{self.session_id}/events", params={"limit": 1_000})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


def test_a_full_disk_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {})
    server = machine.servers[0]
    try:
        with Writer(machine) as writer:
            acknowledged = {key: writer.say(key)["seq"] for key in ("first", "second")}
            full = max(file.stat().st_size for file in machine.data_dir.glob("cosession.db*"))
            limit_files(server.pid, full)
            refused: list[str] = []
            for number in range(12):
                answer = writer.say(f"during-{number}")
                if answer["type"] == "ack":
                    acknowledged[f"during-{number}"] = answer["seq"]
                else:
                    assert answer["retryable"], answer
                    assert answer["error_code"] == "storage_unavailable"
                    refused.append(f"during-{number}")
            assert refused, "there was room for everything"
            assert [entry["seq"] for entry in writer.entries()] == list(range(1, len(writer.entries()) + 1))
            assert writer.http.get("/healthz").status_code == 200
            limit_files(server.pid, resource.RLIM_INFINITY)
            acknowledged |= {key: writer.say(key)["seq"] for key in [*refused, "after"]}
            entries = writer.entries()
    finally:
        limit_files(server.pid, resource.RLIM_INFINITY)
        code = server.terminate()
    assert code == 0
    messages = {e["message"]["content"].split()[0]: e["seq"] for e in entries if e["type"] == "chat_message"}
    assert messages == acknowledged, "each of them is there once, under its number"
    with closing(sqlite3.connect(machine.data_dir / "cosession.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_killed_on_a_full_disk_it_starts_again_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {})
    server = machine.servers[0]
    try:
        with Writer(machine) as writer:
            full = max(file.stat().st_size for file in machine.data_dir.glob("cosession.db*"))
            limit_files(server.pid, full + 100_000)
            answers = {f"m{number}": writer.say(f"m{number}") for number in range(40)}
            acknowledged = {key: answer["seq"] for key, answer in answers.items() if answer["type"] == "ack"}
            assert 0 < len(acknowledged) < len(answers), "it must run full in the middle"
            server.kill9()
            server.restart()
            entries = writer.entries()
            messages = {e["message"]["content"].split()[0]: e["seq"] for e in entries if e["type"] == "chat_message"}
            assert acknowledged.items() <= messages.items()
            assert writer.say("after")["type"] == "ack"
    finally:
        server.terminate()
