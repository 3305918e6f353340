"""Five hundred secrets of forty kinds on a developer's machine: none leaves it, whichever way its work is shared."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

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
