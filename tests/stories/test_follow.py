"""Going along with somebody: who follows whom is known to all, circles are refused, and a host may ask everybody."""

from __future__ import annotations

from collections.abc import Callable

from core.presence import GRACE, SUMMON_EVERY
from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame, Someone


def followed(who: Someone, whom: Someone | None) -> Callable[[Frame], bool]:
    told = (who.id, whom.id if whom else None)
    return lambda frame: frame["type"] == "followed" and (frame["user_id"], frame["target_id"]) == told


async def refusal(tab: Client, kind: str, **fields: object) -> Frame:
    before = len(tab.frames)
    await tab.send(type=kind, **fields)
    return await tab.until(lambda frame: frame["type"] == "error", after=before)


async def summon(tab: Client) -> Frame | None:
    """The refusal, if any."""
    before = len(tab.frames)
    await tab.send(type="summon")
    await tab.send(type="ping")
    await tab.until(lambda frame: frame["type"] == "pong", after=before)
    return next((frame for frame in tab.frames[before:] if frame["type"] == "error"), None)


async def test_everybody_sees_who_follows_whom_and_whoever_comes_later_too(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    await carol.send(type="follow", user_id=cast.bob.id)
    for tab in (alice, bob, carol):
        await tab.until(followed(cast.carol, cast.bob))
    late = await cast.alice.open(cast.session_id)
    following = {user["username"]: user["following"] for user in late.frames[0]["presence"]}
    assert following == {"Alice": None, "Bob": None, "Carol": cast.bob.id}
    await carol.send(type="unfollow")
    await alice.until(followed(cast.carol, None))


async def test_a_chain_is_allowed_and_a_circle_is_refused_in_words(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    await alice.send(type="follow", user_id=cast.bob.id)
    await bob.send(type="follow", user_id=cast.carol.id)
    await carol.until(followed(cast.alice, cast.bob))
    await carol.until(followed(cast.bob, cast.carol))
    refused = await refusal(carol, "follow", user_id=cast.alice.id)
    assert (refused["error_code"], refused["retryable"]) == ("follow_cycle", False)
    await alice.send(type="unfollow")
    await carol.until(followed(cast.alice, None))
    await carol.send(type="follow", user_id=cast.alice.id)
    await alice.until(followed(cast.carol, cast.alice))


async def test_nobody_follows_themselves_a_stranger_or_somebody_who_is_not_here(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    assert (await refusal(alice, "follow", user_id=cast.alice.id))["error_code"] == "invalid"
    for absent in (cast.bob.id, cast.mallory.id, "usr_" + "a" * 26, "'; drop table users"):
        assert (await refusal(alice, "follow", user_id=absent))["error_code"] == "user_not_found"
    assert "followed" not in alice.kinds()


async def test_following_ends_when_the_one_ahead_has_left_for_good_and_not_when_they_blink(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    await alice.send(type="follow", user_id=cast.bob.id)
    await carol.until(followed(cast.alice, cast.bob))
    await bob.close()
    back = await cast.bob.open(cast.session_id)
    assert next(user for user in back.frames[0]["presence"] if user["username"] == "Alice")["following"] == cast.bob.id
    await back.close()
    cast.house.seconds.move(GRACE + 1.0)
    await carol.until(lambda frame: frame["type"] == "user_left" and frame["user_id"] == cast.bob.id, seconds=15.0)
    await carol.until(followed(cast.alice, None))
    ends = [frame for frame in carol.frames if followed(cast.alice, None)(frame)]
    assert len(ends) == 1


async def test_following_ends_when_the_one_ahead_is_removed(cast: Cast) -> None:
    carol, _ = await cast.carol.open(cast.session_id), await cast.bob.open(cast.session_id)
    await carol.send(type="follow", user_id=cast.bob.id)
    await carol.until(followed(cast.carol, cast.bob))
    removed = await cast.alice.call("DELETE", f"/api/sessions/{cast.session_id}/participants/{cast.bob.id}")
    assert removed.status_code == 204
    await carol.until(followed(cast.carol, None))
    assert (await refusal(carol, "follow", user_id=cast.bob.id))["error_code"] == "user_not_found"


async def test_where_the_one_ahead_looks_is_sent_to_the_session_s_participants_alone(cast: Cast) -> None:
    carol, bob = await cast.carol.open(cast.session_id), await cast.bob.open(cast.session_id)
    elsewhere = await cast.bob.start("Another session")
    outside = await cast.bob.open(elsewhere)
    await carol.send(type="follow", user_id=cast.bob.id)
    seen = {"surface": "file", "file": "secret/plan.py", "top_line": 40, "bottom_line": 80, "fraction": 0.5}
    await bob.send(type="presence_update", viewport=seen)

    def shows(frame: Frame) -> bool:
        viewports = [user["viewport"] or {} for user in frame.get("users", [])]
        return any(seen.items() <= viewport.items() for viewport in viewports)

    await carol.until(shows)
    await outside.send(type="presence_update", viewport={"surface": "chat"})
    await outside.until(lambda frame: "chat" in str(frame.get("users")))
    assert "secret/plan.py" not in str(outside.frames)


async def test_a_host_asks_everybody_else_to_come_along_and_nobody_is_moved(cast: Cast) -> None:
    alice, second = await cast.alice.open(cast.session_id), await cast.alice.open(cast.session_id)
    bob, carol = await cast.bob.open(cast.session_id), await cast.carol.open(cast.session_id)
    assert await summon(alice) is None
    for tab in (bob, carol):
        asked = await tab.until(lambda frame: frame["type"] == "summoned")
        assert (asked["by"]["user_id"], asked["by"]["username"]) == (cast.alice.id, "Alice")
    await carol.send(type="follow", user_id=cast.alice.id)
    await second.until(followed(cast.carol, cast.alice))
    assert not {"summoned"} & {*alice.kinds(), *second.kinds()}
    assert not any(followed(cast.bob, cast.alice)(frame) for frame in second.frames)


async def test_only_a_host_asks_and_only_once_in_five_seconds(cast: Cast) -> None:
    alice, bob, carol = [await who.open(cast.session_id) for who in (cast.alice, cast.bob, cast.carol)]
    for tab in (bob, carol):
        refused = await summon(tab)
        assert refused is not None
        assert refused["error_code"] == "not_allowed"
    assert await summon(alice) is None
    too_soon = await summon(alice)
    assert too_soon is not None
    assert (too_soon["error_code"], too_soon["retryable"]) == ("too_many", True)
    assert 0 < too_soon["retry_after_ms"] <= SUMMON_EVERY * 1_000 + 1
    cast.house.seconds.move(SUMMON_EVERY)
    assert await summon(alice) is None
    await bob.until(lambda frame: frame["type"] == "summoned")
    assert bob.kinds().count("summoned") <= 2
