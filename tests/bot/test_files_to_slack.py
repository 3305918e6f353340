"""Files of the browser are in the thread: below their message, once, in order, and gone when the message is."""

from __future__ import annotations

import pytest

from bot.sandbox.file_http import UPLOAD
from core import chat, erasing, mirrors
from core.events import ChatMessage
from tests.bot.support.files import PIXEL, fetched, messages, post_files, share, shares
from tests.bot.support.office import CHANNEL, Office, Payload
from tests.bot.test_faults import delete_root
from tests.bot.test_killed import until_dead_or

COMPLETE = "files.completeUploadExternal"


async def test_files_of_a_message_stand_below_its_words_under_its_authors_name(office: Office) -> None:
    session_id = await office.start()
    await post_files(office, session_id, "bob", "**look**", {"pixel.png": PIXEL, "trace.txt": b"the trace"})
    await office.write_in_browser(session_id, "alice", "I see")
    await office.until(lambda: len(office.thread()) == 3)
    words, files, answer = office.thread()
    assert (words["username"], words["text"]) == ("Bob Chen", "*look*")
    assert (files["username"], files["text"]) == ("Bob Chen", "")
    assert answer["text"] == "I see"
    assert fetched(office, files) == {"pixel.png": PIXEL, "trace.txt": b"the trace"}
    assert [file.get("alt_txt") for file in files["files"]] == ["pixel.png", None]
    await office.until_quiet()
    assert len(await office.said(session_id)) == 2, "nothing echoes"
    assert office.at_root() == []


