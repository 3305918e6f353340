"""Invites by link. The secret stands behind the `#` of the link, so it reaches no log and no referrer; `GET` looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import ApiDep, MaybeSignedInDep, SignedInDep, check_origin, set_login
from api.routes.accounts import Body, guessing_limited
from core import accounts, invites
from core.access import Actor
from core.clock import iso
from core.db import Transaction
from core.errors import NotSignedIn
from core.events import Role

router = APIRouter(prefix="/api", tags=["people"])


class NewInvite(Body):
    role: Role
    email: str | None = Field(default=None, max_length=320)
    #: Seconds; seven days when absent.
    expires_in: int | None = Field(default=None, ge=0, le=10**9)
    max_uses: int = 1


class CreatedInvite(BaseModel):
    id: str
    url: str
    role: Role
    expires_at: str
    max_uses: int


class InviteView(BaseModel):
    title: str
    host: str
    role: Role
    status: invites.InviteStatus
    expires_at: str


class Acceptance(Body):
    """Who accepts, where they are not signed in."""

    name: str | None = Field(default=None, max_length=200)


class Accepted(BaseModel):
    session_id: str


@router.post("/sessions/{session_id}/invites", status_code=201)
async def create_invite(session_id: str, body: NewInvite, api: ApiDep, who: SignedInDep) -> CreatedInvite:
    lifetime = invites.DEFAULT_LIFETIME if body.expires_in is None else timedelta(seconds=body.expires_in)

    def create(tx: Transaction) -> CreatedInvite:
        issued = invites.create(
            tx,
            who.actor,
            session_id,
            body.role,
            email=body.email,
            expires_in=lifetime,
            max_uses=body.max_uses,
        )
        return CreatedInvite(
            id=issued.invite.id,
            url=f"{api.settings.base_url}/invite#{issued.secret}",
            role=body.role,
            expires_at=iso(issued.invite.expires_at),
            max_uses=issued.invite.max_uses,
        )

    return await api.db.write(create)


@router.get("/invites/{token}")
async def look_at_invite(token: str, request: Request, api: ApiDep, who: MaybeSignedInDep) -> InviteView:
    """What the link offers. Looking never uses it up, however many robots follow it."""

    def look(tx: Transaction) -> InviteView:
        seen = invites.look(tx, token, who.actor.user_id if who else None)
        return InviteView(
            title=seen.title,
            host=seen.host_name,
            role=invites.as_role(seen.invite.role),
            status=seen.status,
            expires_at=iso(seen.invite.expires_at),
        )

    with guessing_limited(api, request):
        return await api.db.read(look)


@router.post("/invites/{token}/accept")
async def accept_invite(
    token: str, body: Acceptance, request: Request, response: Response, api: ApiDep, who: MaybeSignedInDep
) -> Accepted:
    """Takes the seat. Somebody who is not signed in says who they are and is signed in by it."""
    check_origin(request, api)

    def accept(tx: Transaction) -> tuple[str, tuple[str, datetime] | None]:
        if who is not None:
            return invites.accept(tx, who.actor, token, email=who.email), None
        guest = _new_guest(tx, token, body)
        session_id = invites.accept(tx, guest, token, email=None)
        return session_id, accounts.open_login(tx, guest.user_id)

    with guessing_limited(api, request):
        session_id, login = await api.db.write(accept)
    if login is not None:
        set_login(response, api, *login)
    return Accepted(session_id=session_id)


def _new_guest(tx: Transaction, token: str, body: Acceptance) -> Actor:
    """An account without an address: the link proves an invitation, not who owns a mailbox."""
    invites.look(tx, token)
    if not body.name:
        raise NotSignedIn("Say who you are: a name that the others will see.")
    return accounts.actor_for(accounts.add_user(tx, None, body.name), "web")


@router.delete("/invites/{invite_id}", status_code=204)
async def revoke_invite(
    invite_id: str, api: ApiDep, who: SignedInDep, remove_people: Annotated[bool, Query()] = False
) -> None:
    """Withdraws an invite; `remove_people=true` also removes everybody who came by it."""
    await api.db.write(lambda tx: invites.revoke(tx, who.actor, invite_id, remove_people=remove_people))
