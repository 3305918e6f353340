"""The inbox, the feed and the settings as people use them, in real browsers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.support.browser import ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

OpenPage = Callable[..., Awaitable[Page]]
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


@dataclass
class Team:
    """A running server with Ana's session, in which Ben is an editor."""

    server: ServerProcess
    session_id: str
    ana: httpx2.Client
    ben: httpx2.Client

    def say(self, content: str, **fields: Any) -> None:
        frame = {"type": "chat_message", "content": content, **fields}
        answer = self.ana.post(f"/api/sessions/{self.session_id}/commands", json={"frames": [frame]})
        assert answer.json()["items"][0]["type"] == "ack", answer.text

    async def sign_in(self, page: Page) -> Page:
        """Ben's browser."""
        await page.goto(self.server.run("user", "sign-in", "ben@shop.example"))
        await expect(page.get_by_role("button", name="your account")).to_be_visible()
        return page


@pytest.fixture
def team(server_process: ServerProcess) -> Iterator[Team]:
    server = server_process
    people: dict[str, httpx2.Client] = {}
    for name, full in (("ana", "Ana Silva"), ("ben", "Ben Okafor")):
        server.run("user", "add", f"{name}@shop.example", "--name", full)
        token = {"Authorization": f"Bearer {server.run('token', f'{name}@shop.example')}"}
        people[name] = httpx2.Client(base_url=server.url, headers=token)
    session_id = people["ana"].post("/api/sessions", json={"title": "Fix the cart"}).json()["id"]
    invite = people["ana"].post(f"/api/sessions/{session_id}/invites", json={"role": "editor"}).json()
    assert people["ben"].post(f"/api/invites/{invite['url'].split('#')[1]}/accept", json={}).status_code == 200
    yield Team(server, session_id, people["ana"], people["ben"])
    for client in people.values():
        client.close()


async def is_accessible(page: Page) -> None:
    violations = (await Axe().run(page)).response["violations"]
    assert not violations, [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]


async def test_a_mention_is_counted_on_every_device_and_leads_to_its_moment(
    team: Team, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect("401")  # The page asks who is there.
    desk, phone = await team.sign_in(await open_page(**WIDE)), await team.sign_in(await open_page(**NARROW))
    await desk.get_by_role("button", name="Inbox", exact=True).click()
    await expect(desk.get_by_role("dialog", name="Inbox").get_by_text("Nothing yet")).to_be_visible()
    await picture(desk, "inbox-empty")
    await desk.keyboard.press("Escape")

    for number in range(30):
        team.say(f"line {number} of a long talk")
    team.say("@Ben Okafor have a look at the cart")
    for page in (desk, phone):
        await expect(page.get_by_role("button", name="Inbox: 1 unread")).to_be_visible()
    await phone.get_by_role("button", name="Inbox: 1 unread").click()
    panel = phone.get_by_role("dialog", name="Inbox")
    await expect(panel.get_by_text("Ana Silva mentioned you")).to_be_visible()
    await picture(phone, "inbox-phone")
    await is_accessible(phone)

    # By the keys alone.
    await desk.get_by_role("button", name="Inbox: 1 unread").focus()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("dialog", name="Inbox").get_by_text("Ana Silva mentioned you")).to_be_visible()
    await picture(desk, "inbox")
    await is_accessible(desk)
    link = desk.get_by_role("dialog", name="Inbox").get_by_role("link", name=re.compile("mentioned you"))
    await link.focus()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("heading", name="Fix the cart")).to_be_visible()
    await expect(desk.get_by_text("have a look at the cart").first).to_be_in_viewport()
    for page in (desk, phone):
        await expect(page.get_by_role("button", name="Inbox", exact=True)).to_be_visible()
    await expect(panel.get_by_text("Unread", exact=True)).to_have_count(0)

    # Without the server it says so, and shows what it had.
    console.expect("ERR_|502|503")
    team.server.terminate()
    await expect(panel.get_by_text("Offline: this is how your inbox was.")).to_be_visible()
    await expect(panel.get_by_text("Ana Silva mentioned you")).to_be_visible()
    await picture(phone, "inbox-offline")


async def test_what_happened_is_shown_live_filtered_and_leads_to_its_moment(
    team: Team, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect("401")
    page = await team.sign_in(await open_page(**WIDE))
    await page.get_by_role("link", name="Activity", exact=True).click()
    feed = page.get_by_role("list", name="Activity")
    await expect(feed.get_by_text("started the session")).to_be_visible()
    events = [
        {"type": "prompt_submitted", "turn_id": "t", "text": "Why is the cart empty?"},
        {"type": "turn_started", "turn_id": "t", "agent": "codex"},
        *(
            {"type": "file_changed", "turn_id": "t", "path": path, "change": "modified", "added": 1, "removed": 0}
            for path in ("cart.py", "till.py")
        ),
        {"type": "agent_failed", "turn_id": "t", "message": "The model is overloaded"},
        {"type": "turn_finished", "turn_id": "t", "status": "failed"},
    ]
    items = [{"key": f"k{number}", "event": event} for number, event in enumerate(events)]
    answer = team.ana.post(f"/api/sessions/{team.session_id}/agent-events", json={"items": items})
    assert answer.status_code == 200, answer.text
    team.say("@Ben Okafor have a look")
    await expect(feed.get_by_text("The model is overloaded")).to_be_visible()
    await expect(feed.get_by_text("changed 2 files")).to_be_visible()
    await picture(page, "activity")
    await is_accessible(page)
    await page.get_by_role("button", name="Errors").click()
    await expect(feed.get_by_role("listitem")).to_have_count(1)
    await feed.get_by_role("link", name=re.compile("reported an error")).click()
    await expect(page.get_by_role("heading", name="Fix the cart")).to_be_visible()
    await expect(page.get_by_text("The model is overloaded").first).to_be_in_viewport()

    await page.get_by_role("button", name="Session menu").click()
    await page.get_by_role("menuitem", name="Activity").click()
    await expect(page.get_by_role("heading", name="Activity: Fix the cart")).to_be_visible()
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme="dark")
    await picture(page, "activity-phone")
    await is_accessible(page)


async def test_what_somebody_wants_to_hear_is_kept(
    team: Team, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect("401")
    page = await team.sign_in(await open_page(**WIDE))
    await page.get_by_role("button", name="your account").click()
    await page.get_by_role("menuitem", name="Settings").click()
    mail = page.get_by_role("checkbox", name="Mentions: E-mail")
    await expect(mail).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Mentions: Slack")).to_be_disabled()
    await mail.click()
    await page.get_by_role("checkbox", name="Leave me alone at night").click()
    await page.get_by_label("From").fill("21:30")
    await page.get_by_label("From").blur()
    await page.get_by_label("Time zone").select_option("Europe/Berlin")
    await picture(page, "settings")
    await is_accessible(page)

    # Muting from the inbox stands here too.
    team.say("@Ben Okafor have a look")
    await page.get_by_role("button", name="Inbox: 1 unread").click()
    await page.get_by_role("button", name=re.compile("More about: Ana")).click()
    await page.get_by_role("menuitem", name="Mute this session").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Hear of Fix the cart again")).to_be_visible()

    await page.reload()
    await expect(mail).not_to_be_checked()
    await expect(page.get_by_label("From")).to_have_value("21:30")
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme="dark")
    await picture(page, "settings-phone")
    await is_accessible(page)
    await page.get_by_role("button", name="Hear of Fix the cart again").click()
    await expect(page.get_by_text("You have muted no session.")).to_be_visible()
