"""Secrets where they are hard to see: in escapes, diffs, headers, commands, several lines, and cut into pieces."""

from __future__ import annotations

import base64
import json
import sysconfig
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.agents.redact import Redactor, StreamRedactor, known_secrets

# Put together here, so that no file holds anything that looks like a credential.
GITHUB = "gh" + "p_" + "a1B2c3D4" * 5
ANTHROPIC = "sk-" + "ant-api03-" + "x9Y8z7" * 8
RANDOM = "abc123def456ghi"
BASIC = base64.b64encode(b"someone:Pa55word").decode()
BEGIN, END = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"
BODY = ["MIIEpAIBAAKCAQEA7bq1", "9x8Y7w6V5u4T3s2R1q0P"]

CONTEXTS = {
    "a token behind an escaped line break": (json.dumps({"content": f"line\n{GITHUB}\n"}), GITHUB),
    "a token behind an escaped tab": (json.dumps(f"a\t{ANTHROPIC}"), ANTHROPIC),
    "a token in an encoded URL": (f"state%3D{GITHUB}", GITHUB),
    "a password of several words": ('"password": "horse 4 battery staple"', "horse 4"),
    "a password of odd signs": ('password: "p@ss,w(rd"', "p@ss"),
    "a password of letters alone": ('"password": "correcthorsebattery"', "correcthorse"),
    "a variable with commas": ("DB_PASSWORD=ab,cd;ef(g", "cd;ef"),
    "a variable with a backslash": (r"DB_PASSWORD=ab\cdef99", "cdef99"),
    "a weak password": ("export POSTGRES_PASSWORD=letmein", "letmein"),
    "plain YAML": ("password: hunter2", "hunter2"),
    "XML": ("<password>hunter2</password>", "hunter2"),
    "an XML attribute": ('<add key="ApiToken" value="abc123def456ghi" />', RANDOM),
    "an option": ("mysql --password hunter2x", "hunter2x"),
    "an option with a sign": (f"tool --api-key={RANDOM}", RANDOM),
    "curl's user": ("curl -u admin:hunter22 https://example.com", "hunter22"),
    "netrc": ("machine h login me password hunter2-x9", "hunter2-x9"),
    "a pair": (f'("x-api-key", "{RANDOM}")', RANDOM),
    "a Dockerfile": (f"ENV API_TOKEN {RANDOM}", RANDOM),
    "a typed variable": (f'token: str = "{RANDOM}"', RANDOM),
    "a typed variable in Go": (f'var apiToken string = "{RANDOM}"', RANDOM),
    "npmrc": (f"//example.com/:_authToken={RANDOM}", RANDOM),
    "a password with @ in a URL": ("postgres://u:p@ss9word@db/x", "p@ss9"),
    "a user without password in a URL": (f"https://{RANDOM * 2}@example.com/x.git", RANDOM),
    "a query": (f"GET /x?access_token={RANDOM}&y=1", RANDOM),
    "a header of curl": (f"curl -H 'X-Api-Key: {RANDOM}'", RANDOM),
    "cookies": ("Cookie: theme=dark; sid=0123456789abcdef0123456789; b=2", "0123456789abcdef"),
    "a container registry's file": (f'{{"auths": {{"r": {{"auth": "{BASIC}"}}}}}}', BASIC),
    "basic authentication": (f"Authorization: Basic {BASIC}", BASIC),
    "a connection string": ("Server=db;Uid=sa;Pwd=P4ssw0rd!;", "P4ssw0rd"),
    "a hash in Ruby": (":password => 'hunter2x'", "hunter2x"),
    "a subscript": (f"env['API_TOKEN'] = '{RANDOM}'", RANDOM),
    "AWS's file": ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzKEY", "wJalr"),
    "JSON in JSON in JSON": (json.dumps(json.dumps(json.dumps({"client_secret": RANDOM}))), RANDOM),
    "a key in JSON": (json.dumps("a\n" + "\n".join([BEGIN, *BODY, END])), BODY[1]),
    "a key in a diff": ("\n".join("+" + line for line in [BEGIN, *BODY, "c2hvcnQ=", END]), "c2hvcnQ="),
    "a key with line numbers": ("\n".join(f"{n}\t{line}" for n, line in enumerate([BEGIN, *BODY, END])), BODY[1]),
    "a key that is cut off": ("\n".join([BEGIN, *BODY]), BODY[0]),
}


