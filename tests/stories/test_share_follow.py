"""An agent that is running now is shared: live, without a hole or a double, whatever breaks in between.

Real processes on both ends; the agent is a recorded transcript that is written again, cut anywhere.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rich.console import Console
from websockets.sync.client import connect

from cosession.share_display import Display
from tests.support.chromium import ROOT
from tests.support.processes import start, stop, wait_until
from tests.support.server import ServerProcess, running_server

RECORDED = ROOT.parent / "shared" / "reference" / "transcripts"
CLAUDE, CODEX = RECORDED / "claude/cli/transcript.fix.jsonl", RECORDED / "codex/cli/rollout.fix.jsonl"
TOKEN = "ghp_" + "Z9y8X7w6V5u4" * 3
PASSWORD = "correct-horse-battery-7"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded transcripts are not beside the checkout")

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


@pytest.fixture
def shop(tmp_path: Path, server_process: ServerProcess) -> Shop:
    return Shop(tmp_path / "home", server_process)


@contextmanager
def sharing(shop: Shop, *words: str, **env: str) -> Iterator[Sharing]:
    one = shop.share(*words, **env)
    try:
        yield one
    finally:
        stop(one.process)


@pytest.mark.parametrize("transcript", [CLAUDE, CODEX], ids=["claude", "codex"])
def test_a_running_agent_is_followed_from_its_beginning_as_if_read_at_once(shop: Shop, transcript: Path) -> None:
    file = shop.home / "t.jsonl"
    file.touch()
    shop.edit()
    agent = Agent(file, shop.recorded(transcript), seed=1, seconds=3)
    with sharing(shop, "--follow", str(file)) as share:
        session_id = share.session_id
        agent.done()
        share.until_says("Everything so far is shared.")
        assert share.interrupt() == 0, share.output
    entries = shop.log_of(session_id)
    check_dense(entries)
    assert agents_part(entries) == shop.imported(file)
    assert shop.files_of(session_id) == EDITED
    assert "[REDACTED:github]" in json.dumps(entries)
    assert "[REDACTED:known-value]" in json.dumps(entries)
    check_no_secret(shop.server, share.output)


@pytest.mark.timeout(300)
def test_killed_at_any_point_sharing_goes_on_where_it_was(shop: Shop) -> None:
    dice = random.Random(2)
    file = shop.home / "t.jsonl"
    file.touch()
    shop.edit()
    agent = Agent(file, shop.recorded(CLAUDE), seed=3, seconds=14)
    sessions: set[str] = set()
    kills = 0
    while not agent.is_done or kills < 8:
        share = shop.share("--follow", str(file))
        try:
            if dice.random() < 0.7:
                sessions.add(share.session_id)
            with pytest.raises(subprocess.TimeoutExpired):
                share.process.wait(dice.uniform(0.01, 0.9))
            if kills in (2, 5):
                shop.server.kill9()
                shop.server.restart()
        finally:
            share.process.kill()
            share.process.wait(10)
        kills += 1
    agent.done()
    with sharing(shop, "--follow", str(file)) as share:
        sessions.add(share.session_id)
        share.until_says("Everything so far is shared.")
        assert share.interrupt() == 0, share.output
    assert len(sessions) == 1
    session_id = sessions.pop()
    entries = shop.log_of(session_id)
    check_dense(entries)
    assert agents_part(entries) == shop.imported(file)
    assert shop.files_of(session_id) == EDITED
    assert [entry["path"] for entry in entries if entry["type"] == "file_shared"] == ["calc.py", "calc.py", "NOTES.md"]
    check_no_secret(shop.server, share.output)


def test_while_the_network_is_away_everything_waits_and_then_arrives_in_order(tmp_path: Path) -> None:
    wire = Wire()
    with running_server(tmp_path / "data", {"COSESSION_ALLOWED_HOSTS": f"127.0.0.1:{wire.port}"}) as server:
        wire.lead_to(server.port)
        shop = Shop(tmp_path / "home", server)
        far = {
            "COSESSION_DATA_DIR": str(tmp_path / "mine"),
            "COSESSION_TOKEN": shop.token,
            "COSESSION_BASE_URL": f"http://127.0.0.1:{wire.port}",
        }
        file = shop.home / "t.jsonl"
        content = shop.recorded(CLAUDE)
        shop.edit()
        first, second = content.index(b"toolu_msg_fake_7_0"), content.index(b"toolu_msg_fake_11_0")
        file.write_bytes(content[:first])
        try:
            with sharing(shop, "--follow", str(file), **far) as share:
                share.until_says("Everything so far is shared.")
                wire.cut()
                with file.open("ab") as more:
                    more.write(content[first:second])
                share.until_says("Offline, ")
                assert wire.refused.wait(30)
                server.kill9()
                assert share.interrupt() == 3
                assert "wait on this machine: run the same command again" in share.output
                session_id = share.session_id
            with sharing(shop, "--follow", str(file), **far) as share:
                share.until_says("Offline, ")
                with file.open("ab") as more:
                    more.write(content[second:])
                server.restart()
                wire.mend()
                share.until_says("Online.")
                share.until_says("Everything so far is shared.")
                assert share.interrupt() == 0, share.output
                assert share.session_id == session_id
        finally:
            wire.close()
        entries = shop.log_of(session_id)
        check_dense(entries)
        assert agents_part(entries) == shop.imported(file)
        assert shop.files_of(session_id) == EDITED
        check_no_secret(server, share.output)


def test_the_terminal_says_who_is_watching_and_when_the_session_has_ended(shop: Shop) -> None:
    file = shop.home / "t.jsonl"
    file.write_bytes(shop.recorded(CODEX))
    with sharing(shop, "--follow", str(file)) as share:
        session_id = share.session_id
        share.until_says("Everything so far is shared.")
        url = f"ws://localhost:{shop.server.port}/ws/session/{session_id}"
        with guest(shop, session_id, "Ben", url), guest(shop, session_id, "Cas", url):
            share.until_says("Ben and Cas are watching")
        share.until_says("Nobody is watching")
        shop.call("POST", f"/api/sessions/{session_id}/end")
        assert share.process.wait(30) == 0
    assert "The session has ended. Sharing has stopped. With --new it goes on in another session." in share.output
    with sharing(shop, "--follow", str(file)) as again:
        assert again.process.wait(30) == 0
    assert "The session has ended." in again.output
    with sharing(shop, "--follow", str(file), "--new") as another:
        assert another.session_id != session_id
        another.until_says("Everything so far is shared.")
        assert another.interrupt() == 0


def test_who_is_no_host_any_more_stops_sharing_and_is_told(shop: Shop) -> None:
    file = shop.home / "t.jsonl"
    file.write_bytes(shop.recorded(CODEX))
    with sharing(shop, "--follow", str(file)) as share:
        session_id = share.session_id
        url = f"ws://localhost:{shop.server.port}/ws/session/{session_id}"
        with guest(shop, session_id, "Ben", url) as (ben, token):
            ann = shop.call("GET", "/api/me")["user_id"]
            participants = f"/api/sessions/{session_id}/participants"
            shop.call("PATCH", f"{participants}/{ben}", json={"role": "host"})
            shop.call("PATCH", f"{participants}/{ann}", token, json={"role": "viewer"})
        assert share.process.wait(30) == 2
    assert "only a host shares an agent. Sharing has stopped." in share.output


def test_who_is_signed_out_stops_sharing_and_goes_on_with_another_token(shop: Shop) -> None:
    file = shop.home / "t.jsonl"
    content = shop.recorded(CODEX)
    file.write_bytes(content[: len(content) // 2])
    far = {"COSESSION_BASE_URL": shop.server.url, "COSESSION_DATA_DIR": str(shop.home / "mine")}
    with sharing(shop, "--follow", str(file), COSESSION_TOKEN=shop.token, **far) as share:
        session_id = share.session_id
        share.until_says("Everything so far is shared.")
        shop.run("user", "sign-out", "ann@example.com")
        assert share.process.wait(60) == 2
    assert "your token has expired, or you were signed out. Sharing has stopped." in share.output
    file.write_bytes(content)
    shop.token = shop.run("token", "ann@example.com").strip()
    with sharing(shop, "--follow", str(file), COSESSION_TOKEN=shop.token, **far) as share:
        assert share.session_id == session_id
        share.until_says("Everything so far is shared.")
        assert share.interrupt() == 0
    assert agents_part(shop.log_of(session_id)) == shop.imported(file)


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


def test_the_latest_transcript_of_the_folder_is_found_and_shared_once_at_a_time(shop: Shop) -> None:
    with sharing(shop, "--latest") as nothing:
        assert nothing.process.wait(30) == 2
    assert "Neither Claude Code nor Codex was started in" in nothing.output
    folder = "".join(sign if sign.isalnum() else "-" for sign in str(shop.folder))
    file = shop.home / ".claude" / "projects" / folder / "0f1e2d.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(shop.recorded(CLAUDE))
    with sharing(shop, "--follow", "--latest", "--quiet") as share:
        session_id = share.session_id
        with sharing(shop, "--latest") as second:
            assert second.process.wait(30) == 2
        assert f"Claude Code, as it was started here: {file}" in second.output
        assert "is being shared already" in second.output
        assert session_id in second.output
        wait_for(lambda: len(agents_part(shop.log_of(session_id))) == 35)
        assert share.interrupt() == 0
    assert share.output.splitlines() == [f"Session: {shop.server.url}/s/{session_id}"]


def wait_for(holds: Callable[[], bool], tries: int = 50) -> None:
    assert any(holds() for _ in range(tries))


def test_the_terminal_shows_what_comes_from_outside_as_text() -> None:
    written = io.StringIO()
    with Display(Console(file=written, soft_wrap=True, highlight=False)) as display:
        names = ["[red]Ben[/red]", "C\x1b[2Jas\u202e"]
        for problem, waiting, watching in ((None, 0, names), ("a\x07b", 1, None), ("a\x07b", 2, None), (None, 0, [])):
            display.show(
                waiting=waiting,
                shared=7,
                refused="",
                problem=problem,
                is_idle=problem is None,
                watching=watching,
                restarts=0,
                folder=None,
            )
    assert written.getvalue().splitlines() == [
        "[red]Ben[/red] and C [2Jas  are watching",
        "Everything so far is shared.",
        "Offline, 1 record waits: a b.",
        "Online.",
        "Nobody is watching",
        "Everything so far is shared.",
    ]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((), "Say what to share: --latest, --follow FILE or --from FILE."),
        (("--latest", "--from", "x"), "Say what to share"),
        (("--follow", "none.jsonl"), "There is no file none.jsonl."),
        (("--follow", ".gitignore"), "not a transcript"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_words(shop: Shop, words: tuple[str, ...], answer: str) -> None:
    (shop.folder / ".gitignore").write_text("{}\n" * 60)
    with sharing(shop, *words) as share:
        assert share.process.wait(30) == 2
    assert answer in share.output


def test_without_a_server_nothing_begins(tmp_path: Path, shop: Shop) -> None:
    file = shop.home / "t.jsonl"
    file.write_bytes(shop.recorded(CODEX))
    with sharing(shop, "--follow", str(file), COSESSION_DATA_DIR=str(tmp_path / "other")) as share:
        assert share.process.wait(30) == 2
    assert "No server runs here. Start one with `cosession serve`" in share.output
