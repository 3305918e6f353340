"""What concerns somebody reaches their inbox at once, is unread on all their devices alike, and leaves when they are
away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from sqlmodel import select

from core import tables
from tests.stories.conftest import Cast
from tests.stories.house import House, Someone, open_house
from tests.stories.processes import Opener, until


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What differs between databases is tested in `tests/core`."""
    return sqlite_url


@dataclass
class Page:
    """One page that somebody has open, as far as its stream goes."""

    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, **said: Any) -> None:
        """Until it is told this."""
        async with asyncio.timeout(10):
            while not any(said.items() <= one.items() for one in self.told):
                self.news.clear()
                await self.news.wait()

    async def follow(self, answer: httpx2.Response) -> None:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                self.told.append(orjson.loads(line[6:]))
                self.news.set()


@asynccontextmanager
async def page_of(who: Someone, query: str = "") -> AsyncGenerator[Page]:
    request = who.house.http.build_request("GET", f"/api/inbox/stream{query}", headers=who.headers, timeout=30.0)
    answer = await who.house.http.send(request, stream=True)
    assert answer.status_code == 200
    page = Page()
    following = asyncio.create_task(page.follow(answer))
    try:
        yield page
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await answer.aclose()


async def inbox_of(who: Someone) -> dict[str, Any]:
    answer = await who.call("GET", "/api/inbox")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def say(who: Someone, session_id: str, content: str, **fields: Any) -> dict[str, Any]:
    frame = {"type": "chat_message", "content": content, **fields}
    answer = await who.call("POST", f"/api/sessions/{session_id}/commands", json={"frames": [frame]})
    [ack] = answer.json()["items"]
    assert ack["type"] == "ack", ack
    return ack


async def test_a_mention_rings_on_every_page_and_reading_it_on_one_reads_it_on_all(cast: Cast) -> None:
    async with page_of(cast.bob) as phone, page_of(cast.bob) as desk, page_of(cast.carol) as carols:
        await phone.until(unread=0)
        await say(cast.alice, cast.session_id, "@Bob have a look")
        await phone.until(unread=1)
        await desk.until(unread=1)
        [item] = (await inbox_of(cast.bob))["items"]
        assert (item["heading"], item["lines"][0]["text"]) == ("Alice mentioned you", "@Bob have a look")
        assert item["path"] == f"/s/{cast.session_id}#seq={item['seq']}"
        phone.told.clear()
        desk.told.clear()
        answer = await cast.bob.call("POST", "/api/inbox/read", json={"ids": [item["id"]]})
        assert answer.json() == {"unread": 0}
        await phone.until(unread=0)
        await desk.until(unread=0)
        assert all(one["unread"] == 0 for one in carols.told), "nobody else hears"


async def test_reading_the_session_reads_the_inbox(cast: Cast) -> None:
    async with page_of(cast.bob) as page:
        ack = await say(cast.alice, cast.session_id, "@Bob have a look")
        await page.until(unread=1)
        page.told.clear()
        tab = await cast.bob.open(cast.session_id)
        await tab.send(type="read_up_to", seq=ack["seq"])
        await page.until(unread=0)


async def test_everything_up_to_what_was_shown_is_read_and_what_came_later_is_not(cast: Cast) -> None:
    async with page_of(cast.bob) as page:
        root = await say(cast.bob, cast.session_id, "first thread")
        message = (await cast.house.log_of(cast.session_id))[root["seq"] - 1]["message"]["id"]
        await say(cast.alice, cast.session_id, "an answer", parent_id=message)
        await page.until(unread=1)
        shown = (await inbox_of(cast.bob))["items"][0]["updated_at"]
        await say(cast.alice, cast.session_id, "@Bob something else")
        await page.until(unread=2)
        answer = await cast.bob.call("POST", "/api/inbox/read-all", json={"up_to": shown})
        assert answer.json() == {"unread": 1}
        assert [item["is_read"] for item in (await inbox_of(cast.bob))["items"]] == [False, True]
        unread = await cast.bob.call("GET", "/api/inbox?unread=true")
        assert [item["kind"] for item in unread.json()["items"]] == ["mention"]


