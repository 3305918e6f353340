"""Slack may deliver an event up to a day late, and again: for 26 hours it is known to have had its effect."""

from __future__ import annotations

import json
from datetime import timedelta

from core import chat
from core.prune import KEEP_HANDLED, prune
from tests.bot.support.office import Office
from tests.bot.test_changes import posted, reactions
from tests.bot.test_requests import send, signed

CHANNEL = "#payments"


def clap(office: Office, event_id: str, ts: str) -> bytes:
    """Bob puts a reaction on a message: what has no effect of its own that could be recognised."""
    workspace = office.engine.workspace
    item = {"type": "message", "channel": workspace.channel(CHANNEL).id, "ts": ts}
    event = {"type": "reaction_added", "user": workspace.person("bob").id, "reaction": "clap", "item": item}
    where = {"team_id": office.engine.team_id, "authorizations": [{"team_id": office.engine.team_id}]}
    return json.dumps({"type": "event_callback", "event_id": event_id, **where, "event": event}).encode()


async def test_an_event_is_known_again_after_almost_26_hours_and_forgotten_after_that(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    message_id = await posted(office, session_id, "Done")
    [post] = office.thread()

    async def deliver(event_id: str) -> None:
        body = clap(office, event_id, post["ts"])
        assert (await send(office, body, **signed(office, body))).status_code == 200
        await office.until_quiet()

    await deliver("EvClap")
    assert await reactions(office, session_id) == [("👏", "bob")]
    bob = office.actor("bob")
    await office.web.write(lambda tx: chat.remove_reaction(tx, bob, session_id, message_id, "👏"))
    began = office.clock()
    office.clock.passed += timedelta(hours=25.9)
    await office.web.write(prune)
    await deliver("EvClap")
    assert await reactions(office, session_id) == [], "it has had its effect"
    assert [row.id for row in await office.inbox()].count("EvClap") == 1
    await deliver("EvOther")
    assert await reactions(office, session_id) == [("👏", "bob")], "another event of the same is one"
    office.clock.passed += KEEP_HANDLED - (office.clock() - began) + timedelta(minutes=6)
    assert await office.web.write(prune) >= 1
    left = {row.id for row in await office.inbox()}
    assert ("EvClap" in left, "EvOther" in left) == (False, True)
