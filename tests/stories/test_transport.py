"""What a connection is, over sockets and event streams alike: how it is renewed, asked anew, limited and ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from api.upkeep import Upkeep
from tests.stories.conftest import Cast
from tests.stories.house import Client, House, Someone
from tests.stories.lines import Transport


@pytest.fixture(params=["websocket", "sse"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the engine."""
    return sqlite_url


def look_after_everybody(house: House) -> None:
    """What the server does each second."""
    Upkeep(house.runtime.hub, house.runtime.db, house.clock).sweep()


def token(who: Someone, lifetime: timedelta) -> str:
    return who.house.runtime.tokens.issue("api", who.id, 0, lifetime)


async def renew(client: Client, new_token: str) -> dict[str, Any]:
    before = len(client.frames)
    await client.send(type="refresh_token", auth_token=new_token)
    return await client.until(lambda frame: frame["type"] in ("token_refreshed", "error"), after=before)


# ── The sign-in behind it ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_day_on_five_minute_tokens_is_one_connection(cast: Cast) -> None:
    house, five = cast.house, timedelta(minutes=5)
    bob = await cast.bob.open(cast.session_id)
    assert (await renew(bob, token(cast.bob, five)))["type"] == "token_refreshed"
    passed, renewals = timedelta(), 0
    while passed < timedelta(hours=24):
        house.clock.move(timedelta(seconds=50))
        passed += timedelta(seconds=50)
        before = len(bob.frames)
        look_after_everybody(house)
        if passed.total_seconds() % 250 == 0:
            asked = await bob.until(lambda frame: frame["type"] == "token_expiring", after=before)
            house.seconds.move(250.0)
            assert (await renew(bob, token(cast.bob, five)))["expires_at"] > asked["expires_at"]
            renewals += 1
    assert renewals >= 24 * 12
    assert (await bob.say("still the same connection"))["type"] == "ack"
    assert bob.kinds().count("connected") == 1
    assert bob.kinds().count("token_expiring") == renewals


async def test_without_a_newer_sign_in_it_ends_half_a_minute_after_the_old_one(cast: Cast) -> None:
    house = cast.house
    bob = await cast.bob.open(cast.session_id)
    await renew(bob, token(cast.bob, timedelta(minutes=5)))
    house.clock.move(timedelta(minutes=4, seconds=5))
    look_after_everybody(house)
    look_after_everybody(house)
    await bob.until(lambda frame: frame["type"] == "token_expiring")
    house.clock.move(timedelta(minutes=1, seconds=15))
    look_after_everybody(house)
    assert (await bob.say("twenty seconds too late"))["type"] == "ack"
    assert bob.kinds().count("token_expiring") == 1
    house.clock.move(timedelta(seconds=10))
    look_after_everybody(house)
    assert (await bob.until_closed())[0] == 4501


