"""Comments on lines, and answers, on both sides: what is said about a place stays with it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.quoting import MAX_HEAD, head_of, parts_under
from core import chat, comments, files
from core.db import Transaction
from tests.bot.support.office import Office, open_office

CHANNEL = "#payments"
CODE = b"def login(user):\n    token = f'```{user}'\n    return token  # <!channel>\n"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_office(f"sqlite:///{tmp_path}/c.db") as office:
        yield office


def share(tx: Transaction, office: Office, session_id: str, path: str, data: bytes) -> None:
    version = hashlib.sha256(data).hexdigest()
    files.put_blob(tx, office.actor("alice"), session_id, files.checked(version, data))
    item = files.Item(f"share {path}", path, "added", version=version, size=len(data))
    files.share(tx, office.actor("alice"), session_id, [item])


async def comment(office: Office, session_id: str, name: str, content: str, **where: Any) -> comments.Posted:
    def work(tx: Transaction) -> comments.Posted:
        share(tx, office, session_id, "src/auth.py", CODE)
        place = where or {"file": "src/auth.py", "line": 2, "end_line": 3}
        return comments.add_comment(tx, office.actor(name), session_id, comments.Draft(content, **place))

    return await office.web.write(work)


async def commented(office: Office, session_id: str) -> list[tuple[str, str, bool]]:
    """(author, text, whether it answers another comment)."""
    events = [event.comment for event in await office.log(session_id) if event.type == "code_comment"]
    return [(one.username, one.content, one.thread_id != one.id) for one in events]


async def begun(office: Office) -> tuple[str, comments.Posted]:
    """A session with one comment of Alice's that is in the thread."""
    session_id = await office.start()
    posted = await comment(office, session_id, "alice", "Is this **safe**?")
    await office.until(lambda: len(office.thread()) == 1)
    return session_id, posted


async def test_a_comment_on_lines_appears_with_a_link_to_them_and_the_code(office: Office) -> None:
    session_id, posted = await begun(office)
    [message] = office.thread()
    assert message["username"] == "Alice Martin"
    place, _, first, second, _, words = message["text"].split("\n")
    assert f"Comment #{posted.seq} on <{office.base_url}/s/{session_id}#file=src/auth.py&amp;line=2-3" in place
    assert place.endswith("|src/auth.py:2-3>")
    assert first == "    token = f'``\u2060`{user}'", "a fence in the code does not end ours"
    assert second == "    return token  # &lt;!channel&gt;"
    assert words == "Is this *safe*?"


async def test_an_answer_in_the_session_appears_quoting_the_comment(office: Office) -> None:
    session_id, posted = await begun(office)
    await comment(office, session_id, "bob", "It is not", thread_id=posted.comment_id)
    await office.until(lambda: len(office.thread()) == 2)
    quoted, words = office.texts()[1].split("\n")
    assert quoted.startswith("&gt; *Alice")
    assert f"(#{posted.seq}): Is this **safe**?" in quoted
    assert words == "It is not"


@pytest.mark.parametrize("way", ["number", "link", "link behind", "quotation", "quoted head"])
async def test_a_reply_that_names_a_comment_becomes_an_answer_to_it(office: Office, way: str) -> None:
    session_id, posted = await begun(office)
    ts = office.thread()[0]["ts"]
    link = office.engine.call("chat.getPermalink", channel="C0PAYMENTS", message_ts=ts)["permalink"]
    said = {
        "number": f"re #{posted.seq}: not at all",
        "link": f"{link} not at all",
        "link behind": f"not at all {link}",
        "quotation": "> Is this *safe*?\nnot at all",
        "quoted head": f"> Comment #{posted.seq} on src/auth.py:2-3\nnot at all",
    }[way]
    reply = await office.reply("bob", said)
    await office.until_quiet()
    assert (await commented(office, session_id))[1:] == [("Bob Chen", "not at all", True)]
    assert await office.said(session_id) == []
    assert len(office.thread()) == 2, "it is not said in the thread once more"

    await office.engine.edit("bob", CHANNEL, reply["ts"], said.replace("not at all", "not really"))
    await office.until_quiet()
    edits = [event for event in await office.log(session_id) if event.type == "comment_edited"]
    assert [(event.content, event.source) for event in edits] == [("not really", "slack")]
    await office.engine.delete("bob", CHANNEL, reply["ts"])
    await office.until_quiet()
    deleted = [event for event in await office.log(session_id) if event.type == "comment_deleted"]
    assert [event.source for event in deleted] == ["slack"]
    assert len(office.thread()) == 1, "neither echoes"


