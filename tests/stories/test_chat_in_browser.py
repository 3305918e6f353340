"""The chat as two people use it, in real browsers: threads, reactions, edits, calls, what is unread, and search."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import PATIENCE_MS, ConsoleWatch, OpenContext, Picture
from tests.support.server import ServerProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
]

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Awaitable[Page]]
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


@dataclass
class Team:
    """A running server with Ana's session, in which Ben is an editor."""

    server: ServerProcess
    session_id: str = ""
    _people: dict[str, httpx2.Client] = field(default_factory=dict[str, httpx2.Client])
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def open(self) -> None:
        for name, full in (("ana", "Ana Silva"), ("ben", "Ben Okafor")):
            self.server.run("user", "add", f"{name}@shop.example", "--name", full)
            token = {"Authorization": f"Bearer {self.server.run('token', f'{name}@shop.example')}"}
            self._people[name] = httpx2.Client(base_url=self.server.url, headers=token)
        self.session_id = self.start("Fix the cart")
        invite = self.call("ana", "POST", f"/api/sessions/{self.session_id}/invites", {"role": "editor"})
        self.call("ben", "POST", f"/api/invites/{invite['url'].split('#')[1]}/accept", {})

    def close(self) -> None:
        for client in self._people.values():
            client.close()

    def call(self, who: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._people[who].request(method, path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def start(self, title: str) -> str:
        return str(self.call("ana", "POST", "/api/sessions", {"title": title})["id"])

    def say(self, who: str, content: str, session_id: str = "", parent_id: str | None = None) -> int:
        """Says it beside any browser; returns where it stands in the log."""
        key = f"k{next(self._keys)}"
        frame = {"type": "chat_message", "client_msg_id": key, "content": content, "parent_id": parent_id}
        path = f"/api/sessions/{session_id or self.session_id}/commands"
        return int(self.call(who, "POST", path, {"frames": [frame]})["items"][0]["seq"])

    def unread(self, who: str) -> tuple[int, int]:
        """What the list of sessions says: unread messages, and those that call this person."""
        [session] = [one for one in self.call(who, "GET", "/api/sessions")["items"] if one["id"] == self.session_id]
        return session["unread_count"], session["mention_count"]

    @property
    def address(self) -> str:
        return f"{self.server.url}/s/{self.session_id}"

    async def enter(self, page: Page, who: str, place: str = "") -> Page:
        await page.goto(self.server.run("user", "sign-in", f"{who}@shop.example"))
        await expect(page.get_by_role("list", name="Sessions")).to_be_visible()
        await page.goto(self.address + place)
        await expect(page.get_by_role("main")).to_be_visible()
        return page


@pytest.fixture
def team(server_process: ServerProcess) -> Iterator[Team]:
    team = Team(server_process)
    team.open()
    yield team
    team.close()


def message(page: Page, text: str | re.Pattern[str]) -> Locator:
    """In the main list."""
    return page.get_by_role("log", name="Messages", exact=True).locator("article", has_text=text)


def thread(page: Page) -> Locator:
    return page.get_by_role("region", name="Thread")


def reply(page: Page, text: str) -> Locator:
    return thread(page).locator("article", has_text=text)


def reaction(page: Page, text: str, words: str) -> Locator:
    return message(page, text).get_by_role("button", name=words)


async def say(page: Page, text: str) -> None:
    field = page.get_by_role("textbox", name="Message", exact=True)
    await field.fill(text)
    await field.press("Enter")


async def do(page: Page, text: str, action: str) -> None:
    """One of the actions in the bar over a message."""
    await message(page, text).hover()
    await message(page, text).get_by_role("button", name=action, exact=True).click()


# Once more with WebSockets blocked: the page goes on over plain requests by itself.
@pytest.mark.parametrize("line", ["websocket", "requests"], indirect=True)
async def test_a_thread_its_reactions_an_edit_and_a_deletion_are_lived_through_by_two(
    team: Team, open_page: OpenPage, picture: Picture
) -> None:
    ana = await team.enter(await open_page(viewport=WIDE), "ana")
    ben = await team.enter(await open_page(viewport=WIDE), "ben")
    await say(ana, "Shall we ship it?")

    # Ben answers in a thread: Ana sees the answer folded under what it answers, and opens it.
    await do(ben, "Shall we ship it?", "Reply in a thread")
    field = thread(ben).get_by_role("textbox", name="Reply in the thread")
    await expect(field).to_be_focused()
    await field.fill("After lunch")
    await field.press("Enter")
    await expect(reply(ben, "After lunch")).to_be_visible()
    await expect(message(ana, "After lunch")).to_have_count(0)
    folded = message(ana, "Shall we ship it?").get_by_role("button", name="1 reply, 1 new")
    await folded.click()
    await expect(reply(ana, "After lunch")).to_be_visible()
    await expect(message(ana, "Shall we ship it?").get_by_role("button", name="1 reply, the last at")).to_be_visible()
    await thread(ana).get_by_role("textbox", name="Reply in the thread").fill("Deal")
    await ana.keyboard.press("Enter")
    await expect(reply(ben, "Deal")).to_be_visible()

    # Escape closes the thread, and the focus is back at what it answers.
    await ana.keyboard.press("Escape")
    await expect(thread(ana)).to_have_count(0)
    await expect(message(ana, "Shall we ship it?")).to_be_focused()

    # From there the keyboard alone reacts: E, a few letters, Enter.
    await ana.keyboard.press("e")
    await expect(ana.get_by_role("combobox", name="Find an emoji")).to_be_focused()
    await ana.keyboard.type("rocket")
    await ana.keyboard.press("Enter")
    await expect(ana.get_by_role("dialog", name="Choose a reaction")).to_have_count(0)
    await expect(message(ana, "Shall we ship it?").get_by_role("button", name="React…")).to_be_focused()
    await expect(reaction(ben, "Shall we ship it?", "rocket: Ana Silva. React too")).to_be_visible()
    await reaction(ben, "Shall we ship it?", "rocket: Ana Silva. React too").click()
    both = reaction(ana, "Shall we ship it?", "rocket: you and Ben Okafor. Take yours back")
    await expect(both).to_have_text("🚀2")
    await picture(ben, "chat-thread")
    await both.click()
    await expect(reaction(ben, "Shall we ship it?", "rocket: you. Take yours back")).to_have_text("🚀1")

    # The arrow up edits the last message; what it was before can still be read.
    await ana.get_by_role("textbox", name="Message", exact=True).press("ArrowUp")
    box = ana.get_by_role("textbox", name="Edit the message")
    await expect(box).to_be_focused()
    await box.fill("Shall we ship it today?")
    await box.press("Enter")
    await expect(message(ben, "Shall we ship it today?")).to_be_visible()
    await message(ben, "Shall we ship it today?").get_by_role("button", name="(edited)").click()
    texts = ben.get_by_role("dialog", name="Earlier texts").get_by_role("listitem")
    await expect(texts).to_have_count(2)
    await expect(texts.last).to_contain_text("Shall we ship it?")
    await ben.keyboard.press("Escape")

    # A deletion asks first; the tombstone keeps the place of the thread, and the text is in no browser any more.
    await do(ana, "Shall we ship it today?", "Delete…")
    await ana.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await expect(message(ben, "Message deleted")).to_be_visible()
    await expect(message(ben, "Message deleted").get_by_role("button", name="2 replies")).to_be_visible()
    await expect(ben.get_by_text("Shall we ship it today?")).to_have_count(0)
    await expect(reply(ben, "Deal")).to_be_visible()
    [stored, *_] = team.call("ben", "GET", f"/api/sessions/{team.session_id}/messages")["items"]
    assert stored["message"]["content"] == ""


async def test_who_is_called_sees_it_and_what_is_unread_is_the_same_in_every_tab(
    team: Team, open_page: OpenPage, open_context: OpenContext, picture: Picture
) -> None:
    ana = await team.enter(await open_page(viewport=WIDE), "ana")
    bens = await open_context(viewport=NARROW)
    first = await team.enter(await bens.new_page(), "ben")
    second = await bens.new_page()
    await second.goto(team.address)
    badges = [
        tab.get_by_role("navigation", name="Parts of the session").get_by_text("unread") for tab in (first, second)
    ]
    await expect(second.get_by_role("feed", name="Transcript")).to_be_visible()

    # Two tabs of Ben show the transcript; the chat is behind another tab of each page.
    await say(ana, "Lunch?")
    field = ana.get_by_role("textbox", name="Message", exact=True)
    await field.press_sequentially("@her")
    await expect(ana.get_by_role("option", name="@here everyone who is here now")).to_be_visible()
    await field.press("Enter")
    await field.press_sequentially("the build is green")
    await field.press("Enter")
    for tab, badge in zip((first, second), badges, strict=True):
        await expect(badge.locator("..")).to_have_text("@2 unread, 1 mentions you")
        await expect(tab).to_have_title("(2) Fix the cart · Cosession")
    await picture(first, "chat-unread-phone")
    assert team.unread("ben") == (2, 1)

    # He reads in one: the line stands before the first of them, and the other tab knows at once.
    await first.get_by_role("button", name="Chat").click()
    await expect(message(first, "@here the build is green")).to_be_visible()
    await expect(message(first, "@here the build is green")).to_have_attribute("aria-label", re.compile("mentions you"))
    await expect(first.get_by_role("separator", name="New messages")).to_be_visible()
    await expect(badges[1]).to_have_count(0)
    await expect(second).to_have_title("Fix the cart · Cosession")
    assert team.unread("ben") == (0, 0)

    # What comes while he looks is read; what is taken back unread is not counted.
    await say(ana, "never mind")
    await expect(message(first, "never mind")).to_be_visible()
    await first.get_by_role("button", name="Transcript", exact=True).click()
    await say(ana, "one more")
    await expect(second).to_have_title("(1) Fix the cart · Cosession")
    await do(ana, "one more", "Delete…")
    await ana.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await expect(second).to_have_title("Fix the cart · Cosession")

    # The list of sessions counts as well. Who comes from there stands where the news begin, and has read at their end.
    await second.goto(team.server.url)
    team.say("ana", "@Ben Okafor are you there?")
    for number in range(30):
        team.say("ana", f"Point {number}: " + "a long sentence about the release. " * 3)
    await second.reload()
    await expect(second.get_by_role("list", name="Sessions").get_by_role("link")).to_contain_text(
        "31 unread, 1 mentions"
    )
    await second.goto(team.address)
    await second.get_by_role("button", name="Chat").click()
    await expect(message(second, "are you there?")).to_be_in_viewport()
    await expect(message(second, "Point 29")).not_to_be_in_viewport()
    await expect(second).to_have_title("(31) Fix the cart · Cosession")
    await second.get_by_role("button", name="31 new").click()
    await expect(message(second, "Point 29")).to_be_in_viewport()
    await expect(second).to_have_title("Fix the cart · Cosession")
    await expect(first).to_have_title("Fix the cart · Cosession")
    assert team.unread("ben") == (0, 0)


async def test_what_was_said_is_found_and_led_to_however_far_back_and_in_whatever_session(
    team: Team, open_page: OpenPage, picture: Picture
) -> None:
    old = team.say("ben", "The discount of the golden customers is wrong")
    [first] = team.call("ana", "GET", f"/api/sessions/{team.session_id}/messages")["items"]
    team.say("ana", "Silver is affected, too", parent_id=first["message"]["id"])
    for number in range(150):
        team.say("ana" if number % 2 else "ben", f"Filler {number}")
    other = team.start("Old release")
    team.say("ana", "golden hammers are no help", other)
    for number in range(1, 3):
        events = [
            {"key": f"e{number}-{n}", "event": {"type": "agent_message", "turn_id": "t", "text": f"Step {number} {n}"}}
            for n in range(200)
        ]
        team.call("ana", "POST", f"/api/sessions/{team.session_id}/agent-events", {"items": events})

    ana = await team.enter(await open_page(viewport=WIDE), "ana")
    await expect(message(ana, "Filler 149")).to_be_visible()
    await expect(message(ana, "golden customers")).to_have_count(0)

    # `/` searches this session; Enter leads to the message, far above what the page held.
    await ana.get_by_role("feed", name="Transcript").focus()
    await ana.keyboard.press("/")
    await expect(ana.get_by_role("combobox", name="Search for")).to_be_focused()
    await ana.keyboard.type("golden")
    found = ana.get_by_role("listbox", name="Found").get_by_role("option")
    await expect(found).to_have_count(1)
    await expect(found.locator("mark")).to_have_text("golden")
    await picture(ana, "search")
    await ana.keyboard.press("Enter")
    await expect(message(ana, "golden customers")).to_be_focused()
    await expect(message(ana, "golden customers")).to_be_in_viewport()

    # What the agent did is found too, in the transcript.
    await ana.keyboard.press("Control+k")
    await ana.keyboard.type("zebra crossing")
    await expect(ana.get_by_role("dialog", name="Search")).to_contain_text("Nothing here holds zebra crossing.")
    await ana.get_by_role("combobox", name="Search for").fill("Step 1 7")
    await expect(found.first).to_contain_text("Step 1 7")
    await ana.keyboard.press("ArrowDown")
    await expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    await ana.keyboard.press("ArrowUp")
    wanted = await found.first.text_content()
    await ana.keyboard.press("Enter")
    row = ana.get_by_role("feed", name="Transcript").locator("article:focus")
    await expect(row).to_be_in_viewport()
    assert wanted is not None
    assert (await row.inner_text()).strip() in wanted

    # An answer is shown in its thread.
    await ana.keyboard.press("Control+k")
    await ana.keyboard.type("silver")
    await expect(found).to_have_count(1)
    await ana.keyboard.press("Enter")
    await expect(reply(ana, "Silver is affected, too")).to_be_focused()
    await ana.keyboard.press("Escape")
    await expect(thread(ana)).to_have_count(0)

    # In all sessions: the other one opens at its message.
    await ana.keyboard.press("Control+k")
    await ana.keyboard.type("golden")
    await ana.get_by_role("button", name="All sessions").click()
    await expect(found).to_have_count(2)
    await found.filter(has_text="Old release").click()
    await expect(ana).to_have_title("Old release · Cosession")
    await expect(message(ana, "golden hammers")).to_be_focused()

    # The address of a message leads somebody else to it.
    ben = await team.enter(await open_page(viewport=WIDE), "ben", f"#seq={old}")
    await expect(message(ben, "golden customers")).to_be_focused()
    await expect(message(ben, "golden customers")).to_be_in_viewport()


@pytest.mark.parametrize("line", ["websocket", "requests"], indirect=True)
async def test_a_refusal_takes_back_what_was_shown_and_search_says_when_it_cannot(
    team: Team, open_page: OpenPage, console: ConsoleWatch
) -> None:
    console.expect(r"ERR_FAILED|Failed to load resource")
    team.say("ana", "Done")
    ben = await team.enter(await open_page(viewport=WIDE), "ben")
    await expect(message(ben, "Done")).to_be_visible()
    await team_ended(team, ben)
    await ben.route("**/search?*", lambda route: route.abort())
    await ben.keyboard.press("Control+k")
    await ben.keyboard.type("done")
    await expect(ben.get_by_role("dialog", name="Search").get_by_role("alert")).to_contain_text("cannot be reached")
    await ben.unroute("**/search?*")
    await ben.get_by_role("button", name="Try again").click()
    await expect(ben.get_by_role("listbox", name="Found").get_by_role("option")).to_have_count(1)


async def team_ended(team: Team, page: Page) -> None:
    """An ended session is read, and nothing in it can be changed."""
    team.call("ana", "POST", f"/api/sessions/{team.session_id}/end")
    await expect(page.get_by_role("note")).to_contain_text("This session has ended")
    await message(page, "Done").hover()
    actions = message(page, "Done").get_by_role("toolbar").get_by_role("button")
    await expect(actions).to_have_count(1)
    await expect(actions).to_have_attribute("aria-label", "Copy link")
