"""Presence over several processes on one database: everybody sees everybody, wherever each is connected."""

from __future__ import annotations

from collections.abc import Callable

from core.presence import GRACE, LEASE, SUMMON_EVERY
from tests.stories.processes import (
    Frame,
    Opener,
    at_line,
    followed,
    kinds,
    people_of,
    shown,
    told,
    until,
)


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
    await cluster.pass_seconds(LEASE - 14.0, alice)
    assert cluster.here(0) == {"Alice", "Bob"}, "a process that is silent for a moment is not gone"
    await cluster.pass_seconds(30.0 - (LEASE - 14.0), alice)
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
    await cluster.pass_seconds(4.0, alice)
    assert not kinds(alice, "user_left"), "they may be back, on another process"
    await cluster.pass_seconds(GRACE, alice)
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
    await cluster.pass_seconds(3.0, alice, carol)
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
    refused = await loser.until(lambda frame: frame["type"] == "error")
    assert refused["error_code"] == "follow_cycle"
    assert "error" not in (bob if loser is alice else alice).kinds()


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
    await cluster.pass_until(lambda: any(map(told("user_left", cluster.cast["Bob"]), alice.frames)), alice)
    await until(lambda: not cluster.houses[1].runtime.hub.rooms())
    assert len(cluster.houses[0].runtime.hub.rooms()) == 1
