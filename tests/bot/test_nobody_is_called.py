"""By no way of the product does a text that people, agents and files bring along call anybody in Slack.

Every field that somebody else than the product fills holds the same hostile text, behind a word of its own, by which it
is seen that the field was shown in Slack at all.
"""

from __future__ import annotations

import hashlib
from typing import Any

from bot.blocks import MUTE
from core import chat, comments, files, sessions, tables
from core.db import Transaction
from core.events import (
    AgentFailed,
    AgentMessage,
    FileChanged,
    Person,
    PromptSubmitted,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
)
from core.presence import Shown
from tests.bot import test_invites, test_notices
from tests.bot.support.called import live, sent
from tests.bot.support.office import Office
from tests.bot.test_home import open_home

HOSTILE = "<!channel> <!here|x> <!subteam^S0ADMINS01|@a> &lt;!everyone&gt; <@U0CAROL001> <#C0GENERAL1> [x](!here)"
#: In a name there is less room.
NAME = "<!channel> <@U0CAROL001> <!subteam^S1|@a>"


def hostile(word: str) -> str:
    return f"{word} {HOSTILE}"


def unshown(office: Office, *words: str) -> list[str]:
    """The words that nobody in Slack has seen."""
    said = "\n".join(sent(office.engine))
    return [word for word in words if word not in said]


async def rename(office: Office, name: str, to: str) -> None:
    def work(tx: Transaction) -> None:
        user = tx.sql.get_one(tables.User, office.users[name].id)
        user.name = to
        tx.sql.add(user)
        office.users[name] = user

    await office.web.write(work)


async def said_in(office: Office, session_id: str) -> list[Any]:
    return [event.message for event in await office.log(session_id) if event.type == "chat_message"]


async def test_by_nothing_in_a_thread(small_office: Office) -> None:
    office = small_office
    await rename(office, "bob", f"Bob {NAME}")
    session_id = await office.start(hostile("title"))
    here = Person(user_id=office.users["bob"].id, username=hostile("present")[:80])
    office.here[session_id] = [Shown(here, "editor", "active")]
    await office.write_in_browser(session_id, "bob", hostile("message"))
    await office.reply("alice", "from Slack")
    await office.until_said(session_id, 2)
    first, second = await said_in(office, session_id)
    await office.write_in_browser(session_id, "alice", hostile("answer"), parent_id=first.id)
    await office.until_quiet()

    def change(tx: Transaction) -> None:
        chat.edit_message(tx, office.actor("bob"), session_id, first.id, hostile("edited"))
        chat.edit_message(tx, office.actor("alice"), session_id, second.id, hostile("told"))
        sessions.rename(tx, office.actor("alice"), session_id, hostile("renamed"))
        path, code = f"src/file {HOSTILE.replace('/', '')}.py", f"{hostile('code')}\n".encode()
        version = hashlib.sha256(code).hexdigest()
        files.put_blob(tx, office.actor("alice"), session_id, files.checked(version, code))
        item = files.Item("share", path, "added", version=version, size=len(code))
        files.share(tx, office.actor("alice"), session_id, [item])
        place = comments.Draft(hostile("remark"), file=path, line=1)
        remark = comments.add_comment(tx, office.actor("bob"), session_id, place)
        under = comments.Draft(hostile("reply"), thread_id=remark.comment_id)
        comments.add_comment(tx, office.actor("alice"), session_id, under)
        comments.edit_comment(tx, office.actor("bob"), session_id, remark.comment_id, hostile("changed"))
        comments.resolve(tx, office.actor("bob"), session_id, remark.comment_id)

    await office.web.write(change)
    await office.until_quiet()
    assert live(sent(office.engine)) == set()
    words = ("title", "present", "message", "answer", "edited", "told", "renamed", "file", "code", "reply", "changed")
    assert unshown(office, *words, "resolved by Bob") == []


async def test_by_nothing_that_an_agent_reports(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.agent(
        session_id,
        PromptSubmitted(turn_id="t", text=hostile("prompt")),
        TurnStarted(turn_id="t", agent=hostile("agent")[:60]),
        ToolCallStarted(turn_id="t", call_id="c", tool="Bash", title=hostile("step")),
        FileChanged(turn_id="t", path=HOSTILE, change="added", added=1, removed=0),
    )
    await office.until(lambda: unshown(office, "step") == [])
    await office.agent(
        session_id,
        AgentFailed(turn_id="t", message=hostile("problem")),
        AgentMessage(turn_id="t", text=hostile("words")),
        TurnFinished(turn_id="t", status="failed"),
    )
    await office.until_quiet()
    await office.until_row(lambda row: row.progress_ts is None)
    assert live(sent(office.engine)) == set()
    assert unshown(office, "prompt", "agent &lt;", "problem", "words") == []


async def test_by_nothing_that_one_person_sees(small_office: Office) -> None:
    """Direct messages, the home tab, private answers and previews."""
    office = small_office
    office.engine.workspace.unfurl_domains.add("127.0.0.1")
    await rename(office, "alice", f"Alice {NAME}")
    session_id = await office.start(hostile("title"), channel="#general")
    seq = await office.write_in_browser(session_id, "alice", hostile("quoted"))
    await office.write_in_browser(session_id, "carol", "takes her seat")
    for link in (f"{office.base_url}/s/{session_id}", f"{office.base_url}/s/{session_id}#seq={seq}"):
        # Who sees a private preview is not asked of it here: its thread is in this very channel.
        await office.engine.say("bob", "#general", f"see {link}")
    await office.engine.click("alice", "#general", office.cards("#general")[0]["ts"], MUTE)
    for text in (hostile("unknown"), f"end {hostile('ending')}", f"join {hostile('joining')}", "list", "link"):
        await office.engine.slash("alice", "#general", "/cosession", text)
    await office.engine.say("alice", "#general", f"@cosession {HOSTILE} is what I want")
    await test_invites.invite(office, "@bob viewer")
    invitation = await test_invites.until_told(office, "bob", "invites you")
    assert "title" in str(await open_home(office, "bob"))
    await test_invites.click(office, "bob", invitation, "invite_decline")
    await test_invites.until_told(office, "alice", "declined your invite")
    await office.write_in_browser(session_id, "alice", f"@Carol {hostile('noticed')}")
    await test_notices.told(office)
    test_notices.pass_grace(office)
    await test_notices.until_settled(office, "carol")
    await office.until_quiet()
    assert live(sent(office.engine)) == set()
    assert unshown(office, "quoted", "unknown", "what I want", "noticed", "Muted by *Alice") == []
    methods = {call.method for call in office.engine.calls if call.error is None}
    assert methods >= {"chat.postMessage", "chat.update", "chat.unfurl", "views.publish"}
