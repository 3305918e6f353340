"""Who is calling: a bearer token, or a browser's cookie with proof that our own page sent the request.

A cookie is only taken on an unsafe method when `Origin` is one of ours, or, where a browser sends none, when
`Sec-Fetch-Site` says same-origin (https://www.w3.org/TR/fetch-metadata/). Bearer tokens cannot be sent by other sites.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from api.context import Api, api_of
from api.door.headers import origin_allowed
from core import accounts
from core.accounts import SignedIn
from core.errors import NotAllowed, NotSignedIn

COOKIE = "cosession"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

ApiDep = Annotated[Api, Depends(api_of)]


async def signed_in(request: Request, api: ApiDep) -> SignedIn:
    """Whoever is calling. Raises NotSignedIn, and NotAllowed for a request that another site made."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return await by_bearer(api, authorization)
    secret = request.cookies.get(COOKIE)
    if not secret:
        raise NotSignedIn
    check_origin(request, api)
    return await api.db.read(lambda tx: accounts.by_login(tx, secret))


async def maybe_signed_in(request: Request, api: ApiDep) -> SignedIn | None:
    """Whoever is calling, or None for a stranger."""
    try:
        return await signed_in(request, api)
    except NotSignedIn:
        return None


async def by_bearer(api: Api, authorization: str) -> SignedIn:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("Send the token as 'Authorization: Bearer …'.")
    claims = api.tokens.check("api", token.strip())
    return await api.db.read(
        lambda tx: accounts.actor_by_id(
            tx, claims.user_id, "api", expires_at=claims.until, token_version=claims.token_version
        )
    )


def check_origin(request: Request, api: Api) -> None:
    """Refuses an unsafe request that was not made by our own page."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is not None:
        if origin_allowed(origin, request.headers.get("host", ""), api.settings.origins):
            return
    elif request.headers.get("sec-fetch-site", "same-origin") == "same-origin":
        return
    raise NotAllowed("This request came from another site.")


def set_login(response: Response, api: Api, secret: str, expires_at: datetime) -> None:
    response.set_cookie(
        COOKIE,
        secret,
        expires=expires_at,
        path="/",
        httponly=True,
        samesite="lax",
        secure=api.settings.is_secure,
    )


SignedInDep = Annotated[SignedIn, Depends(signed_in)]
MaybeSignedInDep = Annotated[SignedIn | None, Depends(maybe_signed_in)]
