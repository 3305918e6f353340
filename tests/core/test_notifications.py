"""What entries of a log mean to people: told once, folded, never about one's own deed, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlmodel import select

from core import accounts, chat, comments, identities, invites, leases, sessions, tables
from core.access import Actor
from core.clock import iso
from core.comments import Draft as CommentDraft
from core.db import Database, Transaction
from core.engines import open_engine
from core.events import AgentFailed, AgentMessage, FileChanged, TurnFinished
from core.invites import Recipient
from core.leases import LeaseLost
from core.notifications import delivering, inbox, mailing, preferences, taking_up
from core.reading import mark_read
from core.turns import Reported, record
from tests.core.conftest import person
from tests.core.notification_stage import HandClock, Stage, seat, stage_on
from tests.support.schema import bring_up


@asynccontextmanager
async def set_up(database_url: str) -> AsyncGenerator[Stage]:
    await asyncio.to_thread(bring_up, database_url)
    clock = HandClock()
    db = Database(open_engine(database_url), clock)
    db.start()
    yield await stage_on(db, clock)
    await db.close()


@pytest.fixture
async def stage(sqlite_url: str) -> AsyncGenerator[Stage]:
    """On SQLite only, for what does not depend on the database."""
    async with set_up(sqlite_url) as found:
        yield found


@pytest.fixture
async def any_stage(database_url: str) -> AsyncGenerator[Stage]:
    async with set_up(database_url) as found:
        yield found


async def comment(stage: Stage, who: Actor, text: str, thread_id: str | None = None) -> str:
    """On a line of a file that the agent has changed, or in a thread that stands."""
    change = FileChanged(turn_id="t0", path="app.py", change="modified", added=1, removed=0, diff="+x = 1")
    await stage.db.write(lambda tx: record(tx, stage.ann, stage.session_id, [Reported("file", change)]))
    draft = CommentDraft(text, "app.py", 3, code_snippet="x = 1")
    if thread_id is not None:
        draft = CommentDraft(text, thread_id=thread_id)
    posted = await stage.db.write(lambda tx: comments.add_comment(tx, who, stage.session_id, draft))
    return posted.comment_id


async def test_whoever_is_called_hears_of_it_and_nobody_else(any_stage: Stage) -> None:
    stage = any_stage
    await stage.say(stage.ann, "@Ben have a look")
    await stage.say(stage.ann, "nobody is called by this")
    await stage.notify()
    assert await stage.headings(stage.ben) == ["Ann mentioned you"]
    [item] = await stage.inbox(stage.ben)
    assert item.lines[0].text == "@Ben have a look"
    assert item.path == f"/s/{stage.session_id}#seq={item.seq}"
    assert await stage.headings(stage.cid) == []
    assert await stage.headings(stage.ann) == [], "one's own deed is no news"


async def test_who_calls_themselves_hears_nothing(stage: Stage) -> None:
    await stage.say(stage.ann, "note to @Ann")
    await stage.notify()
    assert await stage.unread(stage.ann) == 0


async def test_an_answer_is_told_to_everybody_who_wrote_in_the_thread(stage: Stage) -> None:
    root = await stage.say(stage.ann, "why?")
    await stage.say(stage.ben, "because", root)
    await stage.say(stage.cid, "@Ben really?", root)
    await stage.notify()
    assert await stage.headings(stage.ann) == ["Cid and Ben replied"]
    assert await stage.headings(stage.ben) == ["Cid mentioned you"], "a mention, and not a reply as well"
    assert await stage.headings(stage.cid) == []


async def test_a_reply_under_a_comment_names_the_place(stage: Stage) -> None:
    thread = await comment(stage, stage.ann, "is this right?")
    await comment(stage, stage.ben, "it is", thread)
    await stage.notify()
    [item] = await stage.inbox(stage.ann)
    assert (item.heading, item.lines[0].where, item.lines[0].text) == ("Ben replied", "app.py:3", "it is")


async def test_twenty_comments_in_ten_minutes_are_one_item_and_the_next_is_another(stage: Stage) -> None:
    thread = await comment(stage, stage.ann, "is this right?")
    for number in range(20):
        await comment(stage, stage.ben, f"no {number}", thread)
        await stage.notify()
        stage.clock.move(seconds=20)
    [item] = await stage.inbox(stage.ann)
    assert (item.heading, item.count) == ("Ben replied 20 times", 20)
    assert await stage.unread(stage.ann) == 1
    stage.clock.move(minutes=10)
    await comment(stage, stage.ben, "and another", thread)
    await stage.notify()
    assert await stage.unread(stage.ann) == 2


async def test_what_was_read_is_not_folded_into(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    [item] = await stage.inbox(stage.ben)
    assert await stage.db.write(lambda tx: inbox.mark_read(tx, stage.ben, [item.id]))
    stage.clock.move(seconds=1)
    await stage.say(stage.ann, "@Ben two")
    await stage.notify()
    assert [(one.count, one.is_read) for one in await stage.inbox(stage.ben)] == [(1, False), (1, True)]


async def test_reading_the_session_reads_what_was_told_of_it(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    head = (await stage.inbox(stage.ben))[0].seq
    await stage.db.write(lambda tx: mark_read(tx, stage.ben, stage.session_id, head))
    assert await stage.unread(stage.ben) == 0
    await stage.say(stage.ann, "@Ben two")
    await stage.notify()
    assert await stage.unread(stage.ben) == 1


async def test_what_was_read_before_it_was_told_is_not_news(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.db.write(lambda tx: mark_read(tx, stage.ben, stage.session_id, 1_000))
    await stage.notify()
    assert [item.is_read for item in await stage.inbox(stage.ben)] == [True]
    assert await stage.deliveries(stage.ben) == []


async def test_a_text_that_is_taken_back_goes_out_of_the_inbox(any_stage: Stage) -> None:
    stage = any_stage
    first = await stage.say(stage.ann, "@Ben the password is hunter2")
    second = await stage.say(stage.ann, "@Ben and hello")
    await stage.notify()
    await stage.db.write(lambda tx: chat.delete_message(tx, stage.ann, stage.session_id, first))
    await stage.notify()
    [item] = await stage.inbox(stage.ben)
    assert (item.count, item.lines[0].text) == (1, "@Ben and hello")
    await stage.db.write(lambda tx: chat.delete_message(tx, stage.ann, stage.session_id, second))
    await stage.notify()
    assert await stage.inbox(stage.ben) == []
    assert await stage.deliveries(stage.ben) == [], "and nothing leaves any more"


async def test_an_edit_tells_those_whom_it_calls_newly(stage: Stage) -> None:
    message = await stage.say(stage.ann, "@Ben look")
    await stage.notify()
    for text in ("@Ben and @Cid look", "@Ben and @Cid look here"):
        await stage.db.write(lambda tx, t=text: chat.edit_message(tx, stage.ann, stage.session_id, message, t))
        await stage.notify()
    assert await stage.headings(stage.ben) == ["Ann mentioned you"]
    assert await stage.headings(stage.cid) == ["Ann mentioned you"]


async def test_an_invite_is_told_to_the_account_that_it_is_for_until_it_is_answered(any_stage: Stage) -> None:
    stage = any_stage
    dora = await person(stage.db, "Dora")
    to = Recipient(user_id=dora.user_id)
    issued = await stage.db.write(lambda tx: invites.create(tx, stage.ann, stage.session_id, "viewer", to=to))
    await stage.notify()
    [item] = await stage.inbox(dora)
    assert (item.heading, item.path) == ("Ann invited you", f"/invite/{issued.invite.id}")
    assert await stage.deliveries(dora) == [("email", "")]
    await stage.db.write(lambda tx: invites.revoke(tx, stage.ann, issued.invite.id))
    await stage.notify()
    assert await stage.unread(dora) == 0
    stage.clock.move(minutes=6)
    await stage.notify()
    assert await stage.deliveries(dora) == [("email", "gone")]


@pytest.mark.parametrize("way", ["email", "slack"])
async def test_an_invite_that_brings_its_own_letter_is_not_told_outside_again(stage: Stage, way: str) -> None:
    dora = await person(stage.db, "Dora")
    await stage.db.write(lambda tx: identities.link(tx, dora.user_id, "slack", "T1", "UDORA"))
    to = Recipient(email="dora@example.com") if way == "email" else Recipient(realm="T1", external_id="UDORA")
    await stage.db.write(lambda tx: invites.create(tx, stage.ann, stage.session_id, "viewer", to=to))
    await stage.notify()
    assert await stage.headings(dora) == ["Ann invited you"]
    assert await stage.deliveries(dora) == []


async def test_hosts_hear_who_waits_at_the_door_until_it_is_answered(any_stage: Stage) -> None:
    stage = any_stage
    dora, eve = await person(stage.db, "Dora"), await person(stage.db, "Eve")
    issued = await stage.db.write(
        lambda tx: invites.create(tx, stage.ann, stage.session_id, "viewer", needs_approval=True, max_uses=2)
    )
    for who in (dora, eve):
        await stage.db.write(lambda tx, w=who: invites.accept(tx, w, issued.secret))
    await stage.notify()
    assert await stage.headings(stage.ann) == ["Eve and Dora wait to be let in"]
    assert await stage.headings(stage.ben) == [], "who is no host cannot let anybody in"
    for who, left in ((dora, ["Eve waits to be let in"]), (eve, ["Eve waits to be let in"])):
        await stage.db.write(
            lambda tx, w=who: invites.answer_knock(tx, stage.ann, stage.session_id, w.user_id, is_admitted=True)
        )
        await stage.notify()
        assert await stage.headings(stage.ann) == left
    assert await stage.unread(stage.ann) == 0


async def test_hosts_hear_of_an_error_of_their_agent_once_for_each_turn(stage: Stage) -> None:
    reports = [
        Reported("k1", AgentFailed(turn_id="t1", message="the model is overloaded")),
        Reported("k2", TurnFinished(turn_id="t1", status="failed")),
        Reported("k3", AgentMessage(turn_id="t2", text="fine")),
        Reported("k4", TurnFinished(turn_id="t2", status="completed")),
    ]
    await stage.db.write(lambda tx: record(tx, stage.ann, stage.session_id, reports))
    await stage.notify()
    assert await stage.headings(stage.ann) == ["The agent reported an error"], "though it runs on Ann's machine"
    [item] = await stage.inbox(stage.ann)
    assert item.lines[0].text == "the model is overloaded"
    assert await stage.headings(stage.ben) == []


async def test_errors_of_an_old_transcript_call_nobody(stage: Stage) -> None:
    long_ago = iso(stage.clock.now - timedelta(days=2))
    report = Reported("k1", AgentFailed(turn_id="t1", message="long ago", occurred_at=long_ago))
    await stage.db.write(lambda tx: record(tx, stage.ann, stage.session_id, [report]))
    await stage.notify()
    assert await stage.inbox(stage.ann) == []


async def test_the_end_of_a_session_is_told_to_everybody_else(stage: Stage) -> None:
    await stage.db.write(lambda tx: sessions.end(tx, stage.ann, stage.session_id))
    await stage.notify()
    assert await stage.headings(stage.ben) == ["Ann ended the session"]
    assert await stage.headings(stage.ann) == []


async def test_a_muted_session_is_silent_and_speaks_again(stage: Stage) -> None:
    await stage.db.write(lambda tx: preferences.mute_session(tx, stage.ben, stage.session_id, is_muted=True))
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    assert await stage.inbox(stage.ben) == []
    assert [one.title for one in await stage.db.read(lambda tx: preferences.muted_sessions(tx, stage.ben.user_id))] == [
        "Fix the login bug"
    ]
    await stage.db.write(lambda tx: preferences.mute_session(tx, stage.ben, stage.session_id, is_muted=False))
    await stage.say(stage.ann, "@Ben two")
    await stage.notify()
    assert await stage.unread(stage.ben) == 1


async def test_a_muted_kind_is_silent_everywhere(stage: Stage) -> None:
    await stage.db.write(lambda tx: preferences.mute_kind(tx, stage.ben.user_id, "mention"))
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    assert await stage.inbox(stage.ben) == []
    assert await stage.deliveries(stage.ben) == []


async def test_whoever_was_removed_neither_hears_nor_sees(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    await stage.db.write(lambda tx: sessions.remove(tx, stage.ann, stage.session_id, stage.ben.user_id))
    assert await stage.inbox(stage.ben) == []
    assert await stage.unread(stage.ben) == 0
    stage.clock.move(minutes=6)
    await stage.notify()
    assert await stage.deliveries(stage.ben) == [("email", "gone")]
    assert await stage.mails() == []


async def test_the_deactivated_hear_nothing(stage: Stage) -> None:
    def deactivate(tx: Transaction) -> None:
        user = accounts.get_user(tx, stage.ben.user_id)
        user.is_active = False
        tx.sql.add(user)

    await stage.db.write(deactivate)
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    rows = await stage.db.read(lambda tx: tx.sql.exec(select(tables.Notification)).all())
    assert [row.user_id for row in rows if row.user_id == stage.ben.user_id] == []


async def test_a_step_that_is_repeated_tells_nothing_twice(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    page = await stage.db.read(lambda tx: taking_up.read_page(tx, stage.session_id))
    assert page is not None
    fence = await stage.db.write(lambda tx: leases.take(tx, taking_up.LEASE, "x", 30.0, is_only_process=True))
    assert fence is not None
    first = await stage.db.write(lambda tx: taking_up.take_up(tx, page, fence))
    again = await stage.db.write(lambda tx: taking_up.take_up(tx, page, fence))
    assert (first.user_ids, again.user_ids) == ({stage.ben.user_id}, set())
    assert await stage.unread(stage.ben) == 1


async def test_a_reader_that_was_overtaken_stores_nothing(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    page = await stage.db.read(lambda tx: taking_up.read_page(tx, stage.session_id))
    assert page is not None
    late = await stage.db.write(lambda tx: leases.take(tx, taking_up.LEASE, "x", 30.0, is_only_process=True))
    await stage.db.write(lambda tx: leases.take(tx, taking_up.LEASE, "y", 30.0, is_only_process=True))
    with pytest.raises(LeaseLost):
        await stage.db.write(lambda tx: taking_up.take_up(tx, page, late or 0))
    assert await stage.unread(stage.ben) == 0
    await stage.notify()
    assert await stage.unread(stage.ben) == 1


async def test_two_readers_tell_everything_once(any_stage: Stage) -> None:
    stage = any_stage
    readers = [stage.notifier(name, is_only_process=False) for name in ("one", "two")]
    stage.clock.move(minutes=1)
    for number in range(12):
        await stage.say(stage.ann, f"@Ben {number}")
        await asyncio.gather(*(reader.step() for reader in readers))
    [item] = await stage.inbox(stage.ben)
    assert item.count == 12


async def test_nothing_is_told_of_what_was_there_before_anybody_was_told_of_anything(stage: Stage) -> None:
    def was_there(tx: Transaction) -> None:
        place = tx.sql.get(tables.NotificationPlace, stage.session_id)
        session = tx.sql.get(tables.Session, stage.session_id)
        assert place is not None
        assert session is not None
        place.silent_up_to = session.head
        tx.sql.add(place)

    await stage.say(stage.ann, "@Ben one")
    await stage.db.write(was_there)
    await stage.notify()
    assert await stage.inbox(stage.ben) == []
    await stage.say(stage.ann, "@Ben two")
    await stage.notify()
    assert await stage.unread(stage.ben) == 1


async def test_pages_of_an_inbox_hold_everything_once(any_stage: Stage) -> None:
    stage = any_stage
    await seat(stage, await person(stage.db, "Dora"), "editor")
    for number in range(7):
        root = await stage.say(stage.ben, f"thread {number}")
        await stage.say(stage.ann, "answer", root)
    await stage.notify()
    seen: list[str] = []
    before = None
    while True:
        found, before = await stage.db.read(lambda tx, b=before: inbox.page(tx, stage.ben, before=b, limit=2))
        seen += [item.id for item in found]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 7


async def test_what_is_due_by_mail_for_one_person_is_one_mail(any_stage: Stage) -> None:
    stage = any_stage
    root = await stage.say(stage.ben, "a thread")
    await stage.db.write(lambda tx: preferences.set_preference(tx, stage.ben.user_id, "reply", "email", is_on=True))
    await stage.say(stage.ann, "@Ben look", session_only=True)
    await stage.say(stage.cid, "an answer", root)
    await stage.notify()
    assert await stage.mails() == []
    stage.clock.move(minutes=6)
    await stage.notify()
    [mail] = await stage.mails()
    assert mail.recipient == "ben@example.com"
    assert mail.values["heading"] == "2 things wait for you"
    assert [line["text"] for line in mail.values["items"]] == [mailing.PRIVATE, "an answer"]
    await stage.notify()
    assert len(await stage.mails()) == 1


async def test_what_is_held_by_quiet_hours_goes_out_together_afterwards(stage: Stage) -> None:
    await stage.db.write(lambda tx: preferences.set_quiet_hours(tx, stage.ben.user_id, 9 * 60, 11 * 60))
    for text in ("@Ben one", "@Ben two"):
        await stage.say(stage.ann, text)
        await stage.notify()
        stage.clock.move(minutes=20)
    await stage.notify()
    assert await stage.mails() == []
    assert await stage.unread(stage.ben) == 2, "the inbox fills all the same"
    stage.clock.move(hours=2)
    await stage.notify()
    [mail] = await stage.mails()
    assert mail.values["heading"] == "2 things wait for you"


async def test_who_looks_on_is_asked_about_again(stage: Stage) -> None:
    stage.here.add(stage.ben.user_id)
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    stage.clock.move(minutes=6)
    await stage.notify()
    assert await stage.mails() == []
    stage.here.clear()
    stage.clock.move(minutes=1)
    await stage.notify()
    assert len(await stage.mails()) == 1


async def test_a_wish_that_changes_meanwhile_counts(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    await stage.db.write(lambda tx: preferences.set_preference(tx, stage.ben.user_id, "mention", "email", is_on=False))
    stage.clock.move(minutes=6)
    await stage.notify()
    assert await stage.deliveries(stage.ben) == [("email", "unwanted")]
    assert await stage.mails() == []


async def test_what_was_read_and_settled_long_ago_is_forgotten(stage: Stage) -> None:
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    [item] = await stage.inbox(stage.ben)
    await stage.db.write(lambda tx: inbox.mark_read(tx, stage.ben, [item.id]))
    await stage.say(stage.ann, "@Cid two")
    await stage.notify()
    stage.clock.move(days=91)
    assert await stage.db.write(delivering.prune) == 1
    assert await stage.inbox(stage.ben) == []
    assert await stage.unread(stage.cid) == 1, "what is unread stays"


async def test_who_is_erased_leaves_nothing(any_stage: Stage) -> None:
    stage = any_stage
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    await stage.db.write(lambda tx: preferences.set_quiet_hours(tx, stage.ben.user_id, 0, 60))

    def erase(tx: Transaction) -> None:
        taking_up.forget(tx, stage.ben.user_id)
        preferences.forget(tx, stage.ben.user_id)

    await stage.db.write(erase)
    assert await stage.inbox(stage.ben) == []
    assert await stage.deliveries(stage.ben) == []
