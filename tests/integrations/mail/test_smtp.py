"""Mail leaves by a real server on a socket, and whatever the server says is understood."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from email.headerregistry import Address
from pathlib import Path

import pytest

from core.clock import system_clock
from core.mailer import AddressRefused, MailRefused, TryLater
from core.outbox import Kind, Mail
from core.unsubscribing import UnsubscribeTokens
from integrations.mail.letter import LetterWriter
from integrations.mail.mailer import TemplateMailer
from integrations.mail.settings import MailSettingsError, SmtpSettings, sender, smtp_settings
from integrations.mail.smtp import SmtpTransport
from tests.support.smtp import mail_server

SECRET = "a server's own key, of which nobody knows"
LINKS = {"link": "https://c.example.com/sign-in#m.secret", "code": "ABCD-EFGH", "minutes": "15"}


def mail(kind: Kind = "sign_in", mail_id: str = "mai_" + "a" * 26, **values: object) -> Mail:
    now = system_clock()
    return Mail(mail_id, kind, "bob@example.com", None, values, 0, False, now, now)


def mailer(settings: SmtpSettings, timeout: float = 5.0) -> TemplateMailer:
    writer = LetterWriter(
        "https://c.example.com",
        Address("Cosession", addr_spec="cosession@example.com"),
        UnsubscribeTokens(SECRET),
    )
    return TemplateMailer(writer, SmtpTransport(settings, timeout=timeout), system_clock)


def plain(port: int) -> SmtpSettings:
    return SmtpSettings("127.0.0.1", port, starttls=False)


async def test_many_mails_go_over_one_connection(tmp_path: Path) -> None:
    async with mail_server() as server:
        own = mailer(plain(server.port))
        for number in range(5):
            await own.send(mail(mail_id=f"mai_{number}"), LINKS)
        await own.rest()
        assert server.connections == 1
        assert [one["Message-ID"] for one in server.mails] == [f"<mai_{n}@example.com>" for n in range(5)]
        assert server.envelopes[0] == ("cosession@example.com", ["bob@example.com"])
        assert "ABCD-EFGH" in server.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert max(len(line) for line in server.raw[0].split(b"\r\n")) <= 998
        assert server.raw[0].isascii()


async def test_a_connection_that_the_server_has_closed_meanwhile_is_opened_anew() -> None:
    async with mail_server() as server:
        own = mailer(plain(server.port))
        await own.send(mail(mail_id="mai_1"), LINKS)
        server.cuts_after_data = True
        with pytest.raises(TryLater) as broken:
            await own.send(mail(mail_id="mai_2"), LINKS)
        assert broken.value.may_be_sent, "the server has it, and did not say so"
        server.cuts_after_data = False
        await own.send(mail(mail_id="mai_2"), LINKS)
        await own.rest()
        assert [one["Message-ID"][:6] for one in server.mails] == ["<mai_1", "<mai_2", "<mai_2"]


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("550 5.1.1 no such user", AddressRefused),
        ("553 what is that", AddressRefused),
        ("550 5.7.1 relaying denied", MailRefused),
        ("554 no", MailRefused),
        ("552 5.2.2 mailbox full", TryLater),
        ("450 4.2.1 greylisted, come back", TryLater),
    ],
)
async def test_what_a_refused_recipient_means(answer: str, means: type[Exception]) -> None:
    async with mail_server() as server:
        server.on_rcpt = lambda _address: answer
        own = mailer(plain(server.port))
        with pytest.raises(means, match=answer[:3]):
            await own.send(mail(), LINKS)
        server.on_rcpt = lambda _address: None
        await own.send(mail(), LINKS)
        await own.rest()
        assert len(server.mails) == 1


async def test_what_refused_words_mean() -> None:
    async with mail_server() as server:
        own = mailer(plain(server.port))
        for answer, means in (("554 5.6.0 spam", MailRefused), ("452 4.3.1 disk full", TryLater)):
            server.on_data = lambda answer=answer: answer
            with pytest.raises(means) as refused:
                await own.send(mail(), LINKS)
            assert not getattr(refused.value, "may_be_sent", False)
        assert server.mails == []
        await own.rest()


async def test_a_server_that_is_away_or_says_nothing_delays(free_port: int) -> None:
    with pytest.raises(TryLater) as away:
        await mailer(plain(free_port)).send(mail(), LINKS)
    assert away.value.is_for_all
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TryLater):
        await mailer(plain(silent.getsockname()[1]), timeout=0.2).send(mail(), LINKS)


# ── Encryption ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=20,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate)
    return made


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_name_and_password_are_said_behind_tls_only(certificate: Path, scheme: str) -> None:
    tls = {"tls" if scheme == "smtps" else "starttls": context(certificate)}
    async with mail_server(**tls, needs_login=True) as server:  # type: ignore[arg-type]
        url = f"{scheme}://user:p%40ss%3Aword@localhost:{server.port}?ca={certificate}"
        own = mailer(smtp_settings(url if scheme == "smtps" else url + "&starttls=on"))
        await own.send(mail(), LINKS)
        await own.rest()
        assert len(server.mails) == 1
        assert all(was_encrypted for _, was_encrypted in server.logins) or scheme == "smtps"


async def test_a_server_without_tls_or_with_a_strange_certificate_gets_no_password(certificate: Path) -> None:
    async with mail_server(needs_login=True) as bare:
        settings = smtp_settings(f"smtp://user:p%40ss%3Aword@localhost:{bare.port}?starttls=on")
        with pytest.raises(TryLater):
            await mailer(settings).send(mail(), LINKS)
        assert bare.logins == []
    async with mail_server(starttls=context(certificate), needs_login=True) as strange:
        settings = smtp_settings(f"smtp://user:p%40ss%3Aword@localhost:{strange.port}?starttls=on")
        with pytest.raises(TryLater, match=r"(?i)certificate"):
            await mailer(settings).send(mail(), LINKS)
        assert strange.logins == []


async def test_a_wrong_password_delays_and_is_not_told() -> None:
    async with mail_server(needs_login=True) as server:
        settings = smtp_settings(f"smtp://user:wrong-one@localhost:{server.port}")
        with pytest.raises(TryLater) as refused:
            await mailer(settings).send(mail(), LINKS)
        assert refused.value.is_for_all
        assert "wrong-one" not in str(refused.value) + repr(settings)


# ── Settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_smtp_url_says() -> None:
    assert smtp_settings("smtps://u:p@mail.example.com") == SmtpSettings(
        "mail.example.com", 465, "u", "p", use_tls=True, starttls=False
    )
    assert smtp_settings("smtp://mail.example.com") == SmtpSettings("mail.example.com", 587, starttls=True)
    assert smtp_settings("smtp://localhost:25").starttls is False
    assert smtp_settings("smtp://mail.example.com:25?starttls=off").starttls is False


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://x", "smtp://", "smtp://u@x", "smtp://x:99999", "smtp://x/inbox", "smtp://x?tls=1"],
)
def test_an_smtp_url_that_cannot_work_is_named(url: str) -> None:
    with pytest.raises(MailSettingsError, match="SMTP_URL"):
        smtp_settings(url)


def test_what_mail_from_says() -> None:
    assert sender("Acme Sessions <Bot@Example.com>") == Address("Acme Sessions", addr_spec="bot@example.com")
    assert sender("bot@example.com").display_name == "Cosession"
    for wrong in ("", "nobody", "a@b\r\nBcc: c@d.e", "x <>"):
        with pytest.raises(MailSettingsError):
            sender(wrong)
