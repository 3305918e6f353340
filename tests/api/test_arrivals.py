"""Many who come in at once are judged one by one, in one transaction, and told what everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from api import entering
from api.arrivals import MOST_AT_ONCE
from api.connection import Connection
from api.frames import Connected
from core import accounts, chat, reading, sessions
from core.access import Actor, add_participant, session_for
from core.db import Transaction
from core.errors import NotSignedIn, SessionNotFound
from core.tables import Team, TeamMember
from tests.api.support import Notes, Place, open_place

pytestmark = pytest.mark.anyio


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with open_place(database_url, tmp_path / "data") as opened:
        yield opened


def ticket(place: Place, who: Actor) -> str:
    lifetime = timedelta(seconds=60)
    return place.api.tokens.issue("ticket", who.user_id, 0, lifetime, session_id=place.session_id)


async def come_in(place: Place, token: str) -> tuple[Notes, Connection]:
    wire = Notes()
    proof = entering.show_token(place.api, place.session_id, token)
    with place.api.hub.arriving(place.session_id) as room:
        entry = await entering.enter(place.api, place.session_id, proof)
        start = await entering.start_of(place.api, room, entry, None)
        return wire, entering.admit(place.api, room, wire, "websocket", entry, start)


def told(wire: Notes) -> Connected:
    return Connected.model_validate_json(wire.payloads[0])


async def crowd(place: Place, size: int, *, seated: bool = True) -> list[Actor]:
    def work(tx: Transaction) -> list[Actor]:
        people = [accounts.actor_for(accounts.add_user(tx, None, f"Person {n}"), "web") for n in range(size)]
        session = session_for(tx, place.host, place.session_id, "manage").session
        for one in people if seated else ():
            add_participant(tx, session, one.person, "viewer", via="invite")
        return people

    return await place.api.db.write(work)


async def test_a_crowd_comes_in_and_everybody_is_told_of_everybody(place: Place) -> None:
    people = await crowd(place, MOST_AT_ONCE + 5)
    came = await asyncio.gather(*(come_in(place, ticket(place, one)) for one in people))
    for one, (wire, connection) in zip(people, came, strict=True):
        connected = told(wire)
        assert (connected.you.user_id, connected.role) == (one.user_id, "viewer")
        assert connected.connection_id == connection.id
        assert {other.user_id for other in connected.participants} >= {other.user_id for other in people}
        assert one.user_id in {other.user_id for other in connected.presence}
        assert connected.session.role == "viewer"
        assert connected.session.participant_count == len(people) + 2
        assert connected.seq == connected.session.seq


async def test_a_ticket_opens_one_door_even_when_it_is_shown_twice_at_once(place: Place) -> None:
    token = ticket(place, place.editor)
    came = await asyncio.gather(*(come_in(place, token) for _ in range(4)), return_exceptions=True)
    assert [type(one) for one in came].count(tuple) == 1
    assert [type(one) for one in came].count(NotSignedIn) == 3
    with pytest.raises(NotSignedIn):
        await come_in(place, token)
    await come_in(place, ticket(place, place.editor))


async def test_a_stranger_in_a_crowd_is_refused_alone_and_keeps_the_ticket(place: Place) -> None:
    (stranger,) = await crowd(place, 1, seated=False)
    token = ticket(place, stranger)
    alice, nobody, bob = await asyncio.gather(
        come_in(place, ticket(place, place.host)),
        come_in(place, token),
        come_in(place, ticket(place, place.editor)),
        return_exceptions=True,
    )
    assert isinstance(alice, tuple)
    assert isinstance(nobody, SessionNotFound)
    assert isinstance(bob, tuple)

    def seat(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "manage").session
        add_participant(tx, session, stranger.person, "viewer", via="invite")

    await place.api.db.write(seat)
    assert told((await come_in(place, token))[0]).role == "viewer"


async def test_whoever_was_removed_signed_out_or_deactivated_is_refused(place: Place) -> None:
    removed, signed_out, deactivated = await crowd(place, 3)
    tickets = [ticket(place, one) for one in (removed, signed_out, deactivated)]

    def work(tx: Transaction) -> None:
        sessions.remove(tx, place.host, place.session_id, removed.user_id)
        accounts.sign_out_everywhere(tx, signed_out.user_id)
        accounts.get_user(tx, deactivated.user_id).is_active = False

    await place.api.db.write(work)
    came = await asyncio.gather(*(come_in(place, token) for token in tickets), return_exceptions=True)
    assert [type(one) for one in came] == [SessionNotFound, NotSignedIn, NotSignedIn]


async def test_a_member_of_the_team_takes_a_seat_by_coming_in(place: Place) -> None:
    (member,) = await crowd(place, 1, seated=False)

    def work(tx: Transaction) -> str:
        tx.sql.add(Team(id="tea_one", name="One", created_at=tx.now))
        tx.sql.flush()
        tx.sql.add(TeamMember(team_id="tea_one", user_id=member.user_id))
        session = sessions.start(tx, place.host, "The team's", team_id="tea_one", team_role="viewer")
        return session.id

    place.session_id = await place.api.db.write(work)
    connected = told((await come_in(place, ticket(place, member)))[0])
    assert connected.role == "viewer"
    assert member.user_id in {other.user_id for other in connected.participants}


async def test_what_is_unread_is_counted_for_each(place: Place) -> None:
    def say(tx: Transaction) -> None:
        for number in range(7):
            content = "@Bob look" if number == 0 else f"{number}"
            chat.post_message(tx, place.host, place.session_id, chat.Draft(content), key=f"k{number}")

    await place.api.db.write(say)
    host, _ = await come_in(place, ticket(place, place.host))
    editor, _ = await come_in(place, ticket(place, place.editor))
    assert (told(host).session.unread_count, told(host).session.mention_count) == (0, 0), "one's own are never unread"
    assert (told(editor).session.unread_count, told(editor).session.mention_count) == (7, 1)
    await place.api.db.write(lambda tx: reading.mark_read(tx, place.editor, place.session_id, 6))
    later, _ = await come_in(place, ticket(place, place.editor))
    assert told(later).read_up_to == 6
    assert told(later).session.unread_count == told(later).seq - 6


async def test_what_was_told_a_moment_ago_is_not_told_when_the_log_has_moved(place: Place) -> None:
    first, _ = await come_in(place, ticket(place, place.host))
    await place.api.db.write(lambda tx: sessions.rename(tx, place.host, place.session_id, "Another title"))
    second, _ = await come_in(place, ticket(place, place.editor))
    assert told(first).session.title == "Under test"
    assert (told(second).session.title, told(second).seq) == ("Another title", told(first).seq + 1)
