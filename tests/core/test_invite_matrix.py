"""Every cell: state of the invite × role that it gives × who acts × way that it was made out × what they do with it.

What is right is written by hand and not derived from the product.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from functools import partial

import pytest

from core import invites, sessions
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.errors import CosessionError
from core.events import Role
from core.invites import Way
from cosession.compose import ensure_epoch
from tests.core.invite_stage import ACTORS, OWNERS, ROLES, SEATED, STATES, WAYS, Row, Stage, everybody, knock, made
from tests.support.schema import bring_up

RANK = {"viewer": 0, "editor": 1, "host": 2}
#: What using it is refused with, in each state, to those that it is for.
REFUSED = {
    "expired": "invite_expired",
    "revoked": "invite_revoked",
    "used_up": "invite_used_up",
    "declined": "invite_declined",
    "inviter_removed": "invite_revoked",
    "inviter_demoted": "invite_revoked",
    "inviter_deactivated": "invite_revoked",
}


@pytest.fixture
async def stage(sqlite_url: str) -> AsyncGenerator[Stage]:
    """On SQLite alone: nothing here is a question of the database. What is, stands in `test_invites.py`."""
    await asyncio.to_thread(bring_up, sqlite_url)
    db = Database(open_engine(sqlite_url), system_clock)
    db.start()
    await db.write(ensure_epoch)
    yield await db.write(lambda tx: everybody(tx, db))
    await db.close()


def is_theirs(way: Way, who: str) -> bool:
    return way == "link" or who in OWNERS


def right_answer(state: str, way: Way, role: Role, who: str) -> str:
    """What accepting comes to: a role that is held afterwards, `waits`, `nothing` for those who had it all before, or
    the code of a refusal."""
    if who == "deactivated":
        return "not_signed_in"
    if not is_theirs(way, who):
        return "invite_not_yours"
    if who == "left":
        return "invite_revoked" if state in ("revoked", *(s for s in STATES if "inviter" in s)) else "invite_left"
    held = SEATED.get(who)
    if way == "link" and held is not None and RANK[held] >= RANK[role]:
        return "nothing"
    if state in REFUSED:
        return REFUSED[state]
    if state in ("approval", "waiting"):
        return "waits"
    if state == "refused":
        return "knock_refused"
    return role if held is None or RANK[role] > RANK[held] else held


def tried(run: Callable[[], object]) -> str:
    """`ok`, or the code that it was refused with."""
    try:
        run()
    except CosessionError as refusal:
        return refusal.code
    return "ok"


def accepted(row: Row, actor: Actor, token: str) -> str:
    """What it came to, in the words of `right_answer`; twice, because the second time must not do anything."""
    held, before, head = row.role(actor), row.uses(), row.head()

    def accept() -> str:
        try:
            taken = invites.accept(row.tx, actor, token)
        except CosessionError as refusal:
            return refusal.code
        return "waits" if taken.outcome == "waiting" else row.role(actor) or "?"

    answer = accept()
    if answer not in ROLES:
        assert (row.role(actor), row.uses()) == (held, before), "a refusal changed something"
        return answer
    if row.uses() == before:
        assert row.head() == head
        return "nothing"
    head = row.head()
    assert (row.uses(), accept(), row.uses(), row.head()) == (before + 1, answer, before + 1, head)
    return answer


#: What looking says where accepting would be answered so.
STATUS = {
    "waits": ("live", "waiting"),
    "nothing": ("accepted",),
    "invite_not_yours": ("wrong_person",),
    "invite_left": ("left",),
    "invite_expired": ("expired",),
    "invite_revoked": ("revoked",),
    "invite_used_up": ("used_up",),
    "invite_declined": ("declined",),
    "knock_refused": ("refused",),
    **dict.fromkeys(ROLES, ("live",)),
}


async def test_looking_and_accepting_come_to_what_the_table_says_in_every_cell(stage: Stage) -> None:
    wrong: list[str] = []

    def play(tx: Transaction, way: Way, state: str, role: Role) -> None:
        row = made(stage, tx, state, way, role)
        for who in ACTORS:
            right = right_answer(state, way, role, who)
            with row.cell(who) as actor:
                seen = invites.look(tx, row.secret, actor.user_id)
                answer = accepted(row, actor, row.secret)
            if answer != right:
                wrong.append(f"{way} {state} {role} {who}: {answer}, not {right}")
            if who != "deactivated" and seen.status not in STATUS[right]:
                wrong.append(f"{way} {state} {role} {who}: looks {seen.status}, and is {right}")
            if bool(seen.title) != is_theirs(way, who):
                wrong.append(f"{way} {state} {role} {who}: a title is for those that the invite is for")

    for way, role in itertools.product(WAYS, ROLES):
        for state in states(way):
            await stage.play(lambda tx, way=way, state=state, role=role: play(tx, way, state, role))
    assert wrong == []


def states(way: Way) -> list[str]:
    """An open link is never declined."""
    return [state for state in STATES if (state, way) != ("declined", "link")]


async def test_an_id_opens_nothing_but_to_those_that_it_is_made_out_to(stage: Stage) -> None:
    wrong: list[str] = []

    def play(tx: Transaction, way: Way, state: str) -> None:
        row = made(stage, tx, state, way, "viewer")
        for who in ACTORS:
            right = right_answer(state, way, "viewer", who)
            if who != "deactivated" and (way == "link" or not is_theirs(way, who)):
                right = "invite_not_found"
            with row.cell(who) as actor:
                answer = accepted(row, actor, row.invite.id)
            if answer != right:
                wrong.append(f"{way} {state} {who}: {answer}, not {right}")

    for way in WAYS:
        for state in states(way):
            await stage.play(lambda tx, way=way, state=state: play(tx, way, state))
    assert wrong == []


async def test_declining_is_for_those_that_it_is_made_out_to(stage: Stage) -> None:
    wrong: list[str] = []

    def play(tx: Transaction, way: Way, state: str) -> None:
        row = made(stage, tx, state, way, "viewer")
        for who in ACTORS:
            with row.cell(who) as actor:
                said = [tried(partial(invites.decline, tx, actor, row.secret)) for _ in range(2)]
                tx.sql.refresh(row.invite)
                is_declined = row.invite.declined_at is not None
            if who == "deactivated":
                right = "not_signed_in"
            elif way == "link":
                right = "invite_not_found"
            elif not is_theirs(way, who):
                right = "invite_not_yours"
            elif who == "left":
                right = right_answer(state, way, "viewer", who)
            else:
                right = "ok" if state == "declined" else REFUSED.get(state, "ok")
            if said != [right, right] or is_declined != (right == "ok" or state == "declined"):
                wrong.append(f"{way} {state} {who}: {said}, not {right}")

    for way in WAYS:
        for state in states(way):
            await stage.play(lambda tx, way=way, state=state: play(tx, way, state))
    assert wrong == []


#: Who may withdraw an invite, and who with everybody who came by it. `maker` made it, and holds that role now.
REVOKERS = {
    "host": ("ok", "ok"),
    "maker_host": ("ok", "ok"),
    "maker_editor": ("ok", "not_allowed"),
    "maker_viewer": ("ok", "not_allowed"),
    "maker_removed": ("session_not_found", "session_not_found"),
    "editor": ("not_allowed", "not_allowed"),
    "viewer": ("not_allowed", "not_allowed"),
    "stranger": ("session_not_found", "session_not_found"),
    "deactivated": ("not_signed_in", "not_signed_in"),
}


async def test_withdrawing_is_for_hosts_and_for_whoever_made_it_in_every_state(stage: Stage) -> None:
    wrong: list[str] = []

    def play(tx: Transaction, state: str, role: Role) -> None:
        row = made(stage, tx, state, "link", role)
        for (who, rights), with_people in itertools.product(REVOKERS.items(), (False, True)):
            if who.startswith("maker") and state.startswith("inviter"):
                continue
            with row.cell("ivo" if who.startswith("maker") else who) as actor:
                if who == "maker_removed":
                    sessions.remove(tx, stage.people["hanna"], stage.session_id, actor.user_id)
                elif who in ("maker_editor", "maker_viewer"):
                    sessions.change_role(
                        tx,
                        stage.people["hanna"],
                        stage.session_id,
                        actor.user_id,
                        "viewer" if who == "maker_viewer" else "editor",
                    )
                withdraw = partial(invites.revoke, tx, actor, row.invite.id, remove_people=with_people)
                said = [tried(withdraw) for _ in range(2)]
                tx.sql.refresh(row.invite)
                is_revoked = row.invite.revoked_at is not None
            right = rights[with_people]
            if said != [right, right] or is_revoked != (right == "ok" or state == "revoked"):
                wrong.append(f"{state} {role} {who} people={with_people}: {said}, not {right}")

    for state, role in itertools.product(states("link"), ROLES):
        await stage.play(lambda tx, state=state, role=role: play(tx, state, role))
    assert wrong == []


ANSWERERS = {
    "host": "ok",
    "editor": "not_allowed",
    "viewer": "not_allowed",
    "stranger": "session_not_found",
    "invitee": "session_not_found",
    "deactivated": "not_signed_in",
}


async def test_knocks_are_answered_by_hosts_and_an_invite_that_is_over_lets_nobody_in(stage: Stage) -> None:
    wrong: list[str] = []
    over = tuple(state for state in REFUSED if state != "declined")

    def play(tx: Transaction, state: str, role: Role) -> None:
        row = made(stage, tx, state, "link", role)
        visitor = stage.people["invitee"]
        for (who, rights), admit in itertools.product(ANSWERERS.items(), (True, False)):
            with row.cell(who) as actor:
                knock(row, visitor)
                tx.sql.flush()
                answer = partial(invites.answer_knock, tx, actor, stage.session_id, visitor.user_id, is_admitted=admit)
                said = [tried(answer) for _ in range(2)]
                held = row.role(visitor)
            right = REFUSED[state] if who == "host" and admit and state in over else rights
            if said != [right, right] or held != (role if admit and right == "ok" else None):
                wrong.append(f"{state} {role} {who} admit={admit}: {said}, not {right}")

    for state, role in itertools.product(("live", "session_ended", *over), ROLES):
        await stage.play(lambda tx, state=state, role=role: play(tx, state, role))
    assert wrong == []


async def test_making_one_gives_no_more_than_its_maker_holds(stage: Stage) -> None:
    rights = {
        "viewer": {"viewer": "not_allowed", "editor": "not_allowed", "host": "not_allowed"},
        "editor": {"viewer": "ok", "editor": "ok", "host": "not_allowed"},
        "host": {"viewer": "ok", "editor": "ok", "host": "ok"},
        "stranger": dict.fromkeys(ROLES, "session_not_found"),
        "left": dict.fromkeys(ROLES, "session_not_found"),
        "deactivated": dict.fromkeys(ROLES, "not_signed_in"),
    }
    wrong: list[str] = []

    def play(tx: Transaction, *, has_ended: bool) -> None:
        if has_ended:
            sessions.end(tx, stage.people["hanna"], stage.session_id)
        for (who, allowed), offered in itertools.product(rights.items(), ROLES):
            actor = stage.people[who]
            said = tried(partial(invites.create, tx, actor, stage.session_id, offered))
            right = allowed[offered]
            if has_ended and who in ("editor", "host"):
                right = "session_has_ended"
            if said != right:
                wrong.append(f"{who} {offered} ended={has_ended}: {said}, not {right}")

    for has_ended in (False, True):
        await stage.play(lambda tx, has_ended=has_ended: play(tx, has_ended=has_ended))
    assert wrong == []
