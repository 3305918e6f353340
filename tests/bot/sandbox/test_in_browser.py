"""The sandbox's page in a real browser, with a Bolt app behind it and the content security policy before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, Page, expect
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.sandbox import SandboxEngine, sandbox_app
from tests.bot.support.files import PIXEL

from .conftest import SECRET, TOKEN, serving

STATIC = Path(__file__).parents[3] / "api" / "static"
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'"
)
OpenPage = Callable[..., Awaitable[Page]]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (STATIC / "sandbox.html").exists(), reason="the web view has not been built"),
]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def small_app(engine: SandboxEngine) -> AsyncApp:
    """A command that posts a card, a button that answers privately, a modal that finds fault."""
    client = AsyncWebClient(token=TOKEN, base_url=f"{engine.base_url}/api/", retry_handlers=[])
    app = AsyncApp(signing_secret=SECRET, client=client)
    title = {"type": "plain_text_input", "action_id": "title"}
    inputs = [{"type": "input", "block_id": "t", "label": plain("Title"), "element": title}]
    modal = {"type": "modal", "callback_id": "m", "title": plain("Start"), "submit": plain("Go"), "blocks": inputs}

    @app.command("/cosession")
    async def command(ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        if command["text"] == "form":
            await client.views_open(trigger_id=command["trigger_id"], view=modal)
            return
        button = {"type": "button", "action_id": "end", "text": plain("End")}
        blocks = [{"type": "header", "text": plain("Fix it")}, {"type": "actions", "elements": [button]}]
        card = await client.chat_postMessage(channel=command["channel_id"], text="card", blocks=blocks)
        text = "look at `auth.py`:\n```\na < b\n```"
        await client.chat_postMessage(channel=card["channel"], thread_ts=card["ts"], username="Ann Web", text=text)  # pyright: ignore[reportArgumentType]

    @app.action("end")
    async def end(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="Only the host may end it.", replace_original=False)

    @app.shortcut("from_message")
    async def from_message(ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        entry = {**title, "initial_value": shortcut["message"]["text"]}
        place = {"type": "conversations_select", "action_id": "place", "default_to_current_conversation": True}
        blocks = [
            {**inputs[0], "element": entry},
            {"type": "input", "block_id": "p", "label": plain("Channel"), "element": place},
        ]
        await client.views_open(trigger_id=shortcut["trigger_id"], view={**modal, "blocks": blocks})

    @app.view("m")
    async def submitted(ack: Any) -> None:
        await ack(response_action="errors", errors={"t": "Too short"})

    @app.event({"type": "message"})
    async def message() -> None:
        """Every event needs a listener."""

    return app


@pytest.fixture
async def page_url(engine: SandboxEngine) -> AsyncGenerator[str, None]:
    async def show(request: Request) -> Response:
        return FileResponse(STATIC / "sandbox.html", headers={"content-security-policy": POLICY})

    async def events(request: Request) -> Response:
        return await AsyncSlackRequestHandler(bolt).handle(request)

    root = Starlette(
        routes=[
            Route("/sandbox/slack", show),
            Mount("/sandbox/slack", app=sandbox_app(engine)),
            Route("/slack/events", events, methods=["POST"]),
            Mount("/", app=StaticFiles(directory=STATIC)),
        ]
    )
    async with serving(root) as url:
        engine.base_url, engine.request_url = f"{url}/sandbox/slack", f"{url}/slack/events"
        bolt = small_app(engine)
        yield f"{url}/sandbox/slack"
        await engine.aclose()


async def send(page: Page, label: str, text: str) -> None:
    await page.get_by_label(label).fill(text)
    await page.get_by_label(label).press("Enter")


async def test_a_newcomer_starts_a_session_and_answers_in_its_thread(page_url: str, open_page: OpenPage) -> None:
    page = await open_page()
    await page.goto(page_url)
    await expect(page.get_by_text("Nothing has been said in #payments yet.")).to_be_visible()
    await page.get_by_label("Message #payments").press_sequentially("/co")
    await page.get_by_label("Message #payments").press("Tab")
    await expect(page.get_by_label("Message #payments")).to_have_value("/cosession ")
    await send(page, "Message #payments", "/cosession start Fix it")
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("log", name="Replies")
    await expect(thread.get_by_role("article", name="Ann Web")).to_contain_text("APP")
    await expect(thread.locator("pre")).to_have_text("a < b")
    await send(page, "Reply…", "on it, @bob")
    await expect(thread.get_by_text("@bob")).to_be_visible()
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()


async def test_what_is_for_one_person_is_seen_by_that_person_alone(page_url: str, open_page: OpenPage) -> None:
    alice, bob = await open_page(), await open_page()
    await alice.goto(page_url)
    await bob.goto(page_url)
    await bob.get_by_label("Acting as").select_option(label="Bob Chen")
    await send(alice, "Message #payments", "/cosession start")
    await bob.get_by_role("button", name="End", exact=True).click()
    await expect(bob.get_by_text("Only the host may end it.")).to_be_visible()
    await expect(bob.get_by_text("Only visible to you")).to_be_visible()
    await send(bob, "Message #payments", "seen by all")
    await expect(alice.get_by_role("log").get_by_text("seen by all")).to_be_visible()
    await expect(alice.get_by_text("Only the host may end it.")).to_have_count(0)


async def test_a_form_opens_says_what_is_wrong_and_closes_with_escape(page_url: str, open_page: OpenPage) -> None:
    page = await open_page()
    await page.goto(page_url)
    await send(page, "Message #payments", "/cosession form")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Title").fill("x")
    await dialog.get_by_role("button", name="Go").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Too short")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_a_message_s_shortcut_opens_a_form_that_proposes_the_channel(
    engine: SandboxEngine, page_url: str, open_page: OpenPage
) -> None:
    name = "Start from it"
    engine.shortcuts = [{"name": name, "type": "message", "callback_id": "from_message", "description": ""}]
    page = await open_page()
    await page.goto(page_url)
    await send(page, "Message #payments", "login fails")
    row = page.get_by_role("article", name="Alice Martin")
    await row.hover()
    await row.get_by_role("button", name=name).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Title")).to_have_value("login fails")
    await expect(dialog.get_by_label("Channel")).to_have_value("C0PAYMENTS")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_page_is_readable_for_everybody(page_url: str, open_page: OpenPage, scheme: str, width: int) -> None:
    page = await open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    await page.goto(page_url)
    await send(page, "Message #payments", "/cosession start")
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_role("button", name="Faults").click()
    await expect(page.get_by_role("complementary", name="Faults")).to_be_visible()
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


async def test_files_are_attached_and_seen(page_url: str, open_page: OpenPage) -> None:
    page = await open_page()
    await page.goto(page_url)
    picture: FilePayload = {"name": "pixel.png", "mimeType": "image/png", "buffer": PIXEL}
    notes: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"notes"}
    spare: FilePayload = {"name": "spare.txt", "mimeType": "text/plain", "buffer": b"spare"}
    await page.get_by_label("Choose files").set_input_files([picture, notes, spare])
    await page.get_by_role("button", name="Remove spare.txt").click()
    await page.get_by_role("button", name="Send").click()
    files = page.get_by_role("list", name="Files", exact=True)
    await expect(files.get_by_role("listitem")).to_have_count(2)
    await expect(files.get_by_role("img", name="pixel.png")).to_be_visible()
    assert await files.get_by_role("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    async with page.expect_download() as saved:
        await files.get_by_role("link", name="notes.txt").click()
    kept = await (await saved.value).path()
    assert await asyncio.to_thread(Path(kept).read_bytes) == b"notes"
    await expect(page.get_by_role("list", name="Files to send")).to_have_count(0)
    assert (await Axe().run(page)).response["violations"] == []
