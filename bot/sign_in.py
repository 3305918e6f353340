"""Sign in with Slack, in the person's own browser: the one proof that a Slack account and an account here are the same
person's.

OpenID Connect's authorization code flow with PKCE (https://docs.slack.dev/authentication/sign-in-with-slack,
RFC 7636). What was begun in a browser ends in that browser: the state is bound to it by a signed cookie, lives ten
minutes and is used once. The identity comes over the server's own connection to Slack, so the connection vouches for
it (OpenID Connect Core 1.0, §3.1.3.7, 6). People who may not act from Slack may not come in by it either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

import jwt
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from bot.identity import PROVIDER, People
from bot.settings import SlackSettings
from bot.web import Bot, Refused, SlackApi, SlackFailure
from core import accounts, identities
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import CosessionError, EmailTaken, NotAllowed, NotSignedIn
from core.identities import IdentityTaken, Proven
from core.ids import new_secret

log = logging.getLogger(__name__)

START, RETURN = "/slack/sign_in", "/slack/signed_in"
COOKIE = "cosession_slack"
SCOPES = ("openid", "profile", "email")
LIFETIME = timedelta(minutes=10)
_AUDIENCE = "cosession:slack_sign_in"
_ISSUER = "https://slack.com"
_NEXT = re.compile(r"^/((s|invite)/[a-z0-9_]{1,64})?\Z")
#: Longest `code` that is handed on; Slack's have about 110 characters.
_MAX_CODE = 512


#: Organisation and workspace → who answers for it; None where nothing is installed. Raises LookupError while Slack has
#: not told yet which workspace this is.
Find = Callable[[str, str], Awaitable[tuple[Bot, People] | None]]


class Browsers(Protocol):
    """How a browser's own login is known and given; the web's door does it."""

    def secret_of(self, request: Request) -> str | None:
        """The login that the browser showed, whether good or not."""
        ...

    def let_in(self, response: Response, secret: str, expires_at: datetime) -> None:
        """Keeps the login in the browser."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in that was begun in one browser."""

    state: str
    nonce: str
    verifier: str
    next: str
    expires_at: datetime


