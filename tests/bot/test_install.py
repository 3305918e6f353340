"""Adding a workspace by OAuth, through the running product and the workspace in a box: who may, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlmodel import select

from api.auth import COOKIE
from bot.sandbox.installs import ENTERPRISE_ID, Installs
from core import accounts, tables
from core.db import Transaction
from tests.stories.house import House, open_house

ADMIN = "U0ALICE001"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    async with open_house(f"sqlite:///{tmp_path}/c.db", tmp_path) as house:
        yield house


class Browser:
    """One browser, signed in as somebody or as nobody."""

    def __init__(self, house: House, login: str | None) -> None:
        self.house = house
        cookies = {COOKIE: login} if login else {}
        self.http = httpx2.AsyncClient(base_url=house.url, follow_redirects=False, timeout=10, cookies=cookies)

    async def begin(self) -> httpx2.Response:
        return await self.http.get("/slack/install")

    async def agree(self, address: str, person: str = ADMIN) -> str:
        """Agrees at Slack; the address that leads back."""
        answer = await self.http.get(self.here(f"{address}&as={person}"))
        assert answer.status_code == 303, answer.text
        return self.here(answer.headers["location"])

    async def there_and_back(self) -> httpx2.Response:
        return await self.http.get(await self.agree((await self.begin()).headers["location"]))

    def here(self, address: str) -> str:
        """The same path on the port that the test listens on."""
        parts = urlsplit(address)
        return f"{parts.path}?{parts.query}"


async def login(house: House, name: str, *, is_admin: bool) -> str:
    def sign_in(tx: Transaction) -> str:
        user = accounts.add_user(tx, f"{name}@example.com", name, is_admin=is_admin)
        return accounts.open_login(tx, user.id)[0]

    return await house.runtime.db.write(sign_in)


@pytest.fixture
async def admin(house: House) -> AsyncGenerator[Browser]:
    browser = Browser(house, await login(house, "root", is_admin=True))
    yield browser
    await browser.http.aclose()


def installs(house: House) -> Installs:
    assert house.runtime.sandbox is not None
    return house.runtime.sandbox.engine.workspace.installs


async def rows(house: House) -> list[tables.Installation]:
    return list(await house.runtime.db.read(lambda tx: tx.sql.exec(select(tables.Installation)).all()))


async def test_an_administrator_adds_a_workspace(house: House, admin: Browser) -> None:
    answer = await admin.there_and_back()
    assert (answer.status_code, "Cosession works in Acme now" in answer.text) == (200, True)
    [row] = await rows(house)
    assert (row.realm, row.team_id, row.removed_at) == ("T0ACME0001", "T0ACME0001", None)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_whole_organisation_is_kept_under_its_own_id(house: House, admin: Browser) -> None:
    installs(house).is_org_wide = True
    assert (await admin.there_and_back()).status_code == 200
    [row] = await rows(house)
    assert (row.realm, row.enterprise_id, row.team_id) == (ENTERPRISE_ID, ENTERPRISE_ID, "")


async def test_a_workspace_that_is_added_again_has_one_row_and_the_newest_token(house: House, admin: Browser) -> None:
    await admin.there_and_back()
    [first] = await rows(house)
    await admin.there_and_back()
    [second] = await rows(house)
    assert second.token_version == first.token_version + 1
    assert second.sealed_token != first.sealed_token


async def test_nobody_else_may_add_one(house: House) -> None:
    for secret in (None, "nonsense", await login(house, "bob", is_admin=False)):
        browser = Browser(house, secret)
        answer = await browser.begin()
        assert answer.status_code == 403
        assert "location" not in answer.headers
        # Nor may they end what an administrator has begun.
        root = Browser(house, await login(house, f"root{len(str(secret))}", is_admin=True))
        back = await root.agree((await root.begin()).headers["location"])
        for name, value in root.http.cookies.items():
            if name == "cosession_slack_install":
                browser.http.cookies.set(name, value)
        assert (await browser.http.get(back)).status_code == 400
        await browser.http.aclose()
        await root.http.aclose()
    assert await rows(house) == []


async def test_an_installation_that_was_begun_elsewhere_or_long_ago_ends_nowhere(house: House, admin: Browser) -> None:
    back = await admin.agree((await admin.begin()).headers["location"])
    code, state = (parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state"))
    other = Browser(house, await login(house, "root2", is_admin=True))
    assert (await other.http.get(back)).status_code == 400, "another browser"
    await other.begin()
    assert (await other.http.get(back)).status_code == 400, "another browser's own attempt"
    await other.http.aclose()
    for query in ("", f"?code={code}", f"?code={code}&state=", f"?code={code}&state=x{state[1:]}"):
        await admin.begin()
        assert (await admin.http.get(f"/slack/oauth_redirect{query}")).status_code == 400, query
    late = await admin.agree((await admin.begin()).headers["location"])
    house.clock.move(timedelta(minutes=11))
    assert (await admin.http.get(late)).status_code == 400, "after ten minutes"
    assert await rows(house) == []


async def test_a_state_works_once(house: House, admin: Browser) -> None:
    back = await admin.agree((await admin.begin()).headers["location"])
    cookies = dict(admin.http.cookies.items())
    assert (await admin.http.get(back)).status_code == 200
    again = Browser(house, None)
    for name, value in cookies.items():
        again.http.cookies.set(name, value)
    fresh = await admin.agree((await admin.begin()).headers["location"])
    code = parse_qs(urlsplit(fresh).query)["code"][0]
    state = parse_qs(urlsplit(back).query)["state"][0]
    answer = await again.http.get("/slack/oauth_redirect", params={"code": code, "state": state})
    assert (answer.status_code, "used already" in answer.text) == (400, True)
    await again.http.aclose()
    [row] = await rows(house)
    assert row.token_version == 1


async def test_what_slack_declines_or_refuses_is_said_and_nothing_is_kept(house: House, admin: Browser) -> None:
    assert (await admin.http.get(await admin.agree((await admin.begin()).headers["location"], ""))).status_code == 400
    back = await admin.agree((await admin.begin()).headers["location"])
    installs(house).client_secret = "changed-meanwhile"
    answer = await admin.http.get(back)
    assert (answer.status_code, "bad_client_secret" in answer.text) == (400, True)
    assert await rows(house) == []


async def test_slack_is_told_exactly_where_to_send_the_browser_back(house: House, admin: Browser) -> None:
    asked = parse_qs(urlsplit((await admin.begin()).headers["location"]).query)
    assert asked["redirect_uri"] == [f"{house.runtime.settings.base_url}/slack/oauth_redirect"]
    assert set(asked) == {"client_id", "scope", "redirect_uri", "state"}
    installs(house).redirect_uri = "https://elsewhere.example/slack/oauth_redirect"
    refused = await admin.http.get(admin.here((await admin.begin()).headers["location"]))
    assert (refused.status_code, "bad_redirect_uri" in refused.text) == (400, True)
