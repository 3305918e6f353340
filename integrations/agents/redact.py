"""Takes secrets out of text: known values literally, then everything that looks like a credential, by rule.

Known values come first, because they give no false negatives for the secrets that matter most: those of this machine.
Rules look for the published shapes of tokens, for credentials in URLs and headers, and for values of names such as
`password`. A rule never crosses a line, private keys excepted. What is taken out is replaced by `[REDACTED:rule]`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

#: Shorter known values are too likely to be ordinary words.
MIN_KNOWN = 8
#: Names whose values are secrets: of variables, of keys in JSON and YAML, of headers.
_NAMES = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|"
    r"secret[_-]?key|signing[_-]?key|encryption[_-]?key|auth[_-]?key|credentials?)"
)
_SECRET_VARIABLE = re.compile(rf"{_NAMES}$|_KEY$|^DATABASE_URL$|_DSN$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern`'s last group is the secret; without a group, all of it is. `hints` are looked for first, in lower
    case: text without any of them is not searched."""

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]


def _rule(name: str, pattern: str, *hints: str, flags: int = 0) -> Rule:
    return Rule(name, re.compile(pattern, flags), hints)


#: Published shapes of credentials. Sources: the providers' own documentation of their token formats.
TOKEN_RULES: tuple[Rule, ...] = (
    _rule(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        "private key",
    ),
    _rule("aws-access-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", "akia", "asia", "abia", "acca"),
    _rule("github", r"\b(?:gh[opsur]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})", "gh", "github_pat_"),
    _rule("gitlab", r"\bgl(?:pat|dt|rt|cbt|ptt|oas)-[A-Za-z0-9_-]{20,}", "gl"),
    _rule("slack-token", r"\bxox[abceoprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{10,}", "xox", "xapp-"),
    _rule("slack-webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_+-]{20,})", "hooks.slack"),
    _rule("anthropic", r"\bsk-ant-[A-Za-z0-9_-]{16,}", "sk-ant-"),
    _rule("openai", r"\bsk-(?:proj-|svcacct-|admin-|or-v1-)?(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}", "sk-"),
    _rule(
        "google",
        r"\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}",
        "aiza",
        "ya29.",
        "gocspx-",
    ),
    _rule(
        "stripe",
        r"\b(?:[srp]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
        "k_live_",
        "k_test_",
        "whsec_",
    ),
    _rule("npm", r"\bnpm_[A-Za-z0-9]{36}", "npm_"),
    _rule("pypi", r"\bpypi-[A-Za-z0-9_-]{40,}", "pypi-"),
    _rule("sendgrid", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", "sg."),
    _rule("twilio", r"\bSK[0-9a-f]{32}\b", "sk"),
    _rule("hugging-face", r"\bhf_[A-Za-z0-9]{30,}", "hf_"),
    _rule("digitalocean", r"\bdo[oprt]_v1_[a-f0-9]{64}", "_v1_"),
    _rule("shopify", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _rule("databricks", r"\bdapi[a-f0-9]{32}", "dapi"),
    _rule("mailgun", r"\bkey-[0-9a-f]{32}\b", "key-"),
    _rule("telegram", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}", ":aa"),
    _rule("azure-storage", r"AccountKey=([A-Za-z0-9+/]{60,}={0,2})", "accountkey="),
    _rule("age", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}", "age-secret-key-"),
    _rule("linear", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}", "lin_"),
    _rule("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", "eyj"),
    _rule(
        "url-password",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>\\]*:([^\s@/'\"<>\\]{3,})(?=@)",
        "://",
        flags=re.IGNORECASE,
    ),
    _rule(
        "authorization",
        r"\bauthorization\\?[\"']?\s{0,3}[:=,]\s{0,3}\\?[\"']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]{8,})",
        "authorization",
        flags=re.IGNORECASE,
    ),
    _rule("bearer", r"\bBearer\s+(?=[A-Za-z0-9._~+/-]*[0-9])([A-Za-z0-9._~+/-]{20,}=*)", "bearer "),
)

# The parts before a name are bounded and begin at a word's beginning, so that a megabyte of base64 costs no more than
# it is long.
#: `NAME=value` as in a shell or a `.env` file.
_ENVIRONMENT = re.compile(
    r"(?<![A-Z0-9_])[A-Z0-9_]{0,64}(?:PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|"
    r"[A-Z0-9]_KEY|CREDENTIALS?)=(?:\\?[\"'])?([^\s\"'\\]{6,})"
)
#: `"name": "value"`, `name = 'value'`, also inside JSON text, where quotes are escaped once or twice.
_QUOTED = re.compile(
    rf"(?<![\w.-])[\w.-]{{0,64}}{_NAMES}\\{{0,3}}[\"']?[ \t]*(?:=>|:=|[:=])[ \t]*[bru]?"
    r"\\{0,3}[\"']([^\s\"'\\]{4,})\\{0,3}[\"']",
    re.IGNORECASE,
)
#: `name: value` as in YAML, also inside JSON text, where the line's end is escaped.
_PLAIN = re.compile(
    rf"(?:^|\\n)[ \t-]*[\w.-]{{0,64}}{_NAMES}:[ \t]+([^\s\"'\\,{{}}\[\]()]{{6,}})[ \t]*(?:$|\\)",
    re.IGNORECASE | re.MULTILINE,
)

_PLACEHOLDER = re.compile(
    r"^(?:[<\[{$%].*|.*\$\{.*|\.{3,}|[*x•-]{3,}|your[_-].*|my[_-].*|example.*|changeme|placeholder|redacted|dummy|test|"
    r"none|null|true|false|undefined|string|str|bytes|int|required|optional|os\.environ.*|process\.env.*)$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z_.-]*[A-Za-z_]$|^[A-Z][A-Z0-9_]*$|^[a-z]+(?:[_.-][a-z0-9]+)*$")
_PASSWORD_NAME = re.compile(r"(?:password|passwd|passphrase|pwd)\\?[\"']?[ \t]*(?:=>|:=|[:=])", re.IGNORECASE)


class Redactor:
    """Redacts text, and counts by rule what it took out. `known` maps a name to a value that must never leave."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        forms = {form for value in (known or {}).values() if len(value) >= MIN_KNOWN for form in _forms(value)}
        self._known = _alternatives(forms)

    def redact(self, text: str) -> str:
        """`text` without its secrets."""
        if self._known is not None:
            text, found = self._known.subn("[REDACTED:known-value]", text)
            self._count("known-value", found)
        lowered = text.lower()
        for rule in TOKEN_RULES:
            if any(hint in lowered for hint in rule.hints):
                text = self._replace(rule.name, rule.pattern, text)
        if any(hint in lowered for hint in ("pass", "pwd", "secret", "token", "key", "credential")):
            text = self._replace("environment", _ENVIRONMENT, text)
            text = self._replace("assignment", _QUOTED, text)
            text = self._replace("assignment", _PLAIN, text)
        return text

    def _replace(self, name: str, pattern: re.Pattern[str], text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            group = match.re.groups
            secret = match[group]
            if "[REDACTED:" in secret or (group and not _is_secret(name, match[0], secret)):
                return match[0]
            self._count(name, 1)
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return f"{match[0][:start]}[REDACTED:{name}]{match[0][end:]}"

        return pattern.sub(replace, text)

    def _count(self, name: str, found: int) -> None:
        if found:
            self.counts[name] += found


def _is_secret(rule: str, whole: str, value: str) -> bool:
    """Whether a value that stands where a secret would is one: not a placeholder, not a name of something."""
    if _PLACEHOLDER.match(value):
        return False
    if rule in ("authorization", "bearer", "slack-webhook", "azure-storage"):
        return True
    if rule == "url-password" or _PASSWORD_NAME.search(whole):
        return not _looks_like_code(value)
    return not _IDENTIFIER.match(value) and not _looks_like_code(value) and _is_mixed(value)


def _looks_like_code(value: str) -> bool:
    return bool(re.search(r"[(){}\[\]<>|;]|%s|%\(|\\[nt]", value)) or value.startswith(("self.", "cls.", "this."))


def _is_mixed(value: str) -> bool:
    """Secrets are long, or mix letters with digits or signs; words and paths are not secrets."""
    has_digit, has_letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    return len(value) >= 8 and has_letter and has_digit and "/" not in value[:1]


def _forms(value: str) -> Iterable[str]:
    """A known value as it may stand in text: plain, in JSON, in a URL, in base64."""
    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    encoded = base64.b64encode(value.encode()).decode()
    yield encoded
    yield encoded.rstrip("=")
    for line in value.splitlines():
        if len(line) >= MIN_KNOWN * 2:
            yield line


def _alternatives(forms: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted((form for form in forms if len(form) >= MIN_KNOWN), key=len, reverse=True)
    return re.compile("|".join(re.escape(form) for form in longest_first)) if longest_first else None


def known_secrets(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets that this machine knows: values of `.env*` files in `directory`, and of environment variables whose
    name says that they are secret."""
    known = {name: value for name, value in environment.items() if _SECRET_VARIABLE.search(name)}
    for file in sorted(directory.glob(".env*")):
        if file.is_file() and not file.name.endswith((".example", ".sample", ".template")):
            known.update(_assignments(file.read_text(encoding="utf-8", errors="replace")))
    return {name: value for name, value in known.items() if len(value) >= MIN_KNOWN}


def _assignments(text: str) -> Iterable[tuple[str, str]]:
    """The values of a `.env` file. Settings that are plainly no secrets stay readable."""
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        value = value.strip().strip("\"'")
        if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()) and not _is_plain_setting(name, value):
            yield name.strip(), value


def _is_plain_setting(name: str, value: str) -> bool:
    is_secret_name = bool(_SECRET_VARIABLE.search(name.strip()))
    return not is_secret_name and bool(re.fullmatch(r"[a-z]+|[0-9.:]+|https?://[^@]*|/[^@]*|[\w.-]+:[0-9]+", value))
