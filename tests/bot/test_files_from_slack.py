"""Files that people share in the thread are in the session; what cannot be carried is said to whoever shared it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.files import fetching
from bot.files.facts import Why
from bot.files.transfer import is_slacks
from bot.files.words import STAYS
from bot.sandbox.file_http import DOWNLOAD
from core import sessions
from core.chat import MAX_FILE_BYTES, MAX_FILES
from core.files.contents import holds_blob
from tests.bot.support.files import PIXEL, contents, messages, share
from tests.bot.support.office import CHANNEL, Office, served
from tests.bot.test_killed import until_dead_or
from tests.bot.test_line_comments import begun


async def test_files_of_a_reply_are_in_the_session_with_what_was_said(office: Office) -> None:
    session_id = await office.start()
    await share(office, "bob", "*look*", {"pixel.png": PIXEL, "trace.txt": b"the trace"})
    await office.until_said(session_id, 1)
    [message] = await messages(office, session_id)
    assert (message.username, message.content, message.source) == ("Bob Chen", "**look**", "slack")
    assert [(one.name, one.media_type, one.width) for one in message.files] == [
        ("pixel.png", "image/png", 1),
        ("trace.txt", "text/plain", None),
    ]
    assert await contents(office, session_id, message) == {"pixel.png": PIXEL, "trace.txt": b"the trace"}
    await office.until_quiet()
    assert len(office.thread()) == 1, "nothing echoes"
    assert office.private("bob") == [], "nothing is to be said"


async def test_files_need_no_words(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await share(office, "bob", "", {"pixel.png": PIXEL})
    assert await office.until_said(session_id, 1) == [("Bob Chen", "", "slack")]
    [message] = await messages(office, session_id)
    assert [one.name for one in message.files] == ["pixel.png"]


async def test_whatever_comes_twice_late_or_in_another_order_is_there_once(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.faults.duplicate("message", copies=4)
    await share(office, "bob", "one", {"one.txt": b"one"})
    office.engine.faults.drop_ack("message")
    await share(office, "bob", "two", {"two.txt": b"two"})
    office.engine.faults.reorder("message")
    await share(office, "bob", "three", {"three.txt": b"three"})
    await share(office, "bob", "four", {"one.txt": b"one"})
    await office.until_said(session_id, 4)
    await office.until_quiet()
    found = {message.content: [one.name for one in message.files] for message in await messages(office, session_id)}
    assert found == {"one": ["one.txt"], "two": ["two.txt"], "three": ["three.txt"], "four": ["one.txt"]}
    assert len(await messages(office, session_id)) == 4


#: What may go wrong with a download, and passes.
FAULTS = {
    "429": lambda faults: faults.fail(DOWNLOAD, status=429, retry_after=0, times=2),
    "500": lambda faults: faults.fail(DOWNLOAD, status=500, times=2),
    "cut off": lambda faults: faults.reset(DOWNLOAD, times=2),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_a_failure_that_passes_the_file_is_there_and_the_order_is_kept(
    fault: str, small_office: Office
) -> None:
    office = small_office
    session_id = await office.start()
    FAULTS[fault](office.engine.faults)
    await share(office, "bob", "with a file", {"a.txt": b"a", "b.txt": b"b"})
    await office.reply("bob", "after it")
    assert [text for _, text, _ in await office.until_said(session_id, 2)] == ["with a file", "after it"]
    [first, _] = await messages(office, session_id)
    assert await contents(office, session_id, first) == {"a.txt": b"a", "b.txt": b"b"}


async def test_what_slack_never_hands_out_is_named_in_the_end(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.faults.fail(DOWNLOAD, status=503, times=10_000)
    await share(office, "bob", "look", {"a.txt": b"a"})
    await office.until(lambda: len(office.engine.faults.met) > 1)
    assert await office.said(session_id) == [], "it is tried again"
    office.clock.passed += fetching.PATIENCE + timedelta(seconds=1)
    [(_, text, _)] = await office.until_said(session_id, 1)
    assert text == "look\n`a.txt` (1 bytes): not carried over, Slack did not hand it out"
    await office.until(lambda: len(office.private("bob")) == 1)


async def test_what_cannot_be_carried_is_named_and_told_once(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    engine, bob = office.engine, "bob"
    large = b"x" * (MAX_FILE_BYTES + 1)
    [card] = office.cards()
    ids = [
        engine.attach(bob, "fits.txt", b"fits"),
        engine.attach(bob, "large.bin", large),
        engine.attach(bob, "drive", b"-", mode="external", extra={"is_external": True, "external_type": "gdrive"}),
        engine.attach(bob, "old.txt", b"old", mode="hidden_by_limit"),
        engine.attach(bob, "canvas", b"-", mode="space"),
        engine.attach(bob, "secret.txt", b"-", extra={"file_access": "access_denied"}),
        engine.attach(bob, "empty.txt", b""),
        # Its size is not told, and it is larger than what fits.
        engine.attach(bob, "liar.bin", large, extra={"size": 0}),
    ]
    engine.faults.duplicate("message", copies=2)
    await engine.say(bob, CHANNEL, "look", card["ts"], files=ids)
    [(_, text, _)] = await office.until_said(session_id, 1)
    assert text.split("\n") == [
        "look",
        f"`large.bin` (10 MB): not carried over, {Why.TOO_LARGE}",
        f"`drive` (1 bytes): not carried over, {Why.ELSEWHERE}",
        f"`old.txt` (3 bytes): not carried over, {Why.HIDDEN}",
        f"`canvas` (1 bytes): not carried over, {Why.ELSEWHERE}",
        f"`secret.txt` (1 bytes): not carried over, {Why.NO_ACCESS}",
        f"`empty.txt`: not carried over, {Why.EMPTY}",
        f"`liar.bin`: not carried over, {Why.TOO_LARGE}",
    ]
    [message] = await messages(office, session_id)
    assert await contents(office, session_id, message) == {"fits.txt": b"fits"}
    await office.until(lambda: len(office.private(bob)) == 1)
    await office.until_quiet()
    [said] = office.private(bob)
    assert said.startswith("These files stay in Slack")
    assert "• large.bin (10 MB): too large; up to 10 MB fit." in said


async def test_ten_files_of_a_message_are_carried_and_the_others_named(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await share(office, "bob", "", {f"{number}.txt": b"x%d" % number for number in range(MAX_FILES + 2)})
    [(_, text, _)] = await office.until_said(session_id, 1)
    [message] = await messages(office, session_id)
    assert [one.name for one in message.files] == [f"{number}.txt" for number in range(MAX_FILES)]
    assert text.count(Why.TOO_MANY) == 2


async def test_a_file_of_another_workspace_is_asked_about_first(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await share(office, "bob", "look", {"theirs.txt": b"theirs"}, is_foreign=True)
    await office.until_said(session_id, 1)
    [message] = await messages(office, session_id)
    assert await contents(office, session_id, message) == {"theirs.txt": b"theirs"}
    assert [call.method for call in office.engine.calls].count("files.info") == 1


async def test_without_the_scope_files_are_named_and_everything_else_goes_on(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.scopes.discard("files:read")
    await share(office, "bob", "look", {"a.txt": b"a", "page.html": b"<html>mine</html>"})
    [(_, text, _)] = await office.until_said(session_id, 1)
    assert text.count(Why.NO_ACCESS) == 2
    assert "Sign in" not in str(await messages(office, session_id))
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "files:read" in office.private("bob")[0]
    office.engine.scopes.add("files:read")
    await share(office, "bob", "again", {"page.html": b"<html>mine</html>"})
    await office.until_said(session_id, 2)
    [_, message] = await messages(office, session_id)
    assert await contents(office, session_id, message) == {"page.html": b"<html>mine</html>"}


async def test_a_token_that_has_ended_is_not_taken_for_a_file_that_may_not_be_read(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.reply("bob", "known by now")
    await office.until_said(session_id, 1)
    await office.until_quiet()
    office.engine.workspace.installs.end_tokens()
    await share(office, "bob", "look", {"a.txt": b"a"})
    await office.until(
        lambda: ("auth.test", "token_revoked") in [(one.method, one.error) for one in office.engine.calls]
    )
    assert [text for _, text, _ in await office.said(session_id)] == ["known by now"], "it waits for a new token"


async def test_the_token_is_never_sent_to_another_host(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    seen: list[dict[str, str]] = []

    async def listen(request: Request) -> Response:
        seen.append(dict(request.headers))
        return Response(b"not Slack's")

    async with served(Starlette(routes=[Route("/{rest:path}", listen)])) as elsewhere:
        office.engine.faults.redirect(DOWNLOAD, f"{elsewhere}/taken")
        await share(office, "bob", "redirected", {"a.txt": b"a"})
        await office.until_said(session_id, 1)
        await share(office, "bob", "pointed", {"b.txt": b"b"}, extra={"url_private_download": f"{elsewhere}/b.txt"})
        await office.until_said(session_id, 2)
    assert seen == []
    assert all(Why.ELSEWHERE in text for _, text, _ in await office.said(session_id))


async def test_a_redirect_within_slack_is_followed_so_far(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    file_id = office.engine.attach("bob", "a.txt", b"a")
    address = office.engine.workspace.files.shown(file_id)["url_private"]
    office.engine.faults.redirect(DOWNLOAD, address, times=2)
    [card] = office.cards()
    await office.engine.say("bob", CHANNEL, "", card["ts"], files=[file_id])
    await office.until_said(session_id, 1)
    office.engine.faults.redirect(DOWNLOAD, address, times=100)
    await share(office, "bob", "", {"b.txt": b"b"})
    await office.until_said(session_id, 2)
    [first, second] = await messages(office, session_id)
    assert await contents(office, session_id, first) == {"a.txt": b"a"}
    assert second.files == []


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a.txt", True),
        ("https://slack.com/api/x", True),
        ("http://files.slack.com/a.txt", False),
        ("https://files.slack.com:8443/a.txt", False),
        ("https://files.slack.com.evil.example/a.txt", False),
        ("https://evil.example/files.slack.com", False),
        ("https://files.slack.com@evil.example/a.txt", False),
        ("https://bob:secret@files.slack.com/a.txt", False),
        ("https://acme.slack.com/?redir=x", False),
        ("https://files.slack.com:port/a.txt", False),
        ("//files.slack.com/a.txt", False),
        ("", False),
    ],
)
def test_slacks_own_hosts_are_known(url: str, is_so: bool) -> None:
    assert is_slacks(url, "https://slack.com/api/") is is_so


async def test_a_viewers_files_are_not_even_fetched(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "I take my seat")
    bob = office.users["bob"].id
    await office.web.write(lambda tx: sessions.change_role(tx, office.actor("alice"), session_id, bob, "viewer"))
    office.engine.faults.fail(DOWNLOAD, status=503)
    await share(office, "bob", "may I?", {"a.txt": b"a"})
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "role" in office.private("bob")[0]
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["I take my seat"]
    assert list(office.engine.faults.met) == [], "nobody asked for the bytes"


async def test_files_of_whoever_speaks_to_slack_alone_stay_there(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await share(office, "bob", "(aside) not for them", {"a.txt": b"a"})
    await office.until_quiet()
    assert await office.said(session_id) == []


async def test_a_comment_takes_no_files_and_that_is_said(small_office: Office) -> None:
    office = small_office
    session_id, posted = await begun(office)
    await share(office, "bob", f"re #{posted.seq}: see the trace", {"a.txt": b"a"})
    await office.until(lambda: len(office.private("bob")) == 1)
    assert Why.COMMENT in office.private("bob")[0]
    replies = [event.comment.content for event in await office.log(session_id) if event.type == "code_comment"]
    assert replies[-1] == f"see the trace\n`a.txt` (1 bytes): not carried over, {Why.COMMENT}"


async def test_what_is_deleted_in_slack_goes_with_its_files(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    said = await share(office, "bob", "look", {"a.txt": b"a"})
    alone = await share(office, "bob", "", {"b.txt": b"b"})
    await office.until_said(session_id, 2)
    [first, second] = await messages(office, session_id)
    await office.engine.delete("bob", CHANNEL, said["ts"])
    # The file alone is deleted, and with it all that the message was.
    await office.engine.delete_file("bob", alone["files"][0]["id"])
    await office.until_quiet()
    events = [event.type for event in await office.log(session_id)]
    assert events.count("message_deleted") == 2
    for message in (first, second):
        assert await held(office, session_id, message.files[0].sha256) is False
    assert all(one.files == [] for one in await messages(office, session_id)), "the log is blank"


async def test_whoever_deletes_one_of_several_files_is_told_once_that_it_stays(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    said = await share(office, "bob", "look", {"a.txt": b"a", "b.txt": b"b"})
    await office.until_said(session_id, 1)
    office.engine.faults.duplicate("message")
    await office.engine.delete_file("bob", said["files"][0]["id"])
    await office.until(lambda: office.private("bob") == [STAYS])
    await office.engine.edit("bob", CHANNEL, said["ts"], "look here")
    await office.until_quiet()
    assert office.private("bob") == [STAYS]
    [edited] = [event for event in await office.log(session_id) if event.type == "message_edited"]
    assert edited.content == "look here"


async def test_files_that_were_shared_while_nobody_listened_are_taken_in(small_office: Office) -> None:
    office = small_office
    if office.engine.sockets.is_on:
        pytest.skip("an address is HTTP's own")
    session_id = await office.start()
    await office.until_quiet()
    await office.door.close()
    office.engine.request_url = "http://127.0.0.1:9/nobody"
    await share(office, "bob", "meanwhile", {"a.txt": b"a"})
    await office.engine.settled()
    office.engine.request_url = f"{office.base_url}/slack/events"
    await office.restart()
    await office.until_said(session_id, 1)
    [message] = await messages(office, session_id)
    assert await contents(office, session_id, message) == {"a.txt": b"a"}


async def test_whoever_waits_for_large_files_holds_up_nobody_else(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.faults.hang(DOWNLOAD)
    await share(office, "bob", "slow", {"a.txt": b"a"})
    await office.until(lambda: bool(office.engine.faults.met))
    await office.reply("bob", "behind it")
    await office.reply("carol", "beside it")
    assert [text for _, text, _ in await office.until_said(session_id, 1)] == ["beside it"]
    said = await office.until_said(session_id, 3)
    assert [text for _, text, _ in said] == ["beside it", "slow", "behind it"]


async def held(office: Office, session_id: str, sha256: str) -> bool:
    return await office.web.read(lambda tx: holds_blob(tx, session_id, sha256))


async def test_an_edit_of_the_words_keeps_the_files_and_the_lines(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    files = {"a.txt": b"a", "large.bin": b"x" * (MAX_FILE_BYTES + 1)}
    said = await share(office, "bob", "wiht a slip", files)
    await office.until_said(session_id, 1)
    await office.until_quiet()
    office.engine.faults.fail(DOWNLOAD, status=503)
    await office.engine.edit("bob", CHANNEL, said["ts"], "with a slip")
    await office.until_quiet()
    [edited] = [event for event in await office.log(session_id) if event.type == "message_edited"]
    assert edited.content == f"with a slip\n`large.bin` (10 MB): not carried over, {Why.TOO_LARGE}"
    assert list(office.engine.faults.met) == [], "nothing is fetched again"
    assert len(office.private("bob")) == 1


@pytest.mark.parametrize("step", range(1, 12, 3))
async def test_killed_while_files_are_taken_in_the_message_is_there_whole_and_once(
    step: int, small_office: Office
) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    await office.restart(kill_after=step)
    await share(office, "bob", "look", {"a.txt": b"a", "b.txt": b"b"})
    await until_dead_or(office)
    await office.restart()
    await office.until_said(session_id, 1)
    await office.until_quiet()
    [message] = await messages(office, session_id)
    assert await contents(office, session_id, message) == {"a.txt": b"a", "b.txt": b"b"}
