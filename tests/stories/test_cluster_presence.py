"""Presence over several processes on one database: everybody sees everybody, wherever each is connected.

Each house is a process of its own as far as anything is shared: they have the database and the signals in common. Time
passes by the seconds that each is handed; a process that is killed says nothing more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from core.clock import iso
from core.presence import GRACE, LEASE, SUMMON_EVERY
from tests.stories.house import Client, Frame, House, Someone, open_house
from tests.support.signals import Lines

KEY = "a key that all of these processes have in common, 0123456789"


@dataclass
class Cluster:
    """`houses[n]` is one process. The cast has its seats; `at` says where somebody acts."""

    houses: list[House]
    lines: Lines
    session_id: str
    cast: dict[str, Someone]
    stacks: list[AsyncExitStack] = field(default_factory=list[AsyncExitStack])

    def at(self, name: str, process: int) -> Someone:
        known = self.cast[name]
        return Someone(self.houses[process], known.id, known.name)

    async def open(self, name: str, process: int, **query: Any) -> Client:
        return await self.at(name, process).open(self.session_id, **query)

    def here(self, process: int) -> set[str]:
        """Whom that process shows."""
        return {shown.person.username for shown in self.houses[process].runtime.hub.present(self.session_id)}

    async def until_all_see(self, *names: str, processes: tuple[int, ...] | None = None) -> None:
        places = processes if processes is not None else tuple(range(len(self.houses)))
        await until(lambda: all(self.here(process) == set(names) for process in places))

    async def pass_seconds(self, seconds: float, *tabs: Client) -> None:
        """Lets time pass everywhere, in steps in which every process shows its tabs and each of `tabs` speaks."""
        left = seconds
        while left > 0:
            step = min(left, 4.0)
            left -= step
            for house in self.houses:
                house.seconds.move(step)
            for tab in tabs:
                await tab.ping()
            for house in self.houses:
                house.runtime.elsewhere.look()
            await asyncio.gather(*(settled(house) for house in self.houses))

    async def kill(self, process: int) -> None:
        """Nothing comes from it any more: no signal, no word to a client."""
        house = self.houses[process]
        self.lines.cut(f"process {process}")
        for client in house.clients:
            await client.close()


async def settled(house: House) -> None:
    """One answered request: what was on its way in that process has arrived."""
    assert (await house.http.get("/healthz")).status_code == 200


async def until(claim: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for something that no frame tells of."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)


class Opener(Protocol):
    def __call__(self, processes: int, **settings: str) -> Awaitable[Cluster]: ...


@pytest.fixture
async def open_cluster(postgres_url: str, tmp_path: Path) -> AsyncGenerator[Opener]:
    async with AsyncExitStack() as stack:

        async def start(processes: int, **settings: str) -> Cluster:
            lines = Lines()
            houses = [
                await stack.enter_async_context(
                    open_house(
                        postgres_url,
                        tmp_path / f"data {number}",
                        signals=lines.process(f"process {number}"),
                        JWT_SECRET_KEY=KEY,
                        **settings,
                    )
                )
                for number in range(processes)
            ]
            cast = {name: await houses[0].someone(name) for name in ("Alice", "Bob", "Carol", "Dora")}
            session_id = await cast["Alice"].start()
            for name, role in (("Bob", "editor"), ("Carol", "editor"), ("Dora", "viewer")):
                secret = await cast["Alice"].invite(session_id, role)
                assert (await cast[name].accept(secret)).status_code == 200
            return Cluster(houses, lines, session_id, cast)

        yield start


def kinds(tab: Client, *wanted: str, after: int = 0) -> list[Frame]:
    return [frame for frame in tab.frames[after:] if frame["type"] in wanted]


def people_of(tab: Client) -> dict[str, Frame]:
    """Who is here, by what this tab was told."""
    people: dict[str, Frame] = {}
    for frame in tab.frames:
        if frame["type"] in ("connected", "presence_update"):
            people |= {user["user_id"]: user for user in frame.get("presence", frame.get("users", []))}
        elif frame["type"] == "user_left":
            del people[frame["user_id"]]
        elif frame["type"] == "followed":
            people[frame["user_id"]]["following"] = frame["target_id"]
    return {user["username"]: user for user in people.values()}


def shown(who: Someone, **state: Any) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        users = frame.get("users", []) if frame["type"] == "presence_update" else []
        return any(user["user_id"] == who.id and state.items() <= user.items() for user in users)

    return found


def at_line(who: Someone, line: int) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        users = frame.get("users", []) if frame["type"] == "presence_update" else []
        return any(user["user_id"] == who.id and (user["cursor"] or {}).get("line") == line for user in users)

    return found


def told(kind: str, who: Someone) -> Callable[[Frame], bool]:
    def found(frame: Frame) -> bool:
        subject = frame["user"]["user_id"] if kind == "user_joined" and frame["type"] == kind else frame.get("user_id")
        return frame["type"] == kind and subject == who.id

    return found


async def test_everybody_is_shown_on_every_process_with_where_they_are(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    alice = await cluster.open("Alice", 0)
    bob = await cluster.open("Bob", 1)
    await alice.until(told("user_joined", cluster.cast["Bob"]))
    await bob.send(type="cursor_update", file="main.py", line=7)
    await alice.until(at_line(cluster.cast["Bob"], 7))
    carol = await cluster.open("Carol", 2)
    await cluster.until_all_see("Alice", "Bob", "Carol")
    for tab in (alice, bob):
        await tab.until(told("user_joined", cluster.cast["Carol"]))
    late = await cluster.open("Dora", 2)
    everyone = {user["username"]: user for user in late.frames[0]["presence"]}
    assert set(everyone) == {"Alice", "Bob", "Carol", "Dora"}
    assert everyone["Bob"]["cursor"]["line"] == 7
    # Whoever opened a process's first tab is not told that those have just come who were there before.
    await until(lambda: set(people_of(carol)) == {"Alice", "Bob", "Carol", "Dora"})
    for tab in (alice, bob, carol, late):
        came = [frame["user"]["username"] for frame in kinds(tab, "user_joined")]
        assert len(came) == len(set(came)), "each is said to have come once"


async def test_three_tabs_on_three_processes_are_one_person(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    alice = await cluster.open("Alice", 0)
    tabs = [await cluster.open("Bob", process) for process in range(3)]
    for number, tab in enumerate(tabs, start=1):
        await tab.send(type="cursor_update", file="main.py", line=number)
        await alice.until(at_line(cluster.cast["Bob"], number))
    await cluster.until_all_see("Alice", "Bob")
    await tabs[2].close()
    await tabs[0].close()
    await alice.until(at_line(cluster.cast["Bob"], 2), after=len(alice.frames) - 1)
    await cluster.pass_seconds(GRACE + 2.0, alice, tabs[1])
    assert cluster.here(0) == cluster.here(1) == {"Alice", "Bob"}
    assert len(kinds(alice, "user_joined")) == 1
    assert not kinds(alice, "user_left")


async def test_the_people_of_a_killed_process_are_gone_within_thirty_seconds(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice = await cluster.open("Alice", 0)
    await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    await cluster.pass_seconds(12.0, alice, *cluster.houses[1].clients)
    await cluster.kill(1)
    await cluster.pass_seconds(LEASE - 10.0, alice)
    assert cluster.here(0) == {"Alice", "Bob"}, "a process that is silent for a moment is not gone"
    await cluster.pass_seconds(12.0, alice)
    await alice.until(told("user_left", cluster.cast["Bob"]))
    assert cluster.here(0) == {"Alice"}
    assert len(kinds(alice, "user_left")) == 1


async def test_a_process_that_stops_in_order_leaves_nobody_behind(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice = await cluster.open("Alice", 0)
    await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.houses[1].runtime.stopping()
    await cluster.houses[1].runtime.elsewhere.close()
    await cluster.pass_seconds(GRACE - 4.0, alice)
    assert not kinds(alice, "user_left"), "they may be back, on another process"
    await cluster.pass_seconds(8.0, alice)
    await alice.until(told("user_left", cluster.cast["Bob"]))


async def test_a_reconnect_to_another_process_makes_no_noise(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    alice, carol = await cluster.open("Alice", 0), await cluster.open("Carol", 2)
    bob = await cluster.open("Bob", 1)
    await bob.send(type="cursor_update", file="main.py", line=9)
    await alice.until(at_line(cluster.cast["Bob"], 9))
    await carol.until(at_line(cluster.cast["Bob"], 9))
    await bob.close()
    await until(lambda: cluster.houses[1].runtime.hub.connections_of(cluster.cast["Bob"].id) == 0)
    await cluster.pass_seconds(GRACE - 4.0, alice, carol)
    before = len(alice.frames), len(carol.frames)
    back = await cluster.open("Bob", 2)
    mine = next(user for user in back.frames[0]["presence"] if user["username"] == "Bob")
    assert mine["cursor"]["line"] == 9
    await cluster.pass_seconds(GRACE + 4.0, alice, carol, back)
    assert cluster.here(0) == cluster.here(2) == {"Alice", "Bob", "Carol"}
    assert not kinds(alice, "user_joined", "user_left", after=before[0])
    assert not kinds(carol, "user_joined", "user_left", after=before[1])


async def test_whoever_is_removed_is_gone_on_every_process_at_once(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    carol = await cluster.open("Carol", 1)
    await cluster.until_all_see("Alice", "Bob", "Carol")
    removed = await cluster.at("Alice", 1).call(
        "DELETE", f"/api/sessions/{cluster.session_id}/participants/{cluster.cast['Bob'].id}"
    )
    assert removed.status_code == 204
    assert (await bob.until_closed())[0] == 4403
    await carol.until(told("user_left", cluster.cast["Bob"]))
    await alice.until(told("user_left", cluster.cast["Bob"]))
    await cluster.until_all_see("Alice", "Carol")
    # Added again, they are shown again.
    assert (
        await cluster.at("Bob", 0).accept(await cluster.cast["Alice"].invite(cluster.session_id))
    ).status_code == 200
    await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob", "Carol")


async def test_after_a_restart_there_are_no_ghosts(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice = await cluster.open("Alice", 0)
    await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.houses[1].runtime.stopping()
    await cluster.houses[1].runtime.elsewhere.close()
    await cluster.pass_seconds(GRACE + 4.0, alice)
    await alice.until(told("user_left", cluster.cast["Bob"]))
    late = await cluster.open("Carol", 0)
    assert {user["username"] for user in late.frames[0]["presence"]} == {"Alice", "Carol"}


# ── Going along ───────────────────────────────────────────────────────────────────────────────────────────────────────


def followed(who: Someone, whom: Someone | None) -> Callable[[Frame], bool]:
    pair = (who.id, whom.id if whom else None)
    return lambda frame: frame["type"] == "followed" and (frame["user_id"], frame["target_id"]) == pair


async def test_somebody_on_another_process_can_be_followed_and_a_circle_is_refused(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    alice, bob, carol = [await cluster.open(name, n) for n, name in enumerate(("Alice", "Bob", "Carol"))]
    cast = cluster.cast
    await cluster.until_all_see("Alice", "Bob", "Carol")
    await alice.send(type="follow", user_id=cast["Bob"].id)
    await bob.send(type="follow", user_id=cast["Carol"].id)
    await carol.until(followed(cast["Alice"], cast["Bob"]))
    await carol.until(followed(cast["Bob"], cast["Carol"]))
    await carol.send(type="follow", user_id=cast["Alice"].id)
    refused = await carol.until(lambda frame: frame["type"] == "error")
    assert refused["error_code"] == "follow_cycle"
    await alice.send(type="unfollow")
    await carol.until(followed(cast["Alice"], None))
    await carol.send(type="follow", user_id=cast["Alice"].id)
    await alice.until(followed(cast["Carol"], cast["Alice"]))


async def test_of_two_who_follow_each_other_at_once_the_same_one_lets_go_everywhere(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    cast = cluster.cast
    await cluster.until_all_see("Alice", "Bob")
    cluster.lines.go_down()  # Neither process can know of the other's.
    await alice.send(type="follow", user_id=cast["Bob"].id)
    await bob.send(type="follow", user_id=cast["Alice"].id)
    await alice.until(followed(cast["Alice"], cast["Bob"]))
    await bob.until(followed(cast["Bob"], cast["Alice"]))
    cluster.lines.come_back()
    low, high = sorted((cast["Alice"], cast["Bob"]), key=lambda who: who.id)
    for tab in (alice, bob):
        await tab.until(lambda f: shown(low, following=high.id)(f) or followed(low, high)(f))

    def following(process: int) -> dict[str, str | None]:
        people = cluster.houses[process].runtime.hub.present(cluster.session_id)
        return {one.person.user_id: one.following for one in people}

    await until(lambda: all(following(process) == {low.id: high.id, high.id: None} for process in (0, 1)))
    loser = alice if high is cast["Alice"] else bob
    await loser.until(followed(high, None))


async def test_a_host_s_request_to_come_along_reaches_every_process_at_the_same_pace(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, other_alice = await cluster.open("Alice", 0), await cluster.open("Alice", 1)
    bob = await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    await alice.send(type="summon")
    await bob.until(lambda frame: frame["type"] == "summoned")
    await other_alice.send(type="summon")
    refused = await other_alice.until(lambda frame: frame["type"] == "error")
    assert refused["error_code"] == "too_many"
    assert "summoned" not in other_alice.kinds(), "whoever asks is not asked"
    await cluster.pass_seconds(SUMMON_EVERY, alice, bob, other_alice)
    before = len(bob.frames)
    await other_alice.send(type="summon")
    await bob.until(lambda frame: frame["type"] == "summoned", after=before)


async def test_typing_is_told_and_forgotten_across_processes(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")

    def typing(is_so: bool) -> Callable[[Frame], bool]:
        return lambda f: f["type"] == "typing" and (f["username"], f["is_typing"]) == ("Bob", is_so)

    await bob.send(type="typing")
    await alice.until(typing(True))
    before = len(alice.frames)
    await bob.send(type="typing", is_typing=False)
    await alice.until(typing(False), after=before)
    before = len(alice.frames)
    await bob.send(type="typing")
    await alice.until(typing(True), after=before)
    await cluster.pass_seconds(6.0, alice, bob)
    await alice.until(typing(False), after=before)


async def test_what_one_has_read_is_told_to_their_tabs_on_every_process(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    bob, other = await cluster.open("Bob", 0), await cluster.open("Bob", 1)
    seq = bob.frames[0]["seq"]
    await bob.send(type="read_up_to", seq=seq)
    for tab in (bob, other):
        marker = await tab.until(lambda frame: frame["type"] == "read_marker")
        assert marker["read_up_to"] == seq


# ── Signals that get lost ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_lost_is_made_good_by_what_comes_after(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.lines.go_down()
    await bob.send(type="cursor_update", file="main.py", line=3)
    await bob.until(at_line(cluster.cast["Bob"], 3))
    await bob.send(type="follow", user_id=cluster.cast["Alice"].id)
    await bob.until(followed(cluster.cast["Bob"], cluster.cast["Alice"]))
    cluster.lines.is_down = False  # And nobody is told of it.
    carol = await cluster.open("Carol", 1)
    await alice.until(followed(cluster.cast["Bob"], cluster.cast["Alice"]))
    await alice.until(at_line(cluster.cast["Bob"], 3))
    await cluster.until_all_see("Alice", "Bob", "Carol")
    await carol.ping()


async def test_over_lines_that_lose_double_and_delay_everybody_ends_up_seeing_the_same(open_cluster: Opener) -> None:
    cluster = await open_cluster(3)
    cluster.lines.loss, cluster.lines.doubles, cluster.lines.delay = 0.3, 0.3, 0.2
    tabs = {name: await cluster.open(name, n % 3) for n, name in enumerate(("Alice", "Bob", "Carol", "Dora"))}
    for line in range(1, 21):
        for tab in tabs.values():
            await tab.send(type="cursor_update", file="main.py", line=line)
            await tab.ping()
    assert cluster.lines.lost > 0
    cluster.lines.loss = cluster.lines.delay = 0.0

    def states(process: int) -> dict[str, int]:
        people = cluster.houses[process].runtime.hub.present(cluster.session_id)
        return {one.person.username: one.cursor.line if one.cursor else 0 for one in people}

    async with asyncio.timeout(10.0):
        while any(states(process) != dict.fromkeys(tabs, 20) for process in range(3)):
            await cluster.pass_seconds(4.0, *tabs.values())
    for tab in tabs.values():
        assert not kinds(tab, "user_left")


async def test_after_an_outage_of_the_signals_everything_is_right_again(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    cluster.lines.go_down()
    await cluster.pass_seconds(20.0, alice, bob)
    assert cluster.here(0) == cluster.here(1) == {"Alice", "Bob"}, "signals are lost, not people"
    await cluster.pass_seconds(12.0, alice, bob)
    await cluster.until_all_see("Alice", processes=(0,))
    await cluster.until_all_see("Bob", processes=(1,))
    cluster.lines.come_back()
    await cluster.until_all_see("Alice", "Bob")


# ── Without a room, and limits ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_process_in_which_nobody_has_the_session_open_can_tell_who_is_in_it(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice = await cluster.open("Alice", 0)
    await until(lambda: cluster.here(1) == {"Alice"})
    bob = await cluster.open("Bob", 1)
    assert {user["username"] for user in bob.frames[0]["presence"]} == {"Alice", "Bob"}
    await alice.until(told("user_joined", cluster.cast["Bob"]))


async def test_a_session_that_nobody_has_open_in_a_process_any_more_is_forgotten_there(open_cluster: Opener) -> None:
    cluster = await open_cluster(2)
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await cluster.until_all_see("Alice", "Bob")
    await bob.close()
    await cluster.pass_seconds(GRACE + 2.0, alice)
    await alice.until(told("user_left", cluster.cast["Bob"]))
    await until(lambda: not cluster.houses[1].runtime.hub.rooms())
    assert len(cluster.houses[0].runtime.hub.rooms()) == 1


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
