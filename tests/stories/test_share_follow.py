"""An agent that is running now is shared: live, without a hole or a double, whatever breaks in between.

Real processes on both ends; the agent is a recorded transcript that is written again, cut anywhere.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cosession.share_display import Display
from tests.stories.shop import (
    CLAUDE,
    CODEX,
    EDITED,
    RECORDED,
    Agent,
    Shop,
    Wire,
    agents_part,
    check_dense,
    check_no_secret,
    guest,
    sharing,
)
from tests.support.server import ServerProcess, running_server

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded transcripts are not beside the checkout")


@pytest.fixture
def shop(tmp_path: Path, server_process: ServerProcess) -> Shop:
    return Shop(tmp_path / "home", server_process)


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
    agent = Agent(file, shop.recorded(CLAUDE), seed=3, seconds=8)
    sessions: set[str] = set()
    kills = 0
    while not agent.is_done or kills < 5:
        share = shop.share("--follow", str(file))
        try:
            if dice.random() < 0.7:
                sessions.add(share.session_id)
            with pytest.raises(subprocess.TimeoutExpired):
                share.process.wait(dice.uniform(0.01, 0.9))
            if kills in (1, 3):
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
