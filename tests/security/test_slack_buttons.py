"""Who may press what in Slack: a row for each button and each form, found in the code. One without a row fails.

A click is sent as Slack sends it, whether or not the button was ever shown to this person: what a button carries may be
somebody else's.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

import bot
from bot import notices, preferences
from bot.blocks import END, INVITE, JOIN, MUTE, UNMUTE
from bot.commands.offers import START_FORM, START_HERE
from bot.home import DISCONNECT
from bot.interactions.front import MESSAGE_SHORTCUT, SHORTCUT
from bot.invites import form
from bot.invites.cards import ACCEPT, DECLINE, WITHDRAW
from bot.modals import start
from bot.sandbox.models import Channel
from core import invites, tables
from core.db import Transaction
from core.invites import Recipient
from tests.bot.support.office import Office, open_office
from tests.security.test_slack_roles import CALLERS, CHANNEL, OUTSIDERS, Scene, scene_of

#: It has its effect; it has none.
DONE, REFUSED = "done", "refused"
EVERYBODY = dict.fromkeys(CALLERS, DONE)
NOBODY = dict.fromkeys(CALLERS, REFUSED)
WITH_ACCOUNT = EVERYBODY | dict.fromkeys(OUTSIDERS, REFUSED)
HOST = NOBODY | {"host": DONE}
WRITERS = HOST | {"editor": DONE}

#: What each has to do with: the private session, an invite of its host's for somebody else, or the person's own.
ROWS: dict[str, dict[str, str]] = {
    MUTE: HOST,
    UNMUTE: HOST,
    INVITE: WRITERS,
    # Somebody else's invite, and the host's own.
    ACCEPT: NOBODY,
    DECLINE: NOBODY,
    WITHDRAW: HOST,
    START_HERE: WITH_ACCOUNT,
    preferences.TELL: WITH_ACCOUNT,
    preferences.QUIET_ON: WITH_ACCOUNT,
    preferences.QUIET_FROM: WITH_ACCOUNT,
    preferences.QUIET_TO: WITH_ACCOUNT,
    preferences.QUIET_OFF: WITH_ACCOUNT,
}
FORMS: dict[str, dict[str, str]] = {form.CALLBACK: WRITERS}
#: Whatever comes after these finds another world.
AT_LAST: dict[str, dict[str, str]] = {END: HOST, DISCONNECT: WITH_ACCOUNT}
#: Their addresses are opened in a browser, and judged there; Slack only tells that they were.
LINKS = {"open_link", "open_session", "open_session:", notices.OPEN}
#: Open a form and change nothing; what is sent with it is looked at then: "form" in the other table.
OPENERS = {START_FORM, SHORTCUT, MESSAGE_SHORTCUT}
#: What is filled in inside of a form, and comes with it.
FIELDS = {"title", "channel", "people", "role", "lifetime", "agent", "privacy"}
#: Rows in `test_slack_roles`.
ELSEWHERE = {start.CALLBACK, JOIN}


# ── What there is ─────────────────────────────────────────────────────────────────────────────────────────────────────


def action_ids() -> Iterator[str]:
    """Every action id that the code puts into a block."""
    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        if found.name.startswith("bot.sandbox"):
            continue
        module = importlib.import_module(found.name)
        tree = ast.parse(Path(str(module.__file__)).read_text())
        makers = dict(_makers(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                named = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "action_id"]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
                named = node.args[makers[node.func.id] :][:1]
            else:
                named = []
            for value in named:
                yield from _values(value, module, node, tree)


def _makers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions whose parameter becomes an action id, and which parameter that is."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = [one.arg for one in function.args.args]
            for name in ("action_id", "name"):
                if name in names and "action_id" in ast.unparse(function):
                    yield function.name, names.index(name)


def _values(node: ast.expr, module: Any, of: ast.AST, tree: ast.Module) -> Iterator[str]:
    match node:
        case ast.Constant():
            yield str(node.value)
        case ast.Name() if hasattr(module, node.id):
            yield str(getattr(module, node.id))
        case ast.Name() if node.id in ("action_id", "name"):
            return  # A maker's own parameter: its calls say what.
        case ast.Attribute(value=ast.Name(id=holder)) if hasattr(getattr(module, holder, None), node.attr):
            yield str(getattr(getattr(module, holder), node.attr))
        case ast.BinOp(left=left):
            yield from _values(left, module, of, tree)
        case ast.JoinedStr():
            yield str(getattr(node.values[0], "value", ""))
        case ast.Starred() | ast.Name():
            # A pair that is chosen from: every constant of the module that may be in it.
            yield from (str(getattr(module, name)) for name in ("MUTE", "UNMUTE") if hasattr(module, name))
        case _:
            raise AssertionError(f"{module.__name__}: {ast.unparse(node)} is not understood")


def test_every_button_and_every_form_has_a_row() -> None:
    found = set(action_ids())
    assert {MUTE, ACCEPT, DISCONNECT, preferences.TELL, START_HERE} <= found, "the code was read"
    assert found - LINKS - OPENERS - FIELDS - ELSEWHERE == ROWS.keys() | AT_LAST.keys()
    callbacks = {
        str(module.CALLBACK)
        for name in (one.name for one in pkgutil.walk_packages(bot.__path__, "bot."))
        if hasattr(module := importlib.import_module(name), "CALLBACK")
    }
    assert callbacks - ELSEWHERE == FORMS.keys()


# ── Who may ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_office(f"sqlite:///{tmp_path}/c.db") as office:
        yield office


@dataclass
class Desk:
    """One person of a kind, at all the buttons there are."""

    scene: Scene
    invite_id: str

    @property
    def office(self) -> Office:
        return self.scene.office

    async def press(self, action_id: str) -> None:
        person = self.office.engine.workspace.person(self.scene.name)
        card, *_ = self.office.cards(CHANNEL)
        place = {"id": self.office.engine.workspace.channel(CHANNEL).id, "name": "general"}
        action: dict[str, Any] = {
            "type": "button",
            "action_id": action_id,
            "block_id": "b",
            "value": self._value(action_id),
        }
        if action_id == preferences.TELL:
            action |= {"action_id": f"{preferences.TELL}mention", "selected_options": []}
        if action_id in (preferences.QUIET_FROM, preferences.QUIET_TO):
            action["selected_time"] = "11:11" if action_id == preferences.QUIET_FROM else "12:12"
        await self._send(
            {
                "type": "block_actions",
                "container": {"type": "message", "message_ts": card["ts"], "channel_id": place["id"]},
                "channel": place,
                "message": card,
                "actions": [action],
                "trigger_id": self.office.engine.workspace.triggers.issue(person.id),
            }
        )

    async def send_form(self, callback_id: str) -> None:
        carol = self.office.engine.workspace.person("carol").id
        values = {
            "people": {"people": {"selected_users": [carol]}},
            "role": {"role": {"selected_option": {"value": "viewer"}}},
            "lifetime": {"lifetime": {"selected_option": {"value": "2h"}}},
        }
        view = {"id": "V0FORGED01", "callback_id": callback_id, "private_metadata": self.scene.session_id}
        await self._send({"type": "view_submission", "view": {**view, "type": "modal", "state": {"values": values}}})

    def _value(self, action_id: str) -> str:
        if action_id in (ACCEPT, DECLINE, WITHDRAW):
            return self.invite_id
        return "Mine" if action_id == START_HERE else self.scene.session_id

    async def _send(self, payload: dict[str, Any]) -> None:
        person, engine = self.office.engine.workspace.person(self.scene.name), self.office.engine
        team = {"id": engine.team_id, "domain": "acme"}
        who = {"user": {"id": person.id, "username": person.name, "team_id": engine.team_id}, "team": team}
        full = {"trigger_id": engine.workspace.triggers.issue(person.id), "api_app_id": engine.app_id, **who, **payload}
        await engine.delivery.form(str(payload["type"]), {"payload": json.dumps(full)})
        await self.office.until_quiet()

    async def state(self) -> Any:
        """Everything that a button may change: rows of the database, and what is on this person's screen."""
        kinds = (tables.Session, tables.Invite, tables.Participation, tables.Identity, tables.Mirror)
        person = self.office.engine.workspace.person(self.scene.name)

        def look(tx: Transaction) -> list[str]:
            tx.sql.expire_all()
            rows = [repr(sorted(_settled(row) for row in tx.sql.exec(select(kind)))) for kind in kinds]
            user = self.office.users.get(self.scene.name)
            wishes = repr(preferences.preferences.wishes_of(tx, [user.id]).get(user.id)) if user is not None else ""
            return [*rows, wishes]

        view = self.office.engine.workspace.views.current(person.id)
        return await self.office.web.read(look), (view or {}).get("callback_id")


