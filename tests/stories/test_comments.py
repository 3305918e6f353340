"""Comments on lines: said on what somebody sees, and found again when the agent has changed the file since."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from core.db import Transaction
from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame, Someone
from tests.stories.test_files import Folder, folder

__all__ = ["folder"]

FILE = "src/app.py"
FIRST = """import os


def greet(name):
    message = "Hello, " + name
    print(message)


def leave(name):
    farewell = "Goodbye, " + name
    print(farewell)
"""
#: The line that people talk about: `farewell = …`
LINE = 10
_keys = itertools.count()


async def ask(tab: Client, **frame: Any) -> Frame:
    """Sends a command and returns what answers it."""
    frame.setdefault("client_msg_id", f"comment-{next(_keys)}")
    before = len(tab.frames)
    await tab.send(**frame)
    key = frame["client_msg_id"]
    return await tab.until(lambda answer: key in (answer.get("client_msg_id"), answer.get("re")), after=before)


async def add(tab: Client, content: str = "Why not stay?", **fields: Any) -> str:
    """Comments on the line, and returns the comment's id."""
    place = {} if "thread_id" in fields else {"file": FILE, "line": LINE}
    ack = await ask(tab, type="add_comment", content=content, **{**place, **fields})
    assert ack["type"] == "ack", ack
    entry = await tab.until(lambda frame: frame.get("seq") == ack["seq"] and frame["type"] == "code_comment")
    return entry["comment"]["id"]


