"""No secret leaves: seeded credentials of many kinds, wherever they stand; and ordinary code stays as it is."""

from __future__ import annotations

import base64
import json
import random
import string
import sysconfig
from pathlib import Path
from urllib.parse import quote

import pytest

from integrations.agents.redact import Redactor, known_secrets

ALPHANUMERIC = string.ascii_letters + string.digits


def seeded(chance: random.Random, alphabet: str, length: int) -> str:
    """Random characters, with at least one digit and one letter, as a generator of tokens gives them."""
    return "a1" + "".join(chance.choice(alphabet) for _ in range(length - 2))


def secrets_of_every_kind(seed: int) -> dict[str, tuple[str, str]]:
    """Kind → (text as it would stand somewhere, the part that must not leave)."""
    chance = random.Random(seed)

    def word(length: int, alphabet: str = ALPHANUMERIC) -> str:
        return seeded(chance, alphabet, length)

    hexadecimal, upper = "0123456789abcdef", string.ascii_uppercase + "234567"
    bare = {
        "aws access key": "AKIA" + "".join(chance.choice(upper) for _ in range(16)),
        "github classic": f"ghp_{word(36)}",
        "github oauth": f"gho_{word(36)}",
        "github fine-grained": f"github_pat_{word(22)}_{word(59)}",
        "gitlab": f"glpat-{word(20)}",
        "slack bot": f"xoxb-{chance.randrange(10**11)}-{chance.randrange(10**12)}-{word(24)}",
        "slack app": f"xapp-1-A0{word(9)}-{chance.randrange(10**12)}-{word(40)}",
        "openai": f"sk-proj-{word(48)}",
        "openai legacy": f"sk-{word(48)}",
        "anthropic": f"sk-ant-api03-{word(80)}",
        "google api": f"AIza{word(35)}",
        "google oauth": f"ya29.{word(60)}",
        "stripe": f"sk_live_{word(24)}",
        "stripe webhook": f"whsec_{word(32)}",
        "npm": f"npm_{word(36)}",
        "pypi": f"pypi-{word(80)}",
        "sendgrid": f"SG.{word(22)}.{word(43)}",
        "twilio": f"SK{word(32, hexadecimal)}",
        "hugging face": f"hf_{word(34)}",
        "digitalocean": f"dop_v1_{word(64, hexadecimal)}",
        "shopify": f"shpat_{word(32, hexadecimal)}",
        "databricks": f"dapi{word(32, hexadecimal)}",
        "linear": f"lin_api_{word(40)}",
        "jwt": f"eyJ{word(20)}.eyJ{word(40)}.{word(43)}",
    }
    password = word(14)
    in_context = {
        "url password": (f"postgres://app:{password}@db.internal:5432/app", password),
        "redis url": (f"redis://:{password}@cache:6379/0", password),
        "bearer header": (f"Authorization: Bearer {word(30)}", ""),
        "basic header": (f'"Authorization": "Basic {base64.b64encode(password.encode()).decode()}"', ""),
        "shell variable": (f"export DB_PASSWORD={password}", password),
        "quoted variable": (f'STRIPE_API_KEY="{password}"', password),
        "json": (f'{{"client_secret": "{password}"}}', password),
        "yaml": (f"database:\n  password: {password}\n", password),
        "python": (f"api_key = '{password}'", password),
        "javascript": (f'const authToken = "{password}";', password),
        "escaped json": (json.dumps(json.dumps({"access_token": password})), password),
        "escaped shell": (json.dumps(f"cat .env\nDB_PASSWORD={password}\nPORT=8000"), password),
        "slack webhook": (f"https://hooks.slack.com/services/T0{word(8)}/B0{word(8)}/{password}{word(10)}", password),
        "private key": (
            f"-----BEGIN RSA PRIVATE KEY-----\n{word(64)}\n{password}{word(50)}\n-----END RSA PRIVATE KEY-----",
            password,
        ),
        "private key, cut off": (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{word(64)}\n{password}", password),
        "azure": (f"AccountName=a;AccountKey={base64.b64encode(word(64).encode()).decode()};", ""),
    }
    found = {kind: (f"the key is {value} here", value) for kind, value in bare.items()}
    for kind, (text, secret) in in_context.items():
        found[kind] = (
            text,
            secret or text.split()[-1].strip('"').removeprefix("AccountName=a;AccountKey=").rstrip(";"),
        )
    return found


PLACES = (
    "{}",
    "output:\n{}\ndone",
    '{{"stdout": {json}}}',
    "+ {}",
    "```\n{}\n```",
)


def test_of_six_hundred_seeded_secrets_none_is_left() -> None:
    left: list[str] = []
    total = 0
    for seed in range(3):
        for kind, (text, secret) in secrets_of_every_kind(seed).items():
            for place in PLACES:
                shown = place.format(text, json=json.dumps(text))
                total += 1
                if secret in Redactor().redact(shown):
                    left.append(f"{kind} in {place!r}")
    assert total >= 500
    assert left == []


def test_what_is_taken_out_is_named_and_counted() -> None:
    redactor = Redactor()
    text = redactor.redact("first ghp_" + "a1" * 18 + " then AKIAQWERTYUIOPASDFGH and ghp_" + "b2" * 18)
    assert text == "first [REDACTED:github] then [REDACTED:aws-access-key] and [REDACTED:github]"
    assert redactor.counts == {"github": 2, "aws-access-key": 1}


def test_redacting_twice_changes_nothing_more() -> None:
    redactor = Redactor()
    for text, _ in secrets_of_every_kind(1).values():
        once = redactor.redact(text)
        assert redactor.redact(once) == once


@pytest.mark.parametrize(
    "value", ["correct horse battery", "Tr0ub4dor&3-x", 'quo"ted\\value!', "plainwords", "päss wörd"]
)
def test_a_known_value_is_taken_out_in_every_form(value: str) -> None:
    redactor = Redactor({"SECRET": value})
    forms = [value, json.dumps(value), quote(value, safe=""), base64.b64encode(value.encode()).decode()]
    for form in forms:
        assert value not in redactor.redact(f"before {form} after")
        assert "[REDACTED:known-value]" in redactor.redact(f"before {form} after")


def test_the_machines_own_secrets_are_found_and_its_settings_are_not(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# comment\nexport API_SECRET='s3cr3t-value-1'\nDATABASE_URL=postgres://u:pw@h/db\nMODE=production\n"
        "PUBLIC_URL=https://example.com/path\nEMPTY=\nODD=zq9-87xk2\n"
    )
    (tmp_path / ".env.example").write_text("API_SECRET=put-yours-here\n")
    environment = {"HOME": "/home/ann", "EDITOR": "very-long-editor", "GITHUB_TOKEN": "tok-1234567", "PATH": "/usr/bin"}
    known = known_secrets(tmp_path, environment)
    assert known == {
        "API_SECRET": "s3cr3t-value-1",
        "DATABASE_URL": "postgres://u:pw@h/db",
        "ODD": "zq9-87xk2",
        "GITHUB_TOKEN": "tok-1234567",
    }


@pytest.mark.parametrize(
    "code",
    [
        "token = tokens.issue(user, lifetime)",
        "password: str = Field(min_length=8)",
        'parser.add_argument("--token", help="the API token")',
        "if secret is None: raise KeyError(name)",
        'headers = {"Authorization": f"Bearer {token}"}',
        "const apiKey = process.env.API_KEY;",
        "api_key: ${API_KEY}",
        'password = "changeme"',
        'TOKEN_TYPE = "bearer"',
        'secret = os.environ["JWT_SECRET"]',
        "max_tokens=4096, token_count: 92764",
        "https://example.com/path?next=/a/b@c",
        "class Token(NamedTuple):",
        'SECRET_NAME = r"(?:password|secret)"',
        "git@github.com:owner/name.git",
        "sk-learn-contrib-something-without-digits",
    ],
)
def test_ordinary_code_stays_as_it_is(code: str) -> None:
    assert Redactor().redact(code) == code


def test_the_standard_library_is_left_in_peace() -> None:
    """False positives on ordinary code: at most one line in ten thousand."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    lines = changed = 0
    for package in ("http", "json", "email", "asyncio", "logging", "urllib", "concurrent", "importlib"):
        for file in sorted((folder / package).glob("*.py")):
            before = file.read_text(encoding="utf-8")
            after = Redactor().redact(before)
            lines += before.count("\n")
            changed += sum(a != b for a, b in zip(before.splitlines(), after.splitlines(), strict=True))
    assert lines > 20_000
    assert changed <= lines / 10_000, f"{changed} of {lines} lines of ordinary code were changed"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a", "A", "token", "password=", "https://", "eyJ", "-----BEGIN PRIVATE KEY-----", '\\"']
)
def test_a_very_long_text_of_one_odd_word_is_read_to_its_end(unit: str) -> None:
    """A rule that looked again from every place would take hours here, not seconds."""
    text = unit * (300_000 // len(unit))
    assert Redactor().redact(text)
