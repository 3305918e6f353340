"""A session with everybody in their places, and an invite in any state: where the cells of the matrix are played.

Each cell is taken back, so that the next finds everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, get_args

import pytest

from core import accounts, identities, invites, log, sessions, tables
from core.access import Actor
from core.db import Database, Transaction
from core.events import Role
from core.invites import Recipient, Way

ROLES: tuple[Role, ...] = get_args(Role)
WAYS: tuple[Way, ...] = get_args(Way)
STATES = (
    *("live", "expired", "revoked", "used_up", "declined", "inviter_removed", "inviter_demoted", "inviter_deactivated"),
    *("session_ended", "approval", "waiting", "refused"),
)
#: `invitee` is whom it is made out to; `seated` is the same person with a viewer's seat; `left` gave a seat up after
#: the invite was made, `back` before. An open link is made out to everybody.
ACTORS = ("invitee", "seated", "left", "back", "deactivated", "stranger", "viewer", "editor", "host")
#: Those that it is made out to, where it is made out to somebody.
OWNERS = ("invitee", "seated", "left", "back", "deactivated")
SEATED: dict[str, Role] = {"seated": "viewer", "viewer": "viewer", "editor": "editor", "host": "host"}


class TakenBack(Exception):
    """Ends a row of cells, whose outcome it carries, with nothing stored."""

    def __init__(self, outcome: Any) -> None:
        super().__init__("taken back")
        self.outcome = outcome


@dataclass
class Stage:
    """A session with everybody in their places. `ivo` makes the invites."""

    db: Database
    session_id: str
    people: dict[str, Actor]

    async def play(self, row: Callable[[Transaction], Any]) -> Any:
        """Runs what is in a transaction, and takes it back."""

        def run(tx: Transaction) -> NoReturn:
            raise TakenBack(row(tx))

        with pytest.raises(TakenBack) as ended:
            await self.db.write(run)
        return ended.value.outcome


def everybody(tx: Transaction, db: Database) -> Stage:
    hanna, ivo, otto = [someone(tx, name) for name in ("Hanna", "Ivo", "Otto")]
    session_id = sessions.start(tx, hanna, "Cells").id
    people = {"hanna": hanna, "ivo": ivo, "otto": otto}
    seat(tx, hanna, session_id, ivo, "host")
    for who in ACTORS:
        people[who] = someone(tx, f"The{who}")
        if who in SEATED:
            seat(tx, hanna, session_id, people[who], SEATED[who])
    for who in ("left", "back"):
        seat(tx, hanna, session_id, people[who], "viewer")
        sessions.remove(tx, hanna if who == "left" else people[who], session_id, people[who].user_id)
        row = tx.sql.get(tables.Participation, (session_id, people[who].user_id))
        assert row is not None
        # The invites of the cells are made in between.
        row.removed_at = tx.now + timedelta(days=1 if who == "left" else -1)
        tx.sql.add(row)
    deactivate(tx, people["deactivated"])
    return Stage(db, session_id, people)


def someone(tx: Transaction, name: str) -> Actor:
    actor = accounts.actor_for(accounts.add_user(tx, f"{name.lower()}@example.com", name), "web")
    identities.link(tx, actor.user_id, "slack", "T1", f"U{name}")
    return actor


def seat(tx: Transaction, host: Actor, session_id: str, actor: Actor, role: Role) -> None:
    invites.accept(tx, actor, invites.create(tx, host, session_id, role).secret)


def deactivate(tx: Transaction, actor: Actor) -> None:
    user = accounts.get_user(tx, actor.user_id)
    user.is_active = False
    tx.sql.add(user)
    tx.sql.flush()


@dataclass
class Row:
    """One invite in some state; each of the cells in it is taken back by itself."""

    stage: Stage
    tx: Transaction
    invite: tables.Invite
    secret: str
    way: Way
    state: str

    @contextmanager
    def cell(self, who: str) -> Generator[Actor]:
        """`who` is to act; the invite is made out to them, if it is for such as they are."""
        savepoint = self.tx.sql.begin_nested()
        actor = self.stage.people[who]
        self._make_out(actor if who in OWNERS else self.stage.people["otto"])
        yield actor
        # What was appended is written before it is taken back.
        self.tx.sql.flush()
        savepoint.rollback()

    def _make_out(self, whom: Actor) -> None:
        match self.way:
            case "email":
                self.invite.email = f"{whom.name}@example.com".lower()
            case "person":
                self.invite.user_id = whom.user_id
            case "slack":
                self.invite.external_id = f"U{whom.name}"
            case _:
                pass
        self.tx.sql.add(self.invite)
        if self.state in ("waiting", "refused"):
            waiting = self.stage.people if self.way == "link" else {whom.user_id: whom}
            for one in waiting.values():
                knock(self, one, self.state)
        self.tx.sql.flush()

    def role(self, actor: Actor) -> str | None:
        seat = self.tx.sql.get(tables.Participation, (self.stage.session_id, actor.user_id))
        return seat.role if seat is not None and seat.removed_at is None else None

    def uses(self) -> int:
        self.tx.sql.refresh(self.invite)
        return self.invite.use_count

    def head(self) -> int:
        return log.head(self.tx, self.stage.session_id)


def knock(row: Row, actor: Actor, state: str = "waiting") -> None:
    row.tx.sql.add(
        tables.Knock(
            session_id=row.stage.session_id,
            user_id=actor.user_id,
            invite_id=row.invite.id,
            state=state,
            knocked_at=row.tx.now,
        )
    )


def made(stage: Stage, tx: Transaction, state: str, way: Way, role: Role) -> Row:
    otto = stage.people["otto"]
    to = {
        "link": Recipient(),
        "email": Recipient(email="otto@EXAMPLE.com"),
        "person": Recipient(user_id=otto.user_id),
        "slack": Recipient(realm="T1", external_id="UOtto"),
    }[way]
    needs_approval = state in ("approval", "waiting", "refused")
    issued = invites.create(tx, stage.people["ivo"], stage.session_id, role, to=to, needs_approval=needs_approval)
    row = Row(stage, tx, issued.invite, issued.secret, way, state)
    bring_about(row, state)
    return row


def bring_about(row: Row, state: str) -> None:
    tx, invite, session_id = row.tx, row.invite, row.stage.session_id
    hanna, ivo = row.stage.people["hanna"], row.stage.people["ivo"]
    match state:
        case "expired":
            invite.expires_at = tx.now
        case "revoked":
            invites.revoke(tx, hanna, invite.id)
        case "used_up":
            invite.use_count = invite.max_uses
        case "declined":
            invite.declined_at = tx.now
        case "inviter_removed":
            sessions.remove(tx, hanna, session_id, ivo.user_id)
        case "inviter_demoted":
            sessions.change_role(tx, hanna, session_id, ivo.user_id, "editor" if invite.role == "host" else "viewer")
        case "inviter_deactivated":
            deactivate(tx, ivo)
        case "session_ended":
            sessions.end(tx, hanna, session_id)
        case _:
            pass
    tx.sql.add(invite)
    tx.sql.flush()
