"""Whatever people, agents and files say is text in the page: nothing of it runs, and no link leads to a program."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.security.hostile import RUN, payloads
from tests.security.test_fuzz import call, cosession
from tests.support.browser import ConsoleWatch
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAYLOADS = payloads()
#: One entry carries so many of them: its text is cut at 12,000 characters.
AT_ONCE = 25

OpenPage = Callable[..., Awaitable[Page]]


def chunks() -> Iterator[str]:
    for first in range(0, len(PAYLOADS), AT_ONCE):
        yield "\n\n".join(PAYLOADS[first : first + AT_ONCE])


def agent_events() -> Iterator[dict[str, Any]]:
    """Every field of the agent's vocabulary that a page shows, filled with all of them."""
    yield {"type": "turn_started", "turn_id": "t", "agent": PAYLOADS[0], "model": PAYLOADS[3]}
    for number, text in enumerate(chunks()):
        call_id = f"c{number}"
        yield {"type": "prompt_submitted", "turn_id": "t", "text": text}
        yield {"type": "agent_message", "turn_id": "t", "text": text}
        yield {"type": "agent_thought", "turn_id": "t", "text": text}
        yield {
            "type": "tool_call_started",
            "turn_id": "t",
            "call_id": call_id,
            "tool": PAYLOADS[number],
            "kind": "execute",
            "title": text[:500],
            "input": text,
        }
        yield {
            "type": "tool_call_finished",
            "turn_id": "t",
            "call_id": call_id,
            "status": "failed",
            "output": text,
            "reason": text[:500],
        }
        diff = "@@ -1 +1 @@\n" + "\n".join(f"+{line}" for line in text.splitlines())
        path = PAYLOADS[number].replace("\n", " ")[:200] + ".html"
        yield {
            "type": "file_changed",
            "turn_id": "t",
            "path": path,
            "change": "modified",
            "added": 1,
            "removed": 1,
            "diff": diff,
        }
        yield {"type": "agent_failed", "turn_id": "t", "message": text}
    yield {
        "type": "transcript_ended",
        "agent": PAYLOADS[0],
        "records": 1,
        "skipped": {text[:80]: 1 for text in PAYLOADS[:30]},
        "redacted": {text[:80]: 1 for text in PAYLOADS[:30]},
    }


def storable(value: Any) -> Any:
    """Without the two characters that the interface refuses anyway."""
    return json.loads(json.dumps(value).replace("\\u0000", ""))


def fill(server: ServerProcess, token: str) -> str:
    session_id = call(server, token, "/api/sessions", {"title": PAYLOADS[2][:200]})["id"]
    reports = [{"key": f"k{number}", "event": storable(event)} for number, event in enumerate(agent_events())]
    for first in range(0, len(reports), 20):
        call(server, token, f"/api/sessions/{session_id}/agent-events", {"items": reports[first : first + 20]})
    return str(session_id)


async def assert_nothing_ran(page: Page) -> None:
    assert await page.evaluate("window.__ran") is None
    schemes = await page.evaluate(
        "[...new Set([...document.querySelectorAll('a[href],area[href],form[action],[formaction],iframe,object,embed')]"
        ".map(e => e.tagName === 'A' ? e.protocol : e.tagName))]"
    )
    assert set(schemes) <= {"http:", "https:", "mailto:"}, schemes


async def read_through(page: Page) -> int:
    """Scrolls the transcript from its beginning to its end, opening whatever can be opened. Returns the rows seen."""
    feed = page.get_by_role("feed", name="Transcript")
    await expect(feed).to_be_visible()
    await feed.focus()
    await page.keyboard.press("Home")
    seen: set[str] = set()
    for _ in range(400):
        # In one go: a list that grows under a slow pointer would never hold still.
        await feed.evaluate("e => e.querySelectorAll('button[aria-expanded=false]').forEach(button => button.click())")
        await assert_nothing_ran(page)
        rows = await feed.locator("article").evaluate_all("rows => rows.map(row => row.getAttribute('aria-posinset'))")
        before = len(seen)
        seen.update(map(str, rows))
        await page.keyboard.press("PageDown")
        if len(seen) == before and await feed.evaluate(
            "e => { const s = e.scrollHeight > e.clientHeight ? e : e.firstElementChild;"
            " return s.scrollTop + s.clientHeight >= s.scrollHeight - 2 }"
        ):
            break
    return len(seen)


