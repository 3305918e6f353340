"""The spool: what was read and is not acknowledged survives, in order, each once."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest

from core.events import AgentMessage
from integrations.agents.live.spool import KnownFile, ShareInProgress, Spool, SpoolLock
from integrations.agents.transcript import Item


def item(number: int, words: str = "Hello") -> Item:
    return Item(f"key-{number}", AgentMessage(turn_id="t", text=f"{words} {number}"))


def add_file(spool: Spool, path: str, content: bytes, version: str, versions: int = 1) -> None:
    known = KnownFile(version, is_there=True, versions=versions)
    spool.add_file(path, f"{path}-{versions}", orjson.dumps({"path": path, "version": version}), known, content)


def test_entries_wait_in_order_and_are_there_after_a_restart(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        assert spool.add_events([item(1), item(2)], {"place": "here"}) == [item(1), item(2)]
    with Spool(tmp_path / "s.db") as spool:
        waiting = spool.waiting(10, 1_000_000)
        assert [orjson.loads(entry.body)["event"]["text"] for entry in waiting] == ["Hello 1", "Hello 2"]
        assert [entry.key for entry in waiting] == ["key-1", "key-2"]
        assert spool.note("place") == "here"
        assert spool.count() == 2


def test_what_was_read_before_is_not_stored_again_acknowledged_or_not(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        spool.add_events([item(1), item(2)])
        spool.settle({spool.waiting(1, 1)[0].number: 7})
        assert spool.add_events([item(1, "Other"), item(2), item(3)]) == [item(3)]
        assert [entry.key for entry in spool.waiting(10, 1_000_000)] == ["key-2", "key-3"]
        assert (spool.count(), spool.count("acknowledged")) == (2, 1)


def test_what_is_acknowledged_leaves_no_content_on_the_disk(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        spool.add_events([item(1, "A telling word")])
        add_file(spool, "a.py", b"another telling word", "v1")
        while waiting := spool.waiting(10, 1_000_000):
            spool.settle(dict.fromkeys((entry.number for entry in waiting), 1))
    assert b"telling word" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_file_goes_behind_its_content_and_the_same_content_goes_once(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        spool.add_events([item(1)])
        add_file(spool, "a.py", b"x", "v1")
        add_file(spool, "b.py", b"x", "v1")
        sent: list[list[str]] = []
        while waiting := spool.waiting(10, 1_000_000):
            sent.append([entry.key for entry in waiting])
            spool.settle(dict.fromkeys((entry.number for entry in waiting), None))
        assert sent == [["key-1"], ["blob-v1"], ["a.py-1", "b.py-1"]]
        assert spool.files() == {
            "a.py": KnownFile("v1", is_there=True, versions=1),
            "b.py": KnownFile("v1", is_there=True, versions=1),
        }


def test_a_request_is_bounded_in_entries_and_bytes(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        spool.add_events([item(number, "x" * 1_000) for number in range(50)])
        assert len(spool.waiting(20, 1_000_000)) == 20
        assert 2 <= len(spool.waiting(20, 5_000)) <= 4
        assert len(spool.waiting(20, 1)) == 1


def test_what_was_refused_steps_aside_and_is_offered_again_on_the_next_start(tmp_path: Path) -> None:
    with Spool(tmp_path / "s.db") as spool:
        spool.add_events([item(1), item(2)])
        spool.settle({spool.waiting(1, 1)[0].number: None}, "refused")
        assert [entry.key for entry in spool.waiting(10, 1_000_000)] == ["key-2"]
        assert spool.count("refused") == 1
    with Spool(tmp_path / "s.db") as spool:
        assert [entry.key for entry in spool.waiting(10, 1_000_000)] == ["key-1", "key-2"]


def test_only_its_owner_can_read_a_spool(tmp_path: Path) -> None:
    folder = tmp_path / "shares"
    with SpoolLock(folder / "s.lock"), Spool(folder / "s.db") as spool:
        spool.add_events([item(1)])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_second_holder_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with SpoolLock(tmp_path / "s.lock") as lock:
        lock.say("It is process 7: http://localhost/s/ses_1")
        with pytest.raises(ShareInProgress, match=r"shared already.*process 7: http://localhost/s/ses_1"):
            SpoolLock(tmp_path / "s.lock")
    with SpoolLock(tmp_path / "s.lock"):
        pass  # The first has gone.
