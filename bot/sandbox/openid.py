"""Signing in with Slack in the box: the page where somebody agrees, the codes, and what a code is worth.

The flow is OpenID Connect's authorization code flow with PKCE, as strict as Slack's: a code works once, for ten
minutes, for the address and the secret that belong to it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

import jwt

from bot.sandbox.errors import SlackError
from bot.sandbox.models import TEAM_ID, TEAM_NAME, Payload, Person

CLIENT_ID = "1000000000001.1000000000002"
DECLINED = {"error": "access_denied"}
_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class _Granted:
    person: Person
    redirect_uri: str
    nonce: str
    challenge: str
    expires_at: datetime


class SignIns:
    """The codes that were given out. `client_secret` and `redirect_uri` are what the app was registered with."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._codes: dict[str, _Granted] = {}
        self._key = secrets.token_hex(32)
        self.client_secret = secrets.token_hex(16)
        self.redirect_uri: str | None = None

    def problem(self, asked: Mapping[str, str]) -> str | None:
        """What is wrong with a request to sign in, in Slack's words; such a one never goes back to the app."""
        if asked.get("client_id") != CLIENT_ID:
            return "invalid_client_id"
        if not asked.get("redirect_uri") or self.redirect_uri not in (None, asked["redirect_uri"]):
            return "bad_redirect_uri"
        if "openid" not in asked.get("scope", "").split():
            return "invalid_scope"
        return None if asked.get("response_type") == "code" else "invalid_response_type"

    def grant(self, person: Person, asked: Mapping[str, str]) -> str:
        """Where the browser goes once `person` has agreed."""
        code = f"{secrets.randbelow(10**10)}.{secrets.token_hex(32)}"
        self._codes[code] = _Granted(
            person,
            asked["redirect_uri"],
            asked.get("nonce", ""),
            asked.get("code_challenge", ""),
            self._clock() + _LIFETIME,
        )
        return back(asked, {"code": code})

    def decline(self, asked: Mapping[str, str]) -> str:
        return back(asked, DECLINED)

    def exchange(self, grant: Mapping[str, str]) -> Payload:
        """What a code is worth. Raises Slack's errors; a code that was shown wrongly is spent as well."""
        if grant.get("client_id") != CLIENT_ID:
            raise SlackError("invalid_client_id")
        if grant.get("client_secret") != self.client_secret:
            raise SlackError("bad_client_secret")
        if grant.get("grant_type", "authorization_code") != "authorization_code":
            raise SlackError("unsupported_grant_type")
        granted = self._codes.pop(grant.get("code", ""), None)
        if granted is None or granted.expires_at <= self._clock():
            raise SlackError("invalid_code")
        if grant.get("redirect_uri") != granted.redirect_uri:
            raise SlackError("bad_redirect_uri")
        if granted.challenge and _challenge(grant.get("code_verifier", "")) != granted.challenge:
            raise SlackError("invalid_grant")
        return {
            "access_token": f"xoxp-{secrets.token_hex(16)}",
            "token_type": "Bearer",
            "id_token": self._id_token(granted),
        }

    def _id_token(self, granted: _Granted) -> str:
        now = int(self._clock().timestamp())
        person = granted.person
        claims = {
            "iss": "https://slack.com",
            "sub": person.id,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": granted.nonce,
            "email": person.email,
            "email_verified": person.is_email_confirmed,
            "name": person.real_name,
            "locale": "en-GB",
            "https://slack.com/team_id": TEAM_ID,
            "https://slack.com/user_id": person.id,
        }
        return jwt.encode(claims, self._key, "HS256")


_STYLE = """<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center }
main { max-width: 24rem; padding: 2rem; border: 1px solid #8885; border-radius: 12px; margin: 1rem }
h1 { font-size: 1.4rem; margin: 0 } ul { list-style: none; padding: 0; margin: 1.5rem 0 0; display: grid; gap: .5rem }
a { display: block; padding: .6rem 1rem; border: 1px solid #8887; border-radius: 8px; color: inherit }
a { text-decoration: none; text-align: center } a:hover, a:focus { background: #8882 }
</style>"""


SIGN_IN = f"Sign in to {TEAM_NAME}", "Cosession wants to know who you are: your name and your e-mail address."
INSTALL = (
    f"Add Cosession to {TEAM_NAME}",
    "Cosession wants to read and write in channels that it is invited to.",
)


def page(people: list[Person], asked: Mapping[str, str], words: tuple[str, str] = SIGN_IN) -> str:
    """The page that asks who agrees. It has no script, and everything that was sent to it is escaped."""
    title, text = words

    def choice(label: str, answer: dict[str, str]) -> str:
        address = html.escape(f"?{urlencode({**asked, **answer})}", quote=True)
        return f'<li><a href="{address}">{html.escape(label)}</a></li>'

    choices = [choice(f"Continue as {person.real_name}", {"as": person.id}) for person in people if not person.is_bot]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="/assets/favicon-1.svg">'
        f"<title>{title}</title>{_STYLE}</head><body><main><h1>{title}</h1><p>{text}</p>"
        f"<ul>{''.join(choices)}{choice('Cancel', {'as': ''})}</ul></main></body></html>"
    )


def back(asked: Mapping[str, str], answer: dict[str, str]) -> str:
    """The address that a browser goes back to, with the answer and the state that was given."""
    return f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked.get('state', '')})}"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