async def test_somebody_elses_token_renews_nothing(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    (before,) = [connection.until for connection in cast.house.runtime.hub.connections()]
    refusal = await renew(bob, token(cast.alice, timedelta(hours=9)))
    assert refusal["error_code"] == "not_allowed"
    refusal = await renew(bob, await cast.alice.ticket(cast.session_id))
    assert refusal["error_code"] == "not_allowed"
    assert (await renew(bob, "nonsense"))["error_code"] == "not_signed_in"
    assert [connection.until for connection in cast.house.runtime.hub.connections()] == [before]
    assert (await bob.say("and harms nothing"))["type"] == "ack"


async def test_a_ticket_renews_once_and_only_in_its_own_session(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    ticket = await cast.bob.ticket(cast.session_id)
    assert (await renew(bob, ticket))["type"] == "token_refreshed"
    assert (await renew(bob, ticket))["error_code"] == "not_signed_in"
    elsewhere = await cast.bob.ticket(await cast.bob.start("Another session"))
    assert (await renew(bob, elsewhere))["error_code"] == "not_signed_in"


# ── Asked anew ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_second_hello_is_answered_with_what_is_true_now(cast: Cast) -> None:
    carol = await cast.carol.open(cast.session_id)
    await cast.alice.call("PATCH", f"/api/sessions/{cast.session_id}", json={"title": "Renamed"})
    path = f"/api/sessions/{cast.session_id}/participants/"
    assert (await cast.alice.call("PATCH", path + cast.carol.id, json={"role": "editor"})).status_code == 204
    assert (await cast.alice.call("DELETE", path + cast.bob.id)).status_code == 204
    first, before = carol.frames[0], len(carol.frames)
    await carol.send(type="join_session", since={"epoch": first["epoch"], "seq": 0})
    again = await carol.until(lambda frame: frame["type"] == "connected", after=before)
    assert (again["session"]["title"], again["role"], again["is_resumed"]) == ("Renamed", "editor", True)
    assert {person["username"] for person in again["participants"]} == {"Alice", "Carol"}
    where = carol.frames.index(again)
    await carol.until(lambda frame: frame.get("seq") == again["seq"] and "at" in frame, after=where)
    resent = [frame["seq"] for frame in carol.frames[where:] if "at" in frame and "seq" in frame]
    assert resent == list(range(1, again["seq"] + 1))
    cast.house.clients.remove(carol)  # It was shown the beginning twice, as it asked.
    await carol.close()


async def test_a_second_hello_from_nowhere_goes_on_where_connected_says(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    for number in range(5):
        await alice.say(f"before {number}")
    before = len(bob.frames)
    await bob.send(type="join_session", reason="diverged")
    again = await bob.until(lambda frame: frame["type"] == "connected", after=before)
    assert again["is_resumed"] is False
    said = await alice.say("after")
    await bob.until_seq(said["seq"])
    after = [f["seq"] for f in bob.frames[bob.frames.index(again) :] if "at" in f and "seq" in f]
    assert after == list(range(again["seq"] + 1, said["seq"] + 1))


# ── How many, and for how long ────────────────────────────────────────────────────────────────────────────────────────


async def test_twenty_connections_of_one_person_and_no_more_whatever_they_are(cast: Cast) -> None:
    house = cast.house
    for number in range(20):
        house.transport = ("websocket", "sse")[number % 2]
        await cast.bob.open(cast.session_id)
    refused = await cast.bob.call("GET", f"/api/sessions/{cast.session_id}/stream")
    assert (refused.status_code, refused.json()["error_code"]) == (429, "too_many")
    socket = await house.connect(cast.session_id, token=await cast.bob.ticket(cast.session_id))
    assert (await socket.until_closed())[0] == 4529
    statistics = house.runtime.hub.statistics()
    assert (statistics.connections, statistics.people) == (20, 1)
    assert statistics.by_transport == {"websocket": 10, "sse": 10}


async def test_who_is_signed_out_everywhere_by_the_operator_is_out_at_once(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    operator = cast.house.runtime.tokens.issue("operator", "operator", 0, timedelta(minutes=1))
    path = "/api/operator/users/bob@example.com/sign-out"
    answer = await cast.house.http.post(path, headers={"Authorization": f"Bearer {operator}"})
    assert answer.status_code == 204
    assert (await bob.until_closed(3.0))[0] == 4401


async def test_a_server_that_goes_down_says_so_and_lets_nobody_in(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    ticket = await cast.alice.ticket(cast.session_id)
    cast.house.runtime.hub.drain()
    assert (await bob.until_closed())[0] == 4550
    assert "draining" in bob.kinds()
    refused = await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/stream")
    assert (refused.status_code, refused.json()["error_code"]) == (503, "draining")
    socket = await cast.house.connect(cast.session_id, token=ticket)
    assert (await socket.until_closed())[0] == 4550


async def test_a_closed_line_leaves_nothing_behind(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    hub = cast.house.runtime.hub
    assert hub.connections_of(cast.bob.id) == 1
    await bob.close()
    while hub.connections_of(cast.bob.id):
        await alice.ping()
    assert [connection.person.user_id for connection in hub.connections()] == [cast.alice.id]


async def test_any_order_of_frames_is_answered_with_published_frames(cast: Cast) -> None:
    """`Client` validates whatever it is sent; here the oddest that is still JSON."""
    bob = await cast.bob.open(cast.session_id)
    odd: list[Any] = [None, 0, "", [], {}, {"type": None}, {"type": ["ping"]}, {"type": "ping", "x": [[[{}]]]}]
    for value in odd:
        await bob.send_text(json.dumps(value))
    assert (await bob.say("all is well"))["type"] == "ack"
    assert bob.kinds().count("error") == 7


async def test_who_has_not_answered_for_a_lease_is_counted_once_and_counts_again_after_a_word(cast: Cast) -> None:
    def ghosts() -> float:
        return REGISTRY.get_sample_value("cosession_ghosts_total") or 0.0

    bob = await cast.bob.open(cast.session_id)
    before = ghosts()
    for expected in (1, 2):
        cast.house.seconds.move(31.0)
        look_after_everybody(cast.house)
        look_after_everybody(cast.house)
        assert ghosts() == before + expected
        assert (await bob.ping())["type"] == "pong"


async def test_the_metrics_tell_of_connections_by_transport_and_of_what_waits_for_readers(cast: Cast) -> None:
    await cast.bob.open(cast.session_id)
    look_after_everybody(cast.house)
    transport = cast.house.transport
    assert (REGISTRY.get_sample_value("cosession_connections", {"transport": transport}) or 0) >= 1
    assert REGISTRY.get_sample_value("cosession_queued_bytes") is not None
    statistics = cast.house.runtime.hub.statistics()
    (room,) = statistics.rooms
    (connection,) = room.connections
    assert (connection.username, connection.transport, connection.role) == ("Bob", transport, "editor")
    assert (room.people, room.head, statistics.by_transport) == (1, connection.cursor, {transport: 1})
