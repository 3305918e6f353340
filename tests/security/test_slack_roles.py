"""Who may do what from Slack: a row for each way in, a cell for each kind of person. A way in without a row fails.

Driven through the real bot with signed requests. Written by hand, not derived from the product's own table.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot.blocks import END, JOIN
from bot.commands import WORDS
from bot.interactions.front import SHORTCUT
from bot.manifest import NEEDS
from bot.modals.start import CALLBACK
from bot.sandbox import Person
from core import access, accounts, identities, mirrors, sessions, tables
from core.db import Transaction
from tests.bot.support.office import Office, open_office

CHANNEL = "#general"
#: It has its effect; it is refused in words that only this person sees; it has no effect and nobody is told.
DONE, TOLD, NOTHING = "done", "told", "nothing"

#: From the most to the least that somebody is here. The session is private: being in the workspace opens nothing.
CALLERS: tuple[str, ...] = ("host", "editor", "viewer", "removed", "stranger", "unlinked", "deactivated", "guest")


#: Those who are nobody here, as far as Slack can tell.
OUTSIDERS: tuple[str, ...] = ("unlinked", "deactivated", "guest")


def row(writers: str, others: str) -> dict[str, str]:
    """`writers` are host and editor."""
    return dict.fromkeys(CALLERS, others) | {"host": writers, "editor": writers}


def account(has_one: str, has_none: str) -> dict[str, str]:
    return dict.fromkeys(CALLERS, has_one) | dict.fromkeys(OUTSIDERS, has_none)


ROWS: dict[str, dict[str, str]] = {
    "message": row(DONE, TOLD),
    # The same with a file.
    "file_share": row(DONE, TOLD),
    "message_changed": row(DONE, TOLD),
    # Slack does not say who deleted, and there is nobody to tell.
    "message_deleted": row(DONE, NOTHING),
    "reaction_added": row(DONE, NOTHING),
    "reaction_removed": row(DONE, NOTHING),
    # Everybody with an account may start a session; it is their own.
    "start": account(DONE, TOLD),
    "list": account(DONE, TOLD),
    "link": account(DONE, TOLD),
    # Whoever has lost their seat, or never had one, is not taken in.
    "join": row(DONE, TOLD) | {"viewer": DONE},
    "doctor": account(DONE, TOLD),
    "invite": row(DONE, TOLD),
    "end": dict.fromkeys(CALLERS, TOLD) | {"host": DONE},
    "mute": dict.fromkeys(CALLERS, TOLD) | {"host": DONE},
    "unmute": dict.fromkeys(CALLERS, TOLD) | {"host": DONE},
    "help": dict.fromkeys(CALLERS, DONE),
    # The same deeds by the card's buttons, and a session of one's own by the form.
    "button join": row(DONE, TOLD) | {"viewer": DONE},
    "button end": dict.fromkeys(CALLERS, TOLD) | {"host": DONE},
    # Whoever is not linked gets no form to fill in; a guest without an account neither.
    "form": account(DONE, NOTHING),
}
#: Buttons that change something, by their way in.
BUTTONS = {"button join": JOIN, "button end": END}
#: Events that say nothing about what a person wants: see their own tests.
OTHERS = {
    "app_uninstalled",
    "tokens_revoked",
    # The same words as the command's: see `tests/bot/test_commands_mentions.py`.
    "app_mention",
    # Everybody sees their own: see `tests/bot/test_home.py`.
    "app_home_opened",
    "user_change",
    # Who may see a preview is the channel: see `tests/bot/test_unfurl.py`.
    "link_shared",
    "message.channels",
    "message.groups",
    "message.im",
}


def test_every_way_in_has_a_row() -> None:
    events = {event for need in NEEDS for event in need.events}
    reactions = {name for name in ROWS if name.startswith("reaction")}
    assert events - OTHERS == reactions
    told = reactions | {"message", "file_share", "message_changed", "message_deleted"}
    assert set(WORDS) == ROWS.keys() - told - BUTTONS.keys() - {"form"}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_office(f"sqlite:///{tmp_path}/c.db") as office:
        yield office


class Scene:
    """A private session with a thread, and one person of the kind that the cell is about."""

    def __init__(self, office: Office, session_id: str, caller: str) -> None:
        self.office = office
        self.session_id = session_id
        self.caller = caller
        self.name = "alice" if caller == "host" else "mallory" if caller == "guest" else "dave"

    async def state(self) -> Any:
        """Everything that a way in may change, and what was said to this person alone."""
        changes = [event for event in await self.office.log(self.session_id) if event.type != "participant_added"]
        count = await self.office.web.read(lambda tx: len(tx.sql.exec(select(tables.Session.id)).all()))
        return len(changes), count


async def scene_of(office: Office, caller: str) -> Scene:
    dave = Person("U0DAVE0001", "dave", "Dave Example", "dave@acme.example", "112233")
    office.engine.workspace.people[dave.id] = dave
    office.engine.workspace.channel(CHANNEL).members.append(dave.id)
    if caller not in ("unlinked", "host", "guest"):
        await office.link("dave")
    alice = office.actor("alice")

    def prepare(tx: Transaction) -> str:
        session = sessions.start(tx, alice, "Private")
        channel = office.engine.workspace.channel(CHANNEL).id
        mirrors.open_mirror(tx, session.id, realm=office.engine.team_id, channel=channel, channel_name="general")
        if caller in ("editor", "viewer", "removed"):
            access.add_participant(
                tx, session, office.actor("dave").person, "viewer" if caller == "viewer" else "editor", via="invite"
            )
        if caller == "removed":
            sessions.remove(tx, alice, session.id, office.users["dave"].id)
        if caller == "deactivated":
            user = accounts.get_user(tx, office.users["dave"].id)
            user.is_active = False
            tx.sql.add(user)
        return session.id

    session_id = await office.web.write(prepare)
    await office.until_row(lambda found: found.root is not None)
    return Scene(office, session_id, caller)


async def write(scene: Scene) -> None:
    await scene.office.reply(scene.name, "hello", CHANNEL)


async def share(scene: Scene) -> None:
    engine, [card] = scene.office.engine, scene.office.cards(CHANNEL)
    file_id = engine.attach(scene.name, "notes.txt", b"notes")
    await engine.say(scene.name, CHANNEL, "", card["ts"], files=[file_id])


async def change(scene: Scene) -> None:
    # Words that the session does not have yet, so that the edit is what brings them.
    reply = await scene.office.reply(scene.name, "(aside) first", CHANNEL)
    await scene.office.until_quiet()
    await scene.office.engine.edit(scene.name, CHANNEL, reply["ts"], "second")


async def take_back(scene: Scene) -> None:
    reply = await scene.office.reply(scene.name, "hello", CHANNEL)
    await scene.office.until_quiet()
    scene.office.engine.workspace.ephemerals.clear()
    await scene.office.engine.delete(scene.name, CHANNEL, reply["ts"])


async def react(scene: Scene) -> None:
    [post] = [one for one in scene.office.thread(CHANNEL) if one["text"] == "from the browser"]
    await scene.office.engine.react(scene.name, CHANNEL, post["ts"], "tada")


async def unreact(scene: Scene) -> None:
    await react(scene)
    await scene.office.until_quiet()
    [post] = [one for one in scene.office.thread(CHANNEL) if one["text"] == "from the browser"]
    await scene.office.engine.react(scene.name, CHANNEL, post["ts"], "tada", remove=True)


def command(text: str) -> Callable[[Scene], Awaitable[None]]:
    async def run(scene: Scene) -> None:
        await scene.office.engine.slash(scene.name, CHANNEL, "/cosession", text)

    return run


def button(action_id: str) -> Callable[[Scene], Awaitable[None]]:
    async def press(scene: Scene) -> None:
        [card] = scene.office.cards(CHANNEL)
        await scene.office.engine.click(scene.name, CHANNEL, card["ts"], action_id)

    return press


async def fill_in(scene: Scene) -> None:
    engine = scene.office.engine
    opened = await engine.shortcut(scene.name, SHORTCUT)
    assert opened.view is not None
    if opened.view["callback_id"] == CALLBACK:
        values = {"title": "Mine", "channel": engine.workspace.channel(CHANNEL).id}
        await engine.submit_view(scene.name, opened.view["id"], values)


WAYS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "message": write,
    "file_share": share,
    "message_changed": change,
    "message_deleted": take_back,
    "reaction_added": react,
    "reaction_removed": unreact,
    "start": command("start Mine"),
    "list": command("list"),
    "link": command("link"),
    "join": command("join"),
    "doctor": command("doctor"),
    "invite": command("invite @carol viewer"),
    "end": command("end"),
    "mute": command("mute"),
    "unmute": command("unmute"),
    "help": command("help"),
    **{way: button(action_id) for way, action_id in BUTTONS.items()},
    "form": fill_in,
}
#: How many entries of the log each way in leaves when it has its effect, and how many sessions.
EFFECTS = {
    "message": (1, 0),
    "file_share": (1, 0),
    "message_changed": (1, 0),
    "message_deleted": (2, 0),
    "reaction_added": (1, 0),
    "reaction_removed": (2, 0),
    "start": (0, 1),
    "invite": (1, 0),
    "end": (1, 0),
    "button end": (1, 0),
    "form": (0, 1),
}
#: What a refusal in words says, whichever it is.
REFUSALS = (
    *("not sent", "Nothing was sent", "You host no live session", "that you can invite to"),
    *("that is open to you", "not shared with you", "does not allow"),
)


@pytest.mark.parametrize("way", list(ROWS))
@pytest.mark.parametrize("caller", CALLERS)
async def test_each_person_gets_from_slack_what_the_table_says(office: Office, caller: str, way: str) -> None:
    scene = await scene_of(office, caller)
    await office.write_in_browser(scene.session_id, "alice", "from the browser")
    await office.until_quiet()
    office.engine.workspace.ephemerals.clear()
    entries, count = await scene.state()
    await WAYS[way](scene)
    await office.until_quiet()
    entries_after, count_after = await scene.state()
    effect = (entries_after - entries, count_after - count)
    said = office.private(scene.name, CHANNEL)
    wanted = ROWS[way][caller]
    if wanted == DONE:
        assert effect == EFFECTS.get(way, (0, 0))
        assert not any(refusal in text for text in said for refusal in REFUSALS)
        assert said or way in EFFECTS, "who asks is answered"
    else:
        assert effect == (0, 0), "a refused wish changes nothing"
        assert any(refusal in text for text in said for refusal in REFUSALS) == (wanted == TOLD), said


async def test_nobody_is_in_the_table_for_another_reason_than_it_says(office: Office) -> None:
    """The same deeds by the same person, with the seat, the link and the account that they lacked."""
    scene = await scene_of(office, "stranger")
    dave = office.users["dave"]
    assert (
        await office.web.read(
            lambda tx: identities.by_identity(tx, "slack", office.engine.team_id, "U0DAVE0001") is not None
        )
        is True
    )
    await office.reply("dave", "may I?", CHANNEL)
    await office.until_quiet()
    assert await office.said(scene.session_id) == []

    def seat(tx: Transaction) -> None:
        session = tx.sql.get(tables.Session, scene.session_id)
        assert session is not None
        access.add_participant(tx, session, accounts.actor_for(dave, "web").person, "editor", via="invite")

    await office.web.write(seat)
    await office.reply("dave", "now I may", CHANNEL)
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(scene.session_id)] == ["now I may"]
