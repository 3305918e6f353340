"""Files in the chat as two people use them: picked, pasted and dropped, seen large, downloaded, taken back."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.core.test_pictures import png
from tests.stories.test_chat_in_browser import NARROW, WIDE, OpenPage, Team, do, message, team
from tests.support.browser import ConsoleWatch, Picture

__all__ = ["team"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: Hands a file to the page the way that a clipboard or a pointer would.
GIVE = """([kind, selector, name, type, bytes]) => {
  const data = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0));
  data.items.add(new File([content], name, { type }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: data })
    : new DragEvent("drop", { ...options, dataTransfer: data });
  document.querySelector(selector).dispatchEvent(event);
}"""


async def give(page: Page, kind: str, selector: str, name: str, content: bytes) -> None:
    await page.evaluate(GIVE, [kind, selector, name, "image/png", base64.b64encode(content).decode()])


async def test_pictures_and_files_are_sent_with_a_message_seen_by_others_and_taken_back(
    team: Team, open_page: OpenPage, picture: Picture, tmp_path: Path
) -> None:
    ana = await team.enter(await open_page(viewport=WIDE), "ana")
    ben = await team.enter(await open_page(viewport=NARROW, color_scheme="dark"), "ben")
    await ben.get_by_role("navigation", name="Parts of the session").get_by_role("button", name="Chat").click()
    (tmp_path / "schema.sql").write_text("CREATE TABLE carts (id INTEGER);\n")
    (tmp_path / "cart.png").write_bytes(png(640, 360))

    # One is picked with the button, one comes from the clipboard, one is dropped.
    await ana.get_by_test_id("file-picker").set_input_files([tmp_path / "cart.png", tmp_path / "schema.sql"])
    chosen = ana.get_by_role("list", name="Files of this message")
    await give(ana, "paste", "textarea[aria-label=Message]", "pasted.png", png(300, 500))
    await give(ana, "drop", "section[aria-label=Chat]", "dropped.png", png(90, 90))
    await expect(chosen.get_by_role("listitem")).to_have_count(4)
    await expect(chosen.locator("img")).to_have_count(3)
    await chosen.get_by_role("button", name="Remove dropped.png").click()
    await picture(ana, "chat-attaching")

    # What was attached is still there after a reload, with the words.
    field = ana.get_by_role("textbox", name="Message", exact=True)
    await field.fill("The cart as it looks now")
    await ana.reload()
    await expect(chosen.get_by_role("listitem")).to_have_count(3)
    await ana.get_by_role("button", name="Send", exact=True).click()
    await expect(chosen).to_be_hidden()

    # Ben sees them, goes through the pictures with the keys, and takes the file.
    for page in (ana, ben):
        await expect(message(page, "The cart as it looks now").get_by_role("img", name="cart.png")).to_be_visible()
    said = message(ben, "The cart as it looks now")
    await picture(ben, "chat-files-phone")
    await said.get_by_role("button", name="Enlarge cart.png").click()
    large = ben.get_by_role("dialog")
    await expect(large.get_by_role("img", name="cart.png")).to_be_visible()
    await ben.keyboard.press("ArrowRight")
    await expect(large.get_by_role("img", name="pasted.png")).to_be_visible()
    await picture(ben, "chat-picture-phone")
    await ben.keyboard.press("Escape")
    await expect(large).to_be_hidden()
    async with ben.expect_download() as started:
        await said.get_by_role("link", name="schema.sql").click()
    download = await started.value
    assert download.suggested_filename == "schema.sql"
    content = await asyncio.to_thread(Path(await download.path()).read_text)
    assert content.startswith("CREATE TABLE")
    await picture(ana, "chat-files")

    # Files alone are a message, and with the message they are gone.
    await ana.get_by_test_id("file-picker").set_input_files([tmp_path / "schema.sql"])
    await expect(chosen.get_by_text("33 B")).to_be_visible()
    await ana.get_by_role("button", name="Send", exact=True).click()
    await expect(ben.get_by_role("link", name="schema.sql")).to_have_count(2)
    await do(ana, "The cart as it looks now", "Delete…")
    await ana.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(ben.get_by_role("link", name="schema.sql")).to_have_count(1)
    await expect(ben.get_by_role("img", name="cart.png")).to_have_count(0)


async def test_what_does_not_fit_or_get_through_is_said_and_can_be_tried_again(
    team: Team, open_page: OpenPage, console: ConsoleWatch, tmp_path: Path
) -> None:
    ana = await team.enter(await open_page(viewport=WIDE), "ana")
    (tmp_path / "big.bin").write_bytes(bytes(10 * 1024 * 1024 + 1))
    (tmp_path / "note.txt").write_text("hello")
    picker = ana.get_by_test_id("file-picker")
    await picker.set_input_files([tmp_path / "big.bin"])
    await expect(ana.get_by_text("big.bin has 10.0 MiB; 10.0 MiB fit.")).to_be_visible()

    console.expect("Failed to load resource")
    await ana.route("**/attachments?*", lambda route: route.abort())
    await picker.set_input_files([tmp_path / "note.txt"])
    await expect(ana.get_by_text("It did not get through. Check your connection.")).to_be_visible()
    await ana.get_by_role("textbox", name="Message", exact=True).fill("with a note")
    await expect(ana.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    await ana.unroute("**/attachments?*")
    await ana.get_by_role("button", name="Send note.txt again").click()
    await ana.get_by_role("button", name="Send", exact=True).click()
    await expect(message(ana, "with a note").get_by_role("link", name="note.txt")).to_be_visible()
