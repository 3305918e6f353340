"""Files in the sandbox: uploaded in three steps, fetched with a token that may read them, attached and deleted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bot.sandbox import SandboxEngine
from bot.sandbox.errors import SlackError

from .conftest import TOKEN, Receiver

CHANNEL = "C0PAYMENTS"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def http(slack_url: str) -> AsyncGenerator[httpx2.AsyncClient, None]:
    async with httpx2.AsyncClient(base_url=slack_url, trust_env=False) as client:
        yield client


async def uploaded(engine: SandboxEngine, http: httpx2.AsyncClient, name: str, data: bytes) -> str:
    """The first two steps; returns the file's id."""
    asked = engine.call("files.getUploadURLExternal", filename=name, length=len(data), alt_txt="a sign")
    assert asked["ok"], asked
    assert (await http.post(asked["upload_url"], content=data)).status_code == 200
    return str(asked["file_id"])


async def test_what_is_uploaded_in_three_steps_is_one_message_in_the_thread(
    engine: SandboxEngine, http: httpx2.AsyncClient
) -> None:
    root = engine.call("chat.postMessage", channel=CHANNEL, text="root")["ts"]
    ids = [await uploaded(engine, http, name, name.encode()) for name in ("a.txt", "b.png")]
    assert len(engine.messages(CHANNEL, root)) == 1, "nobody sees what is not shared yet"
    files = [{"id": ids[0]}, {"id": ids[1], "title": "The second"}]
    args: dict[str, Any] = {"files": files, "channel_id": CHANNEL, "thread_ts": root}
    answer = engine.call("files.completeUploadExternal", **args)
    assert [one["id"] for one in answer["files"]] == ids
    [share] = engine.messages(CHANNEL, root)[1:]
    assert (share["subtype"], share["user"], share["bot_id"]) == ("file_share", engine.bot_user_id, engine.bot_id)
    assert [one["title"] for one in share["files"]] == ["a.txt", "The second"]
    assert share["files"][0]["mimetype"] == "text/plain"
    assert share["files"][0]["alt_txt"] == "a sign"
    fetched = await http.get(share["files"][1]["url_private_download"], headers=BEARER)
    assert fetched.content == b"b.png"
    again = engine.call("files.completeUploadExternal", **args)
    assert again["error"] == "file_not_found", "an upload is completed once"


async def test_an_upload_that_did_not_come_whole_cannot_be_shared(
    engine: SandboxEngine, http: httpx2.AsyncClient
) -> None:
    asked = engine.call("files.getUploadURLExternal", filename="a.txt", length=5)
    assert (await http.post(asked["upload_url"], content=b"four")).status_code == 400
    shared = engine.call("files.completeUploadExternal", files=[{"id": asked["file_id"]}], channel_id=CHANNEL)
    assert shared["error"] == "file_not_found"
    assert (await http.post(asked["upload_url"], content=b"fives")).status_code == 200
    assert (await http.post(asked["upload_url"], content=b"fives")).status_code == 400
    assert engine.call("files.completeUploadExternal", files=[{"id": asked["file_id"]}], channel_id=CHANNEL)["ok"]


async def test_what_an_administrator_forbids_is_refused_before_anything_is_uploaded(engine: SandboxEngine) -> None:
    files = engine.workspace.files
    files.forbidden.add("exe")
    files.most_bytes = 10
    ask = {"filename": "a.txt", "length": 10}
    assert engine.call("files.getUploadURLExternal", **ask)["ok"]
    assert engine.call("files.getUploadURLExternal", **ask, alt_txt="x" * 1_001)["error"] == "alt_txt_too_large"
    assert engine.call("files.getUploadURLExternal", **ask | {"filename": "A.EXE"})["error"] == "file_type_not_allowed"
    too_large = engine.call("files.getUploadURLExternal", **ask | {"length": 11})
    assert too_large["error"] == "file_upload_size_restricted"
    files.is_disabled = True
    assert engine.call("files.getUploadURLExternal", **ask)["error"] == "file_uploads_disabled"


async def test_files_are_shared_only_where_the_app_may_post(engine: SandboxEngine, http: httpx2.AsyncClient) -> None:
    file_id = await uploaded(engine, http, "a.txt", b"text")
    share = {"files": [{"id": file_id}]}
    channel = engine.workspace.channel(CHANNEL)
    engine.workspace.leave(channel, engine.bot_user_id)
    assert engine.call("files.completeUploadExternal", **share, channel_id=CHANNEL)["error"] == "not_in_channel"
    assert engine.call("files.completeUploadExternal", **share, channel_id="C0NOWHERE")["error"] == "channel_not_found"
    engine.workspace.archive(engine.workspace.channel("#random"), "U0ALICE001")
    archived = engine.call("files.completeUploadExternal", **share, channel_id="C0RANDOM01")
    assert archived["error"] == "posting_to_channel_denied"
    engine.scopes.discard("chat:write.customize")
    named = engine.call("files.completeUploadExternal", **share, channel_id="C0GENERAL1", username="Bob")
    assert (named["error"], named["needed"]) == ("missing_scope", "chat:write.customize")
    assert engine.call("files.completeUploadExternal", **share, channel_id="C0GENERAL1")["ok"], "nothing was used up"


