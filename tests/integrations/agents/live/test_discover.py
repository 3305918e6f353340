"""Finding the transcript of the agent that works here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from integrations.agents.live.discover import Places, directory_in, elsewhere, transcripts_of


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path / "home")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "my.shop_1"
    folder.mkdir()
    return folder


def write(file: Path, written_at: float, *records: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    os.utime(file, (written_at, written_at))
    return file


def claude(places: Places, directory: Path, name: str, written_at: float, **fields: Any) -> Path:
    folder = "".join(sign if sign.isalnum() else "-" for sign in str(directory))
    first = {"type": "queue-operation", "sessionId": name}
    record = {"type": "user", "sessionId": name, "uuid": "u", "cwd": str(directory), **fields}
    return write(places.claude / folder / f"{name}.jsonl", written_at, first, record)


def codex(places: Places, directory: Path, name: str, written_at: float, **fields: Any) -> Path:
    meta = {"type": "session_meta", "payload": {"id": name, "cwd": str(directory), **fields}}
    return write(places.codex / "2026" / "03" / "01" / f"rollout-2026-03-01T10-00-00-{name}.jsonl", written_at, meta)


def test_the_transcript_written_last_is_the_first_whichever_agent_writes_it(places: Places, shop: Path) -> None:
    old = claude(places, shop, "c-1", 100)
    new = codex(places, shop, "x-1", 300)
    between = claude(places, shop, "c-2", 200)
    found = transcripts_of(shop, places)
    assert [one.path for one in found] == [new, between, old]
    assert [one.agent_name for one in found] == ["Codex", "Claude Code", "Claude Code"]


def test_transcripts_of_other_folders_are_not_taken_but_named(places: Places, shop: Path, tmp_path: Path) -> None:
    claude(places, shop / "sub", "c-1", 300)
    codex(places, tmp_path, "x-1", 200)
    impostor = claude(places, shop, "c-2", 400, cwd=str(tmp_path / "my-shop-1"))
    assert "my-shop-1" in impostor.parent.name  # The folder's name alone could be either's.
    assert transcripts_of(shop, places) == []
    assert [one.directory for one in elsewhere(shop, places)] == [
        str(tmp_path / "my-shop-1"),
        str(shop / "sub"),
        str(tmp_path),
    ]


def test_transcripts_of_helpers_are_passed_over(places: Places, shop: Path) -> None:
    mine = codex(places, shop, "x-1", 100)
    claude(places, shop, "agent-1", 400, isSidechain=True)
    codex(places, shop, "x-2", 300, thread_source="subagent")
    codex(places, shop, "x-3", 200, source={"subagent": {"thread_spawn": {}}})
    assert [one.path for one in transcripts_of(shop, places)] == [mine]


def test_a_folder_is_known_by_its_links_too(places: Places, shop: Path, tmp_path: Path) -> None:
    mine = claude(places, shop, "c-1", 100)
    (tmp_path / "link").symlink_to(shop)
    assert [one.path for one in transcripts_of(tmp_path / "link", places)] == [mine]


def test_what_cannot_be_read_is_passed_over(places: Places, shop: Path) -> None:
    mine = claude(places, shop, "c-1", 100)
    broken = mine.with_name("c-2.jsonl")
    broken.write_bytes(b"\xff\xfe not json\n{\n[]\n")
    mine.with_name("c-3.jsonl").symlink_to(mine.with_name("nowhere"))
    mine.with_name("c-4.jsonl").mkdir()
    assert [one.path for one in transcripts_of(shop, places)] == [mine]


def test_without_any_agent_there_is_nothing(places: Places, shop: Path) -> None:
    assert transcripts_of(shop, places) == []
    assert elsewhere(shop, places) == []


def test_other_homes_of_the_agents_are_respected(tmp_path: Path) -> None:
    places = Places.of(tmp_path, "/etc/claude", "/srv/codex")
    assert places == Places(Path("/etc/claude/projects"), Path("/srv/codex/sessions"))


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        (b'{"type":"user","cwd":"/home/ann/shop"}', "/home/ann/shop"),
        (b'{"type":"session_meta","payload":{"cwd":"file:///home/ann"}}', "/home/ann"),
        (b'{"cwd":7}', ""),
        (b'{"payload":[]}', ""),
        (b"[]", ""),
        (b"{", ""),
    ],
)
def test_the_folder_is_read_from_the_records(line: bytes, folder: str) -> None:
    assert directory_in(line) == folder