@pytest.mark.parametrize(("text", "secret"), CONTEXTS.values(), ids=CONTEXTS)
def test_a_secret_is_found(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in Redactor().redact(text)


@pytest.mark.parametrize(("text", "secret"), CONTEXTS.values(), ids=CONTEXTS)
def test_a_secret_is_found_when_the_text_is_part_of_a_record(text: str, secret: str) -> None:
    escaped = json.dumps(secret)[1:-1]
    redacted = Redactor().redact(json.dumps({"input": f"before\n{text}\nafter"}))
    assert escaped not in redacted
    assert "after" in redacted


def test_a_private_key_leaves_every_line_of_a_diff_its_sign() -> None:
    diff = "\n".join(["@@ -0,0 +1,5 @@", *("+" + line for line in [BEGIN, *BODY, END]), "+after", " context"])
    redacted = Redactor().redact(diff).split("\n")
    assert redacted == ["@@ -0,0 +1,5 @@", "+[REDACTED:private-key]", "+", "+", "+", "+after", " context"]


def test_a_known_value_over_several_lines_is_found_plain_escaped_in_a_diff_and_line_by_line() -> None:
    value = "first line of it 1\nsecond line of it 2\nlast"
    redactor = Redactor({"NOTE": value})
    shapes = [
        value,
        json.dumps(value),
        "\n".join("+" + line for line in value.split("\n")),
        value.replace("\n", "\r\n"),
    ]
    for shape in shapes:
        assert "line of it" not in redactor.redact(f"x {shape} y")
        assert "last" not in redactor.redact(f"x {shape} y")
    assert redactor.redact("grep says: second line of it 2") == "grep says: [REDACTED:known-value]"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_a_known_value_is_found_in_base64_wherever_it_begins(before: str, after: str) -> None:
    value = "Kx7-Tumble?Weed~33"
    coded = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    redacted = Redactor({"PASS": value}).redact(f"Basic: {coded}.")
    left = redacted.replace("[REDACTED:known-value]", "").removeprefix("Basic: ")
    assert "REDACTED" in redacted
    assert len(left) <= 16, left


def test_a_known_value_is_found_in_a_url_in_either_case() -> None:
    redactor = Redactor({"PASS": "p/ss w?rd=ünï"})
    coded = quote("p/ss w?rd=ünï", safe="")
    assert redactor.redact(f"{coded} {coded.lower()}") == "[REDACTED:known-value] [REDACTED:known-value]"


def test_files_that_disagree_about_a_name_give_every_value(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "API_TOKEN=first-Value-1\nCERT='line one 11\nline two 22'\nURL=https://u:Zz9-zz9zz@h/\n"
    )
    (tmp_path / ".env.local").write_text("API_TOKEN=other-Value-2 # the newer one\n")
    known = known_secrets(tmp_path, {"PWD": "/home/ann/project", "SHELL": "/bin/bash", "API_TOKEN": "third-Value-3"})
    found = set(known.values())
    assert {"first-Value-1", "other-Value-2", "third-Value-3", "line one 11\nline two 22", "Zz9-zz9zz"} <= found
    assert "/home/ann/project" not in found


def test_ordinary_python_is_left_in_peace() -> None:
    """False positives: 1 line of 26,742 in these modules of the standard library, 1 of 23,803 in FastAPI."""
    library = Path(sysconfig.get_paths()["stdlib"])
    names = ("json/*.py", "http/*.py", "email/*.py", "argparse.py", "ssl.py", "urllib/*.py", "smtplib.py", "getpass.py")
    files = [file for name in names for file in sorted(library.glob(name))]
    files += sorted((Path(sysconfig.get_paths()["purelib"]) / "fastapi").rglob("*.py"))
    lines = 0
    changed: list[str] = []
    for file in files:
        before = file.read_text(encoding="utf-8")
        after = Redactor().redact(before)
        lines += before.count("\n")
        changed += [a for a, b in zip(before.split("\n"), after.split("\n"), strict=True) if a != b]
    assert lines > 30_000
    assert len(changed) <= 3, f"{len(changed)} of {lines} lines of ordinary code were changed: {changed}"


# ── In pieces ─────────────────────────────────────────────────────────────────────────────────────────────────────────

STREAMED = "\n".join(
    [
        f"The key is {GITHUB}, and",
        f"DB_PASSWORD={RANDOM} stands in `.env`.",
        'Then "password": "horse 4 battery staple".',
        BEGIN,
        *BODY,
        END,
        "The block:",
        "known one 1111",
        "known two 2222",
        "That was all.",
    ]
)
KNOWN = {"BLOCK": "known one 1111\nknown two 2222"}
SECRETS = (GITHUB, RANDOM, "horse 4", *BODY, "known one", "known two")


def streamed(pieces: list[str]) -> list[str]:
    stream = StreamRedactor(Redactor(KNOWN))
    return [*(stream.feed(piece) for piece in pieces), stream.flush()]


def test_a_secret_cut_anywhere_never_leaves() -> None:
    whole = Redactor(KNOWN).redact(STREAMED)
    assert not any(secret in whole for secret in SECRETS)
    for at in range(len(STREAMED) + 1):
        assert "".join(streamed([STREAMED[:at], STREAMED[at:]])) == whole, f"cut at {at}"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 24, 100])
