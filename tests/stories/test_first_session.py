"""The first five minutes, in real browsers: started from (sandbox) Slack, fed by an agent, answered in the thread."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browser import PATIENCE_MS, ConsoleWatch, OpenContext, Picture
from tests.support.chromium import ROOT
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SAMPLE = ROOT / "docs" / "samples" / "login-bug.jsonl"
RECORDED = ROOT.parent / "shared" / "reference" / "transcripts" / "codex" / "cli" / "rollout.fix.jsonl"

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Awaitable[Page]]


def cosession(server: ServerProcess, *words: str) -> subprocess.Popen[str]:
    """`cosession …` beside the running server, as its operator types it."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("cosession")), *words],
        env={"COSESSION_DATA_DIR": str(server.data_dir), "PORT": str(server.port), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def finished(process: subprocess.Popen[str]) -> str:
    output, _ = await asyncio.to_thread(process.communicate, timeout=120)
    assert process.returncode == 0, output
    return output


async def start_in_slack(sandbox: Page, server: ServerProcess, title: str) -> None:
    await sandbox.goto(f"{server.url}/sandbox/slack")
    composer = sandbox.get_by_role("textbox").first
    await composer.fill(f"/cosession start {title}")
    await composer.press("Enter")
    await expect(
        sandbox.get_by_role("link", name="Open session").or_(sandbox.get_by_role("button", name="Open session"))
    ).to_be_visible()


def either(page: Page, name: str) -> Locator:
    """A link or a button: what a card's button becomes is the sandbox's business."""
    return page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name, exact=True)).first


async def open_thread(sandbox: Page) -> None:
    await sandbox.get_by_role("button", name=re.compile(r"\d+ repl")).first.click()


async def act_as(sandbox: Page, name: str) -> None:
    await sandbox.get_by_label("Acting as").select_option(label=name)


async def reply(sandbox: Page, text: str) -> None:
    composer = sandbox.get_by_role("textbox", name="Reply…")
    await composer.fill(text)
    await composer.press("Enter")


async def session_address(page: Page, server: ServerProcess) -> str:
    """The newest session that whoever is signed in on `page` may see."""
    session_id = await page.evaluate("fetch('/api/sessions').then(r => r.json()).then(found => found.items[0].id)")
    return f"{server.url}/s/{session_id}"


async def sign_in_as(page: Page, server: ServerProcess, email: str) -> None:
    await page.goto((await finished(cosession(server, "user", "sign-in", email))).strip())
    await expect(page.get_by_role("list", name="Sessions")).to_be_visible()


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message").fill(text)
    await page.get_by_role("button", name="Send").click()


def messages(page: Page, text: str) -> Locator:
    return page.get_by_role("log", name="Messages").locator("article", has_text=text)


def transcript(page: Page) -> Locator:
    return page.get_by_role("feed", name="Transcript")


async def message_ids(page: Page) -> list[str]:
    """The messages that the chat shows, in its order."""
    found = (
        await page.get_by_role("log", name="Messages")
        .locator("article")
        .evaluate_all("articles => articles.map(article => article.dataset.message)")
    )
    return list(found)


async def test_a_session_from_slack_is_lived_through_in_two_browsers_and_the_thread(
    server_process: ServerProcess,
    open_page: OpenPage,
    open_context: OpenContext,
    console: ConsoleWatch,
    picture: Picture,
) -> None:
    server = server_process
    sandbox = await open_page()
    await start_in_slack(sandbox, server, "Fix the login bug")
    await picture(sandbox, "slack-card")

    alice = await open_page(viewport={"width": 1440, "height": 900})
    await alice.goto(server.sign_in_url())
    await expect(alice.get_by_role("list", name="Sessions")).to_contain_text("Fix the login bug")
    await picture(alice, "sessions")
    address = await session_address(alice, server)
    bobs = await open_context()
    bob = await bobs.new_page()
    await sign_in_as(bob, server, "bob@acme.example")
    for page in (alice, bob):
        await page.goto(address)
        await expect(page.get_by_role("heading", name="Fix the login bug")).to_be_visible()
    await expect(alice.get_by_role("list", name="People here")).to_contain_text("BC")

    sharing = cosession(server, "share", "--from", str(SAMPLE), "--speed", "8", "--session", address)
    await expect(transcript(alice)).to_contain_text("Passwords are now checked exactly as they were typed.")
    assert "tool calls: 5 completed, 1 failed" in await finished(sharing)
    await expect(transcript(bob)).to_contain_text("Passwords are now checked exactly as they were typed.")

    await say(alice, "Shall we ship it? The fix is one line.")
    await expect(messages(bob, "Shall we ship it?")).to_have_count(1)
    await open_thread(sandbox)
    await expect(sandbox.get_by_text("Shall we ship it? The fix is one line.")).to_be_visible()
    await act_as(sandbox, "Bob Chen")
    await open_thread(sandbox)
    await reply(sandbox, "From the thread: yes, `log_in` looks right now.")
    for page in (alice, bob):
        await expect(messages(page, "From the thread: yes")).to_have_count(1)
    await expect(messages(alice, "From the thread: yes")).to_contain_text("Slack")
    await expect(sandbox.locator("article").first).to_contain_text("82,749 tokens")
    await picture(alice, "session")
    await picture(sandbox, "slack-thread")

    console.expect("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    await bobs.set_offline(True)
    await say(bob, "Written in a tunnel")
    await say(alice, "Said while Bob was away")
    await reply(sandbox, "Also said while he was away")
    await expect(messages(alice, "Also said while he was away")).to_have_count(1)
    await bobs.set_offline(False)
    for page in (alice, bob):
        for text in ("Said while Bob was away", "Also said while he was away", "Written in a tunnel"):
            await expect(messages(page, text)).to_have_count(1, timeout=30_000)
    assert await message_ids(bob) == await message_ids(alice)
    await expect(sandbox.get_by_text("Written in a tunnel")).to_be_visible()


async def test_a_recording_of_a_real_agent_runs_in_the_browser(
    server_process: ServerProcess, open_page: OpenPage
) -> None:
    if not RECORDED.exists():
        pytest.skip("the recordings of real agents are not beside this checkout")
    page = await open_page()
    await page.goto(server_process.sign_in_url())
    shared = cosession(server_process, "share", "--from", str(RECORDED), "--speed", "0", "--title", "Codex at work")
    assert "tokens: 76,325" in await finished(shared)
    await page.goto(await session_address(page, server_process))
    shown = transcript(page)
    await expect(shown).to_contain_text("All 2 tests pass")
    await expect(shown).to_contain_text("exit 3")
    await expect(shown.get_by_text("<script>alert('x')</script>")).to_be_visible()


async def test_each_screen_looks_right_in_the_dark_and_on_a_phone(
    server_process: ServerProcess, open_page: OpenPage, picture: Picture
) -> None:
    shared = cosession(server_process, "share", "--from", str(SAMPLE), "--speed", "0", "--title", "Fix the login bug")
    await finished(shared)
    dark = await open_page(color_scheme="dark", viewport={"width": 1440, "height": 900})
    await sign_in_as(dark, server_process, "alice@acme.example")
    address = await session_address(dark, server_process)
    phone = await open_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    await sign_in_as(phone, server_process, "alice@acme.example")
    for page, name in ((dark, "session-dark"), (phone, "session-phone")):
        await page.goto(address)
        await expect(transcript(page).get_by_text("All 43 tests pass.")).to_be_visible()
        wide = await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert wide, f"{name} scrolls sideways"
        await picture(page, name)
