"""The files that an agent touches: what they were, what they became, without secrets, in bounds."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest

from core.events import FileChanged
from integrations.agents.live.secrets import CurrentSecrets
from integrations.agents.live.spool import Spool
from integrations.agents.live.touched import TouchedFiles, open_files
from integrations.agents.live.workspace import LARGEST_FILE, Workspace

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


def git(folder: Path, *words: str) -> None:
    person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", "-C", str(folder), *person, *words], check=True, timeout=10, capture_output=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder under git with one commit."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "calc.py").write_text("a - b\n")
    (folder / "old.py").write_text("old\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    with Spool(tmp_path / "s.db") as opened:
        yield opened


def opened(shop: Path, spool: Spool, since: str | None = None) -> TouchedFiles:
    files = open_files(shop, since, spool, CurrentSecrets([], {}))
    assert files is not None
    return files


def changed(
    path: str, change: Literal["added", "modified", "deleted", "renamed"] = "modified", old_path: str | None = None
) -> FileChanged:
    return FileChanged(turn_id="t", path=path, change=change, old_path=old_path, added=1, removed=1)


def sent(spool: Spool) -> list[tuple[Any, ...]]:
    """What would reach the server: change, path, content or None; each content must stand under its digest."""
    contents: dict[str, bytes] = {}
    told: list[tuple[Any, ...]] = []
    while waiting := spool.waiting(100, 1 << 30):
        for entry in waiting:
            if entry.kind == "blob":
                contents[entry.key.removeprefix("blob-")] = entry.body
                assert hashlib.sha256(entry.body).hexdigest() == entry.key.removeprefix("blob-")
            else:
                item = json.loads(entry.body)
                content = None if item["version"] is None else contents[item["version"]]
                assert content is None or item["size"] == len(content)
                told.append((item["change"], item["path"], content, *filter(None, [item["old_path"]])))
        spool.settle(dict.fromkeys((entry.number for entry in waiting), 1))
    return told


def test_a_file_begins_with_what_git_had_of_it(shop: Path, spool: Spool) -> None:
    files = opened(shop, spool)
    (shop / "calc.py").write_text("a + b\n")
    (shop / "new.py").write_text("new\n")
    files.touch([changed("calc.py"), changed("new.py", "added")])
    (shop / "calc.py").write_text("a + b + c\n")
    files.touch([changed("calc.py")])
    assert sent(spool) == [
        ("modified", "calc.py", b"a - b\n"),
        ("modified", "calc.py", b"a + b\n"),
        ("added", "new.py", b"new\n"),
        ("modified", "calc.py", b"a + b + c\n"),
    ]


def test_what_the_agent_committed_meanwhile_is_not_what_was_before(shop: Path, spool: Spool) -> None:
    (shop / "calc.py").write_text("a + b\n")
    person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    env = {"GIT_COMMITTER_DATE": "2098-01-01T00:00:00Z", "PATH": "/usr/bin:/bin"}
    command = ["git", "-C", str(shop), *person, "commit", "-qam", "second"]
    subprocess.run(command, check=True, timeout=10, env=env)
    opened(shop, spool, "2097-01-01T00:00:00Z").touch([changed("calc.py")])
    assert sent(spool) == [("modified", "calc.py", b"a - b\n"), ("modified", "calc.py", b"a + b\n")]


def test_deleted_and_renamed_files_are_told_as_such(shop: Path, spool: Spool) -> None:
    files = opened(shop, spool)
    (shop / "calc.py").unlink()
    (shop / "old.py").rename(shop / "renamed.py")
    files.touch([changed("calc.py", "deleted"), changed("renamed.py", "renamed", "old.py")])
    assert sent(spool) == [
        ("modified", "calc.py", b"a - b\n"),
        ("deleted", "calc.py", None),
        ("modified", "old.py", b"old\n"),
        ("renamed", "renamed.py", b"old\n", "old.py"),
    ]
    files.look_again()
    opened(shop, spool).look_again()
    assert sent(spool) == []
    (shop / "calc.py").write_text("back\n")
    files.look_again()
    assert sent(spool) == [("added", "calc.py", b"back\n")]


def test_a_shell_changes_files_without_telling_and_they_are_noticed(shop: Path, spool: Spool) -> None:
    files = opened(shop, spool)
    files.touch([changed("calc.py")])
    (shop / "calc.py").write_text("by sed\n")
    files.look_again()
    files.look_again()
    assert sent(spool) == [("modified", "calc.py", b"a - b\n"), ("modified", "calc.py", b"by sed\n")]


def test_what_a_command_wrote_is_shared_and_what_was_changed_before_it_is_not(shop: Path, spool: Spool) -> None:
    (shop / "old.py").write_text("the developer's own\n")
    os.utime(shop / "old.py", (1_000_000_000, 1_000_000_000))
    (shop / "gone-before.py").write_text("x")
    git(shop, "add", "gone-before.py")
    git(shop, "commit", "-qm", "more")
    (shop / "gone-before.py").unlink()
    files = opened(shop, spool)
    (shop / "calc.py").unlink()
    (shop / "sub").mkdir()
    (shop / "sub" / "made.py").write_text("made\n")
    (shop / "made.log").write_text("ignored\n")
    (shop / ".env").write_text("KEY=1\n")
    for path in ("sub/made.py", "made.log", ".env"):
        os.utime(shop / path, (1_200_000_000, 1_200_000_000))
    files.ran([(1_100_000_000.0, 1_100_000_001.0), (1_200_000_000.2, 1_200_000_003.0)])
    assert sorted(sent(spool)) == [
        ("added", "sub/made.py", b"made\n"),
        ("deleted", "calc.py", None),
        ("modified", "calc.py", b"a - b\n"),
    ]
    files.ran([(1_200_000_000.2, 1_200_000_003.0)])
    assert sent(spool) == []


def test_commands_in_a_part_of_a_work_tree_concern_that_part(shop: Path, spool: Spool) -> None:
    for folder in ("part", "other"):
        (shop / folder).mkdir()
        (shop / folder / "new file.py").write_text("x\n")
        os.utime(shop / folder / "new file.py", (1_200_000_000, 1_200_000_000))
    opened(shop / "part", spool).ran([(1_200_000_000.0, 1_200_000_001.0)])
    assert sent(spool) == [("added", "new file.py", b"x\n")]


def test_a_restart_tells_what_happened_meanwhile_and_nothing_twice(shop: Path, spool: Spool) -> None:
    (shop / "image.png").write_bytes(b"\0\1")
    (shop / "big.txt").write_bytes(b"x" * (LARGEST_FILE + 1))
    all_of_them = [changed("calc.py"), changed("image.png", "added"), changed("big.txt", "added")]
    opened(shop, spool).touch(all_of_them)
    assert [told[:2] for told in sent(spool)] == [
        ("modified", "calc.py"),
        ("added", "image.png"),
        ("added", "big.txt"),
    ]
    (shop / "calc.py").write_text("meanwhile\n")
    again = opened(shop, spool)
    again.touch(all_of_them)
    again.look_again()
    assert sent(spool) == [("modified", "calc.py", b"meanwhile\n")]


def test_no_secret_of_a_file_reaches_the_spool(shop: Path, spool: Spool, tmp_path: Path) -> None:
    (shop / ".env").write_text("SHOP_PASSWORD=hunter2-and-more\n")
    (shop / "calc.py").write_text(f"token = '{TOKEN}'\npassword = 'hunter2-and-more'\n")
    git(shop, "commit", "-qam", "a secret in the history")
    (shop / "calc.py").write_text(f"# {TOKEN}\n")
    (shop / "debug.log").write_text(TOKEN)
    (shop / f"{TOKEN}.txt").write_text("x")
    files = opened(shop, spool)
    files.ran([(0.0, 1e10)])
    files.touch([changed(path) for path in ("calc.py", ".env", "debug.log", "../s.db", "/etc/passwd")])
    told = sent(spool)
    assert [(change, path) for change, path, _ in told] == [("modified", "calc.py")] * 2, told
    assert b"[REDACTED:" in told[0][2]
    assert b"[REDACTED:" in told[1][2]
    assert files.left_out.total() == 5
    assert files.left_out["its name may be a secret"] == 1
    spool.close()
    everything = b"".join(file.read_bytes() for file in tmp_path.glob("s.db*"))
    assert TOKEN.encode() not in everything
    assert b"hunter2" not in everything


def test_contents_that_wait_are_bounded_and_the_latest_follows(shop: Path, spool: Spool) -> None:
    with Workspace(shop) as workspace:
        files = TouchedFiles(workspace, spool, str, max_waiting_bytes=3)
        files.touch([changed("old.py")])
        for number in range(3):
            (shop / "old.py").write_text(f"state {number}\n")
            files.look_again()
        assert sent(spool) == [("added", "old.py", b"old\n")]
        files.look_again()
    assert sent(spool) == [("modified", "old.py", b"state 2\n")]


def test_files_of_a_session_are_bounded_in_number(shop: Path, spool: Spool) -> None:
    for number in range(4):
        (shop / f"{number}.py").write_text("x")
    with Workspace(shop) as workspace:
        files = TouchedFiles(workspace, spool, str, max_files=2)
        files.touch([changed(f"{number}.py", "added") for number in range(4)])
    assert [told[1] for told in sent(spool)] == ["0.py", "1.py"]
    assert files.left_out == {"there are 2 files already": 2}


def test_a_folder_that_holds_everything_is_not_shared(spool: Spool) -> None:
    assert open_files(Path("/"), None, spool, CurrentSecrets([], {})) is None


def test_when_the_folder_goes_away_its_files_are_not_called_deleted(shop: Path, spool: Spool) -> None:
    files = opened(shop, spool)
    files.touch([changed("calc.py")])
    sent(spool)
    shop.rename(shop.with_name("elsewhere"))
    files.look_again()
    assert sent(spool) == []


def test_a_folder_without_git_is_shared_as_it_is(tmp_path: Path, spool: Spool) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.py").write_text("x\n")
    opened(tmp_path / "plain", spool).touch([changed("a.py")])
    assert sent(spool) == [("added", "a.py", b"x\n")]
