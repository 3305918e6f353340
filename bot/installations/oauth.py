"""Installing the app into a workspace, by an administrator of this server, in their own browser.

OAuth v2 (https://docs.slack.dev/authentication/installing-with-oauth). Who may install decides whose people may sign in
here, so it takes an administrator's login at the beginning and at the end. What was begun in a browser ends in that
browser: the state is bound to it by a signed cookie, lives ten minutes and is used once. A stolen code is of no use to
anybody else: it takes the app's secret and the same administrator. PKCE is left out on purpose, because it would turn
the app into a public client for good (https://docs.slack.dev/authentication/using-pkce).
"""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from bot.installations.tokens import NewTokens
from bot.settings import SlackSettings
from bot.sign_in import Browsers
from bot.web import Refused, SlackApi, SlackFailure
from core import accounts, installations
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import CosessionError, NotSignedIn
from core.ids import new_secret
from core.installations import Grant

log = logging.getLogger(__name__)

START, RETURN = "/slack/install", "/slack/oauth_redirect"
COOKIE = "cosession_slack_install"
LIFETIME = timedelta(minutes=10)
_AUDIENCE = "cosession:slack_install"
#: Longest `code` that is handed on.
_MAX_CODE = 512


class Turned(Exception):
    """Nothing was installed; the text is for the person."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One installation that was begun in one browser, by one administrator."""

    state: str
    user_id: str
    expires_at: datetime