async def test_nothing_that_an_agent_or_a_person_writes_runs_in_the_page(
    server_process: ServerProcess, open_page: OpenPage
) -> None:
    server = server_process
    cosession(server, "user", "add", "ann@example.com", "--name", PAYLOADS[2][:120])
    token = cosession(server, "token", "ann@example.com")
    session_id = fill(server, token)
    for text in PAYLOADS[::2]:
        call(server, token, "/api/sessions", {"title": " ".join(text.split())[:200]})
    page = await open_page()
    await page.goto(cosession(server, "user", "sign-in", "ann@example.com"))
    await expect(page.get_by_role("list", name="Sessions")).to_be_visible()
    await assert_nothing_ran(page)

    await page.goto(f"{server.url}/s/{session_id}")
    message = page.get_by_role("textbox", name="Message")
    for text in chunks():
        await message.fill(text)
        await message.press("Enter")
    await expect(page.get_by_role("log", name="Messages").locator("article").last).to_be_visible()
    rows = await read_through(page)
    assert rows > 40
    await assert_nothing_ran(page)


def share_files(server: ServerProcess, token: str, session_id: str) -> list[str]:
    """Files whose names ask to be run and whose text would, with remarks on their lines. Returns their hashes."""
    text = "\n".join(" ".join(payload.split()) for payload in PAYLOADS)
    hashes: list[str] = []
    for number, name in enumerate(("page.html", "picture.svg", "src/<img src=x onerror=alert(1)>.js", "notes.md")):
        content = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'>{text}\n{number}</svg>\n".encode()
        sha = hashlib.sha256(content).hexdigest()
        put(server, token, f"/api/sessions/{session_id}/blobs/{sha}", content)
        item = {"key": f"f{number}", "path": name, "change": "added", "version": sha, "size": len(content)}
        call(server, token, f"/api/sessions/{session_id}/files", {"items": [item]})
        hashes.append(sha)
    frames = [
        {"type": "add_comment", "file": "page.html", "line": number + 1, "content": text}
        for number, text in enumerate(chunks())
    ]
    answers = call(server, token, f"/api/sessions/{session_id}/commands", {"frames": frames})["items"]
    assert {answer["type"] for answer in answers} == {"ack"}
    return hashes


def put(server: ServerProcess, token: str, path: str, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(server.url + path, content, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


async def test_files_and_remarks_on_their_lines_run_nothing_in_the_page_or_opened_by_themselves(
    server_process: ServerProcess, open_page: OpenPage, console: ConsoleWatch
) -> None:
    console.expect(r"/favicon\.ico")
    server = server_process
    cosession(server, "user", "add", "ann@example.com", "--name", PAYLOADS[2][:120])
    token = cosession(server, "token", "ann@example.com")
    session_id = call(server, token, "/api/sessions", {"title": "Files"})["id"]
    hashes = share_files(server, token, session_id)
    page = await open_page(viewport={"width": 1440, "height": 900})
    await page.goto(cosession(server, "user", "sign-in", "ann@example.com"))
    await expect(page.get_by_role("list", name="Sessions")).to_be_visible()
    for name in ("page.html", "picture.svg", "notes.md"):
        await page.goto(f"{server.url}/s/{session_id}#file={name}")
        await expect(page.get_by_text("window.__ran").first).to_be_visible()
        await assert_nothing_ran(page)
        for _ in range(8):
            await page.mouse.wheel(0, 1_200)
            await assert_nothing_ran(page)
    for sha in hashes:
        answer = await page.goto(f"{server.url}/api/sessions/{session_id}/blobs/{sha}")
        assert answer is not None
        assert answer.headers["content-type"].startswith("text/plain")
        assert "sandbox" in answer.headers["content-security-policy"]
        await assert_nothing_ran(page)


async def test_an_answer_of_the_interface_opened_as_a_page_runs_nothing(
    server_process: ServerProcess, open_page: OpenPage, console: ConsoleWatch
) -> None:
    console.expect(r"/favicon\.ico")  # The browser asks for one where a page names none.
    server = server_process
    cosession(server, "user", "add", "ann@example.com", "--name", PAYLOADS[0][:120])
    token = cosession(server, "token", "ann@example.com")
    session_id = fill(server, token)
    page = await open_page()
    await page.goto(cosession(server, "user", "sign-in", "ann@example.com"))
    await expect(page.get_by_role("list", name="Sessions")).to_be_visible()
    for path in ("", "/participants", "/events?after=0&limit=1000"):
        answer = await page.goto(f"{server.url}/api/sessions/{session_id}{path}")
        assert answer is not None
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        await assert_nothing_ran(page)


async def test_a_careless_page_would_run_these_texts(open_page: OpenPage, console: ConsoleWatch) -> None:
    console.expect("")
    page = await open_page()
    for text in chunks():
        await page.set_content(f"<!doctype html><p>{text}</p>")
    await page.wait_for_function("window.__ran > 0")


def test_every_page_forbids_what_a_hostile_text_would_need(server_process: ServerProcess) -> None:
    with urllib.request.urlopen(server_process.url, timeout=10) as answer:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
