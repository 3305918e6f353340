"""Coming in by an address. `GET` does nothing here: whoever follows links without being a person spends nothing."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from api.auth import COOKIE, ApiDep, check_origin, set_login
from api.routes.accounts import ASKED, Body, SignedInAs, guessing_limited, sign_browser_in
from core import signing_in
from core.db import Transaction
from core.errors import LinkExpired
from core.ids import new_secret


def _from_our_page(request: Request, api: ApiDep) -> None:
    check_origin(request, api)


router = APIRouter(prefix="/api/sign-in/email", tags=["people"], dependencies=[Depends(_from_our_page)])


class Address(Body):
    email: str = Field(min_length=3, max_length=320)


class Asked(BaseModel):
    #: Seconds for which the link is good, if there is an account for the address.
    expires_in: int


class Token(Body):
    token: str = Field(min_length=1, max_length=200)


class Code(Body):
    code: str = Field(min_length=1, max_length=40)


class Whose(BaseModel):
    email: str


@router.post("", status_code=202)
async def ask(body: Address, request: Request, response: Response, api: ApiDep) -> Asked:
    """Has a link sent to the address, if somebody may come in by it. The answer does not say whether."""
    api.mails.take(request.client.host if request.client else "unknown")
    browser = request.cookies.get(ASKED) or new_secret()
    await api.db.write(lambda tx: signing_in.ask(tx, body.email, browser))
    seconds = int(signing_in.LIFETIME.total_seconds())
    response.set_cookie(
        ASKED,
        browser,
        max_age=seconds,
        path="/api/sign-in",
        httponly=True,
        samesite="lax",
        secure=api.settings.is_secure,
    )
    return Asked(expires_in=seconds)


@router.post("/look")
async def look(body: Token, request: Request, api: ApiDep) -> Whose:
    """Whose address a link was sent to. Uses nothing up."""
    browser = request.cookies.get(ASKED, "")
    with guessing_limited(api, request):
        return Whose(email=await api.db.read(lambda tx: signing_in.address_of(tx, body.token, browser)))


@router.post("/code")
async def by_code(body: Code, request: Request, response: Response, api: ApiDep) -> SignedInAs:
    """Signs this browser in by the code of a mail that it has asked for. A wrong one counts."""
    browser = request.cookies.get(ASKED, "")

    def use(tx: Transaction) -> tuple[SignedInAs, str, datetime] | None:
        who = signing_in.use_code(tx, body.code, browser, api.settings.sign_up)
        return sign_browser_in(tx, who, request.cookies.get(COOKIE)) if who is not None else None

    with guessing_limited(api, request):
        signed_in = await api.db.write(use)
        if signed_in is None:
            raise LinkExpired("That is not the code. Look at the newest mail.")
    me, secret, expires_at = signed_in
    set_login(response, api, secret, expires_at)
    response.delete_cookie(ASKED, path="/api/sign-in")
    return me
