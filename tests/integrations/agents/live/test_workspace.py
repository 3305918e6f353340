"""The shared folder: its files can be read, and not one byte from outside of it."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from integrations.agents.live.paths import PathNotShared, parts_of, shared_path
from integrations.agents.live.workspace import LARGEST_FILE, Found, Workspace

OUTSIDE = b"this stays at home"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a folder that is shared, `home/shop`, and things beside it that are not."""
    (tmp_path / "home" / "shop" / "src").mkdir(parents=True)
    (tmp_path / "home" / "shop" / "src" / "app.py").write_bytes(b"print()\n")
    for name in ("secret.txt", "shop-notes.txt", "..secret", "app.py"):
        (tmp_path / "home" / name).write_bytes(OUTSIDE)
    (tmp_path / "home" / "src").mkdir()
    (tmp_path / "home" / "src" / "app.py").write_bytes(OUTSIDE)
    return tmp_path / "home"


def spellings(home: Path) -> list[str]:
    """Ways to say "a file outside", as agents, attackers and other systems write them."""
    ups = ["..", "../.", "./..", "src/../..", "src/./../..", "src//../..", "src/app.py/../../..", "../shop/..", ".././"]
    found = [f"{up}/{name}" for up in ups for name in ("secret.txt", "shop-notes.txt", "app.py", "src/app.py")]
    absolute = str(home / "secret.txt")
    found += [absolute, "/" + absolute, "//" + absolute, f"/.{absolute}", f"file://{absolute}", f"FILE://{absolute}"]
    found += [f"src{absolute}/../../../..{absolute}", f"src/..{absolute}/../..", "~/secret.txt", "~root/x", "~"]
    for escaped in (
        "%2e%2e",
        "%2E%2E",
        "%252e%252e",
        "..%00",
        "..%2f",
        "．．",
        "‥",
        "..\u200b",
        "\u200b..",
        ".\u2060.",
    ):
        found += [f"{escaped}/secret.txt", f"src/{escaped}/{escaped}/secret.txt"]
    for back in ("..\\secret.txt", "src\\..\\..\\secret.txt", "..\\/secret.txt", "\\\\host\\share\\x", "C:\\x", "C:/x"):
        found.append(back)
    for slash in ("\u2215", "\u2044", "\uff0f", "\u29f8", "%2f", "%5c", "\\"):
        found += [f"..{slash}secret.txt", f"src{slash}..{slash}..{slash}secret.txt"]
    for mark in ("\0", "\n", "\r", "\t", "\x1b", "\x7f", "\u202e", "\ufeff", "\u2028"):
        found += [f"../secret.txt{mark}", f"src/{mark}../../secret.txt", f"..{mark}/secret.txt", f"x{mark}"]
    found += ["", ".", "./", "..", "../", "/", "src/..", "src/.", "src/", "...", ".../...", ". ./x", ".. /secret.txt"]
    found += ["../" * depth + "secret.txt" for depth in range(1, 20)]
    found += [
        "../" * 40 + "etc/passwd",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/stdin",
        "a/" * 400 + "x",
        "x" * 5000,
    ]
    found += ["src/../../shop/../secret.txt", "../shop/../secret.txt", "link/secret.txt", "link/../secret.txt", "one"]
    return found


def test_no_spelling_of_a_path_reaches_a_byte_from_outside(home: Path) -> None:
    shop = home / "shop"
    (shop / "link").symlink_to(home)
    (shop / "one").symlink_to(home / "secret.txt")
    ways = spellings(home)
    assert len(set(ways)) >= 100
    read = 0
    with Workspace(shop) as workspace:
        for path in ways:
            try:
                found = workspace.read(path)
            except PathNotShared:
                continue
            assert found.kind == "missing", path
            read += len(found.data)
        assert read == 0
        assert workspace.read("src/app.py") == Found("text", b"print()\n", 8)


def test_a_folder_that_becomes_a_link_while_it_is_read_gives_nothing_away(home: Path) -> None:
    shop = home / "shop"
    (shop / "evil").symlink_to(home / "src")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (shop / "src").rename(shop / "real")
            (shop / "evil").rename(shop / "src")
            (shop / "src").rename(shop / "evil")
            (shop / "real").rename(shop / "src")

    swapping = threading.Thread(target=swap)
    good = refused = 0
    with Workspace(shop) as workspace:
        swapping.start()
        try:
            while good < 300 or refused < 30:
                try:
                    found = workspace.read("src/app.py")
                except PathNotShared:
                    refused += 1
                    continue
                assert OUTSIDE not in found.data
                good += found.kind == "text"
        finally:
            stop.set()
            swapping.join()


