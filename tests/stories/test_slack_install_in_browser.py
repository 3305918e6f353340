"""Adding a Slack workspace, in a real browser: to Slack and back, for an administrator and for nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.support.browser import ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.browser


async def test_an_administrator_adds_a_workspace_and_a_stranger_cannot(
    server_process: ServerProcess,
    open_page: Callable[..., Awaitable[Page]],
    picture: Picture,
    console: ConsoleWatch,
) -> None:
    console.expect(r"40[01]|403")  # Declined, and not allowed: both pages say so by their status as well.
    stranger = await open_page()
    await stranger.goto(f"{server_process.url}/slack/install")
    await expect(stranger.get_by_role("heading", name="Not allowed")).to_be_visible()

    page = await open_page(viewport={"width": 1000, "height": 620})
    await page.goto(server_process.sign_in_url())
    await expect(page).to_have_url(f"{server_process.url}/")
    await page.goto(f"{server_process.url}/slack/install")
    await expect(page.get_by_role("heading", name="Add Cosession to Acme")).to_be_visible()
    await picture(page, "slack-install")
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_text("Slack was told not to install it.")).to_be_visible()
    await page.get_by_role("link", name="Begin again").click()
    await page.get_by_role("link", name="Continue as Alice").click()
    await expect(page.get_by_role("heading", name="Installed")).to_be_visible()
    assert not (await Axe().run(page)).response["violations"]
    await picture(page, "slack-installed")