async def threads(folder: Folder, who: Someone | None = None, **query: Any) -> list[dict[str, Any]]:
    answer = await folder.get("comments", who, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def place(folder: Folder, **query: Any) -> tuple[str, str, int | None]:
    """(status, file, line) of the only thread."""
    (thread,) = await threads(folder, **query)
    return thread["place"]["status"], thread["place"]["file"], thread["place"]["line"]


async def test_a_comment_reaches_everybody_with_the_lines_that_it_speaks_of(cast: Cast, folder: Folder) -> None:
    sha = await folder.save(FILE, FIRST)
    bob, carol = await cast.bob.open(cast.session_id), await cast.carol.open(cast.session_id)
    comment_id = await add(bob, code_snippet="what a client claims")
    shown = (await carol.until(lambda frame: frame["type"] == "code_comment"))["comment"]
    assert shown["code_snippet"] == '    farewell = "Goodbye, " + name'
    assert (shown["before"], shown["after"]) == ("\n\ndef leave(name):", "    print(farewell)")
    assert (shown["version"], shown["line"], shown["end_line"]) == (sha, LINE, LINE)
    (thread,) = await threads(folder, cast.carol, file=FILE)
    assert [comment["content"] for comment in thread["comments"]] == ["Why not stay?"]
    assert thread["place"] == {
        "status": "exact",
        "file": FILE,
        "version": sha,
        "line": LINE,
        "end_line": LINE,
        "confidence": 1.0,
    }
    alone = await folder.get(f"comments/{comment_id}", cast.carol)
    assert alone.json() == thread


async def test_a_comment_stays_on_its_line_through_everything_that_happens_to_the_file(
    cast: Cast, folder: Folder
) -> None:
    first = await folder.save(FILE, FIRST)
    await add(await cast.bob.open(cast.session_id))

    above = "import sys\nimport json\n" + FIRST
    await folder.save(FILE, above)
    assert await place(folder, file=FILE) == ("exact", FILE, LINE + 2)
    edited = above.replace('"Goodbye, " + name', '"Goodbye, dear " + name')
    await folder.save(FILE, edited)
    assert await place(folder, file=FILE) == ("moved", FILE, LINE + 2)
    assert await place(folder, file=FILE, version=first) == ("exact", FILE, LINE)

    without = "".join(line for line in edited.splitlines(keepends=True) if "farewell" not in line)
    gone_at = await folder.save(FILE, without)
    assert await place(folder, file=FILE) == ("outdated", FILE, None)

    await folder.save("src/main.py", edited, "renamed", old_path=FILE)
    assert (await place(folder, file="src/main.py"))[1:] == ("src/main.py", LINE + 2)
    assert (await place(folder, file=FILE))[1] == "src/main.py"
    assert await place(folder, file=FILE, version=gone_at) == ("outdated", FILE, None)

    await folder.report("src/main.py", "deleted")
    assert await place(folder, file="src/main.py") == ("gone", "src/main.py", None)
    assert await place(folder) == ("gone", "src/main.py", None)
    assert await place(folder, file=FILE, version=first) == ("exact", FILE, LINE)

    await folder.save("src/main.py", FIRST, "added")
    assert await place(folder, file="src/main.py") == ("exact", "src/main.py", LINE)


async def test_a_comment_on_an_older_version_is_carried_forward_and_back(cast: Cast, folder: Folder) -> None:
    old = await folder.save(FILE, FIRST)
    middle = await folder.save(FILE, "# one\n" + FIRST)
    await folder.save(FILE, "# one\n# two\n" + FIRST)
    await add(await cast.bob.open(cast.session_id), version=middle, line=LINE + 1)
    assert await place(folder, file=FILE) == ("exact", FILE, LINE + 2)
    assert await place(folder, file=FILE, version=middle) == ("exact", FILE, LINE + 1)
    assert await place(folder, file=FILE, version=old) == ("exact", FILE, LINE)


async def test_over_many_versions_a_comment_keeps_its_line_whether_it_was_looked_at_or_not(
    cast: Cast, folder: Folder
) -> None:
    await folder.save(FILE, FIRST)
    tab = await cast.bob.open(cast.session_id)
    await add(tab)
    text = FIRST
    for number in range(1, 81):
        text = f"# {number}\n" + text
        await folder.save(FILE, text)
        if number in (3, 40):
            assert await place(folder, file=FILE) == ("exact", FILE, LINE + number)
    assert await place(folder, file=FILE) == ("exact", FILE, LINE + 80)


async def test_a_comment_stays_with_its_file_and_not_with_its_file_s_old_name(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    await add(await cast.bob.open(cast.session_id))
    await folder.save("src/moved.py", FIRST, "renamed", old_path=FILE)
    await folder.save(FILE, "something = 'else'\n", "added")
    assert await threads(folder, file=FILE) == []
    assert await place(folder, file="src/moved.py") == ("exact", "src/moved.py", LINE)
    assert await place(folder) == ("exact", "src/moved.py", LINE)


async def test_a_file_that_became_binary_outdates_its_comments_alone(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    await folder.save("other.py", FIRST)
    tab = await cast.bob.open(cast.session_id)
    await add(tab)
    await add(tab, file="other.py")
    await folder.save(FILE, b"\x00\x01")
    assert await place(folder, file=FILE) == ("outdated", FILE, None)
    assert await place(folder, file="other.py") == ("exact", "other.py", LINE)
    await folder.save(FILE, "# back\n" + FIRST)
    assert await place(folder, file=FILE) == ("exact", FILE, LINE + 1)


async def test_a_version_that_the_file_never_had_is_not_found(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    other = await folder.save("other.py", "x = 1\n")
    await add(await cast.bob.open(cast.session_id))
    for version in (other, "0" * 64):
        answer = await folder.get("comments", params={"file": FILE, "version": version})
        assert (answer.status_code, answer.json()["error_code"]) == (404, "file_not_found")
    assert await threads(folder, file="unknown.py") == []


async def test_a_file_known_from_the_agent_s_edits_alone_can_be_commented_and_is_found_once_it_is_shared(
    cast: Cast, folder: Folder
) -> None:
    event = {"type": "file_changed", "turn_id": "t", "path": FILE, "change": "modified", "added": 1, "removed": 0}
    reported = await cast.alice.call(
        "POST", f"/api/sessions/{cast.session_id}/agent-events", json={"items": [{"key": "edit", "event": event}]}
    )
    assert reported.status_code == 200, reported.text
    tab = await cast.bob.open(cast.session_id)
    await add(tab, line=3, code_snippet='    farewell = "Goodbye, " + name')
    assert await place(folder, file=FILE) == ("exact", FILE, 3)
    unknown = await ask(tab, type="add_comment", file="src/APP.py", line=1, content="Hm")
    assert unknown["error_code"] == "file_not_found"
    await folder.save(FILE, FIRST)
    assert await place(folder, file=FILE) == ("moved", FILE, LINE)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"line": 12}, "invalid"),
        ({"line": 3, "end_line": 99}, "invalid"),
        ({"line": 3, "end_line": 2}, "invalid"),
        ({"file": None}, "invalid"),
        ({"line": None}, "invalid"),
        ({"file": "unknown.py"}, "file_not_found"),
        ({"version": "0" * 64}, "file_not_found"),
        ({"file": "../../etc/passwd"}, "path_refused"),
        ({"content": " \n"}, "body_empty"),
        ({"content": "x" * 12_001}, "body_too_long"),
        ({"thread_id": "com_" + "a" * 26}, "comment_not_found"),
    ],
)
async def test_a_comment_that_points_nowhere_is_refused(
    cast: Cast, folder: Folder, fields: dict[str, Any], code: str
) -> None:
    await folder.save(FILE, FIRST)
    tab = await cast.bob.open(cast.session_id)
    refused = await ask(tab, **{"type": "add_comment", "file": FILE, "line": LINE, "content": "Hm", **fields})
    assert refused["error_code"] == code
    assert await threads(folder) == []


