"""Signing in and out, and who one is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth import COOKIE, ApiDep, SignedInDep, check_origin, set_login
from api.context import Api
from core import accounts, identities, signing_in
from core.accounts import SignedIn
from core.clock import iso
from core.db import Transaction
from core.errors import InviteNotFound, LinkExpired, NotSignedIn
from core.storable import check_storable

router = APIRouter(prefix="/api", tags=["people"])

#: What a browser keeps that has asked for a link by mail: link and code are good in it alone.
ASKED = "cosession_asked"

Provider = Annotated[str, Path(pattern=r"^[a-z]{1,20}$")]


class Body(BaseModel):
    """What a request carries."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        check_storable(value)
        return value


class SignIn(Body):
    token: str = Field(min_length=1, max_length=200)


class WayIn(BaseModel):
    provider: str
    #: Where the browser goes; `next` may be added.
    path: str


class WaysIn(BaseModel):
    ways: list[WayIn]


class Identity(BaseModel):
    provider: str
    linked_at: str


class Identities(BaseModel):
    items: list[Identity]


class Me(BaseModel):
    user_id: str
    username: str
    email: str | None
    color: int
    #: May see `/api/admin/live`.
    is_admin: bool
    #: How they want dates written, a BCP 47 tag; empty for as the browser does.
    language: str = ""


class SignedInAs(Me):
    #: Whoever this browser was signed in as until now, if it was somebody else.
    replaces: str | None = None


def me_of(who: SignedIn) -> Me:
    return Me(
        user_id=who.actor.user_id,
        username=who.actor.name,
        email=who.email,
        color=who.actor.color,
        is_admin=who.is_admin,
        language=who.language,
    )


@router.get("/sign-in")
async def ways_in(api: ApiDep) -> WaysIn:
    """How people may come in here, besides by links."""
    ways = [WayIn(provider=provider, path=path) for provider, path in api.settings.ways_in.items()]
    by_mail = [WayIn(provider="email", path="/api/sign-in/email")] if api.settings.has_mail else []
    return WaysIn(ways=ways + by_mail)


@router.post("/sign-in")
async def sign_in(body: SignIn, request: Request, response: Response, api: ApiDep) -> SignedInAs:
    """Uses a one-time link up and signs this browser in. The link decides: whoever was signed in here is signed out."""
    check_origin(request, api)
    old_secret = request.cookies.get(COOKIE)

    def use(tx: Transaction) -> tuple[SignedInAs, str, datetime]:
        if body.token.startswith(signing_in.MARK):
            browser = request.cookies.get(ASKED, "")
            who = signing_in.use_link(tx, body.token, browser, api.settings.sign_up)
        else:
            who = accounts.use_sign_in_link(tx, body.token)
        return sign_browser_in(tx, who, old_secret)

    with guessing_limited(api, request):
        me, secret, expires_at = await api.db.write(use)
    set_login(response, api, secret, expires_at)
    return me


def sign_browser_in(tx: Transaction, who: SignedIn, old_secret: str | None) -> tuple[SignedInAs, str, datetime]:
    """Who is in now, and the new login: its secret and its end. Whoever was signed in here is signed out."""
    before = _leave(tx, old_secret) if old_secret else None
    replaces = before.actor.name if before and before.actor.user_id != who.actor.user_id else None
    me = SignedInAs(**me_of(who).model_dump(), replaces=replaces)
    return (me, *accounts.open_login(tx, who.actor.user_id))


def _leave(tx: Transaction, secret: str) -> SignedIn | None:
    """Ends a login, and says whose it was if it was still good."""
    try:
        return accounts.by_login(tx, secret)
    except NotSignedIn:
        return None
    finally:
        accounts.close_login(tx, secret)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, response: Response, api: ApiDep) -> None:
    check_origin(request, api)
    secret = request.cookies.get(COOKIE)
    if secret:
        await api.db.write(lambda tx: accounts.close_login(tx, secret))
    response.delete_cookie(COOKIE, path="/")


@router.get("/me")
async def me(who: SignedInDep) -> Me:
    return me_of(who)


@router.get("/me/identities")
async def my_identities(who: SignedInDep, api: ApiDep) -> Identities:
    """One's accounts elsewhere."""
    found = await api.db.read(lambda tx: identities.of_user(tx, who.actor.user_id))
    return Identities(items=[Identity(provider=one.provider, linked_at=iso(one.created_at)) for one in found])


@router.delete("/me/identities/{provider}", status_code=204)
async def disconnect(provider: Provider, who: SignedInDep, api: ApiDep) -> None:
    """Parts the account from those elsewhere: what is written there is not taken for one's own any more."""
    await api.db.write(lambda tx: identities.unlink(tx, who.actor.user_id, provider))


@contextmanager
def guessing_limited(api: Api, request: Request) -> Generator[None]:
    """Slows an address down that tries secrets: only failures count, but then every try waits."""
    address = request.client.host if request.client else "unknown"
    api.tries.check(address)
    try:
        yield
    except (InviteNotFound, LinkExpired):
        api.tries.take(address)
        raise
