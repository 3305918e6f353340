"""A developer's machine, for stories of sharing: a project with secrets in it, an agent that writes a recorded
transcript again, the command line, and a wire to the server that can be cut."""

from __future__ import annotations

import itertools
import json
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from websockets.sync.client import connect

from tests.support.chromium import ROOT
from tests.support.processes import start, stop, wait_until
from tests.support.server import ServerProcess

RECORDED = ROOT.parent / "shared" / "reference" / "transcripts"
CLAUDE, CODEX = RECORDED / "claude/cli/transcript.fix.jsonl", RECORDED / "codex/cli/rollout.fix.jsonl"
TOKEN = "ghp_" + "Z9y8X7w6V5u4" * 3
PASSWORD = "correct-horse-battery-7"

BEFORE = "def add(a, b):\n    return a - b\n"
#: What the recorded agent's edits are to those who look on.
EDITED = {
    "calc.py": ("modified", BEFORE, "def add(a, b):\n    return a + b  # [REDACTED:github]\n"),
    "NOTES.md": ("added", None, "It was the sign. The password is [REDACTED:known-value].\n"),
}


class Shop:
    """A project on the developer's machine, and the command line there. Ann shares."""

    def __init__(self, home: Path, server: ServerProcess) -> None:
        self.home = home
        self.server = server
        self.folder = home / "shop"
        self.folder.mkdir(parents=True)
        (self.folder / "calc.py").write_text(BEFORE)
        # Of the project itself: none of it is meant for us.
        theirs = "PORT=3000\nHOST=shop\nDATABASE_URL=mysql://shop\nJWT_SECRET_KEY=short\n"
        (self.folder / ".env").write_text(f"{theirs}SHOP_PASSWORD={PASSWORD}\n")
        (self.folder / ".gitignore").write_text(".env\n")
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
            person = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
            subprocess.run(["git", "-C", str(self.folder), *person, *words], check=True, timeout=10)
        self.run("user", "add", "ann@example.com", "--name", "Ann")
        self.token = self.run("token", "ann@example.com").strip()
        self.runs = 0

    def environment(self, **more: str) -> dict[str, str]:
        base = {"COSESSION_DATA_DIR": str(self.server.data_dir)}
        return {**base, "PATH": "/usr/bin:/bin", "HOME": str(self.home), **more}

    def run(self, *words: str) -> str:
        program = str(Path(sys.executable).with_name("cosession"))
        folder = self.folder if words[0] == "import" else self.home
        done = subprocess.run(
            [program, *words], env=self.environment(), cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def recorded(self, transcript: Path) -> bytes:
        """A recorded transcript as if its agent had been started here, and had said two secrets."""
        content = transcript.read_text()
        for line in content.splitlines():
            record = json.loads(line)
            folder = record.get("cwd") or (record.get("payload") or {}).get("cwd")
            if folder:
                content = content.replace(folder, str(self.folder))
                break
        assert "missing.txt" in content
        return content.replace("missing.txt", f"missing.txt {TOKEN} {PASSWORD}").encode()

    def share(self, *words: str, **env: str) -> Sharing:
        self.runs += 1
        return Sharing(self, self.home / f"share-{self.runs}.log", words or (), env)

    def call(self, method: str, path: str, token: str = "", **fields: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        answer = httpx2.request(method, self.server.url + path, headers=headers, timeout=10.0, **fields)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def log_of(self, session_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("export", session_id, "--as", "ann@example.com").splitlines()]

    def files_of(self, session_id: str) -> dict[str, tuple[str, str | None, str | None]]:
        """Path → how it differs from what it was, what it was, and what it is."""
        views = self.call("GET", f"/api/sessions/{session_id}/files")["items"]
        return {
            view["path"]: (
                view["change"],
                self.content(session_id, view["base_version"]),
                self.content(session_id, view["version"]),
            )
            for view in views
        }

    def content(self, session_id: str, version: str | None) -> str | None:
        if version is None:
            return None
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"{self.server.url}/api/sessions/{session_id}/blobs/{version}"
        return httpx2.get(address, headers=headers, timeout=10.0).raise_for_status().text

    def edit(self) -> None:
        """What the recorded agent did to the files; with secrets in them."""
        (self.folder / "calc.py").write_text(f"def add(a, b):\n    return a + b  # {TOKEN}\n")
        (self.folder / "NOTES.md").write_text(f"It was the sign. The password is {PASSWORD}.\n")

    def imported(self, transcript: Path) -> list[dict[str, Any]]:
        """The agent's entries that reading the finished transcript at once gives."""
        first = self.run("import", str(transcript), "--title", "At once", "--as", "ann@example.com").splitlines()[0]
        return agents_part(self.log_of(first.rsplit("/", 1)[-1]))


class Sharing:
    """One `cosession share`."""

    def __init__(self, shop: Shop, log: Path, words: tuple[str, ...], env: dict[str, str]) -> None:
        self.log = log
        program = Path(sys.executable).with_name("cosession")
        person = () if "COSESSION_TOKEN" in env else ("--as", "ann@example.com")
        environment = shop.environment(**env)
        self.process = start([program, "share", *words, *person], log, env=environment, cwd=shop.folder)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def until_says(self, words: str, seconds: float = 60.0) -> None:
        wait_until(lambda: words in self.output, self.process, self.log, seconds=seconds)

    @property
    def session_id(self) -> str:
        self.until_says("Session: ")
        return self.output.split("Session: ")[1].split()[0].rsplit("/", 1)[-1]

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


class Agent:
    """Writes a transcript as an agent does, a little at a time, cut anywhere; in the end all of it is there."""

    def __init__(self, file: Path, content: bytes, seed: int, *, seconds: float) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._content, self._pause = file, content, threading.Event()
        dice = random.Random(seed)
        cuts = sorted({0, len(content), *(dice.randrange(len(content)) for _ in range(60))})
        self._pieces = [content[a:b] for a, b in itertools.pairwise(cuts)]
        self._wait = seconds / len(self._pieces)
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        for piece in self._pieces:
            with self._file.open("ab") as file:
                file.write(piece)
            self._pause.wait(self._wait)

    def done(self) -> None:
        self._pause.set()
        self._thread.join()
        assert self._file.read_bytes() == self._content

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()


class Wire:
    """A way to a server that can be cut, and comes back."""

    def __init__(self) -> None:
        self._leads_to = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._is_cut = False
        self._open: list[socket.socket] = []
        self.refused = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                here.close()
                self.refused.set()
                continue
            try:
                there = socket.create_connection(("127.0.0.1", self._leads_to))
            except OSError:
                here.close()
                continue
            self._open += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()

    def lead_to(self, port: int) -> None:
        self._leads_to = port

    def cut(self) -> None:
        self.refused.clear()
        self._is_cut = True
        for one in self._open:
            _shut(one)
        self._open.clear()

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self._listening.close()
        self.cut()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65_536):
            other.sendall(data)
    except OSError:
        pass  # It was cut.
    finally:
        _shut(other)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):  # It was shut before.
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def agents_part(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the agent did, without numbers and times of the log, and without the account of a finished transcript."""
    kinds = ("prompt_", "turn_", "agent_", "tool_", "file_changed", "usage_")
    return [
        {name: value for name, value in entry.items() if name not in ("seq", "at")}
        for entry in entries
        if entry["type"].startswith(kinds)
    ]


def check_dense(entries: list[dict[str, Any]]) -> None:
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))


def check_no_secret(server: ServerProcess, log: str) -> None:
    """Neither on the server's disk, the spool's included, nor in what was printed."""
    everything = b"".join(file.read_bytes() for file in server.data_dir.rglob("*") if file.is_file())
    for secret in (TOKEN, PASSWORD):
        assert secret.encode() not in everything
        assert secret not in log


@contextmanager
def sharing(shop: Shop, *words: str, **env: str) -> Iterator[Sharing]:
    one = shop.share(*words, **env)
    try:
        yield one
    finally:
        stop(one.process)


@contextmanager
def guest(shop: Shop, session_id: str, name: str, url: str) -> Iterator[tuple[str, str]]:
    """Somebody who looks at the session; their id and token."""
    email = f"{name.lower()}@example.com"
    shop.run("user", "add", email, "--name", name)
    token = shop.run("token", email).strip()
    invite = shop.call("POST", f"/api/sessions/{session_id}/invites", json={"role": "editor"})["url"].split("#")[1]
    shop.call("POST", f"/api/invites/{invite}/accept", token, json={})
    with connect(url) as socket:
        socket.send(json.dumps({"type": "join_session", "auth_token": token}))
        yield json.loads(socket.recv(10))["you"]["user_id"], token
