"""Five hundred secrets of forty kinds on a developer's machine: none leaves it, whichever way its work is shared."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page

from tests.integrations.agents.records import call, prompt, result, said, text
from tests.integrations.agents.test_redact import secrets_of_every_kind
from tests.stories.shop import Shop, sharing
from tests.support.server import ServerProcess

#: Times the forty kinds; each secret is another one.
SEEDS = range(100, 120)


def seeded() -> Iterator[tuple[str, str]]:
    """(text as it would stand somewhere, the part that must not leave)."""
    for seed in SEEDS:
        yield from secrets_of_every_kind(seed).values()


SEEDED = list(seeded())


def transcript() -> bytes:
    """Each in one of the places where an agent meets secrets: told by a person, repeated, in a command, in its output,
    and in a file that it writes."""
    rows: list[bytes] = []
    for number, (shown, _) in enumerate(SEEDED):
        uuid, call_id = f"a{number}", f"c{number}"
        match number % 4:
            case 0:
                rows.append(prompt(shown, number))
            case 1:
                rows.append(said(uuid, text(f"I see.\n\n```\n{shown}\n```")))
            case 2:
                rows += [said(uuid, call(call_id, "Bash", command=f"cat <<'X'\n{shown}\nX")), result(call_id, "done")]
            case _:
                rows += [said(uuid, call(call_id, "Bash", command="cat .env")), result(call_id, f"output:\n{shown}\n")]
    return b"".join(rows)


def secrets_in(*places: str) -> list[str]:
    return [secret for _, secret in SEEDED if any(secret in place for place in places)]


def read(server: ServerProcess, shop: Shop, path: str) -> str:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {shop.token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def everything_of(server: ServerProcess, shop: Shop, session_id: str) -> list[str]:
    """The log, the snapshot, the files and the export, as those who may read them get them."""
    base = f"/api/sessions/{session_id}"
    pages = [read(server, shop, f"{base}/events?after={after}&limit=1000") for after in (0, 1_000)]
    files = json.loads(read(server, shop, f"{base}/files"))["items"]
    versions = {file[name] for file in files for name in ("version", "base_version")} - {None}
    contents = [read(server, shop, f"{base}/blobs/{version}") for version in versions]
    return [
        *pages,
        *contents,
        read(server, shop, f"{base}/snapshot?messages=1000"),
        json.dumps(shop.log_of(session_id)),
    ]


def on_disk(folder: Path) -> str:
    """What the server, or whoever shares, has written down; but not the machine's own key."""
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name != "secret"]
    return "".join(path.read_bytes().decode("latin-1") for path in kept)


def in_slack(server: ServerProcess, action: str, **asked: str) -> Any:
    """What the workspace's page does, or shows (`messages`)."""
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    is_look = action == "messages"
    request = urllib.request.Request(
        f"{server.url}/sandbox/slack/ui/{action}{'?' + query if is_look else ''}",
        None if is_look else json.dumps(asked).encode(),
        {"X-Sandbox": "1", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def thread_of(server: ServerProcess) -> str:
    return json.dumps(in_slack(server, "messages", user="U0ALICE001", channel="C0PAYMENTS")["messages"])


def test_no_secret_is_in_the_thread_of_a_shared_session_or_in_what_slack_was_ever_sent(
    server_process: ServerProcess, tmp_path: Path
) -> None:
    server, shop = server_process, Shop(tmp_path / "home", server_process)
    file = shop.home / "t.jsonl"
    file.write_bytes(transcript() + said("end", text("That is all of it.")))
    in_slack(server, "slash", user="U0ALICE001", channel="C0PAYMENTS", command="/cosession", text="start With a thread")
    card = ""
    deadline = time.monotonic() + 30
    while "/s/ses_" not in card:
        assert time.monotonic() < deadline, card
        card = thread_of(server)
    session_id = "ses_" + card.split("/s/ses_")[1][:26]
    shop.run("import", str(file), "--session", session_id, "--as", "alice@acme.example")
    while "That is all of it." not in (thread := thread_of(server)):
        assert time.monotonic() < deadline + 60, thread[-2_000:]
        time.sleep(0.1)
    assert secrets_in(thread) == []
    server.terminate()
    assert secrets_in(on_disk(server.data_dir)) == [], "the workspace's own file among it"


@pytest.mark.browser
async def test_no_secret_is_on_the_page_however_far_one_scrolls(
    server_process: ServerProcess, tmp_path: Path, open_page: Callable[..., Awaitable[Page]]
) -> None:
    shop = Shop(tmp_path / "home", server_process)
    file = shop.home / "t.jsonl"
    file.write_bytes(transcript())
    imported = await asyncio.to_thread(shop.run, "import", str(file), "--as", "ann@example.com")
    session_id = imported.split("/s/")[1].split()[0]
    link = (await asyncio.to_thread(shop.run, "user", "sign-in", "ann@example.com")).strip()
    # As tall as many screens, so that a few of them hold everything.
    page = await open_page(viewport={"width": 1200, "height": 20_000})
    await page.goto(link.replace("/sign-in#", f"/sign-in?next=/s/{session_id}#"))
    await page.get_by_text("[REDACTED").first.wait_for()
    seen: list[str] = []
    for _ in range(40):
        seen.append(await page.content())
        await page.mouse.move(500, 5_000)
        await page.mouse.wheel(0, -15_000)
        await page.wait_for_timeout(50)
        if len(seen) > 3 and seen[-1] == seen[-2]:
            break
    assert sum(shown.count("[REDACTED") for shown in seen) > 100, "the page shows where they were"
    assert secrets_in(*seen) == []


@pytest.mark.timeout(240)
def test_of_five_hundred_secrets_none_leaves_the_machine_by_import_or_by_sharing_live(
    server_process: ServerProcess, tmp_path: Path
) -> None:
    server, shop = server_process, Shop(tmp_path / "home", server_process)
    assert len({secret for _, secret in SEEDED}) >= 500
    file = shop.home / "t.jsonl"
    file.write_bytes(transcript())
    (shop.folder / "settings.py").write_text("\n".join(shown for shown, _ in SEEDED))
    file.write_bytes(
        file.read_bytes()
        + said("w", call("w", "Write", file_path=str(shop.folder / "settings.py"), content="x"))
        + result("w", "written")
    )
    assert secrets_in(file.read_text())[:1], "the transcript holds them, or this proves nothing"

    imported = shop.run("import", str(file), "--as", "ann@example.com")
    session_id = imported.split("/s/")[1].split()[0]
    assert secrets_in(imported, *everything_of(server, shop, session_id)) == []

    with sharing(shop, "--follow", str(file)) as share:
        share.until_says("Everything so far is shared.")
        live_id = share.session_id
        assert share.interrupt() == 0
    found = everything_of(server, shop, live_id)
    assert "[REDACTED" in found[0]
    assert secrets_in(share.output, *found) == []

    server.terminate()
    assert secrets_in(server.output, on_disk(server.data_dir)) == []