async def test_the_same_wish_sent_three_times_is_one_comment(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    tab = await cast.bob.open(cast.session_id)
    wish = {"type": "add_comment", "client_msg_id": "once", "file": FILE, "line": LINE, "content": "Once"}
    acks = [await ask(tab, **wish) for _ in range(3)]
    assert len({ack["seq"] for ack in acks}) == 1
    (thread,) = await threads(folder)
    assert len(thread["comments"]) == 1


async def test_a_reply_stands_in_its_thread_at_its_thread_s_place(cast: Cast, folder: Folder) -> None:
    sha = await folder.save(FILE, FIRST)
    bob, alice = await cast.bob.open(cast.session_id), await cast.alice.open(cast.session_id)
    first = await add(bob)
    reply = await add(alice, "Because.", thread_id=first)
    again = await add(bob, "I see.", thread_id=reply)
    (thread,) = await threads(folder, file=FILE)
    assert [comment["id"] for comment in thread["comments"]] == [first, reply, again]
    assert {comment["thread_id"] for comment in thread["comments"]} == {first}
    assert {(comment["line"], comment["version"]) for comment in thread["comments"]} == {(LINE, sha)}


async def test_only_whoever_wrote_a_comment_changes_it_and_a_host_may_delete_it(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    bob, alice = await cast.bob.open(cast.session_id), await cast.alice.open(cast.session_id)
    mine, hers = await add(bob, "Bob's"), await add(alice, "Alice's")
    for tab, comment_id in ((bob, hers), (alice, mine)):
        refused = await ask(tab, type="edit_comment", comment_id=comment_id, content="Mine now")
        assert refused["error_code"] == "not_allowed"
    assert (await ask(bob, type="delete_comment", comment_id=hers))["error_code"] == "not_allowed"
    edited = await ask(bob, type="edit_comment", comment_id=mine, content="Bob's, better")
    same = await ask(bob, type="edit_comment", comment_id=mine, content="Bob's, better")
    assert same["seq"] == edited["seq"]
    assert (await ask(alice, type="delete_comment", comment_id=mine))["type"] == "ack"
    assert (await ask(bob, type="edit_comment", comment_id=mine, content="Back"))["error_code"] == "message_gone"
    gone = await ask(bob, type="add_comment", thread_id=mine, content="Anybody?")
    assert gone["error_code"] == "message_gone"
    one, two = await threads(folder)
    assert (one["comments"][0]["content"], one["comments"][0]["is_deleted"]) == ("", True)
    assert two["comments"][0]["content"] == "Alice's"


async def test_a_deleted_comment_s_text_is_nowhere_any_more(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    bob = await cast.bob.open(cast.session_id)
    comment_id = await add(bob, "canary-one is my password", mentions=[cast.alice.id])
    edited = await ask(bob, type="edit_comment", comment_id=comment_id, content="canary-two", mentions=[cast.alice.id])
    assert edited["type"] == "ack"
    assert await cast.house.runtime.db.read(rows_with("canary")) >= {"events", "comments"}
    assert await cast.house.runtime.db.read(rows_with(comment_id)) >= {"mentions"}
    deleted = await ask(bob, type="delete_comment", comment_id=comment_id)
    again = await ask(bob, type="delete_comment", comment_id=comment_id)
    assert again["seq"] == deleted["seq"]
    assert await cast.house.runtime.db.read(rows_with("canary")) == set()
    left = await cast.house.runtime.db.read(rows_with(comment_id))
    assert left >= {"events", "comments", "comment_threads"}
    assert "mentions" not in left
    late = await cast.carol.open(cast.session_id, since=0, epoch=bob.frames[0]["epoch"])
    await late.until_seq(deleted["seq"])
    comments = [entry for entry in late.entries if entry["type"] in ("code_comment", "comment_edited")]
    assert len(comments) == 2
    assert "canary" not in str(comments)
    # The code that it spoke of is the file's, and stays.
    assert "farewell" in str(comments)


def rows_with(text: str) -> Any:
    """Names of the tables in which a row holds this text."""

    def look(tx: Transaction) -> set[str]:
        return {
            table.name
            for table in SQLModel.metadata.tables.values()
            for row in tx.sql.connection().execute(select(table))
            if text in str(tuple(row))
        }

    return look


async def test_a_thread_is_resolved_and_reopened_as_a_whole(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    bob, alice = await cast.bob.open(cast.session_id), await cast.alice.open(cast.session_id)
    first = await add(bob)
    reply = await add(alice, "Done.", thread_id=first)
    resolved = await ask(alice, type="resolve_comment", comment_id=reply)
    again = await ask(bob, type="resolve_comment", comment_id=first)
    assert again["seq"] == resolved["seq"]
    assert await threads(folder, file=FILE) == []
    (thread,) = await threads(folder, file=FILE, include_resolved=True)
    assert (thread["is_resolved"], thread["resolved_by"]) == (True, cast.alice.id)
    assert thread["updated_seq"] == resolved["seq"]
    await add(bob, "Thanks.", thread_id=first)
    assert await threads(folder) == []
    reopened = await ask(bob, type="reopen_comment", comment_id=first)
    assert (await ask(bob, type="reopen_comment", comment_id=first))["seq"] == reopened["seq"]
    (thread,) = await threads(folder)
    assert (thread["is_resolved"], thread["resolved_by"], len(thread["comments"])) == (False, None, 3)


async def test_who_may_not_chat_may_not_comment_and_who_was_removed_does_not_even_read(
    cast: Cast, folder: Folder
) -> None:
    await folder.save(FILE, FIRST)
    bob, carol = await cast.bob.open(cast.session_id), await cast.carol.open(cast.session_id)
    comment_id = await add(bob)
    for frame in (
        {"type": "add_comment", "file": FILE, "line": 1, "content": "Hm"},
        {"type": "add_comment", "thread_id": comment_id, "content": "Hm"},
        {"type": "edit_comment", "comment_id": comment_id, "content": "Hm"},
        {"type": "delete_comment", "comment_id": comment_id},
        {"type": "resolve_comment", "comment_id": comment_id},
        {"type": "reopen_comment", "comment_id": comment_id},
    ):
        assert (await ask(carol, **frame))["error_code"] == "not_allowed"
    assert len(await threads(folder, cast.carol)) == 1
    for path in ("comments", f"comments/{comment_id}"):
        assert (await folder.get(path, cast.mallory)).json()["error_code"] == "session_not_found"


async def test_a_comment_of_another_session_is_not_found(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    comment_id = await add(await cast.bob.open(cast.session_id))
    other = Folder(cast.mallory, await cast.mallory.start("Mallory's own"))
    await other.save(FILE, FIRST)
    tab = await cast.mallory.open(other.session_id)
    for frame in (
        {"type": "add_comment", "thread_id": comment_id, "content": "Hm"},
        {"type": "edit_comment", "comment_id": comment_id, "content": "Hm"},
        {"type": "delete_comment", "comment_id": comment_id},
        {"type": "resolve_comment", "comment_id": comment_id},
    ):
        assert (await ask(tab, **frame))["error_code"] == "comment_not_found"
    assert (await other.get(f"comments/{comment_id}")).json()["error_code"] == "comment_not_found"
    assert await threads(other) == []


async def test_people_who_are_mentioned_are_called_once_and_strangers_are_not(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    bob = await cast.bob.open(cast.session_id)
    comment_id = await add(bob, "@Carol look", mentions=[cast.alice.id, cast.mallory.id, "usr_nobody"])
    (thread,) = await threads(folder)
    assert thread["comments"][0]["mentions"] == sorted([cast.alice.id, cast.carol.id])
    await ask(bob, type="edit_comment", comment_id=comment_id, content="@Carol, @Alice: look here")
    called = await cast.house.runtime.db.read(called_by(comment_id))
    assert called == sorted([cast.alice.id, cast.carol.id])


def called_by(comment_id: str) -> Any:
    mentions = SQLModel.metadata.tables["mentions"]

    def look(tx: Transaction) -> list[str]:
        query = select(mentions.c.user_id).where(mentions.c.ref_id == comment_id)
        return sorted(tx.sql.connection().execute(query).scalars())

    return look


async def test_without_a_socket_comments_are_commands_too(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    frame = {"type": "add_comment", "client_msg_id": "post", "file": FILE, "line": LINE, "content": "By post"}
    answer = await cast.bob.call("POST", f"/api/sessions/{cast.session_id}/commands", json={"frames": [frame]})
    assert [item["type"] for item in answer.json()["items"]] == ["ack"]
    (thread,) = await threads(folder)
    assert thread["comments"][0]["content"] == "By post"


async def test_an_answer_calls_everybody_else_who_spoke_in_the_thread(cast: Cast, folder: Folder) -> None:
    await folder.save(FILE, FIRST)
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    root = await add(bob)
    answer = await add(alice, "because", thread_id=root)
    entry = await bob.until(lambda frame: frame.get("comment", {}).get("id") == answer)
    assert entry["comment"]["mentions"] == [cast.bob.id]
    view = await cast.bob.call("GET", f"/api/sessions/{cast.session_id}")
    assert (view.json()["unread_count"], view.json()["mention_count"]) == (1, 1)
    last = await add(bob, "I see", thread_id=root)
    await alice.until(lambda frame: frame.get("comment", {}).get("id") == last)
    told = [entry["comment"]["mentions"] for entry in alice.entries if entry["type"] == "code_comment"]
    assert told[0] == [], "a first remark calls whom it names, and nobody else"
