"""What whoever runs the server sees of what is open on it; and that nobody else sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import accounts, tables
from core.db import Transaction
from cosession import operator
from cosession import settings as configuration
from tests.stories.conftest import Cast
from tests.stories.house import House, Someone


async def admin_of(house: House) -> Someone:
    """Whoever set this server up."""
    user = await house.runtime.db.read(accounts.first_user)
    assert user is not None
    return Someone(house, user.id, user.name)


async def test_the_first_account_is_an_admin_s_and_the_next_are_not(house: House) -> None:
    bob = await house.someone("Bob")
    assert (await (await admin_of(house)).call("GET", "/api/me")).json()["is_admin"] is True
    assert (await bob.call("GET", "/api/me")).json()["is_admin"] is False


async def test_an_admin_sees_every_live_session_and_connection(cast: Cast) -> None:
    root = await admin_of(cast.house)
    other = await cast.bob.start("Bob's own")
    tabs = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.bob)]
    await cast.bob.open(other)
    answer = await root.call("GET", "/api/admin/live")
    assert answer.status_code == 200, answer.text
    live = answer.json()
    assert live["totals"] == {
        "sessions": 2,
        "people": 2,
        "connections": 4,
        "by_transport": {"websocket": 4},
        "queued_bytes": 0,
    }
    fullest, second = live["sessions"]
    assert (fullest["id"], fullest["connections"], fullest["people"]) == (cast.session_id, 3, 2)
    assert fullest["host"]["username"] == "Alice"
    assert fullest["head"] == tabs[0].frames[0]["seq"]
    assert (second["title"], second["connections"]) == ("Bob's own", 1)
    connections = [one for one in live["connections"] if one["session_id"] == cast.session_id]
    assert [one["username"] for one in connections] == ["Alice", "Bob", "Bob"]
    assert [one["role"] for one in connections] == ["host", "editor", "editor"]
    assert [one["id"] for one in connections] == [tab.frames[0]["connection_id"] for tab in tabs]
    assert all(one["since"] <= one["last_heard_at"] and one["address"] for one in connections)


async def test_what_was_closed_is_not_listed_any_more(cast: Cast) -> None:
    await cast.alice.open(cast.session_id)
    bob = await cast.bob.open(cast.session_id)
    await bob.close()
    live = (await (await admin_of(cast.house)).call("GET", "/api/admin/live")).json()
    assert [one["username"] for one in live["connections"]] == ["Alice"]


async def test_to_anybody_else_there_is_no_such_page(cast: Cast) -> None:
    for who in (cast.alice, cast.bob, cast.carol, cast.mallory):
        answer = await who.call("GET", "/api/admin/live")
        missing = await who.call("GET", "/api/admin/nothing")
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert answer.json()["error_code"] == missing.json()["error_code"] == "not_found"
    assert (await cast.house.http.get("/api/admin/live")).status_code == 401


async def test_being_a_host_or_asking_for_it_makes_nobody_an_admin(cast: Cast) -> None:
    path = f"/api/sessions/{cast.session_id}/hand-over"
    assert (await cast.alice.call("POST", path, json={"user_id": cast.bob.id})).status_code == 200
    assert (await cast.bob.call("GET", "/api/admin/live")).status_code == 404


async def test_an_account_may_be_made_an_admin_s_and_lose_that(cast: Cast) -> None:
    db = cast.house.runtime.db
    user = await db.write(lambda tx: accounts.add_user(tx, "root@example.com", "Root", is_admin=True))
    root = await cast.house.someone("Rita")
    root.id = user.id
    assert (await root.call("GET", "/api/admin/live")).status_code == 200

    def demote(tx: object) -> None:
        assert isinstance(tx, Transaction)
        row = tx.sql.get(tables.User, user.id)
        assert row is not None
        row.is_admin = False
        tx.sql.add(row)

    await db.write(demote)
    assert (await root.call("GET", "/api/admin/live")).status_code == 404


@pytest.mark.parametrize("is_admin", [True, False])
def test_the_command_line_makes_admins(tmp_path: Path, is_admin: bool) -> None:
    settings = configuration.load(_env_file=None, COSESSION_DATA_DIR=tmp_path / "data")
    operator.add_user(settings, "first@example.com", "First")
    operator.add_user(settings, "second@example.com", "Second", is_admin=is_admin)
    found = operator.on_database(settings, lambda tx: operator.user_by_email(tx, "second@example.com").is_admin)
    assert found is is_admin
