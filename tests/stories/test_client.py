"""A program of one's own in a session: the typed client hears everything once, and says everything once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from api.client import Access, LiveSession, LogEntry, Refused, Stopped
from api.errors import Close
from api.frames import TokenRefreshed
from core.events import ChatMessagePosted
from tests.stories.conftest import Cast
from tests.stories.house import House, Someone


def live(house: House, who: Someone, session_id: str, *, from_start: bool = False) -> LiveSession:
    token = house.runtime.tokens.issue("api", who.id, 0, timedelta(hours=1))
    return LiveSession(Access(house.url, token), session_id, from_start=from_start, sleep=lambda _: asyncio.sleep(0.01))


async def entries(session: LiveSession, until: int) -> AsyncIterator[LogEntry]:
    async with asyncio.timeout(20):
        async for heard in session:
            if isinstance(heard, LogEntry):
                yield heard
                if heard.seq >= until:
                    return


async def listen(session: LiveSession) -> None:
    """Until it ends."""
    async for _ in session:
        pass


def texts(heard: list[LogEntry]) -> list[str]:
    return [entry.event.message.content for entry in heard if isinstance(entry.event, ChatMessagePosted)]


def cut_all(house: House) -> None:
    """Every connection is lost, as if the reader had been too slow."""
    for connection in house.runtime.hub.connections():
        connection.wire.close(Close.TOO_SLOW, "cut by the test")


async def test_everything_from_the_first_entry_is_heard_in_order(house: House, cast: Cast) -> None:
    for number in range(5):
        client = await cast.alice.open(cast.session_id)
        await client.say(f"message {number}")
    async with live(house, cast.bob, cast.session_id, from_start=True) as session:
        head = (await session.connected()).seq
        heard = [entry async for entry in entries(session, head)]
    assert [entry.seq for entry in heard] == list(range(1, head + 1))
    assert texts(heard) == [f"message {number}" for number in range(5)]


async def test_what_is_said_while_connections_are_lost_is_stored_once_and_heard_once(house: House, cast: Cast) -> None:
    async with (
        live(house, cast.alice, cast.session_id) as speaker,
        live(house, cast.bob, cast.session_id, from_start=True) as listener,
    ):
        await asyncio.gather(speaker.connected(), listener.connected())
        last = 0
        for number in range(20):
            saying = asyncio.create_task(speaker.say(f"message {number}"))
            if number % 3 == 0:
                cut_all(house)
            last = await asyncio.wait_for(saying, 20)
        heard = [entry async for entry in entries(listener, last)]
    assert [entry.seq for entry in heard] == list(range(1, last + 1))
    assert texts(heard) == [f"message {number}" for number in range(20)]


async def test_an_entry_that_the_connection_swallowed_is_read_from_the_log(house: House, cast: Cast) -> None:
    async with (
        live(house, cast.alice, cast.session_id) as speaker,
        live(house, cast.bob, cast.session_id) as listener,
    ):
        await asyncio.gather(speaker.connected(), listener.connected())
        first = await speaker.say("one")
        heard = [entry async for entry in entries(listener, first)]
        for connection in house.runtime.hub.connections():
            if connection.person.user_id == cast.bob.id:
                connection.cursor += 1  # The server believes that the next entry was sent.
        await speaker.say("two")
        last = await speaker.say("three")
        heard += [entry async for entry in entries(listener, last)]
    assert texts(heard) == ["one", "two", "three"]


async def test_a_refusal_names_its_reason_and_a_removal_ends_it_for_good(house: House, cast: Cast) -> None:
    async with live(house, cast.bob, cast.session_id) as session:
        await session.connected()
        with pytest.raises(Refused) as refused:
            await session.say("  ")
        assert refused.value.error_code == "body_empty"
        answer = await cast.alice.call("DELETE", f"/api/sessions/{cast.session_id}/participants/{cast.bob.id}")
        assert answer.status_code == 204
        with pytest.raises(Stopped) as stopped:
            await listen(session)
        assert stopped.value.close_code == Close.REMOVED


async def test_a_stranger_is_stopped_at_the_door(house: House, cast: Cast) -> None:
    async with live(house, cast.mallory, cast.session_id) as session:
        with pytest.raises(Stopped) as stopped:
            await session.connected()
    assert stopped.value.close_code == Close.NOT_FOUND


async def test_a_token_that_ran_out_is_followed_by_another_and_nothing_is_missed(house: House, cast: Cast) -> None:
    asked: list[bool] = []

    async def access(wants_another: bool) -> Access:
        asked.append(wants_another)
        lifetime = timedelta(minutes=5)
        return Access(house.url, house.runtime.tokens.issue("api", cast.bob.id, 0, lifetime))

    async with (
        live(house, cast.alice, cast.session_id) as speaker,
        LiveSession(access, cast.session_id, sleep=lambda _: asyncio.sleep(0.01)) as listener,
    ):
        await asyncio.gather(speaker.connected(), listener.connected())
        first = await speaker.say("before")
        house.clock.move(timedelta(minutes=4, seconds=50))
        async with asyncio.timeout(10):
            async for heard in listener:
                if isinstance(heard, TokenRefreshed):
                    break
        assert asked == [False, True]
        last = await speaker.say("after")
        assert [entry.seq async for entry in entries(listener, last)][-1] > first


async def test_whoever_listens_is_told_when_there_is_no_way_to_the_server_any_more(house: House, cast: Cast) -> None:
    class Gone(Exception):
        """There is no token any more."""

    async def access(wants_another: bool) -> Access:
        if wants_another:
            raise Gone
        return Access(house.url, house.runtime.tokens.issue("api", cast.bob.id, 0, timedelta(hours=1)))

    async with LiveSession(access, cast.session_id, sleep=lambda _: asyncio.sleep(0.01)) as session:
        await session.connected()
        for connection in house.runtime.hub.connections():
            connection.wire.close(Close.NOT_SIGNED_IN, "signed out")
        with pytest.raises(Gone):
            await asyncio.wait_for(listen(session), 10)


async def test_leaving_while_frames_arrive_is_not_forgotten(house: House, cast: Cast) -> None:
    async with live(house, cast.alice, cast.session_id) as speaker:
        await speaker.connected()
        for _ in range(30):
            async with asyncio.timeout(10):
                async with live(house, cast.bob, cast.session_id) as listener:
                    # Coming in makes the server tell of it, to whoever comes in as well.
                    await listener.connected()
