"""How mail leaves, as `SMTP_URL` and `MAIL_FROM` say it.

    smtp://user:password@mail.example.com:587       STARTTLS, and nothing is said before it is up
    smtps://user:password@mail.example.com          TLS from the first byte, port 465
    smtp://localhost:25                             this machine needs neither

`?starttls=off` does without encryption elsewhere too; `?ca=/path/to/ca.pem` names the authority to be trusted.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import parse_qsl, unquote, urlsplit

from core.accounts import normal_email
from core.errors import Invalid

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettingsError(ValueError):
    """The settings of mail cannot work; the message says what to change."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A server that takes mail. `ca` is a file of certificates; empty for the system's."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    use_tls: bool = False
    starttls: bool = True
    ca: str = ""


def smtp_settings(url: str) -> SmtpSettings:
    """Raises MailSettingsError; what it says does not contain the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise MailSettingsError("SMTP_URL is not a URL: write it like smtp://user:password@host:587.") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
        raise MailSettingsError("SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host.")
    unknown = options.keys() - {"starttls", "ca"}
    if unknown or options.get("starttls", "on") not in ("on", "off"):
        raise MailSettingsError("SMTP_URL knows the options starttls=off and ca=FILE, and no others.")
    is_tls = parts.scheme == "smtps"
    if bool(parts.username) != bool(parts.password):
        raise MailSettingsError("SMTP_URL has a user without a password, or the other way round.")
    return SmtpSettings(
        host=parts.hostname,
        port=port or (465 if is_tls else 587),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=is_tls,
        starttls=not is_tls and options.get("starttls", "off" if parts.hostname in LOOPBACK else "on") == "on",
        ca=options.get("ca", ""),
    )


def sender(text: str) -> Address:
    """`MAIL_FROM`, with a name or without. Raises MailSettingsError."""
    name, address = parseaddr(text)
    if any(unicodedata.category(c)[0] == "C" for c in text):
        raise MailSettingsError("MAIL_FROM must be one line, such as Cosession <cosession@example.com>.")
    try:
        return Address(name or "Cosession", addr_spec=normal_email(address))
    except (Invalid, ValueError):
        raise MailSettingsError("MAIL_FROM must be an address like cosession@example.com.") from None
