"""Finding what was said: in one session and in all of them, by those who may read it and by nobody else."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import text as sql

from tests.stories.conftest import Cast
from tests.stories.house import Frame, Someone
from tests.stories.test_chat import ask, said

CANARY = "xylocanary"


async def search(who: Someone, q: str, session_id: str | None = None, **query: Any) -> Frame:
    path = f"/api/sessions/{session_id}/search" if session_id else "/api/search"
    answer = await who.call("GET", path, params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def texts(who: Someone, q: str, session_id: str | None = None) -> list[str]:
    page = await search(who, q, session_id)
    return ["".join(part["text"] for part in item["snippet"]) for item in page["items"]]


async def test_what_was_said_is_found_by_its_words_with_who_said_it_and_where(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    message_id = await said(bob, "The *cookie* of the Café has no domain, see src/app.py")
    await said(bob, "something else")
    for found in (await search(cast.carol, "cafe cook"), await search(cast.carol, "cafe cook", cast.session_id)):
        (item,) = found["items"]
        assert (item["session_id"], item["session_title"]) == (cast.session_id, "Fix the login bug")
        assert (item["kind"], item["ref_id"], item["user"]["username"]) == ("message", message_id, "Bob")
        assert [part["text"] for part in item["snippet"] if part["is_match"]] == ["cookie", "Café"]
        assert found["next"] is None
    assert await texts(cast.carol, "app") == ["The *cookie* of the Café has no domain, see src/app.py"]
    assert await texts(cast.carol, '"no domain"') != []
    assert await texts(cast.carol, '"domain no"') == []


async def test_a_text_is_found_as_it_stands_now_and_not_at_all_once_it_was_deleted(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    message_id = await said(bob, f"the password is {CANARY}one")
    await ask(bob, "edit_message", message_id=message_id, content=f"the password is {CANARY}two")
    assert await texts(cast.carol, f"{CANARY}one") == []
    assert await texts(cast.carol, CANARY) == [f"the password is {CANARY}two"]
    assert (await ask(cast.house.clients[0], "delete_message", message_id=message_id))["type"] == "ack"
    assert await texts(cast.carol, CANARY) == []
    await nothing_holds(cast, CANARY)


async def nothing_holds(cast: Cast, canary: str) -> None:
    """In no row of any table, and with SQLite in no byte of its files."""
    db = cast.house.runtime.db
    engine = cast.house.runtime.settings.database_url
    word = canary
    if engine.startswith("sqlite"):
        path = engine.removeprefix("sqlite:///")
        await db.write(lambda tx: tx.sql.connection().exec_driver_sql("select 1"))
        with sqlite3.connect(path) as other:
            assert other.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
        for suffix in ("", "-wal"):
            assert word.encode() not in await asyncio.to_thread(Path(path + suffix).read_bytes)
        return

    def rows_that_hold_it(tx: Any) -> dict[str, int]:
        names = tx.sql.exec(sql("select tablename from pg_tables where schemaname = 'public'")).all()
        return {
            name: tx.sql.exec(sql(f"select count(*) from {name} t where lower(t::text) like '%{word}%'")).one()[0]
            for (name,) in names
        }

    held = await db.read(rows_that_hold_it)
    assert len(held) > 10
    assert sum(held.values()) == 0, held


async def test_who_may_not_read_a_session_finds_nothing_of_it(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    await said(bob, "quite a findable thing")
    eve = await cast.house.someone("Eve")
    for who, found in ((cast.alice, 1), (cast.bob, 1), (cast.carol, 1), (cast.mallory, 0), (eve, 0)):
        assert len(await texts(who, "findable")) == found, who.name
    for who in (cast.mallory, eve):
        answer = await who.call("GET", f"/api/sessions/{cast.session_id}/search?q=findable")
        assert answer.status_code == 404
    await cast.alice.call("DELETE", f"/api/sessions/{cast.session_id}/participants/{cast.carol.id}")
    assert await texts(cast.carol, "findable") == []
    assert (await cast.house.http.get("/api/search?q=findable")).status_code == 401


HOSTILE = [
    "a' OR 1=1 --", 'foo" OR "bar', "foo AND NOT bar", "NEAR(a b)", "a:b", "col:*", "(((", "^a", "a\x00b", "%", "_",
    "x" * 1_000, "' ; drop table events; --", "a*b*c", "\ud83d".encode("utf-8", "replace").decode(), "\\", "🎉 a", "İ",
    "ﷺ" * 10, '"', '""', "a\u0301\u0302", "-a +b", "\u202eabc", "日本語 テスト", "!", "a&b|c", "a <-> b", ":*",
]  # fmt: skip


@pytest.mark.parametrize("q", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_is_typed_is_searched_for_or_refused_in_words(cast: Cast, q: str) -> None:
    for path in ("/api/search", f"/api/sessions/{cast.session_id}/search"):
        answer = await cast.carol.call("GET", path, params={"q": q})
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 422:
            assert answer.json()["detail"] == "Search for a word: letters or digits."


async def test_a_search_for_no_word_or_too_many_says_so(cast: Cast) -> None:
    many = " ".join(f"w{number}" for number in range(40))
    for q, detail in (("", "Search for a word"), ("🎉!", "Search for a word"), (many, "Leave some out")):
        answer = await cast.carol.call("GET", "/api/search", params={"q": q})
        assert (answer.status_code, answer.json()["error_code"]) == (422, "invalid")
        assert detail in answer.json()["detail"]
    assert (await cast.carol.call("GET", "/api/search", params={"q": "x" * 1_001})).status_code == 422


async def test_pages_hold_every_hit_once_the_newest_first_whatever_is_written_meanwhile(cast: Cast) -> None:
    elsewhere = await cast.alice.start("Another place")
    tabs = [await cast.alice.open(session_id) for session_id in (cast.session_id, elsewhere)]
    expected = [f"note {number}" for number in range(11)]
    for number, content in enumerate(expected):
        # Two sessions have no order within one millisecond.
        cast.house.clock.move(timedelta(milliseconds=5))
        await said(tabs[number % 2], content)
    found: list[str] = []
    before: dict[str, Any] = {}
    while True:
        page = await search(cast.alice, "note", limit=3, **before)
        found += ["".join(part["text"] for part in item["snippet"]) for item in page["items"]]
        await said(tabs[0], f"note that came later {len(found)}")
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert found == expected[::-1]
    first = await search(cast.alice, '"note 1"', elsewhere, limit=1)
    assert [item["seq"] for item in first["items"]] == sorted([item["seq"] for item in first["items"]], reverse=True)


async def test_what_the_agent_did_is_found_by_its_words_commands_and_paths(cast: Cast) -> None:
    reports = [
        {"type": "prompt_submitted", "turn_id": "t1", "text": "make the zebra test pass"},
        {"type": "agent_message", "turn_id": "t1", "text": "The zebra test passes now."},
        {"type": "tool_call_started", "turn_id": "t1", "call_id": "c1", "tool": "Bash", "kind": "execute",
         "title": "Run tests", "input": "pytest tests/test_zebra.py"},
        {"type": "file_changed", "turn_id": "t1", "path": "src/zebra/stripes.py", "change": "modified",
         "added": 1, "removed": 0},
    ]  # fmt: skip
    items = [{"key": f"k-{number}", "event": event} for number, event in enumerate(reports)]
    path = f"/api/sessions/{cast.session_id}"
    answer = await cast.alice.call("POST", f"{path}/agent-events", json={"items": items})
    assert answer.status_code == 200, answer.text
    await cast.alice.call("PATCH", path, json={"title": "Zebra crossing"})
    page = await search(cast.bob, "zebra")
    assert [(item["kind"], item["ref_id"], (item["user"] or {}).get("username")) for item in page["items"]] == [
        ("title", None, "Alice"),
        ("file", "src/zebra/stripes.py", None),
        ("agent_message", "t1", None),
        ("prompt", "t1", "Alice"),
    ]
    assert [item["kind"] for item in (await search(cast.bob, "test_zebra"))["items"]] == ["tool_call"]
    assert {item["session_title"] for item in page["items"]} == {"Zebra crossing"}
