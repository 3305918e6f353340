"""What is counted over all processes: tabs and messages. And what is said over one of them about a tab of another."""

from __future__ import annotations

import asyncio
import time

from core.clock import iso
from tests.stories.processes import (
    Frame,
    Opener,
    at_line,
    followed,
    people_of,
    until,
)


async def test_twenty_tabs_are_enough_over_all_processes_together(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    tabs = [await cluster.open("Bob", number % 2) for number in range(20)]
    bob = cluster.cast["Bob"].id
    await until(lambda: all(house.runtime.hub.connections_anywhere(bob) == 20 for house in cluster.houses))
    for process in (0, 1):
        who = cluster.at("Bob", process)
        one_more = await cluster.houses[process].connect(cluster.session_id, token=await who.ticket(cluster.session_id))
        assert (await one_more.until_closed())[0] == 4529
    await tabs[0].close()
    await until(lambda: all(house.runtime.hub.connections_anywhere(bob) == 19 for house in cluster.houses))
    await cluster.open("Bob", 1)


async def test_one_budget_of_messages_is_shared_by_all_tabs_on_all_processes(
    open_cluster: Opener, valkey_url: str
) -> None:
    cluster = await open_cluster(2, REDIS_URL=valkey_url)
    tabs = [await cluster.open("Bob", process) for process in (0, 0, 0, 1, 1, 1)]
    carol = await cluster.open("Carol", 0)
    began = time.monotonic()
    answers: list[Frame] = []
    for _ in range(20):
        answers += await asyncio.gather(*(tab.say("hello") for tab in tabs))
    acks = [answer for answer in answers if answer["type"] == "ack"]
    errors = [answer for answer in answers if answer["type"] == "error"]
    assert len(acks) + len(errors) == 120
    budgets = [house.runtime.budget for house in cluster.houses]
    alone = sum(budget.decided_alone for budget in budgets if budget is not None)
    assert len(acks) <= 100 * (1 + (time.monotonic() - began) / 60.0) + 1 + alone
    assert {error["error_code"] for error in errors} == {"too_many"}
    assert all(error["retryable"] and error["retry_after_ms"] > 0 for error in errors)
    assert (await carol.say("I have my own"))["type"] == "ack"


async def test_without_redis_messages_are_taken_at_once_and_still_not_without_limit(
    open_cluster: Opener, free_port: int
) -> None:
    cluster = await open_cluster(2, REDIS_URL=f"redis://127.0.0.1:{free_port}/0")
    tabs = [await cluster.open("Bob", process) for process in (0, 1)]
    await until(lambda: all(house.runtime.elsewhere.processes == 2 for house in cluster.houses))
    began = time.monotonic()
    answers: list[Frame] = []
    for _ in range(60):
        answers += await asyncio.gather(*(tab.say("hello") for tab in tabs))
    acks = [answer for answer in answers if answer["type"] == "ack"]
    assert 96 <= len(acks) <= 100 * (1 + (time.monotonic() - began) / 60.0) + 2


async def test_everybody_here_is_called_by_a_message_that_is_posted_where_nobody_is(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice = await cluster.open("Alice", 0)
    post = {"type": "chat_message", "client_msg_id": "k", "content": "@here, lunch?"}
    path = f"/api/sessions/{cluster.session_id}/commands"
    answer = await cluster.at("Bob", 1).call("POST", path, json={"frames": [post]})
    assert answer.json()["items"][0]["type"] == "ack"
    await alice.until(lambda frame: frame["type"] == "chat_message")
    seen = await cluster.at("Alice", 1).call("GET", f"/api/sessions/{cluster.session_id}")
    assert seen.json()["mention_count"] == 1


async def test_commands_may_be_posted_to_another_process_than_the_stream_comes_from(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    cast = cluster.cast
    alice = await cluster.open("Alice", 1)
    cluster.houses[0].transport = "sse"
    bob = await cluster.open("Bob", 0)
    await cluster.until_all_see("Alice", "Bob")
    path, connection_id = f"/api/sessions/{cluster.session_id}/commands", bob.frames[0]["connection_id"]

    async def post(name: str, *frames: Frame) -> list[Frame | None]:
        body = {"connection_id": connection_id, "frames": list(frames)}
        answer = await cluster.at(name, 1).call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    point = {"type": "cursor_update", "file": "main.py", "line": 3}
    assert await post("Bob", point, {"type": "follow", "user_id": cast["Alice"].id}) == [None, None]
    await alice.until(at_line(cast["Bob"], 3))
    await alice.until(followed(cast["Bob"], cast["Alice"]))
    await post("Bob", {"type": "follow", "user_id": cast["Bob"].id})
    assert (await bob.until(lambda frame: frame["type"] == "error"))["error_code"] == "invalid"
    # Somebody else's connection is not theirs to speak for.
    await post("Carol", {**point, "line": 99})
    sign_in = cluster.cast["Bob"].headers["Authorization"].removeprefix("Bearer ")
    (renewed,) = await post("Bob", {"type": "refresh_token", "auth_token": sign_in})
    assert renewed is not None
    assert renewed["type"] == "token_refreshed"
    (held,) = [one for one in cluster.houses[0].runtime.hub.connections() if one.id == connection_id]
    await until(lambda: iso(held.until) == renewed["expires_at"])
    for _ in range(10):
        (pong,) = await post("Bob", {"type": "ping"})
        assert pong is not None
        assert pong["type"] == "pong"
        await cluster.pass_seconds(4.0, alice)
    assert cluster.here(0) == cluster.here(1) == {"Alice", "Bob"}, "whoever posts elsewhere is still here"
    assert people_of(alice)["Bob"]["cursor"]["line"] == 3
