"""People who leave: signed out everywhere, deactivated, exported, erased."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import inspect, text
from sqlmodel import select

from api.tokens import Tokens
from core import accounts, erasing, log, profiles, tables, turns
from core.db import Transaction
from core.events import PromptSubmitted
from tests.stories.conftest import Cast
from tests.stories.house import House


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite; both kinds where texts are taken away."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


def operator_headers(house: House) -> dict[str, str]:
    from datetime import timedelta

    tokens: Tokens = house.runtime.tokens
    return {"Authorization": f"Bearer {tokens.issue('operator', 'operator', 0, timedelta(minutes=1))}"}


async def as_operator(house: House, method: str, path: str) -> dict[str, object]:
    answer = await house.http.request(method, f"/api/operator/users/{path}", headers=operator_headers(house))
    assert answer.status_code in (200, 204), answer.text
    return answer.json() if answer.content else {}


async def test_a_profile_is_what_somebody_says_of_themselves(cast: Cast) -> None:
    before = (await cast.bob.call("GET", "/api/me/profile")).json()
    assert before == {"username": "Bob", "time_zone": "", "language": ""}
    wish = {"time_zone": "Europe/Berlin", "language": "de-CH", "username": " Bob \u202e B. "}
    changed = await cast.bob.call("PATCH", "/api/me/profile", json=wish)
    assert changed.json() == {"username": "Bob B.", "time_zone": "Europe/Berlin", "language": "de-CH"}
    for wrong in ({"time_zone": "Mars/Olympus"}, {"language": "not a tag"}, {"username": " "}, {"email": "x@y.z"}):
        assert (await cast.bob.call("PATCH", "/api/me/profile", json=wrong)).status_code == 422
    assert (await cast.alice.call("GET", "/api/me/profile")).json()["username"] == "Alice"


async def test_signing_out_everywhere_ends_every_socket_and_token(cast: Cast) -> None:
    tabs = [await cast.bob.open(cast.session_id) for _ in range(2)]
    other = await cast.alice.open(cast.session_id)
    assert (await cast.bob.call("POST", "/api/me/sign-out-everywhere")).status_code == 204
    for tab in tabs:
        await tab.until_closed(1.0)
    assert (await cast.bob.call("GET", "/api/me")).status_code == 401
    await other.ping()


async def test_whoever_is_deactivated_is_out_at_once_by_whatever_process(cast: Cast) -> None:
    """Within a second, also where another process has done it and told nobody."""
    tab = await cast.bob.open(cast.session_id)
    await cast.house.runtime.db.write(lambda tx: erasing.deactivate(tx, cast.bob.id))
    await tab.until_closed(1.0)
    assert (await cast.bob.call("GET", "/api/me")).status_code == 401
    carol = await cast.carol.open(cast.session_id)
    await as_operator(cast.house, "POST", "carol@example.com/deactivate")
    await carol.until_closed(1.0)
    await as_operator(cast.house, "POST", "carol@example.com/reactivate")
    assert (await cast.carol.call("GET", "/api/me")).status_code == 401, "they sign in anew"


async def test_the_only_admin_cannot_be_deactivated(cast: Cast) -> None:
    db = cast.house.runtime.db
    admins = await db.read(lambda tx: list(tx.sql.exec(select(tables.User.id).where(tables.User.is_admin))))
    *others, last = admins
    for user_id in others:
        await db.write(lambda tx, one=user_id: erasing.deactivate(tx, one))
    with pytest.raises(erasing.LastAdmin):
        await db.write(lambda tx: erasing.deactivate(tx, last))


async def everything(house: House) -> str:
    """Every row of every table."""

    def dump(tx: Transaction) -> str:
        connection = tx.sql.connection()
        names = inspect(connection).get_table_names()
        return "\n".join(str(connection.execute(text(f"SELECT * FROM {name}")).all()) for name in names)

    return await house.runtime.db.read(dump)


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
async def test_what_somebody_wrote_can_be_exported_and_erased_everywhere(cast: Cast) -> None:
    house, session = cast.house, cast.session_id
    tab, alice = await cast.bob.open(session), await cast.alice.open(session)
    said = await tab.say("zebrafish one")
    entry = await alice.until(lambda frame: frame.get("seq") == said["seq"])
    await tab.send(type="edit_message", client_msg_id="e1", message_id=entry["message"]["id"], content="zebrafish two")
    await tab.until(lambda frame: frame["type"] == "message_edited")
    ended = await cast.alice.start("Another, which has ended")
    assert (await cast.bob.accept(await cast.alice.invite(ended, "editor"))).status_code == 200
    await (await cast.bob.open(ended)).say("zebrafish three")
    await cast.alice.call("POST", f"/api/sessions/{ended}/end")

    exported = json.dumps(await as_operator(house, "GET", "bob@example.com/export"))
    assert all(words in exported for words in ("zebrafish two", "zebrafish three", "bob@example.com", session))
    assert "zebrafish" in await everything(house)

    assert await as_operator(house, "POST", "bob@example.com/erase") == {"texts": 2}
    await alice.until(lambda frame: frame["type"] == "message_deleted")
    async with asyncio.timeout(5):
        while "zebrafish" in await everything(house):  # noqa: ASYNC110 - the search follows by itself
            await asyncio.sleep(0.05)
    rows = await everything(house)
    assert "bob@example.com" not in rows
    assert erasing.NOBODY in rows
    found = await cast.alice.call("GET", f"/api/sessions/{session}/search?q=zebrafish")
    assert found.json()["items"] == []
    assert (await cast.bob.call("GET", "/api/me")).status_code == 401
    answer = await house.http.post("/api/operator/users/bob@example.com/erase", headers=operator_headers(house))
    assert answer.status_code == 404, "nobody has that address any more"


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
async def test_the_name_of_an_erased_person_and_what_they_asked_the_agent_are_gone_from_every_log(cast: Cast) -> None:
    house, session = cast.house, cast.session_id
    db = house.runtime.db
    bob = accounts.actor_for(await db.read(lambda tx: accounts.get_user(tx, cast.bob.id)), "web")
    await db.write(lambda tx: profiles.change(tx, bob.user_id, name="Quagga Quux"))
    named = accounts.actor_for(await db.read(lambda tx: accounts.get_user(tx, cast.bob.id)), "web")
    tab, alice = await cast.bob.open(session), await cast.alice.open(session)
    own = await cast.bob.start("A session of his own")
    await tab.say("hello")
    asked = turns.Reported("p1", PromptSubmitted(turn_id="t", text="okapi please"))
    await db.write(lambda tx: turns.record(tx, named, own, [asked]))
    assert "Quagga" in await everything(house)

    await as_operator(house, "POST", "bob@example.com/erase")
    told = await alice.until(lambda frame: frame["type"] == "person_erased")
    assert told["user_id"] == bob.user_id
    async with asyncio.timeout(5):
        while "okapi" in await everything(house):  # noqa: ASYNC110 - the search follows by itself
            await asyncio.sleep(0.05)
    assert "Quagga" not in await everything(house)
    # The log of each session still has every number, and whoever reads it anew gets what those hold who were there.
    for session_id in (session, own):
        entries = await db.read(lambda tx, one=session_id: log.read_after(tx, one, 0))
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    late = await cast.alice.open(session)
    history = await cast.alice.call("GET", f"/api/sessions/{session}/events?after=0&limit=100")
    shown = history.text + json.dumps(late.frames)
    assert "Quagga" not in shown
