"""What people live through in the chat: answers, reactions, edits, what is taken back, who is called, what is new."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlmodel import SQLModel
from sqlmodel import text as sql

from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame


async def ask(tab: Client, kind: str, **fields: Any) -> Frame:
    """Sends a durable command and returns the ack or the error that answers it."""
    key = fields.setdefault("client_msg_id", f"{kind}-{id(tab)}-{len(tab.frames)}")
    before = len(tab.frames)
    await tab.send(type=kind, **fields)
    return await tab.until(lambda frame: key in (frame.get("client_msg_id"), frame.get("re")), after=before)


async def said(tab: Client, content: str, **fields: Any) -> str:
    """Says something and returns the message's id."""
    ack = await tab.say(content, **fields)
    assert ack["type"] == "ack", ack
    entry = await tab.until(lambda frame: frame.get("seq") == ack["seq"] and frame["type"] == "chat_message")
    return entry["message"]["id"]


async def views(cast: Cast, **query: Any) -> list[Frame]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await cast.carol.call("GET", f"/api/sessions/{cast.session_id}/messages?{words}")
    assert answer.status_code == 200, answer.text
    return [item["message"] for item in answer.json()["items"]]


async def test_answers_are_kept_under_the_message_that_began_the_thread(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    root = await said(alice, "Why does the login fail?")
    await said(alice, "something else")
    reply = await said(bob, "The cookie has no domain", parent_id=root)
    deeper = await said(alice, "Which one?", parent_id=reply)
    shown = {message["id"]: message for message in await views(cast)}
    assert shown[deeper]["parent_id"] == root, "threads are one level deep"
    assert (shown[root]["reply_count"], shown[reply]["reply_count"]) == (2, 0)
    assert shown[root]["last_reply_at"] == shown[deeper]["timestamp"]
    assert [message["id"] for message in await views(cast, parent=root)] == [root, reply, deeper]


async def test_an_edit_shows_everywhere_and_its_history_stays(cast: Cast) -> None:
    alice, carol = await cast.alice.open(cast.session_id), await cast.carol.open(cast.session_id)
    message_id = await said(alice, "teh fix")
    ack = await ask(alice, "edit_message", message_id=message_id, content="the fix")
    entry = await carol.until(lambda frame: frame["type"] == "message_edited")
    assert (entry["seq"], entry["content"]) == (ack["seq"], "the fix")
    (shown,) = await views(cast)
    assert (shown["content"], shown["edited_at"], shown["updated_seq"]) == ("the fix", entry["at"], ack["seq"])
    again = await ask(alice, "edit_message", message_id=message_id, content="the fix")
    assert again["seq"] == ack["seq"], "the same text is no new event"
    answer = await cast.carol.call("GET", f"/api/sessions/{cast.session_id}/messages/{message_id}/history")
    assert [earlier["content"] for earlier in answer.json()["items"]] == ["teh fix", "the fix"]


async def test_only_its_author_edits_a_message_and_a_host_may_take_any_back(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    of_alice, of_bob = await said(alice, "by the host"), await said(bob, "by an editor")
    assert (await ask(alice, "edit_message", message_id=of_bob, content="x"))["error_code"] == "not_allowed"
    assert (await ask(bob, "delete_message", message_id=of_alice))["error_code"] == "not_allowed"
    assert (await ask(alice, "delete_message", message_id=of_bob))["type"] == "ack"
    assert (await ask(bob, "edit_message", message_id=of_bob, content="back"))["error_code"] == "message_gone"
    assert (await ask(bob, "add_reaction", message_id=of_bob, emoji="👍"))["error_code"] == "message_gone"


async def test_a_message_of_another_session_cannot_be_touched(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    message_id = await said(alice, "here")
    elsewhere = await cast.bob.start("Bob's own")
    tab = await cast.bob.open(elsewhere)
    for kind, fields in (
        ("edit_message", {"content": "x"}),
        ("delete_message", {}),
        ("add_reaction", {"emoji": "👍"}),
        ("remove_reaction", {"emoji": "👍"}),
    ):
        refused = await ask(tab, kind, message_id=message_id, **fields)
        assert refused["error_code"] == "message_not_found", kind
    assert (await tab.say("reply", parent_id=message_id))["error_code"] == "parent_not_found"


async def test_a_reaction_is_there_once_however_often_it_is_sent(cast: Cast) -> None:
    alice, bob = await cast.alice.open(cast.session_id), await cast.bob.open(cast.session_id)
    message_id = await said(alice, "Shipped")
    first = await ask(bob, "add_reaction", message_id=message_id, emoji="🎉")
    assert (await ask(bob, "add_reaction", message_id=message_id, emoji="🎉"))["seq"] == first["seq"]
    await ask(alice, "add_reaction", message_id=message_id, emoji="🎉")
    await ask(alice, "add_reaction", message_id=message_id, emoji=":ship:")
    (shown,) = await views(cast)
    assert shown["reactions"] == [
        {"emoji": "🎉", "user_ids": [cast.bob.id, cast.alice.id]},
        {"emoji": ":ship:", "user_ids": [cast.alice.id]},
    ]
    removed = await ask(bob, "remove_reaction", message_id=message_id, emoji="🎉")
    assert (await ask(bob, "remove_reaction", message_id=message_id, emoji="🎉"))["seq"] == removed["seq"]
    (shown,) = await views(cast)
    assert shown["reactions"][0] == {"emoji": "🎉", "user_ids": [cast.alice.id]}
    assert (await ask(bob, "add_reaction", message_id=message_id, emoji="not one"))["error_code"] == "invalid"


async def test_the_same_command_three_times_is_one_entry_with_one_number(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    message_id = await said(alice, "one")
    for kind, fields in (
        ("edit_message", {"content": "two"}),
        ("add_reaction", {"emoji": "👍"}),
        ("remove_reaction", {"emoji": "👍"}),
        ("delete_message", {}),
    ):
        seqs = set[int]()
        for tab in (alice, await cast.alice.open(cast.session_id), await cast.alice.open(cast.session_id)):
            ack = await ask(tab, kind, message_id=message_id, client_msg_id=f"once-{kind}", **fields)
            seqs.add(ack["seq"])
        assert len(seqs) == 1, kind


async def test_who_is_named_is_called_and_here_calls_who_is_here(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    await cast.bob.open(cast.session_id)
    await alice.say("@carol please look, and `@bob` is code")
    entry = await alice.until(lambda frame: frame["type"] == "chat_message")
    assert (entry["message"]["mentions"], entry["message"]["mentions_here"]) == ([cast.carol.id], False)
    await alice.say("@here the build is red")
    assert await mentions(cast, cast.bob) == 1
    assert await mentions(cast, cast.carol) == 1, "was named before, and is not here"
    assert await mentions(cast, cast.alice) == 0, "nobody calls themselves"


async def mentions(cast: Cast, who: Any) -> int:
    answer = await who.call("GET", f"/api/sessions/{cast.session_id}")
    return int(answer.json()["mention_count"])


async def test_what_one_device_has_read_is_read_on_all_of_them(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    phone, desk = await cast.bob.open(cast.session_id), await cast.bob.open(cast.session_id)
    last: Frame = {}
    for number in range(3):
        last = await alice.say(f"message {number}")
    await desk.until_seq(last["seq"])
    await phone.send(type="read_up_to", seq=last["seq"] - 1)
    marker = await desk.until(lambda frame: frame["type"] == "read_marker")
    assert (marker["read_up_to"], marker["unread_count"]) == (last["seq"] - 1, 1)
    await desk.send(type="read_up_to", seq=1)
    again = await phone.until(lambda frame: frame["type"] == "read_marker" and frame is not marker, after=1)
    assert again["read_up_to"] == last["seq"] - 1, "a mark never goes back"
    beyond = await cast.bob.call("POST", f"/api/sessions/{cast.session_id}/read", json={"seq": 10**9})
    assert (beyond.json()["read_up_to"], beyond.json()["unread_count"]) == (last["seq"], 0)
    listed = (await cast.bob.call("GET", "/api/sessions")).json()["items"]
    assert [(item["unread_count"], item["mention_count"]) for item in listed] == [(0, 0)]


async def test_what_was_there_before_somebody_came_is_not_unread(cast: Cast) -> None:
    alice = await cast.alice.open(cast.session_id)
    await alice.say("before")
    dave = await cast.house.someone("Dave")
    await dave.accept(await cast.alice.invite(cast.session_id, "viewer"))
    await alice.say("after")
    answer = await dave.call("GET", f"/api/sessions/{cast.session_id}")
    assert answer.json()["unread_count"] == 1


@pytest.mark.timeout(180)
async def test_counts_are_exact_whatever_is_said_and_read_in_whatever_order(cast: Cast) -> None:
    """Two people on three devices, against a model that anybody can check by hand."""
    rng = random.Random(7)
    people = {"alice": cast.alice, "bob": cast.bob}
    tabs = {name: [await who.open(cast.session_id) for _ in range(3)] for name, who in people.items()}
    messages: dict[str, tuple[int, str, bool]] = {}  # id → seq, author, whether it calls the other
    marks = dict.fromkeys(people, 0)
    marks = {name: tabs[name][0].frames[0]["read_up_to"] for name in people}
    head = 0
    for step in range(60):
        name = rng.choice(list(people))
        other = "bob" if name == "alice" else "alice"
        tab = rng.choice(tabs[name])
        mine = [message_id for message_id, (_, author, _) in messages.items() if author == name]
        match rng.randrange(4) if mine else 0:
            case 0:
                calls = rng.random() < 0.4
                message_id = await said(tab, f"{step} {'@' + other if calls else ''}")
                (head,) = [f["seq"] for f in tab.entries if f.get("message", {}).get("id") == message_id]
                messages[message_id] = (head, name, calls)
            case 1:
                gone = rng.choice(mine)
                head = (await ask(tab, "delete_message", message_id=gone))["seq"]
                del messages[gone]
            case _:
                seq = rng.randrange(head + 1)
                answer = await people[name].call("POST", f"/api/sessions/{cast.session_id}/read", json={"seq": seq})
                marks[name] = max(marks[name], seq)
                assert answer.json()["read_up_to"] == marks[name]
        for who, person in people.items():
            view = (await person.call("GET", f"/api/sessions/{cast.session_id}")).json()
            unread = [m for m in messages.values() if m[0] > marks[who] and m[1] != who]
            assert view["unread_count"] == len(unread), step
            assert view["mention_count"] == sum(m[2] for m in unread), step


CANARY = "canary-7f3a-text"


async def test_a_text_that_was_taken_back_is_nowhere_any_more(cast: Cast) -> None:
    alice, carol = await cast.alice.open(cast.session_id), await cast.carol.open(cast.session_id)
    message_id = await said(alice, f"{CANARY} @carol")
    await ask(alice, "edit_message", message_id=message_id, content=f"{CANARY} again @carol @here")
    await ask(alice, "add_reaction", message_id=message_id, emoji="👍")
    reply = await said(alice, "an answer stays", parent_id=message_id)
    before = await carol.until(lambda frame: frame["type"] == "message_edited")
    assert CANARY in before["content"]
    deleted = await ask(alice, "delete_message", message_id=message_id)
    shown = {message["id"]: message for message in await views(cast)}
    tombstone = shown[message_id]
    assert (tombstone["content"], tombstone["mentions"], tombstone["reactions"]) == ("", [], [])
    assert (tombstone["is_deleted"], tombstone["updated_seq"], tombstone["reply_count"]) == (True, deleted["seq"], 1)
    assert shown[reply]["parent_id"] == message_id
    assert await mentions(cast, cast.carol) == 0
    late = await cast.carol.open(cast.session_id, since=0, epoch=carol.frames[0]["epoch"])
    await late.until_seq(deleted["seq"])
    assert CANARY not in str(late.frames)
    assert CANARY not in str(await cast.house.log_of(cast.session_id))
    texts = await cast.carol.call("GET", f"/api/sessions/{cast.session_id}/messages/{message_id}/history")
    assert texts.json()["items"] == []
    await assert_nowhere(cast)


async def assert_nowhere(cast: Cast) -> None:
    """In no row of no table."""
    names = [table.name for table in SQLModel.metadata.sorted_tables]
    for name in names:
        query = sql(f"SELECT * FROM {name}")
        rows = await cast.house.runtime.db.read(lambda tx, query=query: tx.sql.connection().execute(query).all())
        assert CANARY not in str(rows), name
