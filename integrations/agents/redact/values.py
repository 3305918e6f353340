"""Judges what stands where a secret would: is it one, or a placeholder, a word, a piece of code?

Ordinary code is full of `token = tokens[0]` and `"password": "password"`. A redactor that blackens those is soon
switched off, so a value has to look like a secret for the name and the way of writing in which it stands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

#: How a value is written: in quotes, bare after a sign, as a line of an environment file, as an argument of a command.
Style = Literal["quoted", "bare", "environment", "flag"]

_PLACEHOLDER = re.compile(
    r"""(?ix)
    \[REDACTED:.* | [<\[({]+.*[>\])}]+ | <[\w\ .:/|-]*>? | \$\w+ | \$[({].* | %(?:\(\w+\))?[sdr] | %\w+% |
    .*\$\{[^}]*\}.* | .*\{\{.*\}\}.* |
    \.{2,} | [*x•#_-]{3,} | [x*]{3,}[.-].* | .*\*{3}.* | .*x{6,}.* | .*\.\.\. | … |
    (?:your|my|some|the|an?|insert|enter|replace|put|add)(?:[-_ ][a-z]+)+ |
    change[-_]?(?:me|it|this)[a-z_-]* | place[-_]?holder | example[-_.a-z]* |
    redacted | dummy | fake | test | testing | sample | todo | default | unset | missing | invalid | unknown |
    none | nil | null | true | false | undefined | required | optional | empty |
    string | str | bytes | int | bool | any | object | secret | password | passwd | pass | pwd | token | key | user |
    sha\d+ | md5 | utf-?\d+ | base\d+ | [hre]s\d+ | int\d+ | float\d+ | http/\d.*
    """
)
_REFERENCE = re.compile(
    r"(?:self|cls|this|os|sys|process|config|settings|env|request|req|args|options|secrets|vars|var|data|local|module|"
    r"import|window|document|steps|inputs|github|matrix|secretKeyRef)\.[\w.\[\]'\"]+|os\.environ.*|getenv.*"
)
#: What an identifier, a path or a sentence is made of: words, perhaps with a number at their end.
_WORD = re.compile(
    r"[A-Za-z]+[0-9]{0,3}|[0-9]{1,4}|[a-z]+[0-9][a-z]+|[A-Za-z][a-z]+[0-9]{0,5}(?:[A-Z][a-z]{2,}[0-9]{0,3})+"
)
_BREAKS = re.compile(r"[_.:/\s~@+&?!,-]+")
_CODE = re.compile(r"[()\[\]{}<>|;]|%[sdr]\b|%\(|\\[nt]|=>|->|\bf\"")
#: The same inside quotes or in an environment file, where single signs of code may well belong to a password.
_CODE_INSIDE = re.compile(r"\w\(.*\)|[{\[<].*[}\]>]|%[sdr]\b|%\(|\\[nt]")

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
        "secrets",
        "token",
        "apikey",
        "credential",
        "credentials",
    }
    | {
        "accesskey",
        "secretkey",
        "privatekey",
        "authkey",
        "authtoken",
        "accesstoken",
        "clientsecret",
        "passkey",
        "pass",
        "pat",
    }
    | {"accountkey", "sharedaccesskey", "jwt", "bearer", "mfa", "otp", "pin"}
)
_KEY_OF = frozenset(
    {"api", "access", "private", "secret", "auth", "encryption", "signing", "account", "master", "service", "shared"}
    | {
        "subscription",
        "license",
        "licence",
        "deploy",
        "app",
        "application",
        "client",
        "admin",
        "root",
        "aws",
        "gcp",
        "azure",
    }
    | {
        "openai",
        "anthropic",
        "stripe",
        "github",
        "session",
        "cookie",
        "hmac",
        "aes",
        "rsa",
        "ssh",
        "webhook",
        "integration",
    }
)
_TAIL = frozenset(
    {
        "value",
        "base",
        "old",
        "new",
        "prod",
        "production",
        "dev",
        "staging",
        "live",
        "default",
        "hash",
        "env",
        "raw",
        "plain",
        "id",
    }
)
_PASSWORD_WORDS = frozenset({"password", "passwd", "passphrase", "passcode", "pwd", "pass"})
_SPLIT_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4_096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in any case style, in lower case, without numbers and suffixes such as `_OLD`."""
    words = [word.lower() for word in _SPLIT_NAME.findall(name)]
    while words and (words[-1].isdigit() or (words[-1] in _TAIL and words[-1] != "id")):
        words.pop()
    return tuple(words)


@lru_cache(maxsize=4_096)
def is_secret_name(name: str) -> bool:
    """Whether a variable, header or key of that name holds a secret: `DB_PASSWORD`, `clientSecret`, `x-api-key`."""
    words = words_of(name)
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in ("pat", "pin", "otp", "mfa", "bearer", "jwt", "pass"):
        return name.isupper() or (last == "pass" and name.lower() in ("pass", "smtp_pass", "db_pass", "mysql_pass"))
    if last in _SECRET_WORDS:
        return True
    if last in ("key", "keys"):
        return before in _KEY_OF or (
            name.isupper() and len(words) > 1 and before not in ("primary", "foreign", "sort", "public")
        )
    return last == "auth" and name.lstrip("_") == "auth"


def is_password_name(name: str) -> bool:
    """Whether people choose the value themselves, so that it may be short and plain."""
    words = words_of(name)
    return bool(words) and words[-1] in _PASSWORD_WORDS


@lru_cache(maxsize=4_096)
def is_placeholder(value: str) -> bool:
    """Whether a value stands for one that is somewhere else, or is no value: `${X}`, `<token>`, `changeme`, `true`."""
    text = value.strip()
    return not text or _PLACEHOLDER.fullmatch(text) is not None or _REFERENCE.fullmatch(text) is not None


def is_plain_words(value: str, longest: int = 24) -> bool:
    """Whether a value is made of words alone, none of them longer than `longest`: an identifier, a path, a phrase."""
    parts = [part for part in _BREAKS.split(value) if part]
    return all(_WORD.fullmatch(part) and len(part) <= longest for part in parts)


def is_secret(name: str, value: str, style: Style) -> bool:
    """Whether `value`, written in that style under a name that is_secret_name, has to be taken out."""
    if is_placeholder(value) or len(value) < 4:
        return False
    if style == "environment":
        return not _CODE_INSIDE.search(value) and not is_folder(name, value)
    if is_password_name(name):
        return _is_password(value, style)
    return len(value) >= 8 and _is_random(value)


def is_folder(name: str, value: str) -> bool:
    """`PWD` is the password of a connection string, and the working directory of a shell."""
    return name in ("PWD", "OLDPWD") and value.startswith(("/", "~", "C:", "D:"))


def _is_password(value: str, style: Style) -> bool:
    if style != "quoted" and _CODE.search(value):
        return False
    if any(space in value for space in " \t"):
        return (
            bool(re.search(r"[0-9]", value)) and len(value) <= 100 and not re.search(r"[.:?!]\s|[.:?!]$|%[sdr]", value)
        )
    if value.isalpha():
        return len(value) >= 16 and value.islower()
    if style == "quoted" and not any(sign.isdigit() for sign in value):
        return len(value) >= 6 and bool(re.search(r"[^\w.:/-]", value)) and not _CODE_INSIDE.search(value)
    return any(sign.isdigit() for sign in value) or bool(re.search(r"[!@#^&*+~]", value))


def _is_random(value: str) -> bool:
    """Letters and digits mixed as no word mixes them, or a long run of both cases."""
    if _CODE.search(value) or re.search(r"\s", value) or value.startswith(("http://", "https://", "./", "../")):
        return False
    if is_plain_words(value):
        return False
    has_letter, has_digit = any(sign.isalpha() for sign in value), any(sign.isdigit() for sign in value)
    return has_letter and (has_digit or (len(value) >= 20 and not value.islower() and not value.isupper()))
