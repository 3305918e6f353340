"""What people say of themselves, when they want a digest; and what an operator does when somebody leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.auth import COOKIE, ApiDep, SignedInDep
from api.routes.accounts import Body
from api.routes.operation import check_operator, user_by_email
from core import accounts, digests, erasing, profiles
from core.clock import iso
from core.db import Transaction
from core.digests import Cadence, Chosen, Wish

router = APIRouter(prefix="/api", tags=["people"])


class Profile(BaseModel):
    username: str
    #: A name of the IANA's list; empty until it is known.
    time_zone: str
    #: How dates are written, a BCP 47 tag; empty for as the browser does.
    language: str


class ProfileChange(Body):
    username: str | None = Field(default=None, max_length=200)
    time_zone: str | None = Field(default=None, max_length=64)
    language: str | None = Field(default=None, max_length=35)


class DigestView(BaseModel):
    cadence: Cadence
    #: Minutes after midnight in `time_zone`.
    minute: int
    #: Of a weekly one; 0 is Monday.
    weekday: int
    time_zone: str
    #: RFC 3339; null for no digest.
    next_at: str | None


class DigestWish(Body):
    cadence: Cadence
    minute: int = Field(ge=0, le=1_439)
    weekday: int = Field(default=0, ge=0, le=6)


class Erased(BaseModel):
    #: Messages and comments whose text was taken away.
    texts: int


@router.get("/me/profile")
async def my_profile(who: SignedInDep, api: ApiDep) -> Profile:
    return await api.db.read(lambda tx: _profile(profiles.of(tx, who.actor.user_id)))


@router.patch("/me/profile")
async def change_profile(body: ProfileChange, who: SignedInDep, api: ApiDep) -> Profile:
    """What is absent stays. A new name is shown from the next thing on that somebody does."""

    def change(tx: Transaction) -> Profile:
        changed = profiles.change(
            tx, who.actor.user_id, name=body.username, time_zone=body.time_zone, language=body.language
        )
        return _profile(changed)

    return await api.db.write(change)


@router.get("/me/digest")
async def my_digest(who: SignedInDep, api: ApiDep) -> DigestView:
    return _digest(await api.db.read(lambda tx: digests.chosen(tx, who.actor.user_id)))


@router.put("/me/digest")
async def choose_digest(body: DigestWish, who: SignedInDep, api: ApiDep) -> DigestView:
    wish = Wish(body.cadence, body.minute, body.weekday)
    return _digest(await api.db.write(lambda tx: digests.choose(tx, who.actor.user_id, wish)))


@router.post("/me/sign-out-everywhere", status_code=204)
async def sign_me_out_everywhere(response: Response, who: SignedInDep, api: ApiDep) -> None:
    """Ends every login and token of one's own, this one included, and their sockets."""
    user_id = who.actor.user_id
    await api.db.write(lambda tx: accounts.sign_out_everywhere(tx, user_id))
    api.hub.sign_out(user_id, who.token_version + 1)
    response.delete_cookie(COOKIE, path="/")


@router.post("/operator/users/{email}/deactivate", status_code=204, include_in_schema=False)
async def deactivate(email: str, request: Request, api: ApiDep) -> None:
    check_operator(api, request)
    user = await api.db.write(lambda tx: erasing.deactivate(tx, user_by_email(tx, email).id))
    api.hub.sign_out(user.id, user.token_version)


@router.post("/operator/users/{email}/reactivate", status_code=204, include_in_schema=False)
async def reactivate(email: str, request: Request, api: ApiDep) -> None:
    check_operator(api, request)
    await api.db.write(lambda tx: erasing.reactivate(tx, user_by_email(tx, email).id))


@router.get("/operator/users/{email}/export", include_in_schema=False)
async def export(email: str, request: Request, api: ApiDep) -> Mapping[str, Any]:
    check_operator(api, request)
    return await api.db.write(lambda tx: erasing.export(tx, user_by_email(tx, email).id))


@router.post("/operator/users/{email}/erase", include_in_schema=False)
async def erase(email: str, request: Request, api: ApiDep) -> Erased:
    check_operator(api, request)
    user = await api.db.write(lambda tx: erasing.begin_erasing(tx, user_by_email(tx, email).id))
    api.hub.sign_out(user.id, user.token_version)
    return Erased(texts=await erasing.erase(api.db, user.id))


def _profile(own: profiles.Profile) -> Profile:
    return Profile(username=own.name, time_zone=own.time_zone, language=own.language)


def _digest(own: Chosen) -> DigestView:
    wish = own.wish
    return DigestView(
        cadence=wish.cadence,
        minute=wish.minute,
        weekday=wish.weekday,
        time_zone=own.time_zone,
        next_at=iso(own.next_at) if own.next_at is not None else None,
    )
