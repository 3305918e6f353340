"""Invites. The secret of a link stands behind its `#`, so it reaches no log and no referrer; `GET` looks, `POST` acts.

An invite that is made out to somebody is also known by its id, which opens nothing to anybody else. Our own page sends
a secret in a header instead of the path, so that it is in no log of any proxy: `/api/invites/link` with `HEADER`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import ApiDep, MaybeSignedInDep, SignedInDep, check_origin, set_login
from api.routes.accounts import Body, guessing_limited
from core import accounts, invites
from core.access import Actor
from core.clock import iso
from core.db import Transaction
from core.errors import Invalid, NotSignedIn
from core.events import Person, Role
from core.invites import Recipient

router = APIRouter(prefix="/api", tags=["people"])

HEADER = "Cosession-Invite"
#: Stands in the path for the secret that is in the header.
IN_HEADER = "link"


def presented(token: str, secret: Annotated[str | None, Header(alias=HEADER, max_length=200)] = None) -> str:
    """The secret or the id that the caller holds."""
    return secret if token == IN_HEADER and secret else token


#: Of `{token}` in a path.
TokenDep = Annotated[str, Depends(presented)]


class NewInvite(Body):
    role: Role
    #: Whom it is made out to: the holder of an address, or an account here. Neither: whoever holds the link.
    email: str | None = Field(default=None, max_length=320)
    user_id: str | None = Field(default=None, max_length=40)
    #: Seconds; seven days when absent.
    expires_in: int | None = Field(default=None, ge=0, le=10**9)
    max_uses: int = 1
    #: Whoever accepts waits until a host lets them in.
    needs_approval: bool = False


class CreatedInvite(BaseModel):
    id: str
    url: str
    role: Role
    expires_at: str
    max_uses: int
    way: invites.Way
    needs_approval: bool


class InviteView(BaseModel):
    id: str
    #: Empty while it is not known that it is for whoever looks.
    title: str
    host: str
    inviter: str
    role: Role
    status: invites.InviteStatus
    way: invites.Way
    #: Of the address that it is made out to, as much as reminds its owner.
    hint: str
    needs_approval: bool
    has_ended: bool
    expires_at: str
    #: Set once whoever looks is in.
    session_id: str | None


class MyInvites(BaseModel):
    items: list[InviteView]


class ListedInvite(BaseModel):
    id: str
    role: Role
    status: invites.InviteStatus
    way: invites.Way
    #: For whom, as whoever made it put it: an address or a name.
    to: str
    inviter: str
    created_at: str
    expires_at: str
    max_uses: int
    use_count: int
    needs_approval: bool
    #: How many are in the session by it.
    came: int
    #: Why it was not delivered; empty where it was.
    problem: str


class KnockView(BaseModel):
    user: Person
    role: Role
    invite_id: str
    knocked_at: str


class SessionInvites(BaseModel):
    items: list[ListedInvite]
    #: Who waits at the door; hosts are told.
    knocks: list[KnockView]


class Acceptance(Body):
    """Who accepts, where they are not signed in."""

    name: str | None = Field(default=None, max_length=200)


class Accepted(BaseModel):
    session_id: str
    #: Whether a host has to let them in first.
    is_waiting: bool


class KnockAnswer(Body):
    admit: bool


@router.post("/sessions/{session_id}/invites", status_code=201)
async def create_invite(session_id: str, body: NewInvite, api: ApiDep, who: SignedInDep) -> CreatedInvite:
    lifetime = invites.DEFAULT_LIFETIME if body.expires_in is None else timedelta(seconds=body.expires_in)
    if body.email is not None and body.user_id is not None:
        raise Invalid("Make it out to an address or to an account, not to both.")
    to = Recipient(email=body.email, user_id=body.user_id)

    def create(tx: Transaction) -> CreatedInvite:
        issued = invites.create(
            tx,
            who.actor,
            session_id,
            body.role,
            to=to,
            expires_in=lifetime,
            max_uses=body.max_uses,
            needs_approval=body.needs_approval,
        )
        return CreatedInvite(
            id=issued.invite.id,
            url=f"{api.settings.base_url}/invite#{issued.secret}",
            role=body.role,
            expires_at=iso(issued.invite.expires_at),
            max_uses=issued.invite.max_uses,
            way=to.way,
            needs_approval=body.needs_approval,
        )

    return await api.db.write(create)


@router.get("/sessions/{session_id}/invites")
async def session_invites(session_id: str, api: ApiDep, who: SignedInDep) -> SessionInvites:
    """The session's open invites, and who waits at its door. Hosts see all, others what they made themselves."""

    def read(tx: Transaction) -> SessionInvites:
        items = [_listed(one) for one in invites.of_session(tx, who.actor, session_id)]
        knocks = [
            KnockView(user=one.person, role=one.role, invite_id=one.invite_id, knocked_at=iso(one.knocked_at))
            for one in invites.at_the_door(tx, who.actor, session_id)
        ]
        return SessionInvites(items=items, knocks=knocks)

    return await api.db.read(read)


