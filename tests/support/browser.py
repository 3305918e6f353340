"""A real browser for stories: one Chromium per test module, one context per person, and no error on the console.

`open_page` gives a page in a context of its own, which is one person's browser. When the test ends, anything unexpected
that any page wrote to its console fails it: errors, uncaught exceptions, refusals of the content security policy. Names
of hosts other than this machine resolve to nothing, so a page that reaches out fails its test too.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright

from tests.support.chromium import ROOT, Chromium, NoBrowser, find_chromium

ARGS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]

#: Longest wait for one thing to appear on a page, in milliseconds.
PATIENCE_MS = 15_000


@dataclass
class ConsoleWatch:
    """What the pages of a test complained about."""

    complaints: list[str] = field(default_factory=list[str])
    _expected: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])

    def expect(self, pattern: str) -> None:
        """Complaints that match this regular expression are part of the story."""
        self._expected.append(re.compile(pattern))

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(pattern.search(text) for pattern in self._expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The browser's program; installs one where the machine has none."""
    try:
        return find_chromium()
    except NoBrowser as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture(scope="module")
async def browser(anyio_backend: object, chromium: Chromium) -> AsyncGenerator[Browser]:
    """A module's browser. Not the whole run's: an event loop that lives that long would be shared by tests that ask for
    another kind of loop."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium.program, args=[*ARGS, *chromium.args], env={**os.environ, **chromium.env}
        )
        yield launched
        await launched.close()


@pytest.fixture
async def console() -> AsyncGenerator[ConsoleWatch]:
    """The consoles of all pages of this test. `console.expect(pattern)` allows what the story provokes."""
    watch = ConsoleWatch()
    yield watch
    assert not watch.unexpected, "the browser's console says:\n" + "\n".join(watch.unexpected)


OpenContext = Callable[..., Awaitable[BrowserContext]]

#: What a page finds behind a proxy that lets no WebSocket through: each dies before its first frame.
BLOCKED = """
window.WebSocket = class {
  static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
  readyState = 0;
  constructor() { window.__blocked = (window.__blocked ?? 0) + 1; setTimeout(() => this.die()); }
  die() { this.readyState = 3; this.onclose?.({ code: 1006, reason: "" }); }
  send() { throw new DOMException("not open", "InvalidStateError"); }
  close() {}
};
"""


@pytest.fixture
def line(request: pytest.FixtureRequest) -> str:
    """What carries a session: `websocket`, or `requests` where a story is told once more with WebSockets blocked."""
    return str(getattr(request, "param", "websocket"))


@pytest.fixture
async def open_context(browser: Browser, console: ConsoleWatch, line: str) -> AsyncGenerator[OpenContext]:
    """Opens somebody's browser: `await open_context(**options)` with Playwright's options of `new_context`."""
    opened: list[BrowserContext] = []

    async def open_one(**options: Any) -> BrowserContext:
        defaults: dict[str, Any] = {
            "viewport": {"width": 1280, "height": 800},
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
        }
        context = await browser.new_context(**defaults | options)
        context.set_default_timeout(PATIENCE_MS)
        if line == "requests":
            await context.add_init_script(BLOCKED)
        console.watch(context)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        try:
            await context.close()
        except Error as gone:  # the story may have closed it
            if "closed" not in str(gone):
                raise


@pytest.fixture
def open_page(open_context: OpenContext) -> Callable[..., Awaitable[Page]]:
    """A page in a new person's browser: `await open_page(**options)`."""

    async def open_one(**options: Any) -> Page:
        return await (await open_context(**options)).new_page()

    return open_one


@pytest.fixture
async def page(open_page: Callable[..., Awaitable[Page]]) -> Page:
    return await open_page()


Picture = Callable[[Page, str], Awaitable[None]]


@pytest.fixture
def picture() -> Picture:
    """`await picture(page, "session")` keeps what the page shows now as session.png, in the folder that
    `COSESSION_SCREENSHOTS` names (`make screenshots`: docs/images); elsewhere it does nothing."""
    folder = os.environ.get("COSESSION_SCREENSHOTS")

    async def take(page: Page, name: str) -> None:
        if folder:
            await page.screenshot(path=ROOT / folder / f"{name}.png", animations="disabled", caret="hide")

    return take
