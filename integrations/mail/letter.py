"""One mail of the outbox as it goes out: rendered from its templates, with headers that nobody else has a word in.

Whatever people wrote is text: escaped in HTML, without line breaks or control characters in a header, never an address.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from core.outbox import ASKED_FOR, Mail
from core.unsubscribing import UnsubscribeTokens

#: Characters of a subject.
MAX_SUBJECT = 150


def one_line(text: str, limit: int = MAX_SUBJECT) -> str:
    """`text` fit for a header: no control, direction or separating characters, not too long, and no encoded word: what
    looks like one would be decoded (RFC 2047), and could hide a line break until then."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" else " " for c in text)
    line = " ".join(kept.split()).replace("=?", "= ?")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


#: Kept of the characters without a shape: line breaks, tabs, and what joins emoji.
_INVISIBLE_BUT_MEANT = frozenset("\n\t\u200d\ufe0f")


def printable(value: Any) -> Any:
    """The same values, without characters that steer a terminal or turn the direction of writing round."""
    if isinstance(value, str):
        return "".join(c for c in value if c in _INVISIBLE_BUT_MEANT or unicodedata.category(c)[0] != "C")
    if isinstance(value, dict):
        return {key: printable(part) for key, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [printable(part) for part in cast("list[Any]", value)]
    return value


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


class LetterWriter:
    """Writes mails for the server at `base_url`. `sender` is whom they come from."""

    def __init__(self, base_url: str, sender: Address, tokens: UnsubscribeTokens) -> None:
        self.base_url = base_url
        self.sender = sender
        self._tokens = tokens
        loader = PackageLoader("integrations.mail")
        shared: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        self._html = Environment(loader=loader, autoescape=True, **shared)
        # Plain text has no markup that could be meant by anybody.
        self._text = Environment(loader=loader, autoescape=False, **shared)  # noqa: S701
        for environment in (self._html, self._text):
            environment.filters["one_line"] = one_line

    def render(self, mail: Mail, links: Mapping[str, str]) -> Rendered:
        """Raises jinja2's errors where a value is missing."""
        stop = self.stop_url(mail)
        own = {"base_url": self.base_url, "stop_url": stop, "recipient": mail.recipient}
        values = {**printable(dict(mail.values)), **links, **own}
        template = self._text.get_template(f"{mail.kind}.txt")
        subject = "".join(template.blocks["subject"](template.new_context(values)))
        text = template.render(values)
        return Rendered(one_line(subject), text, self._html.get_template(f"{mail.kind}.html").render(values))

    def stop_url(self, mail: Mail) -> str:
        """Where its recipient says that they want no more of these; empty for what they have asked for."""
        if mail.kind in ASKED_FOR:
            return ""
        return f"{self.base_url}/mail/unsubscribe/{self._tokens.make(mail.recipient, mail.kind)}"

    def write(self, mail: Mail, links: Mapping[str, str], date: datetime) -> EmailMessage:
        rendered = self.render(mail, links)
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = Address(addr_spec=mail.recipient)
        message["Subject"] = rendered.subject
        message["Date"] = format_datetime(date)
        message["Message-ID"] = f"<{mail.id}@{self.sender.domain}>"
        # RFC 3834 §5: nobody on holiday answers this.
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        stop = self.stop_url(mail)
        if stop:
            message["List-Unsubscribe"] = f"<{stop}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        return message