class Turned(Exception):
    """Nobody was signed in; `why` is the word that the page explains."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SignIn:
    """`GET /slack/sign_in` and `GET /slack/signed_in`."""

    def __init__(self, db: Database, clock: Clock, settings: SlackSettings, browsers: Browsers, find: Find) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._browsers = browsers
        self._key = hashlib.sha256(f"slack sign-in {settings.client_secret}".encode()).digest()
        #: Signing in takes the app's own secret, and no token of a workspace.
        self._api = SlackApi(settings.api_url, "", settings.pace.call_timeout)
        #: Who answers for a workspace.
        self._find = find
        #: The one workspace that people sign in to, where there is only one.
        self.team_id = ""
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route(START, self._begin, methods=["GET"])
        self.router.add_api_route(RETURN, self._finish, methods=["GET"])

    async def open(self) -> None:
        await self._api.open()

    async def close(self) -> None:
        await self._api.close()

    # -- there

    async def _begin(self, next_path: Annotated[str, Query(alias="next")] = "/") -> Response:
        """Sends the browser to Slack."""
        attempt = Attempt(
            new_secret(),
            new_secret(),
            new_secret(),
            next_path if _NEXT.match(next_path) else "/",
            self._clock() + LIFETIME,
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "client_id": self._settings.client_id,
            "redirect_uri": self._return_url,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"team": self.team_id} if self.team_id else {}),
        }
        response = _redirect(f"{self._settings.authorize_url}?{urlencode(query)}")
        self._remember(response, attempt)
        return response

    # -- and back

    async def _finish(self, request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        """Takes the browser back, signed in or with a word about why not."""
        next_path = "/"
        try:
            attempt = self._attempt(request, state)
            next_path = attempt.next
            if error or not code or len(code) > _MAX_CODE:
                raise Turned("declined" if error == "access_denied" else "failed")
            proven, team_name = await self._prove(attempt, code)
            secret, expires_at = await self._let_in(attempt, proven, team_name, self._browsers.secret_of(request))
        except Turned as turned:
            response = _redirect(f"/sign-in?{urlencode({'slack': turned.why, 'next': next_path})}")
        else:
            response = _redirect(next_path)
            self._browsers.let_in(response, secret, expires_at)
        response.delete_cookie(COOKIE, path="/slack")
        return response

    async def _prove(self, attempt: Attempt, code: str) -> tuple[Proven, str]:
        """Who this is, from Slack itself, and the name of their workspace. Raises Turned."""
        settings = self._settings
        try:
            token = await self._api.openid_token(
                client_id=settings.client_id,
                client_secret=settings.client_secret,
                code=code,
                redirect_uri=self._return_url,
                code_verifier=attempt.verifier,
            )
            claims = self._claims(token, attempt.nonce)
            slack_id = str(claims[f"{_ISSUER}/user_id"])
            bot, people = await self._workspace(claims)
            # Asked anew: what is remembered of them may be from before they were made a guest.
            people.forget(slack_id)
            profile = await people.profile(slack_id)
        except Refused as refusal:
            log.warning("Slack refused a sign-in: %s", refusal.code)
            raise Turned("failed") from refusal
        except SlackFailure as failure:
            log.warning("Slack could not be asked who signs in: %s", failure)
            raise Turned("unreachable") from failure
        if profile.is_outsider or profile.is_bot:
            raise Turned("guest")
        email = claims.get("email") if claims.get("email_verified") is True else None
        name = str(claims.get("name") or profile.name)
        return Proven(PROVIDER, bot.realm, slack_id, name, str(email) if email else None), bot.team_name

    async def _workspace(self, claims: dict[str, Any]) -> tuple[Bot, People]:
        """Who answers for the workspace that somebody signed in to. Raises Turned where none of ours does."""
        try:
            found = await self._find(
                str(claims.get(f"{_ISSUER}/enterprise_id") or ""), str(claims.get(f"{_ISSUER}/team_id") or "")
            )
        except LookupError:
            raise Turned("unreachable") from None
        if found is None:
            raise Turned("other_workspace")
        return found

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What the ID token says. Raises Turned where it was not made for us, for this attempt, and for now."""
        try:
            # The signature is not what vouches here: see above.
            claims: dict[str, Any] = jwt.decode(
                token,
                options={"verify_signature": False, "verify_aud": True, "verify_iss": True, "require": ["exp", "sub"]},
                audience=self._settings.client_id,
                issuer=_ISSUER,
            )
            is_over = datetime.fromtimestamp(int(claims["exp"]), UTC) <= self._clock()
        except (jwt.PyJWTError, ValueError, OverflowError) as error:
            log.warning("an ID token of Slack's cannot be used: %s", type(error).__name__)
            raise Turned("failed") from error
        if is_over or claims.get("nonce") != nonce or not claims.get(f"{_ISSUER}/user_id"):
            raise Turned("failed")
        return claims

    async def _let_in(
        self, attempt: Attempt, proven: Proven, team_name: str, old_secret: str | None
    ) -> tuple[str, datetime]:
        """Uses the attempt up and opens a login, all or nothing. Raises Turned."""

        def come_in(tx: Transaction) -> tuple[str, datetime]:
            accounts.use_ticket(tx, f"slack:{attempt.state}", attempt.expires_at)
            before = _login(tx, old_secret)
            user = identities.come_in(tx, proven, signed_in_as=before)
            team = accounts.team_for_realm(tx, proven.realm, team_name)
            accounts.join_team(tx, team.id, user.id)
            if old_secret is not None:
                accounts.close_login(tx, old_secret)
            return accounts.open_login(tx, user.id)

        try:
            return await self._db.write(come_in)
        except NotSignedIn:
            raise Turned("stale") from None
        except IdentityTaken:
            raise Turned("taken") from None
        except EmailTaken:
            raise Turned("email_taken") from None
        except NotAllowed:
            raise Turned("deactivated") from None
        except CosessionError as error:
            log.warning("a sign-in with Slack could not be stored: %s", error.code)
            raise Turned("failed") from error

    # -- the attempt, kept in the browser

    def _remember(self, response: Response, attempt: Attempt) -> None:
        claims = {
            "aud": _AUDIENCE,
            "exp": int(attempt.expires_at.timestamp()),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "next": attempt.next,
        }
        response.set_cookie(
            COOKIE,
            jwt.encode(claims, self._key, "HS256"),
            max_age=int(LIFETIME.total_seconds()),
            path="/slack",
            httponly=True,
            samesite="lax",
            secure=self._settings.base_url.startswith("https://"),
        )

    def _attempt(self, request: Request, state: str) -> Attempt:
        """What this browser began. Raises Turned for another browser's, an old one, or none."""
        try:
            claims: dict[str, Any] = jwt.decode(
                request.cookies.get(COOKIE, ""),
                self._key,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"verify_exp": False, "require": ["exp", "aud"]},
            )
            expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
            attempt = Attempt(claims["state"], claims["nonce"], claims["verifier"], claims["next"], expires_at)
        except (jwt.PyJWTError, ValueError, KeyError, OverflowError):
            raise Turned("stale") from None
        if expires_at <= self._clock() or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise Turned("stale")
        return attempt

    @property
    def _return_url(self) -> str:
        return f"{self._settings.base_url.rstrip('/')}{RETURN}"


def _login(tx: Transaction, secret: str | None) -> str | None:
    """Who is signed in by this login, if anybody still is."""
    try:
        return accounts.by_login(tx, secret).actor.user_id if secret else None
    except NotSignedIn:
        return None


def _redirect(url: str) -> RedirectResponse:
    # Neither an address with a code nor what follows it is kept or told on.
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