def test_a_file_that_becomes_a_link_while_it_is_read_gives_nothing_away(home: Path) -> None:
    shop = home / "shop"
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (shop / "new").symlink_to(home / "secret.txt")
            (shop / "new").replace(shop / "src" / "app.py")
            (shop / "new").write_bytes(b"print()\n")
            (shop / "new").replace(shop / "src" / "app.py")

    swapping = threading.Thread(target=swap)
    good = refused = 0
    with Workspace(shop) as workspace:
        swapping.start()
        try:
            while good < 300 or refused < 30:
                try:
                    found = workspace.read("src/app.py")
                except PathNotShared:
                    refused += 1
                    continue
                assert OUTSIDE not in found.data
                good += found.data == b"print()\n"
        finally:
            stop.set()
            swapping.join()


def test_a_shared_folder_that_is_swapped_for_a_link_stays_the_one_that_was_shared(home: Path) -> None:
    with Workspace(home / "shop") as workspace:
        assert workspace.is_there()
        (home / "shop").rename(home / "moved")
        (home / "shop").symlink_to(home)
        assert workspace.read("src/app.py").data == b"print()\n"
        assert workspace.read("secret.txt").kind == "missing"
        assert not workspace.is_there()


def test_only_regular_files_with_one_name_are_read(home: Path) -> None:
    shop = home / "shop"
    os.mkfifo(shop / "pipe")
    os.link(home / "secret.txt", shop / "hard.txt")
    with Workspace(shop) as workspace:
        for path, reason in (("pipe", "regular"), ("src", "regular"), ("hard.txt", "another name")):
            with pytest.raises(PathNotShared, match=reason):
                workspace.read(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.local",
        ".ENV",
        "．env",
        ".env.",
        ".envrc",
        "deploy/prod.env",
        "server.pem",
        "certs/Server.PEM",
        "tls.key",
        "id_rsa",
        "id_rsa.pub.bak",
        "keys/id_ed25519",
        ".netrc",
        ".pgpass",
        ".npmrc",
        ".git/config",
        "sub/.git/config",
        ".GIT/config",
        ".ssh/config",
        ".aws/config",
        "credentials",
        "credentials.json",
        "gcp-credentials-prod.json",
        "secrets.yaml",
        "terraform.tfstate",
        "prod.tfvars",
        ".bash_history",
        "vault.kdbx",
    ],
)
def test_a_file_that_holds_secrets_by_its_name_is_never_read(home: Path, path: str) -> None:
    file = home / "shop" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(OUTSIDE)
    with Workspace(home / "shop") as workspace, pytest.raises(PathNotShared):
        workspace.read(path)


@pytest.mark.parametrize("path", ["environment.py", "src/secrets.py", "keys.py", ".gitignore", "pem.md", "tokens.css"])
def test_ordinary_files_with_similar_names_are_read(home: Path, path: str) -> None:
    (home / "shop" / path).write_bytes(b"ordinary")
    with Workspace(home / "shop") as workspace:
        assert workspace.read(path).data == b"ordinary"


def test_what_git_ignores_is_not_read(home: Path) -> None:
    shop = home / "shop"
    subprocess.run(["git", "init", "-q", str(shop)], check=True, timeout=10)
    (shop / ".gitignore").write_text("*.log\n/private/\n")
    (shop / "private").mkdir()
    for name in ("debug.log", "private/plan.md", "a[b]*?.py", ":(top)x.py", "-v"):
        (shop / name).write_bytes(OUTSIDE)
    with Workspace(shop) as workspace:
        for path in ("debug.log", "private/plan.md", "src/other.log"):
            with pytest.raises(PathNotShared, match="git ignores it"):
                workspace.read(path)
        for path in ("a[b]*?.py", ":(top)x.py", "-v"):
            assert workspace.read(path).kind == "text"
        assert workspace.read("src/app.py").kind == "text"


def test_where_git_cannot_say_nothing_is_read(home: Path) -> None:
    (home / "shop" / ".git").write_text("gitdir: /nowhere\n")
    with Workspace(home / "shop") as workspace, pytest.raises(PathNotShared, match="git ignores it"):
        workspace.read("src/app.py")


def test_sizes_and_kinds_are_told_without_content(home: Path) -> None:
    shop = home / "shop"
    (shop / "big.txt").write_bytes(b"x" * (LARGEST_FILE + 1))
    (shop / "just.txt").write_bytes(b"x" * LARGEST_FILE)
    (shop / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    (shop / "latin.txt").write_bytes("ü".encode("latin-1"))
    with Workspace(shop) as workspace:
        assert workspace.read("big.txt") == Found("large", size=LARGEST_FILE + 1)
        assert workspace.read("just.txt").kind == "text"
        assert workspace.read("image.png") == Found("binary", size=9)
        assert workspace.read("latin.txt") == Found("binary", size=1)
        assert workspace.read("gone.txt") == Found("missing")
        assert workspace.read("gone/gone.txt") == Found("missing")


def test_a_name_is_one_name_on_every_system() -> None:
    assert shared_path(parts_of("./src/u\u0308ber.py")) == "src/\u00fcber.py"