def _settled(row: Any) -> str:
    """A row without what changes by itself."""
    moving = ("cursor", "card_seq", "card_hash", "intent", "lease", "progress", "head", "last", "updated", "status_at")
    return repr(sorted((name, value) for name, value in row.model_dump().items() if not name.startswith(moving)))


async def desk_of(office: Office, caller: str) -> Desk:
    scene = await scene_of(office, caller)
    workspace, person = office.engine.workspace, office.engine.workspace.person(scene.name)
    direct = Channel("D" + person.id[1:], person.name, kind="im", members=[person.id, office.engine.bot_user_id])
    workspace.channels.setdefault(direct.id, direct)
    carol = office.users["carol"].id
    wanted = Recipient(user_id=carol)
    invite = await office.web.write(
        lambda tx: invites.create(tx, office.actor("alice"), scene.session_id, "viewer", to=wanted)
    )
    await office.until_quiet()
    return Desk(scene, invite.invite.id)


@pytest.mark.parametrize("caller", CALLERS)
async def test_each_button_does_for_each_person_what_the_table_says(office: Office, caller: str) -> None:
    desk = await desk_of(office, caller)
    for what, row in {**ROWS, **FORMS, **AT_LAST}.items():
        before = await desk.state()
        await (desk.send_form(what) if what in FORMS else desk.press(what))
        has_changed = await desk.state() != before
        assert has_changed == (row[caller] == DONE), what
