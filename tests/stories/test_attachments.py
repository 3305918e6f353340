"""Files that come with chat messages: sent first, named by the message, readable by whoever may read, gone with it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from core import chat, erasing, prune
from core.db import Transaction
from tests.core.test_pictures import png
from tests.stories.conftest import Cast
from tests.stories.house import Frame, Someone

PICTURE = png(40, 30)
NOTE = "déjà vu\n".encode()


async def sent(who: Someone, session_id: str, data: bytes, name: str) -> httpx2.Response:
    extra = {"Content-Type": "application/octet-stream"}
    return await who.call(
        "POST", f"/api/sessions/{session_id}/attachments", params={"name": name}, content=data, extra=extra
    )


async def kept(who: Someone, session_id: str, data: bytes, name: str) -> dict[str, Any]:
    answer = await sent(who, session_id, data, name)
    assert answer.status_code == 201, answer.text
    return answer.json()


def named(*files: dict[str, Any]) -> list[dict[str, str]]:
    return [{"sha256": one["sha256"], "name": one["name"]} for one in files]


async def held(cast: Cast) -> set[str]:
    """The contents that are stored, whosoever."""

    def read(tx: Transaction) -> set[str]:
        return {str(row[0]) for row in tx.sql.connection().execute(sa.text("SELECT sha256 FROM blobs"))}

    return await cast.house.runtime.db.read(read)


async def say(tab: Any, content: str, *files: dict[str, Any]) -> Frame:
    return await tab.say(content, files=named(*files))


async def test_a_picture_and_a_text_come_with_a_message_and_everybody_reads_them(cast: Cast) -> None:
    picture = await kept(cast.alice, cast.session_id, PICTURE, "../../Screen shot.png")
    note = await kept(cast.alice, cast.session_id, NOTE, "note.txt")
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert picture == {
        "sha256": digest,
        "name": "Screen shot.png",
        "media_type": "image/png",
        "size": len(PICTURE),
        "width": 40,
        "height": 30,
    }
    assert (note["media_type"], note["width"]) == ("text/plain", None)
    tab, other = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    await say(tab, "", picture, note)
    heard = await other.until(lambda frame: frame["type"] == "chat_message")
    assert [one["name"] for one in heard["message"]["files"]] == ["Screen shot.png", "note.txt"]
    shown = await cast.bob.call("GET", f"/api/sessions/{cast.session_id}/blobs/{digest}")
    assert (shown.content, shown.headers["content-type"]) == (PICTURE, "image/png")
    assert shown.headers["content-security-policy"].startswith("sandbox")
    page = (await cast.bob.call("GET", f"/api/sessions/{cast.session_id}/messages")).json()
    assert page["items"][-1]["message"]["files"][0] == picture
    assert not page["items"][-1]["message"]["is_deleted"]


async def test_a_message_without_files_is_told_as_it_always_was(cast: Cast) -> None:
    tab = await cast.alice.open(cast.session_id)
    await tab.say("plain")
    assert "files" not in (await cast.house.log_of(cast.session_id))[-1]["message"]


async def test_a_page_that_calls_itself_a_picture_is_a_download(cast: Cast) -> None:
    page = await kept(cast.alice, cast.session_id, b"<svg onload='alert(1)'/>\x00", "cat.png")
    assert page["media_type"] == "application/octet-stream"
    shown = await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/blobs/{page['sha256']}")
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"].startswith("attachment")


async def test_with_the_last_message_that_names_it_a_file_is_gone(cast: Cast) -> None:
    picture = await kept(cast.alice, cast.session_id, PICTURE, "a.png")
    tab = await cast.alice.open(cast.session_id)
    first, second = await say(tab, "one", picture), await say(tab, "two", picture)
    ids = [entry["message"]["id"] for entry in await cast.house.log_of(cast.session_id) if "message" in entry]
    assert first["seq"] < second["seq"]
    await tab.send(type="delete_message", client_msg_id="d1", message_id=ids[-2])
    await tab.until(lambda frame: frame.get("client_msg_id") == "d1")
    assert picture["sha256"] in await held(cast)
    await tab.send(type="delete_message", client_msg_id="d2", message_id=ids[-1])
    await tab.until(lambda frame: frame.get("client_msg_id") == "d2")
    assert picture["sha256"] not in await held(cast)
    assert not [entry for entry in await cast.house.log_of(cast.session_id) if "a.png" in str(entry)]
    answer = await cast.alice.call("GET", f"/api/sessions/{cast.session_id}/blobs/{picture['sha256']}")
    assert answer.status_code == 404
    await cast.house.check()


async def test_what_the_shared_folder_holds_too_stays_there(cast: Cast) -> None:
    sha = hashlib.sha256(NOTE).hexdigest()
    target = f"/api/sessions/{cast.session_id}"
    extra = {"Content-Type": "application/octet-stream"}
    assert (await cast.alice.call("PUT", f"{target}/blobs/{sha}", content=NOTE, extra=extra)).is_success
    item = {"key": "f1", "path": "note.txt", "change": "added", "version": sha, "size": len(NOTE)}
    assert (await cast.alice.call("POST", f"{target}/files", json={"items": [item]})).is_success
    note = await kept(cast.alice, cast.session_id, NOTE, "note.txt")
    tab = await cast.alice.open(cast.session_id)
    await say(tab, "", note)
    [message] = [one["message"]["id"] for one in await cast.house.log_of(cast.session_id) if "message" in one]
    await tab.send(type="delete_message", client_msg_id="d", message_id=message)
    await tab.until(lambda frame: frame.get("client_msg_id") == "d")
    assert sha in await held(cast)


async def test_a_file_that_no_message_took_is_thrown_away_after_a_day(cast: Cast) -> None:
    taken = await kept(cast.alice, cast.session_id, PICTURE, "taken.png")
    left = await kept(cast.alice, cast.session_id, NOTE, "left.txt")
    tab = await cast.alice.open(cast.session_id)
    await say(tab, "", taken)
    await cast.house.runtime.db.write(prune.prune)
    assert {taken["sha256"], left["sha256"]} <= await held(cast)
    cast.house.clock.move(chat.WAITS + timedelta(minutes=1))
    await cast.house.runtime.db.write(prune.prune)
    there = await held(cast)
    assert taken["sha256"] in there
    assert left["sha256"] not in there
    await tab.send(type="chat_message", client_msg_id="late", content="", files=named(left))
    refused = await tab.until(lambda frame: frame["type"] == "error")
    assert refused["error_code"] == "attachment_not_found"


async def test_erasing_somebody_takes_their_files(cast: Cast) -> None:
    picture = await kept(cast.alice, cast.session_id, PICTURE, "mine.png")
    tab = await cast.alice.open(cast.session_id)
    await say(tab, "", picture)
    db = cast.house.runtime.db
    await cast.house.someone("Root")
    await db.write(lambda tx: erasing.begin_erasing(tx, cast.alice.id))
    await erasing.erase(db, cast.alice.id)
    assert picture["sha256"] not in await held(cast)
    assert "mine.png" not in str(await cast.house.log_of(cast.session_id))


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"", 422, "body_empty"), (b"x" * (chat.MAX_FILE_BYTES + 1), 413, "body_too_large")],
)
async def test_nothing_and_too_much_are_refused_in_words(cast: Cast, data: bytes, status: int, code: str) -> None:
    answer = await sent(cast.alice, cast.session_id, data, "a.bin")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_eleven_files_do_not_fit_and_a_file_of_another_session_is_none(cast: Cast) -> None:
    other = await cast.alice.start("Another")
    foreign = await kept(cast.alice, other, NOTE, "note.txt")
    tab = await cast.alice.open(cast.session_id)
    await tab.send(type="chat_message", client_msg_id="x", content="", files=named(foreign))
    assert (await tab.until(lambda frame: frame["type"] == "error"))["error_code"] == "attachment_not_found"
    before = len(tab.frames)
    await tab.send(type="chat_message", client_msg_id="y", content="", files=named(*[foreign] * 11))
    refused = await tab.until(lambda frame: frame["type"] == "error", after=before)
    assert refused["error_code"] == "bad_frame"
    assert not [one for one in await cast.house.log_of(cast.session_id) if one["type"] == "chat_message"]


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("a.png", "a.png"),
        ("C:\\temp\\a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        ("/", "file"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\nb\x00.txt", "ab.txt"),
        ("x" * 300 + ".jpeg", "x" * 114 + "….jpeg"),
    ],
)
def test_a_name_is_no_way_to_anywhere(name: str, normal: str) -> None:
    assert chat.normal_name(name) == normal
