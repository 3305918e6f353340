"""Installing the app in the box: the page where an admin agrees, the codes, and the tokens that they are worth. The app
is a confidential client: PKCE is not enabled.

As strict as Slack's OAuth v2: a code works once, for ten minutes, for the address that asked for it; with rotation a
token lives twelve hours and its refresh token works once. Uninstalling ends every token and says so in events.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.errors import SlackError
from bot.sandbox.models import APP_ID, BOT_USER_ID, TEAM_ID, TEAM_NAME, Payload, Person
from bot.sandbox.openid import CLIENT_ID, back

ENTERPRISE_ID, ENTERPRISE_NAME = "E0ACMEORG1", "Acme Group"
_CODE_LIFETIME = timedelta(minutes=10)
TOKEN_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class _Agreed:
    person: Person
    redirect_uri: str
    scopes: str
    has_challenge: bool
    expires_at: datetime


class Installs:
    """`bot_token` is the one that was copied from the app's page; it lasts. `client_secret` is the app's own."""

    def __init__(self, clock: Callable[[], datetime], bot_token: str, client_secret: str) -> None:
        self._clock = clock
        self.client_secret = client_secret
        self._codes: dict[str, _Agreed] = {}
        self._refresh: dict[str, str] = {}
        self._dead: set[str] = set()
        #: Token → when it ends.
        self.tokens: dict[str, datetime | None] = {bot_token: None}
        #: The address that the app was registered with; any while it is None.
        self.redirect_uri: str | None = None
        self.rotates = False
        #: Whether the next installation is for the whole organisation.
        self.is_org_wide = False
        #: How often tokens were renewed.
        self.refreshes = 0

    @property
    def refresh_tokens(self) -> list[str]:
        """Those that still work."""
        return list(self._refresh)

    def check(self, token: str | None) -> None:
        """Raises Slack's word for what is wrong with a token."""
        if not token:
            raise SlackError("not_authed")
        if token in self._dead:
            raise SlackError("token_revoked")
        if token not in self.tokens:
            raise SlackError("invalid_auth")
        ends = self.tokens[token]
        if ends is not None and ends <= self._clock():
            raise SlackError("token_expired")

    def problem(self, asked: Mapping[str, str]) -> str | None:
        """What is wrong with a request to install, in Slack's words; such a one never goes back to the app."""
        if asked.get("client_id") != CLIENT_ID:
            return "invalid_client_id"
        if not asked.get("redirect_uri") or self.redirect_uri not in (None, asked["redirect_uri"]):
            return "bad_redirect_uri"
        return None if asked.get("scope") else "invalid_scope"

    def agree(self, person: Person, asked: Mapping[str, str]) -> str:
        """Where the browser goes once an admin has agreed."""
        code = f"{secrets.randbelow(10**10)}.{secrets.token_hex(32)}"
        self._codes[code] = _Agreed(
            person,
            asked["redirect_uri"],
            asked["scope"],
            "code_challenge" in asked,
            self._clock() + _CODE_LIFETIME,
        )
        return back(asked, {"code": code})

    def exchange(self, args: Mapping[str, str]) -> Payload:
        """`oauth.v2.access`. Raises Slack's errors; a code or refresh token that was shown is spent."""
        if args.get("client_id") != CLIENT_ID:
            raise SlackError("invalid_client_id")
        if args.get("client_secret") != self.client_secret:
            raise SlackError("bad_client_secret")
        match args.get("grant_type", "authorization_code"):
            case "authorization_code":
                return self._first(args)
            case "refresh_token":
                return self._next(args)
            case _:
                raise SlackError("invalid_grant_type")

    def end_tokens(self) -> None:
        """The app was uninstalled."""
        self._dead |= self.tokens.keys()
        self.tokens.clear()
        self._refresh.clear()

    def _first(self, args: Mapping[str, str]) -> Payload:
        agreed = self._codes.pop(args.get("code", ""), None)
        if agreed is None or agreed.expires_at <= self._clock():
            raise SlackError("invalid_code")
        if args.get("redirect_uri") != agreed.redirect_uri:
            raise SlackError("bad_redirect_uri")
        if agreed.has_challenge or "code_verifier" in args:
            raise SlackError("pkce_not_allowed")
        return self._answer(agreed.scopes) | {"authed_user": {"id": agreed.person.id}}

    def _next(self, args: Mapping[str, str]) -> Payload:
        scopes = self._refresh.pop(args.get("refresh_token", ""), None)
        if scopes is None:
            raise SlackError("invalid_refresh_token")
        self.refreshes += 1
        return self._answer(scopes)

    def _answer(self, scopes: str) -> Payload:
        enterprise = {"id": ENTERPRISE_ID, "name": ENTERPRISE_NAME} if self.is_org_wide else None
        token = f"{'xoxe.' if self.rotates else ''}xoxb-{secrets.token_hex(16)}"
        self.tokens[token] = self._clock() + TOKEN_LIFETIME if self.rotates else None
        answer: Payload = {
            "access_token": token,
            "token_type": "bot",
            "scope": scopes,
            "bot_user_id": BOT_USER_ID,
            "app_id": APP_ID,
            "team": None if self.is_org_wide else {"id": TEAM_ID, "name": TEAM_NAME},
            "enterprise": enterprise,
            "is_enterprise_install": self.is_org_wide,
        }
        if self.rotates:
            refresh = f"xoxe-1-{secrets.token_hex(16)}"
            self._refresh[refresh] = scopes
            answer |= {"expires_in": int(TOKEN_LIFETIME.total_seconds()), "refresh_token": refresh}
        return answer
