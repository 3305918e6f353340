"""Reading a growing transcript into the spool: everything once, in order, without secrets."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.agents.live.follow import Follower
from integrations.agents.live.secrets import CurrentSecrets
from integrations.agents.live.spool import Spool
from integrations.agents.live.touched import open_files
from integrations.agents.transcript import TranscriptUnknown
from tests.integrations.agents.records import AT, call, claude, prompt, result, said, text


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


class Desk:
    """One run of a share, without a server."""

    def __init__(self, home: Path, spool: Spool) -> None:
        self.file, self.spool = home / "t.jsonl", spool
        self.secrets = CurrentSecrets([], {})
        self.follower = Follower(
            self.file, spool, self.secrets, lambda folder, since: open_files(folder, since, spool, self.secrets)
        )

    def write(self, *lines: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(
                b"".join(line.replace(b"/home/ann/shop", str(self.file.parent / "shop").encode()) for line in lines)
            )

    def read(self) -> None:
        while self.follower.step():
            pass
        self.follower.step()


@contextmanager
def desk(home: Path) -> Iterator[Desk]:
    with Spool(home / "s.db") as spool:
        one = Desk(home, spool)
        yield one
        one.follower.close()


def stored(one: Desk) -> list[dict[str, Any]]:
    with sqlite3.connect(one.file.with_name("s.db")) as db:
        rows = db.execute("SELECT kind, body FROM entries ORDER BY number").fetchall()
    return [json.loads(body).get("event") or json.loads(body) for kind, body in rows if kind != "blob"]


def texts(one: Desk) -> list[str]:
    return [event["text"] for event in stored(one) if "text" in event]


def edited(call_id: str, path: str) -> bytes:
    hunk = {"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-a", "+b"]}
    return result(call_id, "ok", toolUseResult={"filePath": path, "structuredPatch": [hunk]})


def test_records_are_stored_as_they_come_and_once(tmp_path: Path, shop: Path) -> None:
    with desk(tmp_path) as one:
        one.read()
        assert one.follower.is_missing
        one.write(prompt("Fix the login"))
        one.read()
        assert texts(one) == ["Fix the login"]
        one.write(said("a1", text("On it."))[:-10])
        one.read()
        assert texts(one) == ["Fix the login"]
        one.write(said("a1", text("On it."))[-10:])
        one.read()
        assert texts(one) == ["Fix the login", "On it."]
        assert one.follower.title == "Fix the login"
        assert (one.follower.agent, one.follower.directory) == ("claude-code", str(shop))
    with desk(tmp_path) as again:
        again.write(said("a2", text("Done.")))
        again.read()
        assert texts(again) == ["Fix the login", "On it.", "Done."]
        assert again.follower.restarts == 0


def test_a_file_follows_the_record_that_changed_it(tmp_path: Path, shop: Path) -> None:
    (shop / "a.py").write_text("b\n")
    with desk(tmp_path) as one:
        one.write(prompt("x"), said("a1", call("c1", "Edit", file_path="a.py")), edited("c1", "a.py"))
        one.read()
        one.write(said("a2", text("Done.")))
        one.read()
        found = stored(one)
        kinds = [event.get("type", event.get("path")) for event in found]
        assert kinds.index("a.py") > kinds.index("file_changed")
        assert kinds.count("a.py") == 1


def test_what_a_shell_command_wrote_is_shared_though_no_record_names_it(tmp_path: Path, shop: Path) -> None:
    subprocess.run(["git", "init", "-q", str(shop)], check=True, timeout=10)
    (shop / "made.py").write_text("made\n")
    (shop / "mine.py").write_text("mine\n")
    at = datetime.fromisoformat(AT).timestamp()
    os.utime(shop / "made.py", (at, at))
    os.utime(shop / "mine.py", (at - 60, at - 60))
    with desk(tmp_path) as one:
        one.write(prompt("x"), said("a1", call("c1", "Bash", command="python make.py")), result("c1", "ok"))
        one.read()
        assert [event["path"] for event in stored(one) if "path" in event] == ["made.py"]


def test_a_key_that_is_put_into_the_env_file_meanwhile_never_gets_into_the_spool(tmp_path: Path, shop: Path) -> None:
    with desk(tmp_path) as one:
        one.write(prompt("Make a key"))
        one.read()
        (shop / ".env").write_text("SHOP_PASSPHRASE=blue-horse-battery\n")
        one.write(said("a1", text("It is blue-horse-battery now.")))
        one.read()
        (shop / ".env").unlink()
        one.write(said("a2", text("As I said, blue-horse-battery.")))
        one.read()
        assert len(texts(one)) == 3
        assert "blue-horse" not in json.dumps(stored(one))


def test_the_env_file_is_known_before_the_first_record_is_read(tmp_path: Path, shop: Path) -> None:
    (shop / ".env").write_text("SHOP_PASSPHRASE=blue-horse-battery\n")
    with desk(tmp_path) as one:
        one.write(prompt("Why is blue-horse-battery refused?"))
        one.read()
        assert texts(one) == ["Why is [REDACTED:known-value] refused?"]


def test_a_transcript_that_is_replaced_is_read_on_with_and_nothing_is_doubled(tmp_path: Path, shop: Path) -> None:
    with desk(tmp_path) as one:
        one.write(prompt("One"), said("a1", text("Two")))
        one.read()
        one.file.rename(tmp_path / "old.jsonl")
        one.write(prompt("One"), said("a1", text("Two")), said("a2", text("Three")))
        one.read()
        assert texts(one) == ["One", "Two", "Three"]
        assert one.follower.restarts == 1
        one.file.write_bytes(b"")
        one.read()
        one.write(prompt("One"), said("a3", text("Four")))
        one.read()
        assert texts(one) == ["One", "Two", "Three", "Four"]
        one.file.unlink()
        one.write(prompt("One"))
    with desk(tmp_path) as again:
        again.read()
        assert again.follower.restarts == 1
        assert texts(again) == ["One", "Two", "Three", "Four"]


def test_what_the_disk_does_not_take_is_stored_when_it_does(tmp_path: Path, shop: Path) -> None:
    with desk(tmp_path) as one:
        one.write(prompt("One"))
        one.read()
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        one.write(said("a1", text("Two")))
        with pytest.raises(sqlite3.OperationalError):
            one.read()
        one.write(said("a2", text("Three")))
        with pytest.raises(sqlite3.OperationalError):
            one.read()
        other.execute("ROLLBACK")
        other.close()
        one.read()
        assert texts(one) == ["One", "Two", "Three"]


def test_an_env_file_that_cannot_be_read_stops_the_reading_until_it_can(tmp_path: Path, shop: Path) -> None:
    with desk(tmp_path) as one:
        (shop / ".env").symlink_to("/proc/self/mem")  # A file that is there and cannot be read.
        one.write(prompt("One"), said("a1", text("Two")))
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output error"):
                one.read()
        assert texts(one) == []
        (shop / ".env").unlink()
        one.read()
        assert texts(one) == ["One", "Two"]


def test_a_file_that_is_no_transcript_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path) as one:
        one.write(b'{"a": 1}\n' * 60)
        with pytest.raises(TranscriptUnknown):
            one.read()


def test_a_folder_that_is_not_on_this_machine_shares_no_files(tmp_path: Path) -> None:
    with desk(tmp_path) as one:
        one.write(claude("user", uuid="u1", promptId="p1", message={"content": "Hi"}))
        one.read()
        assert texts(one) == ["Hi"]
        assert one.follower.files is None
