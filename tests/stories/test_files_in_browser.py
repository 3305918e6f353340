"""Reading the files that an agent changes, in real browsers: live, with the cursors of others and comments on lines."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import PATIENCE_MS, ConsoleWatch, OpenContext, Picture
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Awaitable[Page]]

FILE = "src/shop/cart.py"
FIRST = '''"""The cart of one customer."""

from decimal import Decimal


class Cart:
    """What somebody is about to buy."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Decimal]] = []

    def add(self, name: str, price: Decimal) -> None:
        """Puts one more into the cart."""
        self.lines.append((name, price))

    def total(self) -> Decimal:
        """The sum of all prices."""
        return sum((price for _, price in self.lines), Decimal(0))
'''
SUM = "        return sum((price for _, price in self.lines), Decimal(0))"
#: The agent puts three lines in front and changes a docstring: the sum moves from line 18 to 21.
SECOND = "# Copyright of the shop.\n#\n# All rights reserved.\n" + FIRST.replace("one more", "one more of it")
#: The agent writes the whole method anew.
THIRD = SECOND.replace("The sum of all prices.", "Asks the till.").replace(SUM, "        return till.reckon(self)")


@dataclass
class Shop:
    """A running server with Ana's session, in which Ben is an editor, and the machine that Ana's agent works on."""

    server: ServerProcess
    session_id: str = ""
    _http: httpx2.Client = field(default_factory=httpx2.Client)
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def open(self) -> None:
        for email, name in (("ana@shop.example", "Ana Silva"), ("ben@shop.example", "Ben Okafor")):
            self.server.run("user", "add", email, "--name", name)
        ben = {"Authorization": f"Bearer {self.server.run('token', 'ben@shop.example')}"}
        ana = {"Authorization": f"Bearer {self.server.run('token', 'ana@shop.example')}"}
        self._http = httpx2.Client(base_url=self.server.url, headers=ana)
        self.session_id = answered(self._http.post("/api/sessions", json={"title": "Fix the cart"}))["id"]
        invite = self._http.post(f"/api/sessions/{self.session_id}/invites", json={"role": "editor"})
        secret = answered(invite)["url"].split("#")[1]
        answered(self._http.post(f"/api/invites/{secret}/accept", json={}, headers=ben))

    def close(self) -> None:
        self._http.close()

    def save(self, path: str, content: bytes | str, change: str = "modified", old_path: str | None = None) -> str:
        """The agent's machine shares a file as it is now; returns its version."""
        data = content if isinstance(content, bytes) else content.encode()
        version = hashlib.sha256(data).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        put = self._http.put(f"/api/sessions/{self.session_id}/blobs/{version}", content=data, headers=octets)
        assert put.is_success, put.text
        item = {"version": version, "size": len(data), "is_binary": b"\0" in data, "old_path": old_path}
        self.report(path=path, change=change, **item)
        return version

    def report(self, **item: object) -> None:
        items = [{"key": f"file-{next(self._keys)}", **item}]
        answered(self._http.post(f"/api/sessions/{self.session_id}/files", json={"items": items}))

    @property
    def address(self) -> str:
        return f"{self.server.url}/s/{self.session_id}"

    async def enter(self, page: Page, email: str, place: str = "") -> Page:
        await page.goto(self.server.run("user", "sign-in", email))
        await expect(page.get_by_role("list", name="Sessions")).to_be_visible()
        await page.goto(self.address + place)
        return page


def answered(answer: httpx2.Response) -> dict[str, str]:
    assert answer.is_success, answer.text
    found: dict[str, str] = answer.json()
    return found


@pytest.fixture
def shop(server_process: ServerProcess) -> Iterator[Shop]:
    shop = Shop(server_process)
    shop.open()
    yield shop
    shop.close()


def line(page: Page, text: str) -> Locator:
    """A line of the open file."""
    return page.locator(".cm-line", has_text=text).first


def number(page: Page, wanted: int) -> Locator:
    return page.locator(".cm-lineNumbers .cm-gutterElement").get_by_text(str(wanted), exact=True)


def card(page: Page, text: str) -> Locator:
    """A thread of comments."""
    return page.locator("[data-thread]", has_text=text)


async def below(page: Page, text: str, thread: Locator) -> bool:
    """Whether `thread` hangs directly on the line with this text."""
    box, card_box = await line(page, text).bounding_box(), await thread.bounding_box()
    assert box is not None
    assert card_box is not None
    return 0 <= card_box["y"] - (box["y"] + box["height"]) < 20


async def comment(page: Page, on: str, text: str) -> None:
    await line(page, on).click()
    await page.keyboard.press("c")
    await page.get_by_role("textbox", name="Write a comment").fill(text)
    await page.keyboard.press("Control+Enter")


async def open_file(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Files", exact=True).click()
    await page.get_by_role("treeitem", name=name).click()


@pytest.mark.parametrize("line", ["websocket", "requests"], indirect=True)
async def test_a_file_is_read_together_and_a_comment_stays_on_its_line_while_the_agent_goes_on(
    shop: Shop, open_page: OpenPage, picture: Picture
) -> None:
    ana = await shop.enter(await open_page(viewport={"width": 1440, "height": 900}), "ana@shop.example")
    ben = await shop.enter(await open_page(viewport={"width": 1440, "height": 900}), "ben@shop.example")
    await ana.get_by_role("button", name="Files", exact=True).click()
    await expect(ana.get_by_text("No files are shared yet")).to_be_visible()

    # A file appears live, with its colours.
    shop.save(FILE, FIRST)
    await ana.get_by_role("treeitem", name="cart.py").click()
    await expect(ana.locator(".cm-line .tok-keyword").first).to_be_visible()

    # Ben opens the same file and sees where Ana's cursor is, by name; she sees that he is there.
    await open_file(ben, "cart.py")
    await line(ana, "def total").click()
    cursor = ben.locator(".remote-cursor")
    await expect(cursor.locator(".remote-flag")).to_have_text("Ana Silva")
    at, there = await cursor.bounding_box(), await line(ben, "def total").bounding_box()
    assert at is not None
    assert there is not None
    assert abs(at["y"] - there["y"]) < 4
    await expect(ben.get_by_role("button", name=re.compile("Ana Silva, active, at cart.py:16"))).to_be_visible()
    await expect(ana.get_by_role("treeitem", name=re.compile("Ben Okafor here"))).to_be_visible()
    await ana.keyboard.press("Shift+ArrowDown")
    await expect(ben.locator(".remote-selection").first).to_be_visible()

    # Ana comments on a line; Ben sees it below that line, and the transcript tells of it.
    await comment(ana, "return sum", "Is zero right for an empty cart, @Ben Okafor?")
    thread = card(ben, "Is zero right")
    await expect(thread).to_be_visible()
    assert await below(ben, "return sum", thread)
    await ben.keyboard.press("1")
    row = ben.get_by_role("feed", name="Transcript").get_by_role("button", name=f"{FILE}:18")
    await row.click()
    await expect(card(ben, "Is zero right")).to_be_visible()

    # The agent goes on: the comment stays on its line, which has moved, and says so.
    shop.save(FILE, SECOND)
    for page in (ana, ben):
        await expect(number(page, 21)).to_be_visible()
        await expect(card(page, "Is zero right")).to_contain_text("moved from line 18")
        assert await below(page, "return sum", card(page, "Is zero right"))
    await picture(ben, "files")

    # An answer, and the matter is settled; the thread folds for both.
    await card(ben, "Is zero right").get_by_role("button", name="Reply…").click()
    await ben.get_by_role("textbox", name="Reply").fill("Yes: nothing costs nothing.")
    await ben.keyboard.press("Control+Enter")
    await expect(card(ana, "nothing costs nothing")).to_be_visible()
    await card(ana, "Is zero right").get_by_role("button", name="Resolve").click()
    for page in (ana, ben):
        await expect(card(page, "Resolved by Ana Silva")).to_be_visible()
        await expect(card(page, "nothing costs nothing")).to_have_count(0)
    await card(ben, "Resolved by").get_by_role("button", name=re.compile("Resolved by")).click()
    await card(ben, "Is zero right").get_by_role("button", name="Reopen").click()
    await expect(card(ana, "Is zero right").get_by_role("button", name="Resolve")).to_be_visible()

    # The agent writes those lines anew: the thread is outdated, with its lines as they were, and not lost.
    shop.save(FILE, THIRD)
    await expect(line(ana, "till.reckon")).to_be_visible()
    await ana.get_by_role("button", name=re.compile("1 outdated comment")).click()
    outdated = card(ana, "Is zero right")
    await expect(outdated).to_contain_text("return sum((price for _, price in self.lines), Decimal(0))")
    await expect(outdated).to_contain_text("line 18 changed since")
    await ana.get_by_role("button", name=re.compile("^Comments")).click()
    await expect(ana.get_by_role("list", name="Open comments")).to_contain_text("outdated")
    await outdated.get_by_role("button", name="Show it there").click()
    await expect(ana.get_by_text("This is version 1 of 3")).to_be_visible()
    await expect(card(ana, "Is zero right")).to_be_visible()
    assert await below(ana, "return sum", card(ana, "Is zero right"))
    await ana.get_by_role("button", name="Go to the newest").click()
    await expect(line(ana, "till.reckon")).to_be_visible()

    # What the agent changed, side by side and in one column.
    await ana.get_by_role("button", name="Changes", exact=True).click()
    sides = ana.locator(".cm-mergeView .cm-editor")
    await expect(sides).to_have_count(2)
    await expect(sides.nth(0).locator(".cm-changedLine", has_text="return sum")).to_be_visible()
    await expect(sides.nth(1).locator(".cm-changedLine", has_text="till.reckon")).to_be_visible()
    await ana.get_by_role("button", name="Show in one column").click()
    await expect(ana.locator(".cm-deletedChunk", has_text="return sum")).to_be_visible()
    await picture(ana, "files-changes")


async def test_a_link_leads_to_its_line_in_its_version(shop: Shop, open_page: OpenPage) -> None:
    first = shop.save(FILE, FIRST)
    shop.save(FILE, SECOND)
    page = await shop.enter(await open_page(), "ben@shop.example", f"#file={FILE}&line=18&version={first}")
    await expect(page.locator(".cm-aimed")).to_have_text(SUM)
    await expect(page.get_by_text("This is version 1 of 2")).to_be_visible()
    await number(page, 12).click()
    await expect(page).to_have_url(re.compile(f"#file={FILE}&line=12&version={first}$"))
    await page.get_by_role("textbox", name="Message").fill("Look at cart.py:16, please.")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="cart.py:16").click()
    # What is said now is about the newest version.
    await expect(page.get_by_text("This is version 1 of 2")).to_have_count(0)
    await expect(page.locator(".cm-aimed")).to_have_text('        """Puts one more of it into the cart."""')


async def test_what_is_no_text_is_said_to_be_so_and_every_change_has_its_sign(shop: Shop, open_page: OpenPage) -> None:
    shop.save("logo.png", b"\x89PNG\0\1")
    shop.save("old.py", "print('old')\n")
    shop.save("same.py", FIRST)
    shop.save("new.py", "print('new')\n", "added")
    shop.report(path="huge.csv", change="modified", version=None, size=9_000_000, reason="It is larger than 1 MiB.")
    shop.save("renamed.py", FIRST, "renamed", old_path="same.py")
    shop.report(path="old.py", change="deleted", version=None)
    page = await shop.enter(await open_page(), "ben@shop.example")
    await page.get_by_role("button", name="Files", exact=True).click()
    tree = page.get_by_role("tree", name="Shared files")
    for name in ("old.py, deleted", "new.py, added", "renamed.py, renamed"):
        await expect(tree.get_by_role("treeitem", name=name)).to_be_visible()
    await tree.get_by_role("treeitem", name="logo.png").click()
    await expect(page.get_by_text("This is no text")).to_be_visible()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("It is larger than 1 MiB.")).to_be_visible()
    await tree.get_by_role("treeitem", name="old.py").click()
    await page.get_by_role("button", name="Show its last version").click()
    await expect(line(page, "print('old')")).to_be_visible()
    await page.get_by_role("textbox", name="Filter files").fill("ren py")
    await expect(tree.get_by_role("treeitem")).to_have_count(1)


async def test_a_comment_written_in_a_tunnel_is_sent_once_when_the_line_is_back(
    shop: Shop, open_page: OpenPage, open_context: OpenContext, console: ConsoleWatch
) -> None:
    shop.save(FILE, FIRST)
    ana = await shop.enter(await open_page(), "ana@shop.example", f"#file={FILE}")
    context = await open_context()
    ben = await shop.enter(await context.new_page(), "ben@shop.example", f"#file={FILE}")
    await expect(line(ben, "def total")).to_be_visible()
    console.expect("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    await context.set_offline(True)
    await comment(ben, "def total", "Written in a tunnel")
    await expect(card(ben, "Written in a tunnel")).to_be_visible()
    await context.set_offline(False)
    await expect(card(ana, "Written in a tunnel")).to_have_count(1, timeout=40_000)
    await expect(card(ben, "Written in a tunnel").get_by_role("button", name="Resolve")).to_be_visible(timeout=40_000)
    await expect(card(ben, "Written in a tunnel")).to_have_count(1)

    # Back in the light it reads differently, and then not at all.
    await card(ben, "Written in a tunnel").get_by_role("button", name="What to do with this comment").click()
    await ben.get_by_role("menuitem", name="Edit").click()
    await ben.get_by_role("textbox", name="Edit the comment").fill("Written in the light")
    await ben.keyboard.press("Control+Enter")
    await expect(card(ana, "Written in the light")).to_contain_text("edited")
    await card(ben, "Written in the light").get_by_role("button", name="What to do with this comment").click()
    await ben.get_by_role("menuitem", name="Delete").click()
    await expect(card(ana, "This comment was deleted.")).to_be_visible()
    await expect(card(ana, "Written in")).to_have_count(0)


async def test_the_files_are_read_on_a_phone_and_in_the_dark(shop: Shop, open_page: OpenPage, picture: Picture) -> None:
    shop.save(FILE, FIRST)
    shop.save(FILE, THIRD)
    phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
    page = await shop.enter(await open_page(**phone), "ben@shop.example")
    await open_file(page, "cart.py")
    await expect(line(page, "class Cart")).to_be_visible()
    await comment(page, "class Cart", "From the bus")
    await expect(card(page, "From the bus").get_by_role("button", name="Resolve")).to_be_visible()
    await picture(page, "files-phone")
    await page.get_by_role("button", name="Changes").click()
    await expect(page.locator(".cm-deletedChunk", has_text="return sum")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    await page.get_by_role("button", name="All files").click()
    await expect(page.get_by_role("treeitem", name="cart.py")).to_be_visible()
    wide = {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}}
    dark = await shop.enter(await open_page(**wide), "ana@shop.example", f"#file={FILE}")
    await expect(card(dark, "From the bus")).to_be_visible()
    await picture(dark, "files-dark")
