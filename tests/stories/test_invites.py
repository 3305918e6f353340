"""Ways in, over HTTP and live: who waits is seen, who is taken out is out, and a link tells nobody but its holder."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlmodel import select

from core import tables
from tests.stories.conftest import Cast
from tests.stories.house import House, Someone
from tests.stories.test_sign_in_by_mail import Mailbox


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What depends on the database stands in `tests/core/test_invites.py`."""
    return sqlite_url


async def look(house: House, token: str, who: Someone | None = None) -> dict[str, object]:
    headers = who.headers if who else {}
    answer = await house.http.get(f"/api/invites/{token}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def accounts_in(house: House) -> int:
    return await house.runtime.db.read(lambda tx: len(tx.sql.exec(select(tables.User.id)).all()))


async def test_a_host_sees_who_knocks_and_lets_them_in(cast: Cast) -> None:
    house, alice = cast.house, cast.alice
    dave = await house.someone("Dave")
    tab = await alice.open(cast.session_id)
    secret = await alice.invite(cast.session_id, "viewer", needs_approval=True)
    knocked = await dave.accept(secret)
    assert knocked.json() == {"session_id": cast.session_id, "is_waiting": True}
    assert (await dave.call("POST", f"/api/sessions/{cast.session_id}/tickets")).status_code == 404
    frame = await tab.until(lambda frame: frame["type"] == "knocked")
    assert frame["user"]["username"] == "Dave"
    listed = (await alice.call("GET", f"/api/sessions/{cast.session_id}/invites")).json()
    assert [knock["user"]["user_id"] for knock in listed["knocks"]] == [dave.id]
    assert (await look(house, secret, dave))["status"] == "waiting"
    # Those who may invite, but do not decide who comes in, are not told who waits.
    assert (await cast.bob.call("GET", f"/api/sessions/{cast.session_id}/invites")).json() == {
        "items": [],
        "knocks": [],
    }
    answer = await alice.call("POST", f"/api/sessions/{cast.session_id}/knocks/{dave.id}", json={"admit": True})
    assert answer.status_code == 204
    await tab.until(lambda frame: frame["type"] == "participant_added" and frame["user"]["user_id"] == dave.id)
    assert (await look(house, secret, dave))["session_id"] == cast.session_id
    await dave.open(cast.session_id)


async def test_withdrawing_with_the_people_closes_their_sockets_and_no_other(cast: Cast) -> None:
    alice, house = cast.alice, cast.house
    secret = await alice.invite(cast.session_id, "editor", max_uses=5)
    guests = [await house.someone(name) for name in ("Dave", "Erin")]
    for guest in guests:
        assert (await guest.accept(secret)).status_code == 200
    tabs = [await guest.open(cast.session_id) for guest in guests]
    bob = await cast.bob.open(cast.session_id)
    [listed] = (await alice.call("GET", f"/api/sessions/{cast.session_id}/invites")).json()["items"][:1]
    assert (listed["came"], listed["use_count"], listed["way"]) == (2, 2, "link")
    gone = await alice.call("DELETE", f"/api/invites/{listed['id']}?remove_people=true")
    assert gone.status_code == 204
    for tab in tabs:
        code, _ = await tab.until_closed()
        assert 4000 <= code < 4500, "they are told not to come back"
    assert (await bob.say("still here"))["type"] == "ack"
    for guest in guests:
        refused = await guest.accept(secret)
        assert refused.json()["error_code"] == "invite_revoked"


async def test_of_many_browsers_that_accept_at_once_one_comes_in_and_leaves_no_account_behind(house: House) -> None:
    alice = await house.someone("Alice")
    session_id = await alice.start()
    secret = await alice.invite(session_id)
    before = await accounts_in(house)
    answers = await asyncio.gather(
        *(house.http.post(f"/api/invites/{secret}/accept", json={"name": f"Guest {number}"}) for number in range(40))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 39
    assert {answer.json()["error_code"] for answer in answers if answer.status_code == 410} == {"invite_used_up"}
    people = (await alice.call("GET", f"/api/sessions/{session_id}/participants")).json()["items"]
    assert len(people) == 2
    assert await accounts_in(house) == before + 1


async def test_robots_that_follow_the_link_use_nothing_up(house: House) -> None:
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    secret = await alice.invite(session_id)
    for method in ("GET", "HEAD"):
        for path in (f"/invite#{secret}", "/invite", f"/api/invites/{secret}"):
            await house.http.request(method, path)
    assert (await bob.accept(secret)).status_code == 200


async def test_what_is_made_out_to_one_person_says_nothing_to_another(house: House) -> None:
    alice, bob, carol = [await house.someone(name) for name in ("Alice", "Bob", "Carol")]
    session_id = await alice.start("Acquisition")
    answer = await alice.call(
        "POST", f"/api/sessions/{session_id}/invites", json={"role": "viewer", "email": "Bob@Example.com"}
    )
    invite_id, secret = answer.json()["id"], answer.json()["url"].split("#")[1]
    for stranger in (None, carol):
        seen = await look(house, secret, stranger)
        assert (seen["title"], seen["hint"], seen["session_id"]) == ("", "b…@example.com", None)
    assert (await look(house, secret, carol))["status"] == "wrong_person"
    refused = await carol.accept(secret)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "invite_not_yours")
    anonymous = await house.http.post(f"/api/invites/{secret}/accept", json={"name": "Bob"})
    assert anonymous.status_code == 401
    # By its id it is not even there.
    for who, status in ((None, 404), (carol, 404), (bob, 200)):
        got = await house.http.get(f"/api/invites/{invite_id}", headers=who.headers if who else {})
        assert got.status_code == status
    [mine] = (await bob.call("GET", "/api/me/invites")).json()["items"]
    assert (mine["id"], mine["title"], mine["inviter"]) == (invite_id, "Acquisition", "Alice")
    assert (await carol.call("GET", "/api/me/invites")).json() == {"items": []}
    assert (await bob.accept(invite_id)).json() == {"session_id": session_id, "is_waiting": False}


async def test_declining_is_told_to_the_session_and_can_not_be_undone(house: House) -> None:
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    tab = await alice.open(session_id)
    answer = await alice.call("POST", f"/api/sessions/{session_id}/invites", json={"role": "viewer", "user_id": bob.id})
    invite_id = answer.json()["id"]
    assert (await bob.call("POST", f"/api/invites/{invite_id}/decline", json={})).status_code == 204
    frame = await tab.until(lambda frame: frame["type"] == "invite_declined")
    assert (frame["actor_id"], frame["invite_id"]) == (bob.id, invite_id)
    assert (await bob.accept(invite_id)).json()["error_code"] == "invite_declined"


#: What is asked for, and what it is refused with.
IMPOSSIBLE: tuple[tuple[dict[str, object], str], ...] = (
    ({"role": "viewer", "expires_in": 30}, "invalid"),
    ({"role": "viewer", "max_uses": 0}, "invalid"),
    ({"role": "viewer", "email": "bob@example.com\r\nBcc: eve@example.com"}, "invalid"),
    ({"role": "viewer", "email": "bob@example.com", "max_uses": 3}, "invalid"),
    ({"role": "viewer", "email": "bob@example.com", "user_id": "usr_" + "a" * 26}, "invalid"),
    ({"role": "viewer", "user_id": "usr_" + "a" * 26}, "user_not_found"),
    ({"role": "owner"}, "invalid"),
)


async def test_an_impossible_invite_is_refused_in_words(house: House) -> None:
    alice = await house.someone("Alice")
    session_id = await alice.start()
    for body, code in IMPOSSIBLE:
        answer = await alice.call("POST", f"/api/sessions/{session_id}/invites", json=body)
        assert answer.json()["error_code"] == code, answer.text


async def test_expiry_takes_effect_at_its_moment_with_no_job_at_all(house: House) -> None:
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    secret = await alice.invite(session_id, expires_in=60)
    house.clock.move(timedelta(seconds=59))
    assert (await look(house, secret))["status"] == "live"
    house.clock.move(timedelta(seconds=2))
    assert (await look(house, secret))["status"] == "expired"
    assert (await bob.accept(secret)).json()["error_code"] == "invite_expired"


async def test_a_link_s_secret_need_not_be_in_any_address(house: House) -> None:
    """Proxies log addresses. What logs the server itself writes: see `tests/security/test_logs.py`."""
    alice, bob = await house.someone("Alice"), await house.someone("Bob")
    session_id = await alice.start()
    header = {"Cosession-Invite": await alice.invite(session_id)}
    seen = await house.http.get("/api/invites/link", headers=header)
    assert seen.json()["status"] == "live"
    assert (await bob.call("POST", "/api/invites/link/accept", extra=header, json={})).status_code == 200
    for wrong in ({}, {"Cosession-Invite": "x" * 43}, {"Cosession-Invite": "%20"}):
        assert (await house.http.get("/api/invites/link", headers=wrong)).status_code == 404
    page = await house.http.get("/invite")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert header["Cosession-Invite"] not in str(await house.log_of(session_id))


async def test_guessing_is_slowed_down_and_says_nothing(house: House) -> None:
    guesses = [await house.http.get(f"/api/invites/{'x' * 42}{number % 10}") for number in range(25)]
    statuses = [guess.status_code for guess in guesses]
    assert statuses[:20] == [404] * 20
    assert 429 in statuses[20:]
    assert len({guess.content for guess in guesses if guess.status_code == 404}) == 1


async def test_somebody_new_comes_from_the_mail_into_the_session(house: House, tmp_path: Path) -> None:
    alice = await house.someone("Alice")
    session_id = await alice.start("By mail")
    await alice.invite(session_id, "viewer", email="zoe@example.com")
    mailbox = Mailbox(house, tmp_path / "data" / "mail")
    [mail] = await mailbox.settled()
    assert mail["To"] == "zoe@example.com"
    assert "By mail" in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(r"/sign-in\?next=/invite/(inv_\w+)#(\S+)", body.get_content())
    assert link is not None
    async with httpx2.AsyncClient(base_url=house.url, headers={"Origin": house.url}) as browser:
        assert (await browser.post("/api/sign-in", json={"token": link[2]})).status_code == 200
        seen = (await browser.get(f"/api/invites/{link[1]}")).json()
        assert (seen["status"], seen["title"], seen["way"]) == ("live", "By mail", "email")
        accepted = await browser.post(f"/api/invites/{link[1]}/accept", json={})
        assert accepted.json() == {"session_id": session_id, "is_waiting": False}
        assert (await browser.get(f"/api/sessions/{session_id}")).json()["title"] == "By mail"
