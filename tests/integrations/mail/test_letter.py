"""How a mail is written: whatever people wrote is text in it, and nothing of theirs adds to its headers."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest

from core.clock import system_clock
from core.mailer import MailRefused
from core.outbox import Kind, Mail, address_hash
from core.unsubscribing import NoSuchLink, UnsubscribeTokens
from integrations.mail.letter import LetterWriter, one_line
from integrations.mail.mailer import TemplateMailer

TOKENS = UnsubscribeTokens("a server's own key, of which nobody knows")
BASE = "https://c.example.com"
WRITER = LetterWriter(BASE, Address("Cosession", addr_spec="cosession@example.com"), TOKENS)
LINKS = {"link": f"{BASE}/sign-in#m.secret", "code": "ABCD-EFGH", "minutes": "15"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="https://evil.example">',
    "</td></tr></table><h1>",
    "{{ 7 * 7 }} {% raw %} {{ link }}",
    "x\r\nBcc: everybody@example.com\r\n\r\n<html>",
    "x\nContent-Type: text/html",
    "=?utf-8?q?=0d=0aBcc:_a=40b?=",
    "\x1b[31mred\x07\u202egnp.exe\u2066",
    "a" * 5_000,
    "🙂‍↔️ Ünïcödé 名前",
    "",
]


def mail(kind: Kind, values: dict[str, Any]) -> Mail:
    now = system_clock()
    return Mail("mai_" + "a" * 26, kind, "bob@example.com", "usr_bob", values, 0, False, now, now)


def values_of(kind: Kind, text: str) -> dict[str, Any]:
    """Every value that people have a word in is `text`."""
    item = {"who": text, "what": text, "text": text, "where": text, "session": text, "path": "/s/x"}
    counts = dict.fromkeys(("messages", "comments", "turns", "edits", "failures", "arrivals", "ends"), 1)
    session = {"title": text, "path": "/s/x", "agent": text, "has_ended": False, "people": [text], "more_people": 0}
    number = {"label": "Messages", "now": 3, "was": 4, "now_share": 75, "was_share": 100}
    every: dict[Kind, dict[str, Any]] = {
        "sign_in": {},
        "invite": {"inviter": text, "title": text, "role": "editor", "until": "tomorrow"},
        "notification": {"heading": text, "session": text, "path": "/s/x", "items": [item]},
        "digest": {
            "title": "this week",
            "more_sessions": 0,
            "more_open": 0,
            "open": [item],
            "sessions": [{**session, **counts}],
            "numbers": [number],
        },
    }
    return every[kind]


KINDS: list[Kind] = ["sign_in", "invite", "notification", "digest"]


def written(kind: Kind, text: str) -> EmailMessage:
    message = WRITER.write(mail(kind, values_of(kind, text)), LINKS, system_clock())
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(html)
    return parser.seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_people_wrote_adds_no_header_no_element_and_no_link(kind: Kind, text: str) -> None:
    plain, hostile = written(kind, "words"), written(kind, text)
    assert hostile.keys() == plain.keys()
    assert [str(hostile[key]) for key in hostile if key not in ("Subject", "Date", "Content-Type")] == [
        str(plain[key]) for key in plain if key not in ("Subject", "Date", "Content-Type")
    ]
    assert elements(part(hostile, "html")) == elements(part(plain, "html"))
    assert len(str(hostile["Subject"])) < 260
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", part(hostile, "plain"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_says_what_it_is(kind: Kind) -> None:
    message = written(kind, "words")
    assert message["Message-ID"] == f"<mai_{'a' * 26}@example.com>"
    assert message["From"] == "Cosession <cosession@example.com>"
    assert message["To"] == "bob@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    html = part(message, "html")
    assert "prefers-color-scheme: dark" in html
    assert "color-scheme" in html
    asked = [attrs.get("src") or attrs.get("background") for _, attrs in elements(html)]
    assert not any(asked), "nothing is fetched when it is opened"
    assert "url(" not in html


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_asked_for_can_be_stopped_with_one_click(kind: Kind) -> None:
    """RFC 8058 §3.1."""
    message = written(kind, "words")
    if kind == "sign_in":
        assert message["List-Unsubscribe"] is None
        return
    stop = str(message["List-Unsubscribe"]).strip("<>")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert stop in part(message, "html")
    assert stop in part(message, "plain")
    assert TOKENS.check(stop.rsplit("/", 1)[1]) == (address_hash("bob@example.com"), kind)


def test_a_link_to_stop_mail_cannot_be_made_up() -> None:
    good = TOKENS.make("bob@example.com", "digest")
    other = TOKENS.make("ann@example.com", "digest")
    stranger = UnsubscribeTokens("another key").make("bob@example.com", "digest")
    kind, address, tag = good.split(".")
    forged = [
        "",
        "x",
        "..",
        stranger,
        f"{kind}.{other.split('.')[1]}.{tag}",
        f"invite.{address}.{tag}",
        f"sign_in.{address}.{tag}",
        f"*.{address}.{tag}",
        good[:-1],
        good + "A",
        good.replace(".", "é", 1),
    ]
    for token in forged:
        with pytest.raises(NoSuchLink):
            TOKENS.check(token)


async def test_a_mail_that_lacks_a_value_is_refused_and_does_not_stop_the_others() -> None:
    class Nowhere:
        async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
            raise AssertionError("it cannot be written")

        async def rest(self) -> None: ...

    with pytest.raises(MailRefused, match="heading"):
        await TemplateMailer(WRITER, Nowhere(), system_clock).send(mail("notification", {}), {})


def test_a_subject_is_one_line_of_bearable_length() -> None:
    assert one_line("a\r\nb\tc\u2028d\u202ee") == "a b c d e"
    assert one_line("x" * 300).endswith("…")
    assert len(one_line("x" * 300)) == 150