async def test_an_inbox_is_its_owner_s_alone(cast: Cast) -> None:
    async with page_of(cast.bob) as page:
        await say(cast.alice, cast.session_id, "@Bob have a look")
        await page.until(unread=1)
    [item] = (await inbox_of(cast.bob))["items"]
    for other in (cast.alice, cast.carol, cast.mallory):
        assert (await inbox_of(other))["items"] == []
        answer = await other.call("POST", "/api/inbox/read", json={"ids": [item["id"]]})
        assert answer.status_code == 200
    assert (await inbox_of(cast.bob))["unread"] == 1
    for method, path in (
        *(("GET", "/api/inbox"), ("GET", "/api/inbox/stream"), ("POST", "/api/inbox/read")),
        *(("POST", "/api/inbox/read-all"), ("GET", "/api/feed"), ("GET", "/api/me/notifications")),
        ("PATCH", "/api/me/notifications"),
    ):
        assert (await cast.house.http.request(method, path)).status_code == 401


async def mails_to(house: House, who: Someone) -> list[tables.OutgoingMail]:
    row = tables.OutgoingMail
    query = select(row).where(row.user_id == who.id, row.kind == "notification")
    return await house.runtime.db.read(lambda tx: list(tx.sql.exec(query)))


async def look_again(house: House) -> None:
    """The reader looks at what is due now, and not in a few seconds."""
    house.runtime.notifier.wake([])
    await asyncio.sleep(0.05)


async def delivered(house: House, who: Someone) -> list[str]:
    """Outcomes, once all of them are settled."""
    row = tables.NotificationDelivery
    async with asyncio.timeout(20):
        while True:
            rows = await house.runtime.db.read(lambda tx: tx.sql.exec(select(row).where(row.user_id == who.id)).all())
            if rows and all(one.settled_at is not None for one in rows):
                return [one.outcome for one in rows]
            await look_again(house)


async def test_who_is_away_gets_a_mail(cast: Cast) -> None:
    house = cast.house
    async with page_of(cast.bob) as page:
        await say(cast.alice, cast.session_id, "@Bob have a look")
        await page.until(unread=1)
    house.clock.move(timedelta(minutes=6))
    assert await delivered(house, cast.bob) == ["sent"]
    assert len(await mails_to(house, cast.bob)) == 1


async def test_who_has_read_it_meanwhile_gets_no_mail(cast: Cast) -> None:
    house = cast.house
    async with page_of(cast.bob) as page:
        await say(cast.alice, cast.session_id, "@Bob have a look")
        await page.until(unread=1)
    await cast.bob.call("POST", "/api/inbox/read", json={"ids": [(await inbox_of(cast.bob))["items"][0]["id"]]})
    house.clock.move(timedelta(minutes=6))
    assert await delivered(house, cast.bob) == ["read"]
    assert await mails_to(house, cast.bob) == []


async def test_who_looks_on_gets_no_mail_until_they_leave(cast: Cast) -> None:
    house = cast.house
    tab = await cast.bob.open(cast.session_id)
    async with page_of(cast.bob) as page:
        await say(cast.alice, cast.session_id, "@Bob have a look")
        await page.until(unread=1)
    house.clock.move(timedelta(minutes=6))
    first = await delivery_of(house, cast.bob)
    async with asyncio.timeout(20):
        # It is asked about again a little later, each time.
        while (await delivery_of(house, cast.bob)).not_before == first.not_before:
            await look_again(house)
    assert (await delivery_of(house, cast.bob)).outcome == ""
    await tab.close()
    house.seconds.move(11.0)
    await until(lambda: not house.runtime.hub.present(cast.session_id))
    house.clock.move(timedelta(minutes=1))
    assert await delivered(house, cast.bob) == ["sent"]


async def delivery_of(house: House, who: Someone) -> tables.NotificationDelivery:
    row = tables.NotificationDelivery
    return await house.runtime.db.read(lambda tx: tx.sql.exec(select(row).where(row.user_id == who.id)).one())


