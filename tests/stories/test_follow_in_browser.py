"""Going along with somebody, in real browsers: through transcript and files, in chains, at a host's request; and how
the agent's health and the server's load are read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import PATIENCE_MS, ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Awaitable[Page]]

PEOPLE = {"alice": "Alice Moreau", "bob": "Bob Tanaka", "carol": "Carol Weber"}
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
FILE = "src/shop/till.py"
TEXT = "".join(f"def step_{number}() -> int:\n    return {number}\n\n\n" for number in range(80))

#: The first entry of the transcript that is in sight, below the upper edge.
TOP_SEQ = """() => {
  const feed = document.querySelector("[role=feed]");
  const top = feed.getBoundingClientRect().top;
  const rows = [...feed.querySelectorAll("article")].sort((a, b) => a.dataset.seq - b.dataset.seq);
  return Number(rows.find((row) => row.getBoundingClientRect().bottom > top + 2)?.dataset.seq ?? 0);
}"""
#: The first line of the open file that is in sight.
TOP_LINE = """() => {
  const top = document.querySelector(".cm-scroller").getBoundingClientRect().top;
  const numbers = [...document.querySelectorAll(".cm-lineNumbers .cm-gutterElement")];
  const first = numbers.find((one) => one.offsetHeight > 0 && one.getBoundingClientRect().bottom > top + 2);
  return Number(first?.textContent ?? 0);
}"""


@dataclass
class Crew:
    """A running server with Alice's session, in which Bob and Carol are editors; Alice also runs the server."""

    server: ServerProcess
    session_id: str = ""
    _clients: dict[str, httpx2.Client] = field(default_factory=dict[str, httpx2.Client])
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def open(self) -> None:
        for who, name in PEOPLE.items():
            admin = ["--admin"] if who == "alice" else []
            self.server.run("user", "add", f"{who}@till.example", "--name", name, *admin)
            token = self.server.run("token", f"{who}@till.example")
            headers = {"Authorization": f"Bearer {token}"}
            self._clients[who] = httpx2.Client(base_url=self.server.url, headers=headers)
        started = self._clients["alice"].post("/api/sessions", json={"title": "Mend the till"})
        self.session_id = answered(started)["id"]
        wish = {"role": "editor", "max_uses": 2}
        invite = self._clients["alice"].post(f"/api/sessions/{self.session_id}/invites", json=wish)
        secret = answered(invite)["url"].split("#")[1]
        for who in ("bob", "carol"):
            answered(self._clients[who].post(f"/api/invites/{secret}/accept", json={}))

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def agent(self, *events: dict[str, object]) -> None:
        """Alice's agent has done something."""
        items = [{"key": f"event-{next(self._keys)}", "event": event} for event in events]
        answered(self._clients["alice"].post(f"/api/sessions/{self.session_id}/agent-events", json={"items": items}))

    def talk(self, count: int) -> None:
        """The agent writes so much that nobody sees all of it at once."""
        self.agent({"type": "turn_started", "turn_id": "t1", "agent": "claude-code", "model": None})
        lines = "\n\n".join(f"A line {number} of what I found." for number in range(4))
        for number in range(count):
            self.agent({"type": "agent_message", "turn_id": "t1", "text": f"Step {number}.\n\n{lines}"})

    def save(self, path: str, text: str) -> None:
        """Alice's machine shares a file."""
        version = sha256(text.encode()).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        base = f"/api/sessions/{self.session_id}"
        put = self._clients["alice"].put(f"{base}/blobs/{version}", content=text.encode(), headers=octets)
        assert put.is_success, put.text
        item = {"path": path, "change": "added", "version": version, "size": len(text.encode()), "is_binary": False}
        items = [{"key": f"file-{next(self._keys)}", **item}]
        answered(self._clients["alice"].post(f"{base}/files", json={"items": items}))

    async def enter(self, page: Page, who: str) -> Page:
        await self.sign_in(page, who)
        await page.goto(f"{self.server.url}/s/{self.session_id}")
        await expect(page.get_by_role("heading", name="Mend the till")).to_be_visible()
        return page

    async def sign_in(self, page: Page, who: str) -> None:
        await page.goto(self.server.run("user", "sign-in", f"{who}@till.example"))
        await expect(page.get_by_role("list", name="Sessions")).to_be_visible()


