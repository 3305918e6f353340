"""How the Slack thread stands, in a real browser: linked, late, gone, and opened anew by its host with one click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from core import accounts, mirrors
from core.db import Transaction
from core.mirrors import Lease
from tests.stories.house import House, Someone, open_house
from tests.support.browser import PATIENCE_MS, ConsoleWatch, Picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Awaitable[Page]]


async def is_accessible(page: Page) -> None:
    assert not (await Axe().run(page)).response["violations"]


async def linked(house: House, session_id: str, ts: str) -> Lease:
    """What another process does: it holds the mirror and has posted the card."""

    def work(tx: Transaction) -> Lease:
        mirrors.open_mirror(tx, session_id, realm="T0ELSEWHERE", channel="C1", channel_name="payments")
        lease = mirrors.take(tx, session_id, "own_elsewhere", 600, is_only_process=True)
        assert lease is not None
        mirrors.opened(tx, lease, ts, url=f"https://acme.slack.example/{ts}", card_hash="x")
        mirrors.advance(tx, lease, cursor=1_000)
        return lease

    return await house.runtime.db.write(work)


async def enter(house: House, who: Someone, page: Page, session_id: str) -> None:
    secret = await house.runtime.db.write(lambda tx: accounts.new_sign_in_link(tx, who.id))
    await page.goto(f"{house.url}/sign-in?next=/s/{session_id}#{secret}")
    await expect(page.get_by_role("button", name="Session menu")).to_be_visible()


async def test_everybody_sees_how_the_thread_stands_and_a_host_opens_another(
    sqlite_url: str, tmp_path: Path, open_page: OpenPage, picture: Picture, console: ConsoleWatch
) -> None:
    console.expect(r"401")  # Pages ask who is there.
    async with open_house(sqlite_url, tmp_path / "data") as house:
        alice, bob = await house.someone("Alice"), await house.someone("Bob")
        session_id = await alice.start("Mend the till")
        await bob.accept(await alice.invite(session_id))
        desk = await open_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        phone = await open_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        await enter(house, alice, desk, session_id)
        await enter(house, bob, phone, session_id)
        pages = (desk, phone)

        lease = await linked(house, session_id, "1.0")
        await expect(desk.get_by_role("link", name="#payments", exact=True)).to_have_attribute(
            "href", "https://acme.slack.example/1.0"
        )
        await picture(desk, "thread-linked")

        # Nobody copies any more, and time passes.
        await house.runtime.db.write(lambda tx: rewind(tx, lease))
        house.clock.passed += timedelta(seconds=40)
        for page in pages:
            await expect(page.get_by_text("behind")).to_be_visible()
        await picture(desk, "thread-late-wide")
        await picture(phone, "thread-late-phone")

        await house.runtime.db.write(lambda tx: mirrors.pause(tx, lease, "The Slack thread was deleted."))
        for page in pages:
            bar = page.get_by_role("status", name="Slack")
            await expect(bar).to_contain_text("The Slack mirror is paused. The Slack thread was deleted.")
        await expect(phone.get_by_role("button", name="Open a new thread")).to_have_count(0)
        await picture(desk, "thread-paused-wide")
        await picture(phone, "thread-paused-phone")
        await is_accessible(desk)
        await is_accessible(phone)

        await desk.get_by_role("button", name="Open a new thread").click()
        for page in pages:
            await expect(page.get_by_role("status", name="Slack")).to_be_empty()
        await linked(house, session_id, "2.0")
        await expect(desk.get_by_role("link", name="#payments", exact=True)).to_have_attribute(
            "href", "https://acme.slack.example/2.0"
        )
        # A page outlives its server badly.
        for page in pages:
            await page.close()


def rewind(tx: Transaction, lease: Lease) -> None:
    """The thread lacks the newest entry."""
    mirror = mirrors.held(tx, lease)
    mirror.cursor = 0
    tx.sql.add(mirror)
