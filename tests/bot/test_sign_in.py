"""Signing in with Slack, through the running product and the workspace in a box: who may come in, and as whom."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlmodel import select

from core import accounts, identities, tables
from core.db import Transaction
from tests.stories.house import House, open_house

BOB, CAROL, GUEST = "U0BOB00001", "U0CAROL001", "U0MALLORY1"
COOKIE = "cosession_slack"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    async with open_house(f"sqlite:///{tmp_path}/c.db", tmp_path) as house:
        yield house


class Browser:
    """One browser's cookies, and what it is sent where."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.http = httpx2.AsyncClient(base_url=house.url, follow_redirects=False, timeout=10)

    async def begin(self, next_path: str = "/") -> str:
        """Presses the button; the address at Slack."""
        answer = await self.http.get("/slack/sign_in", params={"next": next_path})
        assert answer.status_code == 303
        return answer.headers["location"]

    async def agree(self, address: str, person: str) -> str:
        """Agrees at Slack as `person`; the address that leads back."""
        answer = await self.http.get(self._here(f"{address}&as={person}"))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def back(self, address: str) -> str:
        """Goes back; where one ends up."""
        answer = await self.http.get(self._here(address))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def sign_in(self, person: str, next_path: str = "/") -> str:
        return await self.back(await self.agree(await self.begin(next_path), person))

    async def me(self) -> str | None:
        answer = await self.http.get("/api/me")
        return answer.json()["username"] if answer.status_code == 200 else None

    def _here(self, address: str) -> str:
        """The same path on the port that the test listens on."""
        parts = urlsplit(address)
        return f"{parts.path}?{parts.query}"


@pytest.fixture
async def browser(house: House) -> AsyncGenerator[Browser]:
    browser = Browser(house)
    yield browser
    await browser.http.aclose()


async def unlink(house: House, slack_id: str, email: str | None) -> str:
    """Parts somebody's two accounts and gives the one here another address; its id."""

    def part(tx: Transaction) -> str:
        assert house.runtime.sandbox is not None
        user = identities.by_identity(tx, "slack", house.runtime.sandbox.engine.team_id, slack_id)
        assert user is not None
        identities.unlink(tx, user.id, "slack")
        if email is not None:
            user.email = email
            tx.sql.add(user)
        return user.id

    return await house.runtime.db.write(part)


def why(address: str) -> str:
    """What the page is asked to explain."""
    parts = urlsplit(address)
    assert parts.path == "/sign-in", address
    return parse_qs(parts.query)["slack"][0]


# ── Coming in ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_is_linked_comes_in_as_themselves_and_where_they_wanted(browser: Browser) -> None:
    assert await browser.sign_in(BOB, "/s/ses_abc") == "/s/ses_abc"
    assert await browser.me() == "Bob Chen"


async def test_a_newcomer_gets_an_account_in_the_workspaces_team(house: House, browser: Browser) -> None:
    before = await unlink(house, BOB, "somebody-else@example.com")
    assert await browser.sign_in(BOB) == "/"
    me = (await browser.http.get("/api/me")).json()
    assert (me["username"], me["email"]) == ("Bob Chen", "bob@acme.example")
    assert me["user_id"] != before

    def teams(tx: Transaction) -> int:
        return len(tx.sql.exec(select(tables.TeamMember).where(tables.TeamMember.user_id == me["user_id"])).all())

    assert await house.runtime.db.read(teams) == 1


async def test_whoever_is_signed_in_already_is_connected_and_gets_no_second_account(
    house: House, browser: Browser
) -> None:
    user_id = await unlink(house, BOB, "bob@home.example")
    secret = await house.runtime.db.write(lambda tx: accounts.new_sign_in_link(tx, user_id))
    assert (await browser.http.post("/api/sign-in", json={"token": secret})).status_code == 200
    assert await browser.sign_in(BOB) == "/"
    assert (await browser.http.get("/api/me")).json()["user_id"] == user_id
    listed = (await browser.http.get("/api/me/identities")).json()["items"]
    assert [one["provider"] for one in listed] == ["slack"]


async def test_an_equal_address_alone_opens_nobodys_account(house: House, browser: Browser) -> None:
    await unlink(house, BOB, None)
    assert why(await browser.sign_in(BOB)) == "email_taken"
    assert await browser.me() is None


async def test_an_address_that_slack_has_not_verified_is_not_kept(house: House, browser: Browser) -> None:
    await unlink(house, BOB, "somebody-else@example.com")
    assert house.runtime.sandbox is not None
    house.runtime.sandbox.engine.workspace.people[BOB].is_email_confirmed = False
    assert await browser.sign_in(BOB) == "/"
    assert (await browser.http.get("/api/me")).json()["email"] is None


# ── Staying out ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_guest_of_the_workspace_does_not_come_in(browser: Browser) -> None:
    assert why(await browser.sign_in(GUEST)) == "guest"
    assert await browser.me() is None


async def test_somebody_who_was_made_a_guest_meanwhile_does_not_come_in(house: House, browser: Browser) -> None:
    assert await browser.sign_in(BOB) == "/"
    assert house.runtime.sandbox is not None
    house.runtime.sandbox.engine.workspace.people[BOB].is_restricted = True
    assert why(await browser.sign_in(BOB)) == "guest"