def answered(answer: httpx2.Response) -> dict[str, str]:
    assert answer.is_success, answer.text
    found: dict[str, str] = answer.json()
    return found


@pytest.fixture
def crew(server_process: ServerProcess) -> Iterator[Crew]:
    crew = Crew(server_process)
    try:
        crew.open()
        yield crew
    finally:
        crew.close()


def face(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="People here").get_by_role("button", name=re.compile(f"^{name}"))


async def choose(page: Page, name: str, action: str) -> None:
    """Opens somebody's menu in the bar and chooses from it."""
    await face(page, name).click()
    await page.get_by_role("menuitem", name=action).click()


def border(page: Page) -> Locator:
    return page.get_by_test_id("follow-border")


def chip(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"Stop following {name}")


async def goes_along(page: Page, leader: Page, where: str) -> None:
    """Waits until both see the same place, which `where` measures on a page, after the leader has come to rest."""
    before = -1
    while (now := await leader.evaluate(where)) != before:
        before = now
        await leader.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await page.wait_for_function(f"(wanted) => ({where})() === wanted", arg=before)


async def wheel(page: Page, surface: Locator, by: int) -> None:
    await surface.hover()
    await page.mouse.wheel(0, by)


@pytest.mark.parametrize("line", ["websocket", "requests"], indirect=True)
async def test_three_people_go_through_transcript_and_files_together(
    crew: Crew, open_page: OpenPage, picture: Picture
) -> None:
    crew.talk(40)
    crew.save(FILE, TEXT)
    alice, bob = [await crew.enter(await open_page(viewport=WIDE), who) for who in ("alice", "bob")]
    # Carol's page moves where the others' jump.
    carol = await crew.enter(await open_page(viewport=WIDE, reduced_motion="no-preference"), "carol")
    feed = alice.get_by_role("feed", name="Transcript")
    await expect(feed).to_contain_text("Step 39.")

    # Bob follows Alice: he sees that he is led, she sees that somebody comes along, and he goes where she goes.
    await choose(bob, "Alice Moreau", "Follow")
    await expect(border(bob)).to_be_visible()
    await expect(chip(bob, "Alice Moreau")).to_be_visible()
    await expect(bob.get_by_role("status", name="Following")).to_contain_text("Following Alice Moreau")
    await expect(alice.get_by_text("1 follows you")).to_be_visible()
    at_end = await bob.evaluate(TOP_SEQ)
    await wheel(alice, feed, -1500)
    await alice.wait_for_function(f"(end) => ({TOP_SEQ})() < end", arg=at_end)
    await goes_along(bob, alice, TOP_SEQ)

    # Carol follows Bob, and so goes where Alice goes.
    await choose(carol, "Bob Tanaka", "Follow")
    await expect(carol.get_by_text("who follows Alice Moreau", exact=False).first).to_be_visible()
    await goes_along(carol, alice, TOP_SEQ)
    await expect(alice.get_by_text("2 follow you")).to_be_visible()
    await picture(carol, "follow")

    # A circle is refused in words, and Alice stays on her own way.
    await choose(alice, "Carol Weber", "Follow")
    await expect(alice.get_by_text(re.compile("circle|already follow"))).to_be_visible()
    await expect(border(alice)).to_have_count(0)

    # Into a file, and down in it.
    await alice.get_by_role("button", name="Files", exact=True).click()
    await alice.get_by_role("treeitem", name="till.py").click()
    for page in (alice, bob, carol):
        await expect(page.locator(".cm-line", has_text="def step_0()").first).to_be_visible()
    await wheel(alice, alice.locator(".cm-content"), 2_000)
    await alice.wait_for_function(f"() => ({TOP_LINE})() > 20")
    for page in (bob, carol):
        await goes_along(page, alice, TOP_LINE)
    await expect(face(alice, "Bob Tanaka")).to_have_accessible_name(re.compile("till.py:.*follows Alice Moreau"))
    await picture(bob, "follow-file")

    # And back to the transcript.
    await alice.keyboard.press("1")
    await expect(feed).to_be_visible()
    for page in (bob, carol):
        await expect(page.get_by_role("feed", name="Transcript")).to_be_visible()
        await goes_along(page, alice, TOP_SEQ)

    # Writing in the chat is no way of one's own; a turn of the wheel is.
    await bob.get_by_role("textbox", name="Message").fill("I see it")
    await expect(border(bob)).to_be_visible()
    await wheel(bob, bob.get_by_role("feed", name="Transcript"), -900)
    await expect(border(bob)).to_have_count(0)
    await expect(alice.get_by_text(re.compile("follows? you$"))).to_have_count(0)
    await expect(chip(carol, "Bob Tanaka")).to_be_visible()
    await goes_along(carol, bob, TOP_SEQ)

    # Escape ends it too, and F begins it again with the same person.
    await carol.keyboard.press("Escape")
    await expect(border(carol)).to_have_count(0)
    await carol.keyboard.press("f")
    await expect(chip(carol, "Bob Tanaka")).to_be_visible()


