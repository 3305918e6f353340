"""Files are shared: contents by hash, then what became of each path; nobody reads what their session does not hold."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from core import files, tables
from core.access import Actor
from core.db import Transaction
from tests.stories.conftest import Cast
from tests.stories.house import Someone

OCTETS = {"Content-Type": "application/octet-stream"}
_keys = itertools.count()


@dataclass
class Folder:
    """The operator's machine: puts contents and reports what became of files."""

    host: Someone
    session_id: str
    seqs: list[int] = field(default_factory=list[int])

    async def put(self, content: bytes | str) -> str:
        data = content if isinstance(content, bytes) else content.encode()
        sha = hashlib.sha256(data).hexdigest()
        answer = await self.host.call("PUT", f"/api/sessions/{self.session_id}/blobs/{sha}", extra=OCTETS, content=data)
        assert answer.status_code in (201, 204), answer.text
        return sha

    async def report(self, path: str, change: str, version: str | None = None, **fields: Any) -> int:
        item = {"key": f"file-{next(_keys)}", "path": path, "change": change, "version": version, **fields}
        answer = await self.host.call("POST", f"/api/sessions/{self.session_id}/files", json={"items": [item]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"][0]["key"] == item["key"]
        self.seqs.append(answer.json()["items"][0]["seq"])
        return self.seqs[-1]

    async def save(self, path: str, content: bytes | str, change: str = "modified", **fields: Any) -> str:
        sha = await self.put(content)
        await self.report(path, change, sha, **fields)
        return sha

    async def get(self, path: str, who: Someone | None = None, **kwargs: Any) -> Any:
        return await (who or self.host).call("GET", f"/api/sessions/{self.session_id}/{path}", **kwargs)

    async def listed(self) -> dict[str, dict[str, Any]]:
        items = (await self.get("files")).json()["items"]
        assert [item["path"] for item in items] == sorted(item["path"] for item in items)
        return {item["path"]: item for item in items}

    async def history(self, path: str) -> list[tuple[str, str, str | None]]:
        answer = await self.get("files/versions", params={"path": path})
        return [(item["path"], item["change"], item["version"]) for item in answer.json()["items"]]


@pytest.fixture
def folder(cast: Cast) -> Folder:
    return Folder(cast.alice, cast.session_id)


async def test_a_file_is_shared_and_everybody_in_the_session_sees_it_live(cast: Cast, folder: Folder) -> None:
    tab = await cast.carol.open(cast.session_id)
    sha = await folder.save("src/app.py", "print('one')\nprint('two')\n")
    entry = await tab.until(lambda frame: frame["type"] == "file_shared")
    assert (entry["path"], entry["version"], entry["size"], entry["lines"]) == ("src/app.py", sha, 26, 2)
    content = await folder.get(f"blobs/{sha}", cast.carol)
    assert content.text == "print('one')\nprint('two')\n"
    listed = (await folder.listed())["src/app.py"]
    assert listed["version"] == listed["base_version"] == sha
    assert (listed["change"], listed["version_count"], listed["seq"]) == ("unchanged", 1, entry["seq"])


async def test_a_content_is_put_once_and_refused_under_another_hash(cast: Cast, folder: Folder) -> None:
    sha = hashlib.sha256(b"x = 1\n").hexdigest()
    url = f"/api/sessions/{cast.session_id}/blobs/{sha}"
    statuses = [(await cast.alice.call("PUT", url, extra=OCTETS, content=b"x = 1\n")).status_code for _ in range(3)]
    assert statuses == [201, 204, 204]
    wrong = await cast.alice.call("PUT", url, extra=OCTETS, content=b"x = 2\n")
    assert (wrong.status_code, wrong.json()["error_code"]) == (422, "invalid")
    assert (await folder.get(f"blobs/{sha}")).content == b"x = 1\n"
    assert await folder.put(b"") == hashlib.sha256(b"").hexdigest()


async def test_a_mebibyte_fits_and_a_byte_more_does_not(cast: Cast, folder: Folder) -> None:
    full = b"a" * files.MAX_BLOB
    sha = await folder.put(full)
    assert (await folder.get(f"blobs/{sha}")).content == full
    over = full + b"a"
    url = f"/api/sessions/{cast.session_id}/blobs/{hashlib.sha256(over).hexdigest()}"
    refused = await cast.alice.call("PUT", url, extra=OCTETS, content=over)
    assert refused.status_code == 413


async def test_a_reader_who_has_a_content_is_not_sent_it_again(folder: Folder) -> None:
    sha = await folder.put("x = 1\n")
    first = await folder.get(f"blobs/{sha}")
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = await folder.get(f"blobs/{sha}", extra={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await folder.get(f"blobs/{sha}", extra={"If-None-Match": '"something else"'})
    assert (other.status_code, other.text) == (200, "x = 1\n")


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("page.html", b"<script>alert(document.domain)</script>", "text/plain; charset=utf-8"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain; charset=utf-8"),
        (
            "page.xhtml",
            b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
            "text/plain; charset=utf-8",
        ),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "application/octet-stream"),
        ("utf-16.html", "<script>alert(1)</script>".encode("utf-16"), "application/octet-stream"),
    ],
)
async def test_no_content_is_served_as_something_that_a_browser_would_run(
    folder: Folder, name: str, content: bytes, media_type: str
) -> None:
    sha = await folder.save(name, content, "added")
    answer = await folder.get(f"blobs/{sha}")
    assert answer.content == content
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    is_text = media_type.startswith("text/plain")
    assert ("attachment" in answer.headers.get("content-disposition", "")) != is_text
    assert (await folder.listed())[name]["is_binary"] != is_text


async def test_a_content_is_no_way_into_another_session(cast: Cast, folder: Folder) -> None:
    sha = await folder.save("secret.py", "KEY = 'canary'\n")
    other = Folder(cast.mallory, await cast.mallory.start("Mallory's own"))
    assert (await other.get(f"blobs/{sha}")).status_code == 404
    assert (await folder.get(f"blobs/{sha}", cast.mallory)).json()["error_code"] == "session_not_found"
    item = {"key": "steal", "path": "mine.py", "change": "added", "version": sha}
    claimed = await cast.mallory.call("POST", f"/api/sessions/{other.session_id}/files", json={"items": [item]})
    assert (claimed.status_code, claimed.json()["error_code"]) == (404, "file_not_found")
    # Who has the bytes may keep them too, and that changes nothing for anybody else.
    assert await other.put("KEY = 'canary'\n") == sha
    assert (await other.get(f"blobs/{sha}")).status_code == 200
    assert (await other.get(f"blobs/{sha}", cast.bob)).status_code == 404


async def test_only_hosts_share_and_everybody_with_a_seat_reads(cast: Cast, folder: Folder) -> None:
    sha = await folder.save("a.py", "a\n")
    item = {"key": "k", "path": "b.py", "change": "added", "version": sha}
    put, post = f"/api/sessions/{cast.session_id}/blobs/{sha}", f"/api/sessions/{cast.session_id}/files"
    for who, writes, reads in ((cast.bob, 403, 200), (cast.carol, 403, 200), (cast.mallory, 404, 404)):
        assert (await who.call("PUT", put, extra=OCTETS, content=b"a\n")).status_code == writes
        assert (await who.call("POST", post, json={"items": [item]})).status_code == writes
        for path in (f"blobs/{sha}", "files", "files/versions?path=a.py"):
            assert (await folder.get(path, who)).status_code == reads
    assert list(await folder.listed()) == ["a.py"]


@pytest.mark.parametrize("path", ["../etc/passwd", "..%2fetc%2fpasswd", "a\\b", "/etc/passwd", ".git/config", "C:/x"])
async def test_a_path_that_leads_out_of_the_folder_is_refused(cast: Cast, folder: Folder, path: str) -> None:
    sha = await folder.put("x\n")
    url = f"/api/sessions/{cast.session_id}/files"
    for item in (
        {"key": "1", "path": path, "change": "added", "version": sha},
        {"key": "2", "path": "ok.py", "change": "renamed", "old_path": path, "version": sha},
    ):
        refused = await cast.alice.call("POST", url, json={"items": [item]})
        assert (refused.status_code, refused.json()["error_code"]) == (422, "path_refused")
    asked = await folder.get("files/versions", params={"path": path})
    assert (asked.status_code, asked.json()["error_code"]) == (422, "path_refused")
    assert await folder.listed() == {}


async def test_one_bad_item_leaves_nothing_of_its_report_behind(cast: Cast, folder: Folder) -> None:
    sha = await folder.put("x\n")
    items = [
        {"key": "1", "path": "good.py", "change": "added", "version": sha},
        {"key": "2", "path": "bad.py", "change": "added", "version": "0" * 64},
    ]
    url = f"/api/sessions/{cast.session_id}/files"
    refused = await cast.alice.call("POST", url, json={"items": items})
    assert (refused.status_code, refused.json()["error_code"]) == (404, "file_not_found")
    assert await folder.listed() == {}
    assert "file_shared" not in [entry["type"] for entry in await cast.house.log_of(cast.session_id)]


async def test_a_report_sent_three_times_has_one_effect(cast: Cast, folder: Folder) -> None:
    one, two = await folder.put("1\n"), await folder.put("2\n")
    items = [
        {"key": "first", "path": "a.py", "change": "added", "version": one},
        {"key": "second", "path": "a.py", "change": "modified", "version": two},
    ]
    url = f"/api/sessions/{cast.session_id}/files"
    answers = [(await cast.alice.call("POST", url, json={"items": items})).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await folder.history("a.py") == [("a.py", "added", one), ("a.py", "modified", two)]


async def test_a_version_that_is_known_is_not_told_again(folder: Folder) -> None:
    sha = await folder.put("1\n")
    first = await folder.report("a.py", "added", sha)
    assert await folder.report("a.py", "modified", sha) == first
    assert (await folder.listed())["a.py"]["version_count"] == 1


async def test_a_new_file_has_no_base_and_another_keeps_its_first_content(folder: Folder) -> None:
    await folder.save("new.py", "1\n", "added")
    base = await folder.save("old.py", "1\n2\n")
    await folder.save("new.py", "2\n")
    latest = await folder.save("old.py", "3\n")
    listed = await folder.listed()
    assert (listed["new.py"]["change"], listed["new.py"]["base_version"]) == ("added", None)
    assert (listed["old.py"]["change"], listed["old.py"]["base_version"]) == ("modified", base)
    assert (listed["old.py"]["version"], listed["old.py"]["version_count"]) == (latest, 2)
    await folder.save("old.py", "1\n2\n")
    assert (await folder.listed())["old.py"]["change"] == "unchanged"


async def test_a_renamed_file_keeps_its_base_and_its_history(folder: Folder) -> None:
    base = await folder.save("a.py", "1\n")
    await folder.save("b.py", "1\n", "renamed", old_path="a.py")
    latest = await folder.save("c.py", "2\n", "renamed", old_path="b.py")
    listed = await folder.listed()
    assert list(listed) == ["c.py"]
    assert (listed["c.py"]["change"], listed["c.py"]["old_path"]) == ("renamed", "a.py")
    assert (listed["c.py"]["base_version"], listed["c.py"]["version"]) == (base, latest)
    chain = [("a.py", "modified", base), ("b.py", "renamed", base), ("c.py", "renamed", latest)]
    assert await folder.history("c.py") == chain
    assert await folder.history("b.py") == chain[:2]
    await folder.save("a.py", "2\n", "renamed", old_path="c.py")
    back = (await folder.listed())["a.py"]
    assert (back["change"], back["old_path"], back["base_version"]) == ("modified", None, base)


async def test_a_file_under_a_name_that_was_given_up_is_another_file(folder: Folder) -> None:
    base = await folder.save("a.py", "1\n")
    await folder.save("b.py", "1\n", "renamed", old_path="a.py")
    other = await folder.save("a.py", "other\n", "added")
    listed = await folder.listed()
    assert (listed["a.py"]["change"], listed["a.py"]["base_version"]) == ("added", None)
    assert await folder.history("a.py") == [("a.py", "added", other)]
    assert await folder.history("b.py") == [("a.py", "modified", base), ("b.py", "renamed", base)]


async def test_a_deleted_file_stays_listed_as_deleted_until_it_is_back(folder: Folder) -> None:
    base = await folder.save("a.py", "1\n")
    gone = await folder.report("a.py", "deleted")
    assert await folder.report("a.py", "deleted") == gone
    listed = (await folder.listed())["a.py"]
    assert (listed["change"], listed["version"], listed["base_version"]) == ("deleted", None, base)
    await folder.save("a.py", "2\n", "added")
    listed = (await folder.listed())["a.py"]
    assert (listed["change"], listed["base_version"], listed["version_count"]) == ("modified", base, 3)


async def test_a_file_that_cannot_be_shown_says_why(folder: Folder) -> None:
    await folder.report("movie.mp4", "added", None, size=900_000_000, is_binary=True, reason="larger than 1 MiB")
    listed = (await folder.listed())["movie.mp4"]
    assert (listed["version"], listed["size"], listed["is_binary"]) == (None, 900_000_000, True)
    assert listed["reason"] == "larger than 1 MiB"


@pytest.mark.parametrize(
    "item",
    [
        {"path": "b.py", "change": "renamed"},
        {"path": "b.py", "change": "renamed", "old_path": "b.py"},
        {"path": "b.py", "change": "modified", "old_path": "a.py"},
        {"path": "b.py", "change": "deleted", "version": hashlib.sha256(b"x\n").hexdigest()},
    ],
)
async def test_a_report_that_contradicts_itself_is_refused(cast: Cast, folder: Folder, item: dict[str, Any]) -> None:
    await folder.put("x\n")
    url = f"/api/sessions/{cast.session_id}/files"
    refused = await cast.alice.call("POST", url, json={"items": [{"key": "k", **item}]})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "invalid")


async def test_a_session_that_is_full_says_so_and_keeps_what_it_has(cast: Cast, folder: Folder) -> None:
    """The rows say how large they are: filling a session really would only take long."""
    sha = await folder.save("a.py", "1\n")

    def fill(tx: Transaction) -> None:
        for number in range(256):
            data = str(number).encode()
            content = files.Content(hashlib.sha256(data).hexdigest(), data, 1)
            assert files.put_blob(tx, actor, cast.session_id, content)
            row = tx.sql.get_one(tables.Blob, (cast.session_id, content.sha256))
            row.size = files.MAX_BLOB - 1
            tx.sql.add(row)

    actor = await cast.house.runtime.db.read(lambda tx: Actor(cast.alice.id, "Alice"))
    await cast.house.runtime.db.write(fill)
    data = b"z" * 1_000
    url = f"/api/sessions/{cast.session_id}/blobs/{hashlib.sha256(data).hexdigest()}"
    refused = await cast.alice.call("PUT", url, extra=OCTETS, content=data)
    assert (refused.status_code, refused.json()["error_code"]) == (422, "file_too_large")
    assert "256 MiB" in refused.json()["detail"]
    assert (await folder.get(f"blobs/{sha}")).text == "1\n"


async def test_after_the_end_files_are_read_and_not_shared(cast: Cast, folder: Folder) -> None:
    sha = await folder.save("a.py", "1\n")
    await cast.alice.call("POST", f"/api/sessions/{cast.session_id}/end")
    assert (await folder.get(f"blobs/{sha}")).status_code == 200
    data = b"2\n"
    url = f"/api/sessions/{cast.session_id}/blobs/{hashlib.sha256(data).hexdigest()}"
    assert (await cast.alice.call("PUT", url, extra=OCTETS, content=data)).status_code == 409
