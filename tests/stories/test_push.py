"""A browser is switched on for pushes, tested, told what concerns its person, and off again as soon as they leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core import accounts
from core.clock import system_clock
from tests.stories.house import House, Someone, open_house
from tests.stories.test_inbox import page_of, say
from tests.support.push import PushedTo, PushService, push_service

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1"


@dataclass
class Signed:
    """Somebody in one of their browsers."""

    who: Someone
    secret: str
    agent: str = FIREFOX

    async def call(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        headers = {"Cookie": f"cosession={self.secret}", "User-Agent": self.agent} | kwargs.pop("extra", {})
        return await self.who.house.http.request(method, path, headers=headers, **kwargs)

    async def switch_on(self, browser: PushedTo) -> httpx2.Response:
        return await self.call("POST", "/api/me/push", json={"endpoint": browser.endpoint, "keys": browser.keys})

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/api/me/push")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def sign_in(who: Someone, agent: str = FIREFOX) -> Signed:
    secret, _ = await who.house.runtime.db.write(lambda tx: accounts.open_login(tx, who.id))
    return Signed(who, secret, agent)


@dataclass
class Pushed:
    house: House
    service: PushService
    came: asyncio.Event

    async def until(self, browser: PushedTo, many: int) -> None:
        async with asyncio.timeout(20):
            while len(browser.received) < many:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def pushed_in(url: str, data_dir: Path) -> AsyncGenerator[Pushed]:
    moved: list[House] = []
    async with push_service(lambda: moved[0].clock() if moved else system_clock()) as service:
        came = asyncio.Event()
        service.taken = came.set
        async with open_house(url, data_dir, COSESSION_PUSH_TEST_SERVICE=service.url) as house:
            moved.append(house)
            yield Pushed(house, service, came)


@pytest.fixture
async def pushed(sqlite_url: str, tmp_path: Path) -> AsyncGenerator[Pushed]:
    async with pushed_in(sqlite_url, tmp_path / "data") as found:
        yield found


async def test_a_mention_is_pushed_to_the_browser_of_whoever_is_away_and_a_test_at_once(pushed: Pushed) -> None:
    alice, bob = await pushed.house.someone("Alice"), await pushed.house.someone("Bob")
    session_id = await alice.start()
    await bob.accept(await alice.invite(session_id))
    desk = await sign_in(bob)
    browser = pushed.service.browser()
    before = (await bob.call("GET", "/api/me/notifications")).json()["reachable"]
    answer = await desk.switch_on(browser)
    assert answer.status_code == 201, answer.text
    reachable = (await bob.call("GET", "/api/me/notifications")).json()["reachable"]
    assert set(reachable) - set(before) == {"push"}

    tested = await desk.call("POST", f"/api/me/push/{answer.json()['id']}/test")
    assert tested.status_code == 202
    await pushed.until(browser, 1)
    assert browser.received[0]["title"] == "Cosession can reach you here"

    async with page_of(bob) as page:
        await say(alice, session_id, "@Bob have a look")
        await page.until(type="inbox", unread=1)
    pushed.house.clock.move(timedelta(seconds=11))
    await pushed.until(browser, 2)
    message = browser.received[1]
    assert (message["title"], message["body"]) == ("Alice mentioned you", "Fix the login bug: @Bob have a look")
    assert message["path"].startswith(f"/s/{session_id}#seq=")


async def test_people_see_and_remove_their_own_browsers_and_nobody_else_s(pushed: Pushed) -> None:
    bob, carol = await pushed.house.someone("Bob"), await pushed.house.someone("Carol")
    desk, phone, other = await sign_in(bob), await sign_in(bob, SAFARI), await sign_in(carol)
    for signed in (desk, phone, other):
        assert (await signed.switch_on(pushed.service.browser())).status_code == 201
    listed = await desk.listed()
    assert {(one["label"], one["is_this"]) for one in listed} == {
        ("Firefox on Linux", True),
        ("Safari on iPhone", False),
    }
    assert pushed.service.url not in str(listed), "an address is the browser's and ours alone"
    [hers] = await other.listed()
    for method, path in (("DELETE", f"/api/me/push/{hers['id']}"), ("POST", f"/api/me/push/{hers['id']}/test")):
        assert (await desk.call(method, path)).status_code == 404
    [his] = [one for one in listed if not one["is_this"]]
    assert (await desk.call("DELETE", f"/api/me/push/{his['id']}")).status_code == 204
    assert (await desk.call("DELETE", f"/api/me/push/{his['id']}")).status_code == 404
    assert [one["is_this"] for one in await desk.listed()] == [True]
    assert len(await other.listed()) == 1


async def test_signing_out_switches_the_browser_off_and_everywhere_all_of_them(pushed: Pushed) -> None:
    bob = await pushed.house.someone("Bob")
    desk, phone = await sign_in(bob), await sign_in(bob)
    for signed in (desk, phone):
        await signed.switch_on(pushed.service.browser())
    assert (await desk.call("POST", "/api/sign-out")).status_code == 204
    assert [one["is_this"] for one in await phone.listed()] == [True]
    assert (await phone.call("POST", "/api/me/sign-out-everywhere")).status_code in (200, 204)
    assert await (await sign_in(bob)).listed() == []


async def test_who_may_ask_and_what_is_refused(pushed: Pushed) -> None:
    bob = await pushed.house.someone("Bob")
    desk, browser = await sign_in(bob), pushed.service.browser()
    body = {"endpoint": browser.endpoint, "keys": browser.keys}
    some = "psb_" + "a" * 26
    paths = (("GET", ""), ("POST", ""), ("DELETE", f"/{some}"), ("POST", f"/{some}/test"))
    for method, path in paths:
        answer = await pushed.house.http.request(method, f"/api/me/push{path}", json=body if not path else None)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
    foreign = {"Origin": "https://evil.example"}
    for method, path in paths[1:]:
        answer = await desk.call(method, f"/api/me/push{path}", json=body if not path else None, extra=foreign)
        assert answer.status_code == 403, "made by another site"
    assert (await bob.call("POST", "/api/me/push", json=body)).status_code == 422, "a program is no browser"
    for wrong in (
        {"endpoint": "http://10.0.0.1/x"},
        {"endpoint": pushed.service.url.replace("http", "https") + "/x"},
        {"endpoint": f"https://push.example.com/{'x' * 1_000}"},
        {"keys": browser.keys | {"auth": "A" * 16}},
        {"keys": browser.keys | {"p256dh": "A" * 87}},
        {"more": 1},
    ):
        assert (await desk.call("POST", "/api/me/push", json=body | wrong)).status_code == 422, wrong
    assert await desk.listed() == []
    assert (await desk.switch_on(browser)).status_code == 201


async def test_a_test_that_is_on_its_way_is_not_doubled(pushed: Pushed) -> None:
    desk, browser = await sign_in(await pushed.house.someone("Bob")), pushed.service.browser()
    pushed.service.always = 503
    browser_id = (await desk.switch_on(browser)).json()["id"]
    statuses = [(await desk.call("POST", f"/api/me/push/{browser_id}/test")).status_code for _ in range(2)]
    assert statuses == [202, 409]


async def test_the_worker_is_served_at_the_root_and_may_load_nothing(pushed: Pushed) -> None:
    answer = await pushed.house.http.get("/push-worker.js")
    if answer.status_code == 404:
        pytest.skip("the web view is not built")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "fetch" not in [line.split('"')[1] for line in answer.text.splitlines() if "addEventListener(" in line]
