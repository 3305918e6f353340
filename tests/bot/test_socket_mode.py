"""Socket Mode: the same stories as over HTTP, and connections that come and go without anything being lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from bot.socket_mode import as_request
from core.limits import TokenBuckets
from tests.bot import test_both_ways, test_changes, test_modals, test_start
from tests.bot.support.office import SECRET, Office, open_office
from tests.bot.test_requests import event, post, send, signed

APP_TOKEN = "xapp-of-the-tests"
Story = Callable[[Office], Awaitable[None]]

#: The main stories of starting, writing and changing, both ways.
STORIES: tuple[Story, ...] = (
    test_start.test_a_command_starts_a_session_and_posts_its_card,
    test_start.test_somebody_who_is_not_linked_is_told_privately_and_nothing_starts,
    test_start.test_where_the_bot_is_not_a_member_the_command_says_how_to_invite_it,
    test_start.test_list_and_end_speak_of_the_sessions_of_the_person,
    test_start.test_a_click_on_the_link_button_is_acknowledged,
    test_both_ways.test_a_reply_in_the_thread_appears_in_the_session_once_with_its_author,
    test_both_ways.test_nothing_echoes_over_a_long_conversation,
    test_both_ways.test_one_mention_of_the_bot_is_one_message,
    test_both_ways.test_duplicate_late_and_reordered_events_have_one_effect,
    test_both_ways.test_a_viewers_reply_is_refused_privately,
    test_changes.test_an_edit_in_slack_changes_the_same_message,
    test_changes.test_what_is_deleted_in_slack_is_deleted_here,
    test_changes.test_reactions_in_slack_appear_here_by_name_of_their_person,
    test_modals.test_the_command_without_a_title_opens_a_form_that_starts_a_session,
    test_modals.test_what_is_wrong_is_shown_in_the_form_and_nothing_is_stored,
)


@pytest.fixture
async def connected(sqlite_url: str) -> AsyncGenerator[Office]:
    """An office whose requests come over sockets."""
    async with open_office(sqlite_url, app_token=APP_TOKEN, too_many_wait=0.05, socket_drain=0.2) as office:
        yield office


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.removeprefix("test_"))
async def test_the_same_story_over_sockets(story: Story, connected: Office) -> None:
    await story(connected)
    assert connected.engine.sockets.acknowledged > 0


async def test_there_are_always_two_connections(connected: Office) -> None:
    sockets = connected.engine.sockets
    assert sockets.connections == 2
    await sockets.cut(only=1)
    await connected.until(lambda: sockets.greeted == 3 and sockets.connections == 2)


async def test_a_connection_that_will_end_is_replaced_before_it_does(connected: Office) -> None:
    sockets = connected.engine.sockets
    await sockets.ask_to_leave("warning", only=1)
    await connected.until(lambda: sockets.greeted == 3)
    assert sockets.connections >= 2
    # The old one is still listened to for a moment, then it is given up.
    await connected.until(lambda: sockets.connections == 2)


async def talk(office: Office, count: int) -> None:
    for number in range(count):
        await office.reply("bob" if number % 2 else "alice", f"line {number}")


async def test_nothing_is_lost_or_doubled_while_every_connection_is_replaced_again_and_again(connected: Office) -> None:
    """A storm of refreshes, warnings and cuts, under traffic."""
    office, sockets = connected, connected.engine.sockets
    office.budget = TokenBuckets(per_minute=60_000)
    await office.restart()
    await office.until(lambda: sockets.connections == 2)
    session_id = await office.start()
    is_over = asyncio.Event()

    async def storm() -> None:
        notices = ("refresh_requested", "warning", "refresh_requested")
        for turn in range(12):
            greeted = sockets.greeted
            if turn % 4 == 3:
                await sockets.cut()
            else:
                await sockets.ask_to_leave(notices[turn % 3])
            await office.until(lambda greeted=greeted: sockets.greeted >= greeted + 2)
        is_over.set()

    _, _ = await asyncio.gather(storm(), talk(office, 60))
    assert is_over.is_set()
    said = [text for _, text, _ in await office.until_said(session_id, 60)]
    await office.until_quiet()
    assert sorted(text for _, text, _ in await office.said(session_id)) == sorted(f"line {n}" for n in range(60))
    assert len(said) == 60


async def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(connected: Office) -> None:
    office = connected
    session_id = await office.start()
    await office.until_quiet()
    office.db.died.set()
    before = office.engine.sockets.acknowledged
    await office.reply("bob", "hold on to this")
    await office.until(lambda: any(attempt.reason == "http_timeout" for attempt in office.engine.attempts))
    assert office.engine.sockets.acknowledged == before
    assert await office.said(session_id) == []
    await office.restart()
    assert await office.until_said(session_id, 1) == [("Bob Chen", "hold on to this", "slack")]


async def test_too_many_connections_are_not_answered_with_more(connected: Office) -> None:
    office, sockets = connected, connected.engine.sockets
    asked = len([call for call in office.engine.calls if call.method == "apps.connections.open"])
    await sockets.ask_to_leave("too_many_websockets", only=1)
    # The connection is given up first, and another one opened only after the wait.
    await office.until(lambda: sockets.greeted == 3)
    assert sockets.connections == 2
    assert len([call for call in office.engine.calls if call.method == "apps.connections.open"]) == asked + 1


async def test_a_link_that_was_switched_off_is_left_alone(connected: Office) -> None:
    office, sockets = connected, connected.engine.sockets
    assert office.door.sockets is not None
    await sockets.ask_to_leave("link_disabled")
    await office.door.sockets.is_disabled.wait()
    await office.until(lambda: office.door.sockets is not None and office.door.sockets.connections == 0)
    opened = sockets.greeted
    await office.restart()
    assert sockets.greeted >= opened, "only a new start asks again"


async def test_the_same_event_over_both_ways_has_one_effect(sqlite_url: str) -> None:
    """While an app is moved from one way to the other, Slack may use both."""
    async with open_office(sqlite_url, app_token=APP_TOKEN, settings={"signing_secret": SECRET}) as office:
        session_id = await office.start()
        [card] = office.cards()
        place = {"channel": "C0PAYMENTS", "thread_ts": card["ts"], "ts": "1800000000.000009", "user": "U0BOB00001"}
        body = event("EvBoth", text="one and the same", **place)
        both = (
            send(office, body, **signed(office, body)),
            office.engine.sockets.deliver(body, {"content-type": "application/json"}),
            send(office, body, **signed(office, body)),
        )
        await asyncio.gather(*both)
        await office.until_said(session_id, 1)
        await office.until_quiet()
        assert [text for _, text, _ in await office.said(session_id)] == ["one and the same"]


async def test_over_http_nobody_gets_in_where_there_is_no_signing_secret(connected: Office) -> None:
    for secret in ("", "guess"):
        body = event("Ev1")
        assert (await post(connected, body, **signed(connected, body, secret=secret))).status_code == 401


@pytest.mark.parametrize(
    ("envelope", "body", "kind"),
    [
        ({"type": "events_api", "payload": {"event_id": "Ev1"}}, '{"event_id": "Ev1"}', "application/json"),
        (
            {
                "type": "slash_commands",
                "payload": {"command": "/cosession", "text": "a b&c", "is_enterprise_install": False},
            },
            "command=%2Fcosession&text=a+b%26c&is_enterprise_install=false",
            "application/x-www-form-urlencoded",
        ),
        (
            {"type": "interactive", "payload": {"type": "block_actions"}},
            "payload=%7B%22type%22%3A+%22block_actions%22%7D",
            "application/x-www-form-urlencoded",
        ),
    ],
)
def test_an_envelope_is_the_same_request_as_over_http(envelope: dict[str, Any], body: str, kind: str) -> None:
    assert as_request(envelope) == (body, {"content-type": kind})