class Install:
    """`GET /slack/install` and `GET /slack/oauth_redirect`. `installed` is called with the realm of a new grant."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: SlackSettings,
        browsers: Browsers,
        new_tokens: NewTokens,
        scopes: Sequence[str],
        installed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._browsers = browsers
        self._new_tokens = new_tokens
        self._scopes = scopes
        self._installed = installed
        self._key = hashlib.sha256(f"slack install {settings.client_secret}".encode()).digest()
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route(START, self._begin, methods=["GET"])
        self.router.add_api_route(RETURN, self._finish, methods=["GET"])

    # -- there

    async def _begin(self, request: Request) -> Response:
        """Sends an administrator's browser to Slack."""
        try:
            user_id = await self._administrator(request)
        except Turned as turned:
            return _page("Not allowed", str(turned), 403)
        attempt = Attempt(new_secret(), user_id, self._clock() + LIFETIME)
        query = {
            "client_id": self._settings.client_id,
            "scope": ",".join(self._scopes),
            "redirect_uri": self._return_url,
            "state": attempt.state,
        }
        response = RedirectResponse(f"{self._settings.install_url}?{urlencode(query)}", 303, _UNKEPT)
        self._remember(response, attempt)
        return response

    # -- and back

    async def _finish(self, request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        try:
            attempt = self._attempt(request, state)
            if await self._administrator(request) != attempt.user_id:
                raise Turned("Somebody else has signed in since. Begin again.")
            if error or not code or len(code) > _MAX_CODE:
                raise Turned("Slack was told not to install it." if error == "access_denied" else "Slack refused it.")
            name = await self._take(attempt, code)
        except Turned as turned:
            response = _page("Not installed", str(turned), 400)
        else:
            response = _page("Installed", f"Cosession works in {name} now: invite it to a channel and type /cosession.")
        response.delete_cookie(COOKIE, path="/slack")
        return response

    async def _take(self, attempt: Attempt, code: str) -> str:
        """Exchanges the code and stores the grant; the workspace's name. Raises Turned."""
        try:
            await self._db.write(lambda tx: accounts.use_ticket(tx, f"install:{attempt.state}", attempt.expires_at))
            answer = await self._new_tokens.ask(code=code, redirect_uri=self._return_url)
            grant = await self._grant(answer)
            await self._db.write(lambda tx: installations.install(tx, grant))
        except NotSignedIn:
            raise Turned("This was used already. Begin again.") from None
        except Refused as refusal:
            log.warning("Slack refused an installation: %s", refusal.code)
            raise Turned(f"Slack refused it ({refusal.code}). Begin again.") from refusal
        except SlackFailure as failure:
            log.warning("an installation failed: %s", failure)
            raise Turned("Slack does not answer. Begin again in a moment.") from failure
        except CosessionError as error:
            log.warning("an installation could not be stored: %s", error.code)
            raise Turned("It could not be stored. Begin again in a moment.") from error
        await self._installed(grant.realm)
        return grant.name

    async def _grant(self, answer: dict[str, Any]) -> Grant:
        """What the answer of `oauth.v2.access` grants. Raises SlackFailure."""
        team: dict[str, Any] = answer.get("team") or {}
        enterprise: dict[str, Any] = answer.get("enterprise") or {}
        is_org_wide = bool(answer.get("is_enterprise_install"))
        realm = str((enterprise if is_org_wide else team).get("id") or "")
        if not realm or not answer.get("access_token"):
            raise Refused("no_bot_token")
        api = SlackApi(self._settings.api_url, str(answer["access_token"]), self._settings.pace.call_timeout)
        await api.open()
        try:
            bot = await api.who_am_i()
        finally:
            await api.close()
        return Grant(
            realm=realm,
            enterprise_id=str(enterprise.get("id") or ""),
            team_id="" if is_org_wide else realm,
            name=str((enterprise if is_org_wide else team).get("name") or "Slack"),
            app_id=str(answer.get("app_id") or ""),
            bot_user_id=bot.user_id,
            bot_id=bot.bot_id,
            scopes=str(answer.get("scope") or ""),
            installed_by=str((answer.get("authed_user") or {}).get("id") or ""),
            tokens=self._new_tokens.sealed(realm, answer),
        )

    # -- who, and which attempt

    async def _administrator(self, request: Request) -> str:
        """The id of the administrator who is signed in. Raises Turned."""
        secret = self._browsers.secret_of(request)

        def look(tx: Transaction) -> str | None:
            user_id = accounts.by_login(tx, secret or "").actor.user_id
            return user_id if accounts.get_user(tx, user_id).is_admin else None

        try:
            user_id = await self._db.read(look)
        except NotSignedIn:
            raise Turned("Sign in as an administrator of this server, then open this page again.") from None
        if user_id is None:
            raise Turned("Only an administrator of this server may connect a Slack workspace to it.")
        return user_id

    def _remember(self, response: Response, attempt: Attempt) -> None:
        claims = {
            "aud": _AUDIENCE,
            "exp": int(attempt.expires_at.timestamp()),
            "state": attempt.state,
            "user_id": attempt.user_id,
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
        stale = Turned("This was begun in another browser, or too long ago. Begin again.")
        try:
            claims: dict[str, Any] = jwt.decode(
                request.cookies.get(COOKIE, ""),
                self._key,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"verify_exp": False, "require": ["exp", "aud"]},
            )
            expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
            attempt = Attempt(claims["state"], claims["user_id"], expires_at)
        except (jwt.PyJWTError, ValueError, KeyError, OverflowError):
            raise stale from None
        if expires_at <= self._clock() or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise stale
        return attempt

    @property
    def _return_url(self) -> str:
        return f"{self._settings.base_url.rstrip('/')}{RETURN}"


#: Neither an address with a code nor what follows it is kept or told on.
_UNKEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


_STYLE = """<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center }
main { max-width: 26rem; padding: 2rem; border: 1px solid #8885; border-radius: 12px; margin: 1rem }
h1 { font-size: 1.4rem; margin: 0 } a { color: inherit }
</style>"""


def _page(title: str, text: str, status: int = 200) -> Response:
    again = "" if status == 200 else f'<p><a href="{START}">Begin again</a></p>'
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="color-scheme" content="light dark"><link rel="icon" href="/assets/favicon-1.svg">'
        f"<title>{html.escape(title)}</title>{_STYLE}</head><body><main>"
        f'<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{again}<p><a href="/">Open Cosession</a></p>'
        "</main></body></html>",
        status,
        _UNKEPT,
    )
