"""A thread that is gone is replaced by another when a host says so: one new card, and nothing that was said before."""

from __future__ import annotations

from core import mirrors
from tests.bot.support.office import Office
from tests.bot.test_faults import delete_root


async def test_a_new_thread_begins_where_the_host_resumes(office: Office) -> None:
    session_id = await office.start()
    await office.reply("bob", "said in the old thread")
    await office.until_said(session_id, 1)
    await office.until_quiet()
    old = office.cards()[0]["ts"]
    delete_root(office.engine, old)
    await office.write_in_browser(session_id, "bob", "said to nobody there")
    await office.until_row(lambda row: row.status == "paused")

    assert await office.web.write(lambda tx: mirrors.resume(tx, office.actor("alice"), session_id))
    row = await office.until_row(lambda row: row.status == "live")
    assert row.root not in (None, old)
    await office.write_in_browser(session_id, "bob", "said after")
    await office.until_quiet()
    assert office.texts() == ["said after"]
    assert office.at_root() == []
    # Whoever reads the new thread to its end finds nothing deleted.
    await office.restart()
    await office.reply("bob", "said in the new thread")
    said = await office.until_said(session_id, 4)
    assert [content for _, content, _ in said] == [
        "said in the old thread",
        "said to nobody there",
        "said after",
        "said in the new thread",
    ]
    assert not [event for event in await office.log(session_id) if event.type == "message_deleted"]


async def test_the_card_of_a_thread_that_stands_is_not_taken_for_the_new_one(small_office: Office) -> None:
    """The bot was removed and invited again: the old thread is there, and stays as it is."""
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    old = office.cards()[0]["ts"]
    workspace = office.engine.workspace
    workspace.leave(workspace.channel("#payments"), office.engine.bot_user_id)
    await office.write_in_browser(session_id, "bob", "anybody?")
    await office.until_row(lambda row: row.status == "paused")
    workspace.join(workspace.channel("#payments"), office.engine.bot_user_id)
    # The answer to the card's post is lost, so that it is looked for in the channel.
    office.engine.faults.reset("chat.postMessage", after_effect=True)
    await office.web.write(lambda tx: mirrors.resume(tx, office.actor("alice"), session_id))
    row = await office.until_row(lambda row: row.status == "live")
    assert [card["ts"] for card in office.cards()] == [old, row.root]
    assert office.at_root() == []


async def test_where_the_channel_still_takes_nothing_it_is_paused_again(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    workspace = office.engine.workspace
    workspace.archive(workspace.channel("#payments"), "U0ALICE001")
    await office.write_in_browser(session_id, "bob", "anybody?")
    await office.until_row(lambda row: row.status == "paused")
    await office.web.write(lambda tx: mirrors.resume(tx, office.actor("alice"), session_id))
    row = await office.until_row(lambda row: row.status == "paused" and row.round == 1)
    assert "archived" in row.status_reason
    events = [event.type for event in await office.log(session_id)]
    assert [event for event in events if event.startswith("mirror_")] == [
        "mirror_paused",
        "mirror_resumed",
        "mirror_paused",
    ]
