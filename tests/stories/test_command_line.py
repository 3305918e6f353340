"""The command line, as its users type it: with and without a server beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.chromium import ROOT
from tests.support.server import ServerProcess

SAMPLE = ROOT / "docs" / "samples" / "login-bug.jsonl"


def cosession(data_dir: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("cosession"))
    environment = {"COSESSION_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin", "HOME": str(data_dir), **env}
    return subprocess.run(
        [program, *words], env=environment, capture_output=True, text=True, timeout=60, cwd=data_dir.parent
    )


def get(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_an_account_and_its_token_work_whether_or_not_a_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = cosession(data, "user", "add", "ann@example.com", "--name", "Ann")
    assert before.returncode == 0, before.stderr
    server = ServerProcess(data)
    try:
        during = cosession(data, "user", "add", "ben@example.com", "--name", "Ben", PORT=str(server.port))
        assert during.returncode == 0, during.stderr
        for email, name in (("ann@example.com", "Ann"), ("ben@example.com", "Ben")):
            token = cosession(data, "token", email, PORT=str(server.port)).stdout.strip()
            assert get(f"{server.url}/api/me", token)["username"] == name
        revoked = cosession(data, "token", "ben@example.com", PORT=str(server.port)).stdout.strip()
        assert cosession(data, "user", "sign-out", "ben@example.com", PORT=str(server.port)).returncode == 0
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(f"{server.url}/api/me", revoked)
        again = cosession(data, "user", "add", "ben@example.com", "--name", "Ben", PORT=str(server.port))
        assert (again.returncode, again.stdout) == (2, "")
        assert "There is an account for ben@example.com already." in again.stderr
        second = cosession(data, "serve", PORT="0")
        assert second.returncode == 2
        assert "holds this data folder already" in second.stderr
    finally:
        server.terminate()
    assert cosession(data, "token", "ben@example.com").returncode == 0


def test_commands_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("cosession"))
    environment = {"COSESSION_DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    commands = [
        subprocess.Popen(
            [program, "user", "add", f"{name}@example.com", "--name", name],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("ann", "ben", "cas", "dan")
    ]
    outputs = [command.communicate(timeout=60)[0] for command in commands]
    assert [command.returncode for command in commands] == [0] * 4, outputs


def test_a_transcript_imported_twice_is_there_once_and_can_be_exported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = cosession(data, "import", str(SAMPLE), "--title", "Login")
    assert first.returncode == 0, first.stderr
    assert "tokens: 82,749" in first.stdout
    assert "tool calls: 5 completed, 1 failed" in first.stdout
    second = cosession(data, "import", str(SAMPLE), "--title", "Login")
    assert second.stdout.splitlines()[0] == first.stdout.splitlines()[0]
    session_id = first.stdout.splitlines()[0].rsplit("/", 1)[-1]
    exported = cosession(data, "export", session_id)
    entries = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert sum(entry["type"] == "tool_call_started" for entry in entries) == 6
    assert sum(entry["type"] == "prompt_submitted" for entry in entries) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "There is no file"), ("# Not a transcript\n", "not a transcript"), ("", "not a transcript")],
)
def test_a_file_that_is_no_transcript_is_refused_and_starts_nothing(
    tmp_path: Path, content: str | None, words: str
) -> None:
    data, file = tmp_path / "data", tmp_path / "file.jsonl"
    if content is not None:
        file.write_text(content)
    for command in (("import", str(file)), ("share", "--from", str(file), "--speed", "0")):
        refused = cosession(data, *command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr
    assert not (data / "cosession.db").exists()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"JWT_SECRET_KEY": "short"}, "JWT_SECRET_KEY is too short"),
        ({"JWT_SECRET_KEY": "a" * 64}, "JWT_SECRET_KEY can be guessed"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET is not"),
        ({"SLACK_SIGNING_SECRET": "x"}, "SLACK_BOT_TOKEN is not"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN is not"),
        ({"SLACK_APP_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN": "xoxb-1"}, "begins with xapp-"),
        ({"SLACK_BOT_TOKEN": "xoxe.xoxb-1-x", "SLACK_SIGNING_SECRET": "x"}, "add the workspace at /slack/install"),
        ({"SLACK_SIGNING_SECRET": "a,b,c", "SLACK_BOT_TOKEN": "xoxb-1"}, "takes one secret, or two"),
        ({"COSESSION_BASE_URL": "cosession.example.com"}, "COSESSION_BASE_URL must look like"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with"),
        ({"PORT": "many"}, "PORT"),
        ({"SMTP_URL": "smtp://x"}, "MAIL_FROM is not"),
    ],
)
def test_a_setting_that_cannot_work_stops_the_start_with_one_sentence(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    refused = cosession(tmp_path / "data", "serve", **env)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"JWT_SECRET_KEY": "a" * 64, "PORT": "8000"}, "JWT_SECRET_KEY can be guessed"),
        ({"SLACK_BOT_TOKEN": "xoxe.xoxb-1-x", "SLACK_SIGNING_SECRET": "x"}, "add the workspace at /slack/install"),
        ({"PORT": "many"}, "PORT"),
    ],
)
def test_the_doctor_finds_what_would_stop_the_start(tmp_path: Path, env: dict[str, str], words: str) -> None:
    examined = cosession(tmp_path / "data", "doctor", **env)
    assert examined.returncode == 1
    assert words in examined.stdout


def test_sqlite_refuses_several_workers_in_words(tmp_path: Path) -> None:
    refused = cosession(tmp_path / "data", "serve", "--workers", "2")
    assert refused.returncode == 2
    assert "SQLite allows one process" in refused.stderr


def test_the_doctor_finds_nothing_wrong_with_a_fresh_machine(tmp_path: Path) -> None:
    examined = cosession(tmp_path / "data", "doctor", PORT="1")
    assert "✗" not in examined.stdout.replace("✗ web view", "")
    assert "✓ database" in examined.stdout


def test_the_manifest_names_the_address_that_slack_will_call(tmp_path: Path) -> None:
    printed = cosession(tmp_path / "data", "manifest", COSESSION_BASE_URL="https://pair.example.com")
    assert "https://pair.example.com/slack/events" in printed.stdout
    assert json.loads(printed.stdout)["features"]["slash_commands"][0]["command"] == "/cosession"
