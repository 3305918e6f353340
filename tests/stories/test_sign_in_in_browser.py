"""Signing in with Slack, in a real browser: from a session's address to Slack and back into the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.support.browser import ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.browser


async def test_somebody_from_slack_comes_in_is_connected_and_leaves_again(
    server_process: ServerProcess,
    open_page: Callable[..., Awaitable[Page]],
    picture: Picture,
    console: ConsoleWatch,
) -> None:
    console.expect(r"401")  # Nobody is signed in at first, and the page asks.
    server = server_process.url
    page = await open_page(viewport={"width": 1440, "height": 900})
    await page.goto(server)
    await expect(page.get_by_role("link", name="Sign in with Slack")).to_be_visible()
    await picture(page, "sign-in")
    assert not (await Axe().run(page)).response["violations"]

    await page.get_by_role("link", name="Sign in with Slack").click()
    await expect(page.get_by_role("heading", name="Sign in to Acme")).to_be_visible()
    await picture(page, "sign-in-slack")
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("You did not agree in Slack")

    await page.get_by_role("link", name="Sign in with Slack").click()
    await page.get_by_role("link", name="Continue as Mallory").click()
    await expect(page.get_by_role("alert")).to_contain_text("Guests of the workspace cannot")

    await page.get_by_role("link", name="Sign in with Slack").click()
    await page.get_by_role("link", name="Continue as Bob").click()
    account = page.get_by_role("button", name="Bob Chen: your account")
    await account.click()
    await picture(page, "account-menu")
    await page.get_by_role("menuitem", name="Disconnect Slack").click()
    await expect(page.get_by_text("is not connected any more")).to_be_visible()
    await account.click()
    await expect(page.get_by_role("menuitem", name="Connect Slack")).to_be_visible()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in with Slack")).to_be_visible()