async def test_somebody_who_was_deactivated_here_does_not_come_in(house: House, browser: Browser) -> None:
    def deactivate(tx: Transaction) -> None:
        assert house.runtime.sandbox is not None
        user = identities.by_identity(tx, "slack", house.runtime.sandbox.engine.team_id, BOB)
        assert user is not None
        user.is_active = False
        tx.sql.add(user)

    await house.runtime.db.write(deactivate)
    assert why(await browser.sign_in(BOB)) == "deactivated"


async def test_another_persons_slack_account_is_not_taken_over(browser: Browser) -> None:
    assert await browser.sign_in(CAROL) == "/"
    assert why(await browser.sign_in(BOB)) == "taken"
    assert await browser.me() == "Carol Diaz"


async def test_whoever_declines_is_told_so_and_stays_who_they_are(browser: Browser) -> None:
    assert why(await browser.sign_in("")) == "declined"
    assert await browser.me() is None


# ── The way back ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_way_back_works_once(browser: Browser) -> None:
    address = await browser.agree(await browser.begin(), BOB)
    kept = browser.http.cookies.get(COOKIE)
    assert kept is not None
    assert await browser.back(address) == "/"
    browser.http.cookies.set(COOKIE, kept, domain="127.0.0.1", path="/slack")
    assert why(await browser.back(address)) in ("stale", "failed")


async def test_a_way_back_works_in_the_browser_that_began_it_only(house: House, browser: Browser) -> None:
    address = await browser.agree(await browser.begin(), BOB)
    other = Browser(house)
    try:
        assert why(await other.back(address)) == "stale"
        await other.begin()
        assert why(await other.back(address)) == "stale"
        assert await other.me() is None
    finally:
        await other.http.aclose()


async def test_a_way_back_ends_after_ten_minutes(house: House, browser: Browser) -> None:
    address = await browser.agree(await browser.begin(), BOB)
    house.clock.move(timedelta(minutes=11))
    assert why(await browser.back(address)) == "stale"


async def test_an_answer_that_was_made_for_another_attempt_is_refused(browser: Browser) -> None:
    address = await browser.begin()
    nonce = parse_qs(urlsplit(address).query)["nonce"][0]
    assert why(await browser.back(await browser.agree(address.replace(nonce, "another"), BOB))) == "failed"


async def test_a_code_is_of_no_use_without_what_this_browser_keeps(browser: Browser) -> None:
    address = await browser.begin()
    challenge = parse_qs(urlsplit(address).query)["code_challenge"][0]
    back = await browser.agree(address.replace(challenge, "A" * 43), BOB)
    assert why(await browser.back(back)) == "failed"


@pytest.mark.parametrize(
    "query", ["", "?state=x&code=y", "?state=&code=", "?error=access_denied", "?state=%00&code=%ff"]
)
async def test_a_way_back_that_nobody_began_is_refused(browser: Browser, query: str) -> None:
    assert why(await browser.back(f"/slack/signed_in{query}")) == "stale"


@pytest.mark.parametrize(
    "next_path",
    [
        *("//evil.example", "https://evil.example", "/\\evil.example", "/s/../../x", "/s/a?b", "/s/a\n"),
        *("/invite/", "/invite/../x"),
    ],
)
async def test_nobody_is_sent_elsewhere_afterwards(browser: Browser, next_path: str) -> None:
    assert await browser.sign_in(BOB, next_path) == "/"


async def test_slack_being_away_is_said_and_nobody_comes_in(house: House, browser: Browser) -> None:
    address = await browser.agree(await browser.begin(), BOB)
    assert house.runtime.sandbox is not None
    house.runtime.sandbox.engine.faults.fail("openid.connect.token", status=503)
    assert why(await browser.back(address)) == "unreachable"
    assert await browser.me() is None


# ── Parting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_disconnects_keeps_the_account_and_may_connect_again(browser: Browser) -> None:
    assert await browser.sign_in(BOB) == "/"
    assert (await browser.http.delete("/api/me/identities/slack")).status_code == 204
    assert (await browser.http.get("/api/me/identities")).json()["items"] == []
    assert await browser.me() == "Bob Chen"
    assert await browser.sign_in(BOB) == "/"
    assert await browser.me() == "Bob Chen"


async def test_the_last_way_into_an_account_cannot_be_cut(house: House, browser: Browser) -> None:
    await unlink(house, BOB, "somebody-else@example.com")
    assert house.runtime.sandbox is not None
    house.runtime.sandbox.engine.workspace.people[BOB].is_email_confirmed = False
    await browser.sign_in(BOB)
    answer = await browser.http.delete("/api/me/identities/slack")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "last_way_in")
    assert len((await browser.http.get("/api/me/identities")).json()["items"]) == 1


async def test_somebody_who_is_invited_is_led_to_the_invite(browser: Browser) -> None:
    invite = "/invite/inv_" + "a" * 26
    assert await browser.sign_in(BOB, invite) == invite