async def test_files_need_no_words(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await office.until_quiet()
    [only] = office.thread()
    assert (only["username"], fetched(office, only)) == ("Bob Chen", {"a.txt": b"a"})


async def test_without_the_right_to_other_names_the_name_stands_above_the_files(small_office: Office) -> None:
    office = small_office
    office.engine.scopes.discard("chat:write.customize")
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await post_files(office, session_id, "bob", "look", {"b.txt": b"b"})
    await office.until_quiet()
    assert office.texts() == ["*Bob Chen:*", "*Bob Chen:* look", ""]
    assert [fetched(office, one) for one in shares(office)] == [{"a.txt": b"a"}, {"b.txt": b"b"}]


async def test_the_files_of_both_sides_do_not_echo(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    for number in range(3):
        await post_files(office, session_id, "alice", "", {f"web {number}.txt": b"w"})
        await share(office, "bob", "", {f"slack {number}.txt": b"s"})
    await office.until_said(session_id, 6)
    await office.until_quiet()
    assert len(office.thread()) == 6
    names = sorted(file.name for message in await messages(office, session_id) for file in message.files)
    assert names == sorted(f"{side} {number}.txt" for side in ("slack", "web") for number in range(3))
    assert office.engine.calls[-1].method != "chat.postMessage"


async def test_files_for_the_session_only_never_leave_it(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "alice", "between us", {"a.txt": b"a"}, session_only=True)
    await office.write_in_browser(session_id, "alice", "for all")
    await office.until_quiet()
    assert office.texts() == ["for all"]
    assert office.engine.workspace.files.by_id == {}


#: What may go wrong on the way up, and whether the files were shared all the same.
FAULTS = {
    "no address": lambda faults: faults.fail("files.getUploadURLExternal", status=500, times=2),
    "the bytes refused": lambda faults: faults.fail(UPLOAD, status=503, times=2),
    "the bytes cut off": lambda faults: faults.reset(UPLOAD, times=2),
    "the bytes sent, no answer": lambda faults: faults.reset(UPLOAD, after_effect=True, times=2),
    "429": lambda faults: faults.fail(COMPLETE, status=429, retry_after=0, times=2),
    "500": lambda faults: faults.fail(COMPLETE, status=500, times=2),
    "cut off before": lambda faults: faults.reset(COMPLETE, times=2),
    "cut off after": lambda faults: faults.reset(COMPLETE, after_effect=True),
    "no answer, not shared": lambda faults: faults.hang(COMPLETE),
    "no answer, but shared": lambda faults: faults.hang(COMPLETE, after_effect=True),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_any_fault_the_files_are_there_once_and_in_order(fault: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    FAULTS[fault](office.engine.faults)
    await post_files(office, session_id, "bob", "look", {"a.txt": b"a", "b.txt": b"b"})
    await office.write_in_browser(session_id, "alice", "I see")
    await office.until_quiet()
    assert office.texts() == ["look", "", "I see"]
    [files] = shares(office)
    assert fetched(office, files) == {"a.txt": b"a", "b.txt": b"b"}
    assert office.at_root() == []


@pytest.mark.parametrize("answer", ["told", "lost"])
async def test_a_share_that_slack_makes_late_is_there_once(answer: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    office.engine.workspace.late_shares = []
    if answer == "lost":
        office.engine.faults.reset(COMPLETE, after_effect=True)
    await post_files(office, session_id, "bob", "look", {"a.txt": b"a"})
    await office.until(lambda: bool(office.engine.workspace.late_shares))
    office.engine.workspace.make_late_shares()
    await office.write_in_browser(session_id, "alice", "I see")
    await office.until_quiet()
    assert len(shares(office)) == 1
    assert sorted(office.texts()) == ["", "I see", "look"]


#: What Slack says to the upload: error → how the workspace comes to it.
REFUSALS = {
    "missing_scope": lambda office: office.engine.scopes.discard("files:write"),
    "file_uploads_disabled": lambda office: setattr(office.engine.workspace.files, "is_disabled", True),
    "file_type_not_allowed": lambda office: office.engine.workspace.files.forbidden.update({"txt", "log"}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_slack_does_not_take_is_said_to_be_in_the_session(refusal: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    REFUSALS[refusal](office)
    seq = await post_files(office, session_id, "bob", "look", {"a.txt": b"a", "b.log": b"b"})
    alone = await post_files(office, session_id, "bob", "", {"c.txt": b"c"})
    await office.until_quiet()
    url = f"{office.base_url}/s/{session_id}#seq="
    assert office.texts() == [
        f"look\n_(2 files, <{url}{seq}|in the session>)_",
        f"_(1 file, <{url}{alone}|in the session>)_",
    ]
    assert shares(office) == []
    [first, _] = await messages(office, session_id)
    await office.web.write(lambda tx: chat.edit_message(tx, office.actor("bob"), session_id, first.id, "look here"))
    await office.until_quiet()
    assert office.texts()[0] == f"look here\n_(2 files, <{url}{seq}|in the session>)_"


async def test_those_files_that_slack_takes_are_there_and_the_others_are_said(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.workspace.files.forbidden.add("exe")
    seq = await post_files(office, session_id, "bob", "look", {"a.txt": b"a", "b.exe": b"b"})
    await office.until_quiet()
    url = f"{office.base_url}/s/{session_id}#seq={seq}"
    assert office.texts() == [f"look\n_(1 file, <{url}|in the session>)_", ""]
    assert fetched(office, shares(office)[0]) == {"a.txt": b"a"}


@pytest.mark.parametrize("words", ["look", ""])
async def test_files_that_are_refused_at_last_are_said_to_be_in_the_session(words: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    office.engine.workspace.files.is_unshareable = True
    seq = await post_files(office, session_id, "bob", words, {"a.txt": b"a"})
    await office.until_quiet()
    line = f"_(1 file, <{office.base_url}/s/{session_id}#seq={seq}|in the session>)_"
    assert office.texts() == [f"{words}\n{line}".strip()]


async def test_a_message_that_is_deleted_takes_its_files_with_it(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "look", {"a.txt": b"a"})
    await post_files(office, session_id, "bob", "", {"b.txt": b"b", "c.txt": b"c"})
    await office.write_in_browser(session_id, "alice", "stays")
    await office.until_quiet()
    bob = office.actor("bob")
    for message in (await messages(office, session_id))[:2]:
        await office.web.write(lambda tx, one=message: chat.delete_message(tx, bob, session_id, one.id))
    await office.until_quiet()
    assert office.texts() == ["stays"]
    assert office.engine.workspace.files.data == {}


async def test_the_files_of_an_erased_person_leave_slack(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await office.until_quiet()
    bob = office.users["bob"].id
    await office.web.write(lambda tx: erasing.begin_erasing(tx, bob))
    await erasing.erase(office.web, bob)
    await office.until_quiet()
    assert office.thread() == []
    assert office.engine.workspace.files.data == {}


async def test_names_of_files_call_nobody(small_office: Office) -> None:
    """The office itself looks through all that was sent; here that there was something to be seen."""
    office = small_office
    session_id = await office.start()
    name = "<!channel> *@here* `x` <@U0CAROL001>.txt"
    await post_files(office, session_id, "bob", "", {name: b"a"})
    await share(office, "bob", "", {name: b""})
    await office.until_said(session_id, 2)
    await office.until_quiet()
    assert shares(office)[0]["files"][0]["name"] == name
    [_, (_, line, _)] = await office.said(session_id)
    assert line == "`<!channel> *@here* 'x' <@U0CAROL001>.txt`: not carried over, it is empty"
    [told] = office.private("bob")
    assert "&lt;!channel&gt;" in told
    [answered] = await messages_without_files(office, session_id)
    await office.write_in_browser(session_id, "alice", "which?", parent_id=answered.id)
    await office.until_quiet()
    assert "&lt;!channel&gt;" in office.texts()[-1]


async def messages_without_files(office: Office, session_id: str) -> list[ChatMessage]:
    return [message for message in await messages(office, session_id) if not message.files]


async def test_words_that_come_to_files_afterwards_are_posted_and_can_be_edited(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await office.until_quiet()
    [message] = await messages(office, session_id)
    for text in ("look", "look here"):
        await office.web.write(
            lambda tx, text=text: chat.edit_message(tx, office.actor("bob"), session_id, message.id, text)
        )
        await office.until_quiet()
        assert office.texts() == ["", text]
    assert len(shares(office)) == 1


async def test_reactions_to_files_alone_are_copied_both_ways(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await office.until_quiet()
    [message] = await messages(office, session_id)
    await office.engine.react("carol", CHANNEL, office.thread()[0]["ts"], "eyes")
    await office.web.write(lambda tx: chat.add_reaction(tx, office.actor("alice"), session_id, message.id, "🎉"))
    await office.until_quiet()
    added = [event.emoji for event in await office.log(session_id) if event.type == "reaction_added"]
    assert sorted(added) == sorted(["👀", "🎉"])
    assert {one["name"] for one in office.thread()[0]["reactions"]} == {"eyes", "tada"}


async def test_an_answer_to_files_alone_says_so(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    [message] = await messages(office, session_id)
    await post_files(office, session_id, "alice", "", {"b.txt": b"b"}, parent_id=message.id)
    await office.until_quiet()
    assert office.texts() == ["", "&gt; *Bob Chen:* _(a file)_", ""]
    await office.web.write(lambda tx: chat.delete_message(tx, office.actor("bob"), session_id, message.id))
    await office.until_quiet()
    assert office.texts() == ["&gt; *Bob Chen:* _(deleted)_", ""]


async def test_files_for_a_thread_that_is_gone_land_nowhere(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    delete_root(office.engine, office.cards()[0]["ts"])
    await post_files(office, session_id, "bob", "", {"a.txt": b"a"})
    await office.until_row(lambda row: row.status == "paused")
    assert office.at_root() == []
    assert all(not one.is_shared for one in office.engine.workspace.files.by_id.values())


async def test_files_of_a_thread_that_was_given_up_can_still_be_taken_back(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.engine.slash("alice", "#random", "/cosession", "start The other")
    await office.until(lambda: len(office.cards("#random")) == 1)
    for name in ("a.txt", "b.txt"):
        await post_files(office, session_id, "bob", "", {name: b"x"})
    await office.until_quiet()
    delete_root(office.engine, office.cards()[0]["ts"])
    await office.until_quiet()
    alice, bob = office.actor("alice"), office.actor("bob")
    await office.web.write(lambda tx: mirrors.resume(tx, alice, session_id, "C0RANDOM01"))
    await office.until(lambda: len(office.cards("#random")) == 2)
    first, second = await messages(office, session_id)
    await office.web.write(lambda tx: chat.delete_message(tx, bob, session_id, first.id))
    await office.web.write(lambda tx: chat.edit_message(tx, bob, session_id, second.id, "words"))
    await office.until_quiet()
    assert [file["mode"] for post in old_posts(office) for file in post["files"]] == ["tombstone", "hosted"]
    new_root = office.cards("#random")[1]["ts"]
    assert office.engine.messages("#random", new_root)[1:] == [], "what changes there stays there"


def old_posts(office: Office) -> list[Payload]:
    """What stands in the channel below a card that was deleted."""
    place = office.engine.workspace.channel(CHANNEL)
    return [office.engine.workspace.shown(place, one) for one in place.in_order() if one.body.get("files")]


@pytest.mark.parametrize("step", range(2, 13, 2))
async def test_killed_at_any_step_the_files_are_shared_once(step: int, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    await office.restart(kill_after=step)
    await post_files(office, session_id, "bob", "look", {"a.txt": b"a", "b.txt": b"b"})
    await office.write_in_browser(session_id, "alice", "I see")
    await until_dead_or(office)
    await office.restart()
    await office.until_quiet()
    assert office.texts() == ["look", "", "I see"]
    assert fetched(office, shares(office)[0]) == {"a.txt": b"a", "b.txt": b"b"}


async def test_two_processes_share_the_files_of_each_message_once(office: Office) -> None:
    session_id = await office.start()
    await office.until_quiet()
    first = office.door
    await office.take_over()
    for number in range(6):
        await post_files(office, session_id, "bob", "", {f"{number}.txt": b"%d" % number})
    await office.until_quiet()
    await first.close()
    names = [file["name"] for post in shares(office) for file in post["files"]]
    assert names == [f"{number}.txt" for number in range(6)]
