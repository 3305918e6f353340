"""Signing in by mail, in real browsers: the code, the link, the link in another browser; and the mailbox page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.support.browser import ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.browser


async def newest_mail(server: ServerProcess, page: Page) -> None:
    """Opens the newest mail of the mailbox on `page`, once there is one more than before."""
    await page.goto(f"{server.url}/mailbox")
    await expect(page.get_by_role("link", name="Sign in to Cosession").first).to_be_visible()
    await page.get_by_role("link", name="Sign in to Cosession").first.click()


async def test_somebody_comes_in_by_code_and_by_link(
    server_process: ServerProcess,
    open_page: Callable[..., Awaitable[Page]],
    picture: Picture,
    console: ConsoleWatch,
) -> None:
    console.expect(r"401")  # Nobody is signed in at first, and the page asks.
    console.expect(r"410")  # A link in the wrong browser.
    server = server_process
    page = await open_page(viewport={"width": 1280, "height": 900})
    await page.goto(f"{server.url}/sign-in")
    await page.get_by_label("Your e-mail address").fill("bob@acme.example")
    await picture(page, "sign-in-by-mail")
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_text("a mail is on its way")).to_be_visible()
    assert not (await Axe().run(page)).response["violations"]

    await wait_for_mail(server, 1)
    mailbox = await open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    await newest_mail(server, mailbox)
    mail = mailbox.frame_locator("iframe[title='The mail']")
    code = await mail.get_by_text(re.compile(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")).inner_text()
    await picture(mailbox, "mailbox")
    link = await mail.get_by_role("link", name="Sign in").get_attribute("href")
    assert link is not None

    await mailbox.goto(link)
    await expect(mailbox.get_by_role("heading", name="This link does not sign you in")).to_be_visible()
    await expect(mailbox.get_by_text("another browser")).to_be_visible()

    await page.get_by_role("textbox", name="Code").fill(code.lower())
    await page.get_by_role("button", name="Sign in").click()
    account = page.get_by_role("button", name="Bob Chen: your account")
    await expect(account).to_be_visible()

    await page.goto(f"{server.url}/settings")
    digest = page.get_by_role("region", name="Digest")
    await expect(digest.get_by_role("status")).to_contain_text("The next comes Mon")
    await digest.get_by_label("How often").select_option("daily")
    await digest.get_by_role("textbox", name="At").fill("07:30")
    await expect(digest.get_by_role("status")).to_contain_text("07:30")
    assert not (await Axe().run(page)).response["violations"]
    await picture(page, "settings-digest")
    await page.reload()
    await expect(digest.get_by_role("textbox", name="At")).to_have_value("07:30")
    await expect(digest.get_by_label("How often")).to_have_value("daily")

    await account.click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.goto(f"{server.url}/sign-in")
    await page.get_by_label("Your e-mail address").fill("bob@acme.example")
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_text("a mail is on its way")).to_be_visible()
    await wait_for_mail(server, 2)
    await newest_mail(server, mailbox)
    link = await mail.get_by_role("link", name="Sign in").get_attribute("href")
    assert link is not None
    await page.goto(link)
    await expect(page.get_by_text("You come in as bob@")).to_be_visible()
    await picture(page, "sign-in-confirm")
    await page.get_by_role("button", name="Sign in").click()
    await expect(account).to_be_visible()


async def wait_for_mail(server: ServerProcess, many: int) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as client:
        for _ in range(200):
            page = (await client.get("/mailbox")).text
            if page.count('href="/mailbox/mai_') >= many:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("no mail came")