async def test_preferences_are_kept_and_say_what_leads_to_one(cast: Cast) -> None:
    answer = await cast.bob.call("GET", "/api/me/notifications")
    chosen = answer.json()
    assert chosen["reachable"] == ["web", "email"]
    assert {"kind": "mention", "channel": "email", "is_on": True} in chosen["cells"]
    assert chosen["quiet_hours"] is None
    change = {
        "cells": [{"kind": "mention", "channel": "email", "is_on": False}],
        "quiet_hours": {"start": "22:00", "end": "07:30"},
        "time_zone": "Europe/Berlin",
    }
    for _ in range(2):
        answer = await cast.bob.call("PATCH", "/api/me/notifications", json=change)
        assert answer.status_code == 200, answer.text
    chosen = (await cast.bob.call("GET", "/api/me/notifications")).json()
    assert {"kind": "mention", "channel": "email", "is_on": False} in chosen["cells"]
    assert chosen["quiet_hours"] == {"start": "22:00", "end": "07:30"}
    assert chosen["time_zone"] == "Europe/Berlin"
    answer = await cast.bob.call("PATCH", "/api/me/notifications", json={"quiet_hours": None})
    assert answer.json()["quiet_hours"] is None
    assert answer.json()["time_zone"] == "Europe/Berlin", "what is left out stays"


NONSENSE: list[dict[str, Any]] = [
    {"time_zone": "Middle/Earth"},
    {"time_zone": "../../etc/passwd"},
    {"quiet_hours": {"start": "24:00", "end": "07:00"}},
    {"quiet_hours": {"start": "07:00", "end": "07:00"}},
    {"cells": [{"kind": "mention", "channel": "pigeon", "is_on": True}]},
    {"cells": [{"kind": "gossip", "channel": "web", "is_on": True}]},
    {"unknown": 1},
]


async def test_what_makes_no_sense_is_refused_and_changes_nothing(cast: Cast) -> None:
    before = (await cast.bob.call("GET", "/api/me/notifications")).json()
    for change in NONSENSE:
        answer = await cast.bob.call("PATCH", "/api/me/notifications", json=change)
        assert answer.status_code in (400, 422), change
    assert (await cast.bob.call("GET", "/api/me/notifications")).json() == before
    for up_to in ("", "yesterday", "2026-11-23T10:00:00"):
        answer = await cast.bob.call("POST", "/api/inbox/read-all", json={"up_to": up_to})
        assert answer.status_code in (400, 422)
        assert "moment" in answer.json()["detail"]


async def test_a_muted_session_is_listed_and_silent(cast: Cast) -> None:
    path = f"/api/sessions/{cast.session_id}/mute"
    assert (await cast.bob.call("PUT", path, json={"is_muted": True})).status_code == 204
    muted = (await cast.bob.call("GET", "/api/me/notifications")).json()["muted_sessions"]
    assert muted == [{"session_id": cast.session_id, "title": "Fix the login bug"}]
    async with page_of(cast.carol) as carols:
        await say(cast.alice, cast.session_id, "@Bob and @Carol have a look")
        await carols.until(unread=1)
    assert (await inbox_of(cast.bob))["items"] == []


async def test_what_was_told_is_still_there_after_a_restart_and_is_not_told_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with open_house(sqlite_url, tmp_path / "data") as house:
        alice, bob = await house.someone("Alice"), await house.someone("Bob")
        session_id = await alice.start()
        await bob.accept(await alice.invite(session_id))
        async with page_of(bob) as page:
            await say(alice, session_id, "@Bob have a look")
            await page.until(unread=1)
    async with open_house(sqlite_url, tmp_path / "data") as house:
        alice, bob = Someone(house, alice.id, "Alice"), Someone(house, bob.id, "Bob")
        async with page_of(bob) as page:
            await page.until(unread=1)
            root = await say(bob, session_id, "why?")
            message = (await house.log_of(session_id))[root["seq"] - 1]["message"]["id"]
            await say(alice, session_id, "because", parent_id=message)
            await page.until(unread=2)


async def test_a_page_at_another_process_rings_as_well(open_cluster: Opener) -> None:
    processes = await open_cluster(2)
    async with page_of(processes.at("Bob", 1)) as page:
        await page.until(unread=0)
        await say(processes.at("Alice", 0), processes.session_id, "@Bob have a look")
        await page.until(unread=1)
