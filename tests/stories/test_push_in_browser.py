"""Pushes as people use them, in a real browser: switched on, shown by the real service worker, clicked, switched off.

A browser of tests reaches no push service. So its push manager hands out an address of the service on this machine, and
what that service decrypts is given to the browser's own push machinery by the developer tools.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, CDPSession, Page, expect

from core.clock import system_clock
from tests.support.browser import ConsoleWatch, OpenContext, Picture
from tests.support.push import PushedTo, PushService, push_service
from tests.support.server import ServerProcess, running_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}

#: The push manager of a browser that has a push service.
MANAGER = """
(({ endpoint, keys }) => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const subscription = (key) => ({
    options: { applicationServerKey: bytes(key).buffer, userVisibleOnly: true },
    toJSON: () => ({ endpoint, keys }),
    unsubscribe: async () => { localStorage.removeItem("pushed with"); return true; },
  });
  PushManager.prototype.subscribe = async (options) => {
    localStorage.setItem("pushed with", options.applicationServerKey);
    return subscription(options.applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const key = localStorage.getItem("pushed with");
    return key ? subscription(key) : null;
  };
})(%s);
"""


@dataclass
class Place:
    """A running server with Ana's session, in which Ben is an editor, and a push service beside it."""

    server: ServerProcess
    service: PushService
    session_id: str
    ana: httpx2.Client
    came: asyncio.Event

    async def say(self, content: str) -> None:
        frame = {"type": "chat_message", "content": content}
        path = f"/api/sessions/{self.session_id}/commands"
        answer = await asyncio.to_thread(lambda: self.ana.post(path, json={"frames": [frame]}))
        assert answer.json()["items"][0]["type"] == "ack", answer.text

    async def until(self, browser: PushedTo, many: int) -> dict[str, str]:
        async with asyncio.timeout(30):
            while len(browser.received) < many:
                self.came.clear()
                await self.came.wait()
        return browser.received[many - 1]

    async def sign_in(self, page: Page) -> None:
        """Ben's browser."""
        link = await asyncio.to_thread(self.server.run, "user", "sign-in", "ben@shop.example")
        await page.goto(link)
        await expect(page.get_by_role("button", name="your account")).to_be_visible()


@pytest.fixture(scope="module")
async def place(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Place]:
    """One for all: each of Ben's browsers is another one."""
    async with push_service(system_clock) as service:
        came = asyncio.Event()
        service.taken = came.set
        with running_server(
            tmp_path_factory.mktemp("push") / "data", {"COSESSION_PUSH_TEST_SERVICE": service.url}
        ) as server:
            people: dict[str, httpx2.Client] = {}
            for name, full in (("ana", "Ana Silva"), ("ben", "Ben Okafor")):
                server.run("user", "add", f"{name}@shop.example", "--name", full)
                token = {"Authorization": f"Bearer {server.run('token', f'{name}@shop.example')}"}
                people[name] = httpx2.Client(base_url=server.url, headers=token)
            session_id = people["ana"].post("/api/sessions", json={"title": "Fix the cart"}).json()["id"]
            invite = people["ana"].post(f"/api/sessions/{session_id}/invites", json={"role": "editor"}).json()
            accepted = people["ben"].post(f"/api/invites/{invite['url'].split('#')[1]}/accept", json={})
            assert accepted.status_code == 200
            yield Place(server, service, session_id, people["ana"], came)
            for client in people.values():
                client.close()


Deliver = Callable[[dict[str, str]], Awaitable[None]]


async def pushing_to(page: Page, url: str) -> Deliver:
    """Hands a message to the browser's own push machinery, which wakes the service worker."""
    tools: CDPSession = await page.context.new_cdp_session(page)
    ids: list[str] = []
    known = asyncio.Event()

    def updated(told: dict[str, Any]) -> None:
        ids.extend(one["registrationId"] for one in told["registrations"] if not one["isDeleted"])
        if ids:
            known.set()

    tools.on("ServiceWorker.workerRegistrationUpdated", updated)
    await tools.send("ServiceWorker.enable")

    async def deliver(message: dict[str, str]) -> None:
        async with asyncio.timeout(15):
            await known.wait()
        told = {"origin": url, "registrationId": ids[-1], "data": json.dumps(message)}
        await tools.send("ServiceWorker.deliverPushMessage", told)

    return deliver


SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(({ title, body, tag, data }) => ({ title, body, tag, data }))"""


#: Looks again and again, until exactly these tags are there.
UNTIL_SHOWN = """async (tags) => {
  const shown = %s;
  for (;;) {
    const found = await shown();
    if (JSON.stringify(found.map((one) => one.tag).sort()) === JSON.stringify(tags)) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
}"""


async def until_shown(page: Page, *tags: str) -> dict[str, dict[str, str]]:
    """Until exactly these stand on the screen, each once."""
    async with asyncio.timeout(15):
        found = await page.evaluate(UNTIL_SHOWN % SHOWN, sorted(tags))
    return {one["tag"]: one for one in found}


async def is_accessible(page: Page) -> None:
    violations = (await Axe().run(page)).response["violations"]
    assert not violations, [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]


async def browser_of(open_context: OpenContext, place: Place, **options: Any) -> tuple[BrowserContext, PushedTo]:
    pushed_to = place.service.browser()
    context = await open_context(**options)
    await context.grant_permissions(["notifications"], origin=place.server.url)
    told = {"endpoint": pushed_to.endpoint, "keys": pushed_to.keys}
    await context.add_init_script(MANAGER % json.dumps(told))
    return context, pushed_to


async def test_a_browser_is_switched_on_shows_a_mention_and_a_click_leads_there(
    place: Place, open_context: OpenContext, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect("401")
    context, pushed_to = await browser_of(open_context, place, **WIDE)
    page = await context.new_page()
    await place.sign_in(page)
    await page.goto(f"{place.server.url}/settings")
    section = page.get_by_role("region", name="Push")
    await expect(section.get_by_text("Off", exact=True)).to_be_visible()
    await expect(page.get_by_role("checkbox", name="Mentions: Push")).to_be_disabled()
    await section.get_by_role("button", name="Switch on in this browser").click()
    await expect(section.get_by_text("On", exact=True)).to_be_visible()
    await expect(page.get_by_role("checkbox", name="Mentions: Push")).to_be_enabled()
    await picture(page, "push-on")
    await is_accessible(page)

    deliver = await pushing_to(page, place.server.url)
    await section.get_by_role("button", name="Send a test").click()
    await expect(section.get_by_text("On its way.")).to_be_visible()
    test = await place.until(pushed_to, 1)
    await deliver(test)
    shown = await until_shown(page, test["id"])
    assert shown[test["id"]]["title"] == "Cosession can reach you here"

    await place.say("@Ben Okafor have a look at <b>the cart</b>")
    message = await place.until(pushed_to, 2)
    await deliver(message)
    await deliver(message)  # A repeat takes the place of the first.
    both = (test["id"], message["id"])
    mention = (await until_shown(page, *both))[message["id"]]
    assert mention["title"] == "Ana Silva mentioned you"
    assert mention["body"] == "Fix the cart: @Ben Okafor have a look at <b>the cart</b>"
    assert mention["data"] == place.server.url + message["path"]

    # What leads elsewhere, and what is no message at all, leads to the inbox.
    await deliver(message | {"id": "elsewhere", "path": "https://evil.example/x"})
    shown = await until_shown(page, *both, "elsewhere")
    assert shown["elsewhere"]["data"] == f"{place.server.url}/inbox"
    await deliver({"id": "half"})
    shown = await until_shown(page, *both, "elsewhere", "cosession")
    assert shown["cosession"]["title"] == "Something waits for you"

    # A click: the tab that shows the session comes to the moment; where none does, one is opened.
    [worker] = context.service_workers
    click = """async (tag) => {
      self.opened = [];
      self.clients.openWindow = async (href) => { self.opened.push(href); return null; };
      WindowClient.prototype.focus = async function () { self.opened.push("focused"); return this; };
      const [notification] = await self.registration.getNotifications({ tag });
      self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    }"""
    await worker.evaluate(click, message["id"])
    await until_shown(page, test["id"], "elsewhere", "cosession")
    await until_true(worker, f"self.opened[0] === {json.dumps(place.server.url + message['path'])}")
    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    await deliver(message)
    await until_shown(page, *both, "elsewhere", "cosession")
    other = await context.new_page()
    await other.goto(f"{place.server.url}/s/{place.session_id}")
    await expect(other.get_by_role("heading", name="Fix the cart")).to_be_visible()
    await worker.evaluate(click, message["id"])
    await until_true(worker, "self.opened[0] === 'focused'")
    await other.wait_for_url(f"**{message['path']}")

    # Pages load as if the worker were not there, and it keeps nothing.
    assert await page.evaluate("async () => (await caches.keys()).length") == 0
    await section.get_by_role("button", name="Switch off").click()
    await expect(section.get_by_text("Off", exact=True)).to_be_visible()
    assert await page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0


async def until_true(worker: Any, claim: str) -> None:
    async with asyncio.timeout(15):
        while not await worker.evaluate(claim):
            await worker.evaluate("new Promise((done) => setTimeout(done, 20))")


async def test_signing_out_takes_pushes_along_and_coming_back_brings_them_back(
    place: Place, open_context: OpenContext, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect("401")
    context, _ = await browser_of(open_context, place, **NARROW)
    page = await context.new_page()
    await place.sign_in(page)
    await page.goto(f"{place.server.url}/settings")
    section = page.get_by_role("region", name="Push")
    await expect(section.get_by_text("Off", exact=True)).to_be_visible()
    await section.scroll_into_view_if_needed()
    await picture(page, "push-phone")
    await section.get_by_role("button", name="Switch on in this browser").click()
    await expect(section.get_by_text("On", exact=True)).to_be_visible()
    await is_accessible(page)
    await page.get_by_role("button", name="your account").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.wait_for_function("() => localStorage.getItem('pushed with') === null")
    await place.sign_in(page)
    await page.goto(f"{place.server.url}/settings")
    await expect(section.get_by_text("On", exact=True)).to_be_visible()


async def test_a_browser_that_may_not_show_anything_says_what_to_do(
    place: Place, open_context: OpenContext, console: ConsoleWatch
) -> None:
    console.expect("401")
    context = await open_context(**WIDE)
    page = await context.new_page()
    await page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    await place.sign_in(page)
    await page.goto(f"{place.server.url}/settings")
    section = page.get_by_role("region", name="Push")
    await expect(section.get_by_text("Blocked", exact=True)).to_be_visible()
    await page.add_init_script("delete window.PushManager")
    await page.reload()
    await expect(section.get_by_text("This browser takes no pushes.")).to_be_visible()
