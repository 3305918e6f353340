"""A digest comes at the time that somebody chose, tells what is worth telling, and nothing when nothing happened."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from core import digests
from core.notifications import KINDS
from jobs.digests import make_digests
from tests.stories.conftest import Cast
from tests.stories.house import House


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What differs between the engines is tested below these stories."""
    return sqlite_url


async def at_the_time(cast: Cast) -> None:
    """Goes to two minutes after Bob's next digest, and makes what is due; keeps the others quiet."""
    chosen = await cast.house.runtime.db.read(lambda tx: digests.chosen(tx, cast.bob.id))
    assert chosen.next_at is not None
    cast.house.clock.move(chosen.next_at + timedelta(minutes=2) - cast.house.clock())
    await cast.house.runtime.scheduler.run_now(cast.house.runtime.scheduler.jobs["digests"])
    while await cast.house.runtime.sender.send_due():
        pass


@pytest.fixture
async def morning(cast: Cast) -> Cast:
    """Bob wants a digest every morning, where he is, and no other mail; the others want none. What happened until now
    is old."""
    for person in (cast.alice, cast.carol, cast.mallory):
        quiet = {"cadence": "off", "minute": 0}
        assert (await person.call("PUT", "/api/me/digest", json=quiet)).json()["next_at"] is None
    await cast.bob.call("PATCH", "/api/me/profile", json={"time_zone": "Asia/Kolkata"})
    silent = [{"kind": kind, "channel": "email", "is_on": False} for kind in KINDS]
    assert (await cast.bob.call("PATCH", "/api/me/notifications", json={"cells": silent})).is_success
    answer = await cast.bob.call("PUT", "/api/me/digest", json={"cadence": "daily", "minute": 450})
    at = datetime.fromisoformat(answer.json()["next_at"])
    assert (at.astimezone(UTC).hour, at.minute) == (2, 0), "half past seven in India"
    await at_the_time(cast)
    for file in mail_folder(cast.house).glob("*.eml"):
        file.unlink()
    return cast


def mail_folder(house: House) -> Path:
    return house.runtime.settings.data_dir / "mail"


def mails(house: House) -> list[EmailMessage]:
    files = sorted(mail_folder(house).glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


REPORT = [
    {"key": "t1", "event": {"type": "turn_started", "turn_id": "t", "agent": "claude-code"}},
    {"key": "t2", "event": {"type": "turn_finished", "turn_id": "t", "status": "completed"}},
]


async def test_it_tells_who_did_what_and_what_waits_for_its_reader(morning: Cast) -> None:
    cast = morning
    session = cast.session_id
    tab = await cast.alice.open(session)
    await tab.say("@Bob can you look at this?")
    await tab.say("and at that")
    answer = await cast.alice.call("POST", f"/api/sessions/{session}/agent-events", json={"items": REPORT})
    assert answer.status_code == 200, answer.text
    await (await cast.carol.open(session)).ping()
    await at_the_time(cast)
    (mail,) = mails(cast.house)
    assert mail["To"] == "bob@example.com"
    assert mail["Subject"] == "Fix the login bug: 1 waiting for you"
    text = text_of(mail)
    assert "Alice mentioned you" in text
    assert "@Bob can you look at this?" in text
    assert re.search(rf"/s/{session}#seq=\d+", text)
    assert "claude-code: 1 turn" in text
    assert "Alice: 2 messages" in text
    assert re.search(r"Messages +2 +\(was 0\)", text)
    assert "Carol" not in text, "who only looked did nothing"
    await at_the_time(cast)
    assert len(mails(cast.house)) == 1, "the next day nothing had happened"


async def test_what_was_read_answered_or_one_s_own_is_no_news(morning: Cast) -> None:
    cast = morning
    tab = await cast.bob.open(cast.session_id)
    await tab.say("only I was here")
    await at_the_time(cast)
    assert mails(cast.house) == []
    alice = await cast.alice.open(cast.session_id)
    ack = await alice.say("@Bob hello")
    await cast.bob.call("POST", f"/api/sessions/{cast.session_id}/read", json={"seq": ack["seq"]})
    await at_the_time(cast)
    (mail,) = mails(cast.house)
    assert "WAITING" not in text_of(mail)


async def test_comments_wait_until_they_are_resolved_and_the_removed_hear_nothing(morning: Cast) -> None:
    cast = morning
    path = f"/api/sessions/{cast.session_id}"
    tab = await cast.bob.open(cast.session_id)
    version = hashlib.sha256(b"a\nb\nc\n").hexdigest()
    stored = await cast.alice.call(
        "PUT", f"{path}/blobs/{version}", content=b"a\nb\nc\n", extra={"Content-Type": "application/octet-stream"}
    )
    assert stored.status_code == 201, stored.text
    shared = {"key": "f1", "path": "app.py", "change": "added", "version": version, "size": 6}
    assert (await cast.alice.call("POST", f"{path}/files", json={"items": [shared]})).status_code == 200
    await tab.send(type="add_comment", client_msg_id="c1", file="app.py", line=3, content="why?")
    seen = await tab.until(lambda frame: frame["type"] == "code_comment")
    alice = await cast.alice.open(cast.session_id)
    await alice.send(
        type="add_comment",
        client_msg_id="c2",
        content="because",
        thread_id=seen["comment"]["thread_id"],
    )
    await tab.until(lambda frame: frame["type"] == "code_comment" and frame["comment"]["content"] == "because")
    await at_the_time(cast)
    assert "answered you at app.py:3" in text_of(mails(cast.house)[0])
    # A socket does not outlive the day that has passed.
    await (await cast.alice.open(cast.session_id)).say("bye")
    await cast.alice.call("DELETE", f"{path}/participants/{cast.bob.id}")
    await at_the_time(cast)
    assert len(mails(cast.house)) == 1


async def test_one_click_ends_them_and_choosing_anew_brings_them_back(morning: Cast) -> None:
    cast = morning
    await (await cast.alice.open(cast.session_id)).say("news")
    await at_the_time(cast)
    url = str(mails(cast.house)[0]["List-Unsubscribe"]).strip("<>")
    path = url.removeprefix(cast.house.runtime.settings.base_url)
    for _ in range(2):
        page = await cast.house.http.get(path)
        assert (page.status_code, "No more digests" in page.text) == (200, True)
    assert (await cast.bob.call("GET", "/api/me/digest")).json()["cadence"] == "daily", "looking changes nothing"
    one_click = await cast.house.http.post(path, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert (await cast.bob.call("GET", "/api/me/digest")).json()["cadence"] == "off"
    assert (await cast.house.http.post(path[:-3] + "abc")).status_code == 404
    answer = await cast.bob.call("PUT", "/api/me/digest", json={"cadence": "daily", "minute": 450})
    assert answer.json()["cadence"] == "daily"
    await (await cast.alice.open(cast.session_id)).say("more news")
    await at_the_time(cast)
    assert len(mails(cast.house)) == 2


async def test_a_wish_that_makes_no_sense_is_refused(morning: Cast) -> None:
    for wish in ({"cadence": "hourly", "minute": 0}, {"cadence": "daily", "minute": 1440}, {"cadence": "daily"}):
        assert (await morning.bob.call("PUT", "/api/me/digest", json=wish)).status_code == 422


async def test_made_by_hand_or_by_the_clock_it_is_made_once(morning: Cast) -> None:
    await (await morning.alice.open(morning.session_id)).say("news")
    await at_the_time(morning)
    assert await make_digests(morning.house.runtime.db) == 0