async def test_what_names_no_comment_is_a_message(office: Office) -> None:
    session_id, posted = await begun(office)
    texts = [
        f"re #{posted.seq + 40}: the ticket",
        "> something else entirely\nyes",
        "see https://acme.slack.com/archives/C0OTHER001/p1700000000000100",
        f"re #{posted.seq}",
    ]
    for text in texts:
        await office.reply("bob", text)
    await office.until_said(session_id, len(texts))
    assert len(await commented(office, session_id)) == 1


async def test_resolving_shows_in_the_thread_and_reopening_takes_it_back(office: Office) -> None:
    session_id, posted = await begun(office)
    settle = lambda change: lambda tx: change(tx, office.actor("alice"), session_id, posted.comment_id)  # noqa: E731
    await office.web.write(settle(comments.resolve))
    await office.until(lambda: "_resolved by Alice" in office.texts()[0])
    assert "Is this *safe*?" in office.texts()[0]
    await office.web.write(settle(comments.reopen))
    await office.until(lambda: "resolved" not in office.texts()[0])
    assert len(office.thread()) == 1


async def test_an_edited_comment_keeps_its_place_and_a_deleted_one_goes(office: Office) -> None:
    session_id, posted = await begun(office)
    edit = lambda tx: comments.edit_comment(tx, office.actor("alice"), session_id, posted.comment_id, "Now?")  # noqa: E731
    await office.web.write(edit)
    await office.until(lambda: office.texts()[0].endswith("\nNow?"))
    assert f"Comment #{posted.seq} on " in office.texts()[0]
    await office.web.write(lambda tx: comments.delete_comment(tx, office.actor("alice"), session_id, posted.comment_id))
    await office.until(lambda: office.thread() == [])


async def test_an_answer_in_the_chat_quotes_what_it_answers(office: Office) -> None:
    session_id = await office.start()
    await office.reply("bob", "Shall we *ship* it?")
    await office.until_said(session_id, 1)
    [asked] = [event.message for event in await office.log(session_id) if event.type == "chat_message"]
    await office.write_in_browser(session_id, "alice", "Yes", parent_id=asked.id)
    await office.until(lambda: len(office.thread()) == 2)
    assert office.texts()[1] == "&gt; *Bob Chen:* Shall we **ship** it?\nYes"


async def test_a_reply_in_slack_that_links_to_a_message_answers_it(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "Shall we ship it?")
    await office.until(lambda: len(office.thread()) == 1)
    await office.reply("bob", "> Shall we ship it?\nYes")
    await office.until_said(session_id, 2)
    asked, answer = [event.message for event in await office.log(session_id) if event.type == "chat_message"]
    assert (answer.content, answer.parent_id) == ("Yes", asked.id)


async def test_an_answer_does_not_carry_what_was_for_the_session_only(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "the secret plan", session_only=True)
    [asked] = [event.message for event in await office.log(session_id) if event.type == "chat_message"]
    await office.write_in_browser(session_id, "bob", "agreed", parent_id=asked.id)
    await office.until(lambda: len(office.thread()) == 1)
    assert "secret" not in office.texts()[0]
    assert office.texts()[0].endswith("agreed")


async def test_without_the_scope_for_other_names_the_name_stands_above_the_quotation(office: Office) -> None:
    office.engine.scopes.discard("chat:write.customize")
    session_id, posted = await begun(office)
    await comment(office, session_id, "bob", "It is not", thread_id=posted.comment_id)
    await office.until(lambda: len(office.thread()) == 2)
    assert office.texts()[1].startswith("*Bob Chen:*\n&gt; *Alice")


async def test_the_longest_place_and_code_fit_above_the_words(office: Office) -> None:
    session_id = await office.start()
    long, wide = "/".join(["&" * 90] * 9) + ".py", "<" * 5_000

    def work(tx: Transaction) -> str:
        data = f"{wide}\n".encode() * 40
        share(tx, office, session_id, long, data)
        draft = comments.Draft("x" * 9_000, file=long, line=1, end_line=40)
        posted = comments.add_comment(tx, office.actor("alice"), session_id, draft)
        chat.post_message(tx, office.actor("alice"), session_id, chat.Draft("behind it"))
        return head_of(tx, posted.comment_id, f"{office.base_url}/s/{session_id}")

    head = await office.web.write(work)
    assert len(head) <= MAX_HEAD
    await office.until_quiet()
    assert office.texts()[:-1] == parts_under(head, "x" * 9_000)
    assert max(map(len, office.texts())) <= 4_000
