"""Inviting, in real browsers: a link that a host confirms, somebody who knocks, and what a closed way in says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.support.browser import ConsoleWatch, Picture
from tests.support.server import ServerProcess

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Awaitable[Page]]


async def is_accessible(page: Page) -> None:
    assert not (await Axe().run(page)).response["violations"]


async def enter(page: Page, server: ServerProcess, who: str) -> None:
    await page.goto(server.run("user", "sign-in", f"{who}@till.example"))
    await expect(page.get_by_role("button", name="your account")).to_be_visible()


async def invite(page: Page) -> str:
    """Presses the dialog's button; the link that it shows."""
    await page.get_by_role("button", name="Create link").click()
    link = page.get_by_role("textbox", name="Invite link")
    await expect(link).to_be_visible()
    return await link.input_value()


async def test_somebody_knocks_is_let_in_and_goes_with_the_invite(
    server_process: ServerProcess, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect(r"401|404")  # Pages ask who is there, and one is removed.
    server = server_process
    for who in ("alice", "carol"):
        server.run("user", "add", f"{who}@till.example", "--name", who.capitalize())
    bearer = {"Authorization": f"Bearer {server.run('token', 'alice@till.example')}"}
    started = httpx2.post(f"{server.url}/api/sessions", json={"title": "Mend the till"}, headers=bearer)
    alice = await open_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    await enter(alice, server, "alice")
    await alice.goto(f"{server.url}/s/{started.json()['id']}")

    # A link for whoever has it, behind which a host decides.
    await alice.get_by_role("button", name="Invite people").click()
    await expect(alice.get_by_text("No invite is open.")).to_be_visible()
    await alice.get_by_role("checkbox", name="A host admits each person").check()
    await picture(alice, "invite-form")
    await is_accessible(alice)
    link = await invite(alice)
    await alice.get_by_role("button", name="Done").click()

    dave = await open_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    await dave.goto(link)
    await dave.get_by_role("textbox", name="Your name").fill("Dave")
    await picture(dave, "invite-page")
    await is_accessible(dave)
    await dave.get_by_role("button", name="Ask to come in").click()
    await expect(dave.get_by_role("heading", name="A host has been asked")).to_be_visible()
    await picture(dave, "invite-waiting")

    await expect(alice.get_by_role("status", name="At the door")).to_contain_text("Dave wants to come in as editor")
    await picture(alice, "invite-knock")
    await is_accessible(alice)
    await alice.get_by_role("button", name="Admit Dave as editor").click()
    await expect(dave.get_by_role("heading", name="Mend the till")).to_be_visible()
    await expect(alice.get_by_role("status", name="At the door")).to_be_empty()

    # One for a single address says no more than that to anybody else.
    await alice.get_by_role("button", name="Invite people").click()
    await alice.get_by_role("radio", name="The holder of an address").check()
    await alice.get_by_role("textbox", name="E-mail address").fill("bob@till.example")
    bobs = await invite(alice)
    carol = await open_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    await carol.goto(bobs)
    await expect(carol.get_by_text("the holder of b…@till.example")).to_be_visible()
    await enter(carol, server, "carol")
    await carol.goto(bobs)
    await expect(carol.get_by_role("heading", name="This invite is for somebody else")).to_be_visible()
    await expect(carol.get_by_text("Mend the till")).to_have_count(0)
    await picture(carol, "invite-wrong-person")
    await is_accessible(carol)

    # The first is withdrawn, with the one who came by it.
    await alice.get_by_role("button", name="Another invite").click()
    listed = alice.get_by_role("list", name="Open invites")
    await expect(listed).to_contain_text("bob@till.example")
    await expect(listed).to_contain_text("1 person here by it")
    await picture(alice, "invite-list")
    await alice.get_by_role("button", name="Withdraw the invite for anybody with the link").click()
    await alice.get_by_role("button", name="With everybody who came by it").click()
    await expect(dave.get_by_role("heading", name="Mend the till")).to_be_hidden()
    await expect(listed).not_to_contain_text("here by it")
    await dave.goto(f"{server.url}/")
    await dave.goto(link)
    await expect(dave.get_by_role("heading", name="This invite was withdrawn")).to_be_visible()
    await picture(dave, "invite-withdrawn")
    await is_accessible(dave)