async def test_a_persons_file_comes_with_their_message_and_wants_a_token_that_may_read_it(
    engine: SandboxEngine, http: httpx2.AsyncClient, receiver: Receiver
) -> None:
    file_id = engine.attach("bob", "trace.txt", b"the trace")
    shown = await engine.say("bob", CHANNEL, "", files=[file_id])
    await engine.settled()
    [(_, body)] = receiver.requests
    assert b'"file_share"' in body
    [file] = shown["files"]
    assert (file["size"], file["user"], file["mode"]) == (9, "U0BOB00001", "hosted")
    fetched = await http.get(file["url_private_download"], headers=BEARER)
    assert (fetched.content, fetched.headers["content-type"]) == (b"the trace", "text/plain; charset=utf-8")
    for nobody in ({}, {"authorization": "Bearer xoxb-other"}):
        page = await http.get(file["url_private_download"], headers=nobody)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
    engine.scopes.discard("files:read")
    page = await http.get(file["url_private"], headers=BEARER)
    assert page.headers["content-type"].startswith("text/html")
    assert engine.call("files.info", file=file_id)["needed"] == "files:read"


async def test_what_a_file_is_says_where_it_is_shared(engine: SandboxEngine, http: httpx2.AsyncClient) -> None:
    file_id = await uploaded(engine, http, "a.txt", b"text")
    assert engine.call("files.info", file=file_id)["file"]["channels"] == []
    engine.call("files.completeUploadExternal", files=[{"id": file_id}], channel_id=CHANNEL)
    [share] = engine.messages(CHANNEL)
    found = engine.call("files.info", file=file_id)["file"]
    assert found["shares"]["public"][CHANNEL][0]["ts"] == share["ts"]
    assert engine.call("files.info", file="F0NOTHING")["error"] == "file_not_found"


async def test_only_its_own_files_are_deleted_by_the_app_and_a_sign_stays(
    engine: SandboxEngine, http: httpx2.AsyncClient
) -> None:
    mine = await uploaded(engine, http, "a.txt", b"text")
    engine.call("files.completeUploadExternal", files=[{"id": mine}], channel_id=CHANNEL)
    theirs = engine.attach("bob", "b.txt", b"text")
    await engine.say("bob", CHANNEL, "look", files=[theirs])
    assert engine.call("files.delete", file=theirs)["error"] == "cant_delete_file"
    assert engine.call("files.delete", file=mine)["ok"]
    assert engine.call("files.delete", file=mine)["error"] == "file_deleted"
    first, second = engine.messages(CHANNEL)
    assert first["files"] == [{"id": mine, "mode": "tombstone"}]
    await engine.delete("bob", CHANNEL, second["ts"])
    assert theirs not in engine.workspace.files.data, "their file goes with their message"


async def test_shares_may_come_later_than_the_answer(engine: SandboxEngine, http: httpx2.AsyncClient) -> None:
    engine.workspace.late_shares = []
    file_id = await uploaded(engine, http, "a.txt", b"text")
    assert engine.call("files.completeUploadExternal", files=[{"id": file_id}], channel_id=CHANNEL)["ok"]
    assert engine.messages(CHANNEL) == []
    engine.workspace.make_late_shares()
    assert len(engine.messages(CHANNEL)) == 1


async def test_files_outlive_a_restart(engine: SandboxEngine, tmp_path: Path) -> None:
    kept, gone = (engine.attach("bob", name, name.encode()) for name in ("kept.txt", "gone.txt"))
    await engine.say("bob", CHANNEL, "look", files=[kept])
    message = await engine.say("bob", CHANNEL, "look", files=[gone])
    engine.dump(tmp_path / "sandbox.json")
    await engine.delete("bob", CHANNEL, message["ts"])
    engine.dump(tmp_path / "sandbox.json")
    other = SandboxEngine(signing_secret="s", bot_token="xoxb-o", clock=engine.workspace.clock)
    assert other.load(tmp_path / "sandbox.json")
    assert other.workspace.files.data == {kept: b"kept.txt"}
    [message] = other.messages(CHANNEL)
    assert message["files"][0]["name"] == "kept.txt"
    assert gone not in {path.name for path in (tmp_path / "sandbox.files").iterdir()}


async def test_the_page_puts_a_file_up_and_shows_it_to_members_only(
    engine: SandboxEngine, http: httpx2.AsyncClient
) -> None:
    asked = {"user": "U0BOB00001", "name": "page.html"}
    assert (await http.post("/ui/upload", params=asked, content=b"<script>")).status_code == 403
    head = {"x-sandbox": "1"}
    put = await http.post("/ui/upload", params=asked, content=b"<script>", headers=head)
    file_id = put.json()["result"]
    said = {"user": "U0BOB00001", "channel": CHANNEL, "text": "", "files": [file_id]}
    assert (await http.post("/ui/say", json=said | {"user": "U0ALICE001"}, headers=head)).status_code == 409
    assert (await http.post("/ui/say", json=said, headers=head)).status_code == 200
    seen = await http.get(f"/ui/files/{file_id}", params={"user": "U0ALICE001"})
    assert seen.content == b"<script>"
    assert seen.headers["content-type"] == "application/octet-stream"
    assert seen.headers["content-disposition"].startswith("attachment")
    assert (await http.get(f"/ui/files/{file_id}", params={"user": "U0MALLORY1"})).status_code == 404


async def test_a_person_deletes_a_file_of_their_own(engine: SandboxEngine) -> None:
    file_id = engine.attach("bob", "a.txt", b"text")
    await engine.say("bob", CHANNEL, "look", files=[file_id])
    with pytest.raises(SlackError, match="cant_delete_file"):
        await engine.delete_file("alice", file_id)
    await engine.delete_file("bob", file_id)
    assert engine.messages(CHANNEL)[0]["files"] == [{"id": file_id, "mode": "tombstone"}]
