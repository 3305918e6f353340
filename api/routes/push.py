"""Browsers of yours to which what concerns you is pushed."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from api.auth import COOKIE, ApiDep, SignedInDep
from api.routes.accounts import Body
from core.clock import iso
from core.db import Transaction
from core.errors import Invalid
from core.ids import hash_secret
from core.notifications import pushing, subscriptions, vapid
from core.notifications.subscriptions import MAX_ENDPOINT, Browser, Keys

router = APIRouter(prefix="/api/me/push", tags=["preferences"])

BrowserId = Annotated[str, Path(pattern=r"^psb_[a-z2-7]{26}$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,100}$")]


class PushKeys(Body):
    p256dh: Key
    auth: Key


class Subscription(Body):
    """What a browser's push manager hands out."""

    endpoint: str = Field(min_length=1, max_length=MAX_ENDPOINT)
    keys: PushKeys


class PushBrowser(BaseModel):
    id: str
    #: Such as `Firefox on Linux`.
    label: str
    created_at: str
    #: When a push service last took something for it.
    last_sent_at: str | None
    #: The one that is asking.
    is_this: bool


class PushBrowsers(BaseModel):
    #: What a browser's push manager asks for (`applicationServerKey`).
    public_key: str
    items: list[PushBrowser]


#: What stands in `User-Agent`, the more particular first: everybody says that they are Safari.
_PROGRAMS = (
    (r"\bEdgA?/", "Edge"),
    (r"\bOPR/", "Opera"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\bFirefox/|\bFxiOS/", "Firefox"),
    (r"\b(Headless)?Chrome/|\bCriOS/", "Chrome"),
    (r"\bSafari/", "Safari"),
)
_SYSTEMS = (
    (r"\bAndroid\b", "Android"),
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bWindows\b", "Windows"),
    (r"\bMac OS X\b", "macOS"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bLinux\b", "Linux"),
)


def label_of(user_agent: str) -> str:
    """What people call such a browser."""
    text = user_agent[:500]
    program = next((name for pattern, name in _PROGRAMS if re.search(pattern, text)), "A browser")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, text)), "")
    return f"{program} on {system}" if system else program


def _shown(browser: Browser, secret: str | None) -> PushBrowser:
    return PushBrowser(
        id=browser.id,
        label=browser.label,
        created_at=iso(browser.created_at),
        last_sent_at=iso(browser.last_sent_at) if browser.last_sent_at is not None else None,
        is_this=secret is not None and hash_secret(secret) == browser.login_hash,
    )


@router.get("")
async def look(request: Request, api: ApiDep, who: SignedInDep) -> PushBrowsers:
    """Your browsers that take pushes, and the key that a browser is switched on with."""
    user_id, secret = who.actor.user_id, request.cookies.get(COOKIE)
    pair = await api.db.read(lambda tx: vapid.find(tx, api.sealer))
    if pair is None:
        pair = await api.db.write(lambda tx: vapid.ensure(tx, api.sealer))
    browsers = await api.db.read(lambda tx: subscriptions.of_user(tx, user_id))
    return PushBrowsers(public_key=pair.public, items=[_shown(one, secret) for one in browsers])


@router.post("", status_code=201)
async def switch_on(body: Subscription, request: Request, api: ApiDep, who: SignedInDep) -> PushBrowser:
    """Switches this browser on, until you sign out in it; again with the same address: nothing new happens."""
    secret = request.cookies.get(COOKIE)
    if not secret:
        raise Invalid("Pushes are switched on in the browser that takes them, while you are signed in there.")
    keys = Keys(body.keys.p256dh, body.keys.auth)
    label = label_of(request.headers.get("user-agent", ""))
    also = api.settings.push_test_service

    def add(tx: Transaction) -> Browser:
        return subscriptions.add(tx, who.actor.user_id, secret, body.endpoint, keys, label, also=also)

    return _shown(await api.db.write(add), secret)


@router.delete("/{browser_id}", status_code=204)
async def switch_off(browser_id: BrowserId, api: ApiDep, who: SignedInDep) -> None:
    """Nothing is pushed there any more."""
    await api.db.write(lambda tx: subscriptions.remove(tx, who.actor.user_id, browser_id))


@router.post("/{browser_id}/test", status_code=202)
async def test(browser_id: BrowserId, api: ApiDep, who: SignedInDep) -> None:
    """Pushes a word to it, whatever the hour."""
    api.tries.take(f"push test {who.actor.user_id}")
    await api.db.write(lambda tx: pushing.test(tx, who.actor.user_id, browser_id))
    api.push_stored()