def test_pieces_of_one_size_give_what_the_whole_gives(size: int) -> None:
    pieces = [STREAMED[at : at + size] for at in range(0, len(STREAMED), size)]
    assert "".join(streamed(pieces)) == Redactor(KNOWN).redact(STREAMED)


@given(
    st.lists(st.sampled_from([*STREAMED.splitlines(keepends=True), "\n", "\n\n", " ", "token=", '"', BEGIN, "\\n"])),
    st.data(),
)
def test_any_text_in_any_pieces_gives_what_the_whole_gives(lines: list[str], data: st.DataObject) -> None:
    text = "".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(streamed(pieces)) == Redactor(KNOWN).redact(text)


def test_lines_are_shown_when_they_end_and_a_key_when_it_does() -> None:
    stream = StreamRedactor(Redactor())
    assert stream.feed("Hello, wor") == ""
    assert stream.feed("ld\nand ") == "Hello, world\n"
    assert stream.feed(f"more\n{BEGIN}\n{BODY[0]}\n") == "and more\n"
    assert stream.feed(f"{BODY[1]}\n{END}\nafter") == "[REDACTED:private-key]\n\n\n\n"
    assert stream.flush() == "after"


def test_a_line_without_end_is_shown_in_parts_and_loses_no_secret() -> None:
    stream = StreamRedactor(Redactor())
    text = " ".join(f"word{n} {GITHUB}" for n in range(3_000))
    shown = [stream.feed(text[at : at + 1_000]) for at in range(0, len(text), 1_000)]
    assert sum(map(len, shown)) > 30_000
    assert "".join([*shown, stream.flush()]) == Redactor().redact(text)


def test_a_run_without_any_white_space_is_given_up_and_what_follows_is_shown() -> None:
    stream = StreamRedactor(Redactor())
    shown = [stream.feed("x" * 100_000) for _ in range(12)]
    assert "".join([*shown, stream.feed("xx and on"), stream.flush()]) == "[REDACTED:unreadable] and on"


def test_the_recorded_stream_of_a_real_agent_loses_its_keys() -> None:
    path = Path(__file__).parents[4] / "shared" / "reference" / "transcripts" / "claude" / "acp" / "secret.jsonl"
    if not path.exists():
        pytest.skip("the recordings of real agents are not beside this checkout")
    updates = [json.loads(line)["msg"].get("params", {}).get("update", {}) for line in path.read_text().splitlines()]
    pieces = [u["content"]["text"] for u in updates if u.get("sessionUpdate") == "agent_message_chunk"]
    output = next(u["rawOutput"] for u in updates if "rawOutput" in u)
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    assert key in "".join(pieces)
    assert not any(key in piece for piece in pieces)
    shown = "".join(streamed(pieces))
    assert key not in shown
    assert "[REDACTED:" in shown
    redacted = Redactor().redact(output)
    assert not any(secret in redacted for secret in (key, "wJalrXUtnFEMI", "s3cr3t-pw")), redacted