def _listed(one: invites.Listed) -> ListedInvite:
    invite = one.invite
    return ListedInvite(
        id=invite.id,
        role=invites.as_role(invite.role),
        status=one.status,
        way=one.way,
        to=one.to,
        inviter=one.inviter,
        created_at=iso(invite.created_at),
        expires_at=iso(invite.expires_at),
        max_uses=invite.max_uses,
        use_count=invite.use_count,
        needs_approval=invite.needs_approval,
        came=one.came,
        problem=one.problem,
    )


@router.post("/sessions/{session_id}/knocks/{user_id}", status_code=204)
async def answer_knock(session_id: str, user_id: str, body: KnockAnswer, api: ApiDep, who: SignedInDep) -> None:
    """Lets somebody in who waits at the door, or does not."""
    await api.db.write(lambda tx: invites.answer_knock(tx, who.actor, session_id, user_id, is_admitted=body.admit))


@router.get("/me/invites")
async def my_invites(api: ApiDep, who: SignedInDep) -> MyInvites:
    """The invites that are made out to whoever asks, and wait for an answer."""
    found = await api.db.read(lambda tx: invites.mine(tx, who.actor))
    return MyInvites(items=[_view(one) for one in found])


@router.get("/invites/{token}")
async def look_at_invite(token: TokenDep, request: Request, api: ApiDep, who: MaybeSignedInDep) -> InviteView:
    """What the link offers. Looking never uses it up, however many robots follow it."""
    with guessing_limited(api, request):
        return await api.db.read(lambda tx: _view(invites.look(tx, token, who.actor.user_id if who else None)))


def _view(seen: invites.Look) -> InviteView:
    return InviteView(
        id=seen.invite.id,
        title=seen.title,
        host=seen.host_name,
        inviter=seen.inviter_name,
        role=invites.as_role(seen.invite.role),
        status=seen.status,
        way=seen.way,
        hint=seen.hint,
        needs_approval=seen.invite.needs_approval,
        has_ended=seen.has_ended,
        expires_at=iso(seen.invite.expires_at),
        session_id=seen.session_id,
    )


@router.post("/invites/{token}/accept")
async def accept_invite(
    token: TokenDep, body: Acceptance, request: Request, response: Response, api: ApiDep, who: MaybeSignedInDep
) -> Accepted:
    """Takes the seat, or knocks. Whoever is not signed in and holds an open link says who they are, and is signed in
    by it."""
    check_origin(request, api)

    def accept(tx: Transaction) -> tuple[invites.Taken, tuple[str, datetime] | None]:
        if who is not None:
            return invites.accept(tx, who.actor, token), None
        guest = _new_guest(tx, token, body)
        return invites.accept(tx, guest, token), accounts.open_login(tx, guest.user_id)

    with guessing_limited(api, request):
        taken, login = await api.db.write(accept)
    if login is not None:
        set_login(response, api, *login)
    return Accepted(session_id=taken.session_id, is_waiting=taken.outcome == "waiting")


def _new_guest(tx: Transaction, token: str, body: Acceptance) -> Actor:
    """An account without an address: the link proves an invitation, not who owns a mailbox."""
    if invites.look(tx, token).way != "link":
        raise NotSignedIn("This invite is made out to one person: sign in as the one it was sent to.")
    if not body.name:
        raise NotSignedIn("Say who you are: a name that the others will see.")
    return accounts.actor_for(accounts.add_user(tx, None, body.name), "web")


@router.post("/invites/{token}/decline", status_code=204)
async def decline_invite(token: TokenDep, request: Request, api: ApiDep, who: SignedInDep) -> None:
    """Whoever it is made out to does not want it. Whoever made it is told."""
    with guessing_limited(api, request):
        await api.db.write(lambda tx: invites.decline(tx, who.actor, token))


@router.delete("/invites/{invite_id}", status_code=204)
async def revoke_invite(
    invite_id: str, api: ApiDep, who: SignedInDep, remove_people: Annotated[bool, Query()] = False
) -> None:
    """Withdraws an invite; `remove_people=true` also removes everybody who came by it."""
    await api.db.write(lambda tx: invites.revoke(tx, who.actor, invite_id, remove_people=remove_people))