async def test_a_host_brings_everybody_along_and_a_new_line_follows_on(
    crew: Crew, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    crew.talk(30)
    alice, bob, carol = [await crew.enter(await open_page(viewport=WIDE), who) for who in PEOPLE]
    await expect(bob.get_by_role("button", name="Bring everyone here")).to_have_count(0)
    await wheel(alice, alice.get_by_role("feed", name="Transcript"), -1200)
    await alice.get_by_role("button", name="Bring everyone here").click()
    prompts = [page.get_by_role("group", name="Alice Moreau asks you to come along") for page in (bob, carol)]
    for page, prompt in zip((bob, carol), prompts, strict=True):
        await expect(prompt).to_be_visible()
        await expect(page.get_by_role("status", name="Requests")).to_contain_text("asks you to come along")
        await expect(border(page)).to_have_count(0)
    await picture(bob, "summon")
    await prompts[0].get_by_role("button", name="Come along").click()
    await prompts[1].get_by_role("button", name="Not now").click()
    for prompt in prompts:
        await expect(prompt).to_have_count(0)
    await expect(chip(bob, "Alice Moreau")).to_be_visible()
    await expect(border(carol)).to_have_count(0)
    await goes_along(bob, alice, TOP_SEQ)

    # The server forgets who follows whom when it starts again; Bob's page tells it.
    console.expect("WebSocket (connection|is already in CLOSING)|ERR_CONNECTION_REFUSED|Failed to load resource")
    crew.server.restart()
    await expect(alice.get_by_text("1 follows you")).to_be_visible(timeout=40_000)
    await wheel(alice, alice.get_by_role("feed", name="Transcript"), -800)
    await goes_along(bob, alice, TOP_SEQ)

    # Alice goes away for good: Bob stays where he is, and is told so.
    here = await bob.evaluate(TOP_SEQ)
    await alice.close()
    await expect(bob.get_by_text("not here just now")).to_be_visible(timeout=40_000)
    assert await bob.evaluate(TOP_SEQ) == here


async def test_a_host_hands_over_and_everybody_reads_how_the_agent_is_doing(
    crew: Crew, open_page: OpenPage, picture: Picture
) -> None:
    alice, bob = [await crew.enter(await open_page(viewport=WIDE), who) for who in ("alice", "bob")]
    await bob.get_by_role("button", name="Health: nothing to measure yet").click()
    panel = bob.get_by_role("dialog", name="How the agent is doing")
    await expect(panel).to_contain_text("No agent has done anything yet")

    # Live, while the panel is open.
    totals = {"total": 1_204_000, "input": 900_000, "output": 64_000, "cache_read": 200_000, "cache_write": 40_000}
    crew.agent({"type": "turn_started", "turn_id": "t1", "agent": "claude-code", "model": None})
    for number in range(10):
        call = {"turn_id": "t1", "call_id": f"c{number}"}
        start = {"tool": "Bash", "kind": "execute", "title": f"make {number}", "input": f"make {number}"}
        end = {"status": "failed" if number < 5 else "completed", "output": "", "exit_code": int(number < 5)}
        crew.agent({"type": "tool_call_started", **call, **start}, {"type": "tool_call_finished", **call, **end})
    crew.agent({"type": "usage_updated", "tokens": totals, "context_used": 184_000, "context_limit": 200_000})
    reasons = panel.get_by_role("list", name="Why it is not higher")
    await expect(reasons).to_contain_text("Context is 92 % full")
    await expect(reasons).to_contain_text("50 % of tool calls failed")
    await expect(panel.get_by_role("meter", name="Context used")).to_have_attribute("aria-valuenow", "184000")
    await expect(panel).to_contain_text("1,204,000")
    await expect(panel).to_contain_text("10, 5 failures")
    await expect(panel.get_by_test_id("health-status")).to_have_text("The agent is working")
    score = re.compile(r"^Health 41 of 100, poor")
    await expect(alice.get_by_role("button", name=score)).to_be_visible()
    await picture(bob, "health")
    await bob.keyboard.press("Escape")
    await expect(panel).to_have_count(0)

    # Handing over is asked about in words, and acts at once on both pages.
    await choose(alice, "Bob Tanaka", "Hand the session over…")
    question = alice.get_by_role("group", name="Hand the session over to Bob Tanaka?")
    await expect(question).to_contain_text("You stay, as an editor")
    await picture(alice, "hand-over")
    await question.get_by_role("button", name="Hand over").click()
    await expect(bob.get_by_role("button", name="Bring everyone here")).to_be_visible()
    await expect(alice.get_by_role("button", name="Bring everyone here")).to_have_count(0)
    await alice.get_by_role("button", name="Close").click()
    await expect(alice.get_by_role("banner")).to_contain_text("Bob Tanaka")

    # The list of sessions tells of health too.
    await alice.get_by_role("link", name="All sessions").click()
    await expect(alice.get_by_role("list", name="Sessions")).to_contain_text("health 41 of 100, poor")


async def test_an_admin_sees_who_is_connected_and_nobody_else_does(
    crew: Crew, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    await crew.enter(await open_page(), "bob")
    await crew.enter(await open_page(), "carol")
    root = await open_page(viewport=WIDE)
    await crew.sign_in(root, "alice")
    await root.get_by_role("link", name="Live", exact=True).click()
    connections = root.get_by_role("table", name="Connections")
    for name in ("Bob Tanaka", "Carol Weber"):
        await expect(connections.get_by_role("row", name=re.compile(name))).to_contain_text("websocket")
    await expect(root.get_by_role("table", name="Sessions")).to_contain_text("Mend the till")
    await expect(root.get_by_label("Totals")).to_contain_text(re.compile("People2"))
    await picture(root, "admin")
    await root.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await expect(connections).to_contain_text("Last heard")
    assert await root.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    await picture(root, "admin-phone")

    bob = await open_page()
    await crew.sign_in(bob, "bob")
    await expect(bob.get_by_role("link", name="Live", exact=True)).to_have_count(0)
    await bob.goto(f"{crew.server.url}/admin")
    await expect(bob.get_by_role("heading", name="There is nothing here")).to_be_visible()


async def test_on_a_phone_and_in_the_dark_one_is_led_too(crew: Crew, open_page: OpenPage, picture: Picture) -> None:
    crew.talk(30)
    crew.save(FILE, TEXT)
    alice = await crew.enter(await open_page(viewport=WIDE, color_scheme="dark"), "alice")
    bob = await crew.enter(await open_page(viewport=PHONE, color_scheme="dark"), "bob")
    await choose(bob, "Alice Moreau", "Follow")
    await expect(chip(bob, "Alice Moreau")).to_be_visible()
    await wheel(alice, alice.get_by_role("feed", name="Transcript"), -1500)
    await goes_along(bob, alice, TOP_SEQ)
    await picture(bob, "follow-phone")
    await alice.get_by_role("button", name="Files", exact=True).click()
    await alice.get_by_role("treeitem", name="till.py").click()
    await expect(bob.locator(".cm-line", has_text="def step_0()").first).to_be_visible()
    await picture(bob, "follow-file-phone")
    await picture(alice, "followed-dark")
    # Another tab is a way of one's own.
    await bob.get_by_role("button", name="Chat").click()
    await expect(border(bob)).to_have_count(0)
    await face(bob, "Alice Moreau").click()
    await picture(bob, "person-menu-phone")
    await bob.keyboard.press("Escape")
    await bob.get_by_role("button", name=re.compile("^Health")).click()
    await picture(bob, "health-phone")
