"""Mail of a running server: by SMTP where it is set, else as files, which in development are shown on a page."""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from core import accounts, signing_in, tables
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import NotFound
from core.outbox import Mail
from core.signing_in import SignUp
from core.unsubscribing import UnsubscribeTokens
from cosession.settings import Settings
from integrations.mail.files import FileTransport
from integrations.mail.letter import LetterWriter
from integrations.mail.mailer import TemplateMailer
from integrations.mail.settings import sender as parse_sender
from integrations.mail.settings import smtp_settings
from integrations.mail.smtp import SmtpTransport
from jobs.mail_sender import MailSender

MAILBOX = "/mailbox"
#: A mail is shown as a mail program would: with its own styles, without anything from outside, and it can do nothing.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
_LINKS_OPEN_ABOVE = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"


def reaches_people(settings: Settings) -> bool:
    return bool(settings.smtp_url.get_secret_value()) or settings.is_development


def sign_up(settings: Settings) -> SignUp:
    words = [word.strip().lower() for word in settings.sign_up.split(",")]
    domains = frozenset(word.removeprefix("@") for word in words if word.startswith("@"))
    return SignUp(anyone="anyone" in words, domains=domains)


def folder(settings: Settings) -> Path:
    """Where mail is put while there is no server for it."""
    return settings.data_dir / "mail"


def writer(settings: Settings) -> LetterWriter:
    host = urlsplit(settings.base_url).hostname or "localhost"
    name = host if "." in host and not host.replace(".", "").isdigit() else "localhost"
    own = parse_sender(settings.mail_from) if settings.mail_from else Address("Cosession", "cosession", name)
    return LetterWriter(settings.base_url, own, UnsubscribeTokens(settings.jwt_key()))


def build_sender(db: Database, settings: Settings, clock: Clock, process_id: str) -> MailSender:
    url = settings.smtp_url.get_secret_value()
    transport = SmtpTransport(smtp_settings(url)) if url else FileTransport(folder(settings))
    mailer = TemplateMailer(writer(settings), transport, clock)
    policy, base = sign_up(settings), settings.base_url

    def links(tx: Transaction, mail: Mail) -> Mapping[str, str] | None:
        return links_of(tx, mail, policy, base)

    return MailSender(db, clock, mailer, links, process_id, is_only_process=settings.is_sqlite)


def links_of(tx: Transaction, mail: Mail, policy: SignUp, base: str) -> Mapping[str, str] | None:
    """What a mail opens, made with the attempt to send it."""
    if mail.kind not in ("sign_in", "invite"):
        return {}
    query = ""
    if mail.kind == "invite":
        invite = tx.sql.get(tables.Invite, str(mail.values["invite_id"]))
        if invite is None or invite.revoked_at is not None:
            return None
        if accounts.find_by_email(tx, mail.recipient) is not None:
            # Whoever has an account signs in as always: a forwarded mail opens nobody's.
            return {"link": f"{base}/invite/{invite.id}", "code": "", "minutes": ""}
        query = f"?next=/invite/{invite.id}"
    way = signing_in.prepare(tx, mail, policy)
    if way is None:
        return None
    minutes = str(int(signing_in.LIFETIME.total_seconds()) // 60)
    return {"link": f"{base}/sign-in{query}#{way.secret}", "code": way.code, "minutes": minutes}


def mount_mailbox(app: FastAPI, settings: Settings) -> None:
    """In development, while mail goes to files: who got what, and how it looks. Nobody but this machine sees it."""
    if not settings.is_development or settings.smtp_url.get_secret_value():
        return
    files = FileTransport(folder(settings))
    router = APIRouter(include_in_schema=False)

    @router.get(MAILBOX)
    def mailbox() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        return HTMLResponse(_page("".join(_row(name, mail) for name, mail in files.list()) or "<p>No mail yet.</p>"))

    @router.get(MAILBOX + "/{name}")
    def one(name: str) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        mail = _found(files, name)
        heads = "".join(f"<dt>{key}<dd>{escape(str(mail[key] or ''))}" for key in ("From", "To", "Subject", "Date"))
        frame = f'<iframe title="The mail" sandbox="{_LINKS_OPEN_ABOVE}" src="{MAILBOX}/{name}/body"></iframe>'
        plain = f"<details><summary>Plain text</summary><pre>{escape(_part(mail, 'plain'))}</pre></details>"
        back = f'<p><a href="{MAILBOX}">All mail</a></p>'
        page = HTMLResponse(_page(f"{back}<dl>{heads}</dl>{frame}{plain}"))
        page.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:"
        )
        return page

    @router.get(MAILBOX + "/{name}/body")
    def body(name: str) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        html = _part(_found(files, name), "html").replace("<head>", '<head><base target="_top">', 1)
        policy = f"{_MAIL_POLICY} {_LINKS_OPEN_ABOVE}"
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    app.include_router(router)


def _found(files: FileTransport, name: str) -> EmailMessage:
    mail = files.find(name)
    if mail is None:
        raise NotFound
    return mail


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _row(name: str, mail: EmailMessage) -> str:
    to, subject, date = (escape(str(mail[key] or "")) for key in ("To", "Subject", "Date"))
    return f'<p><a href="{MAILBOX}/{escape(name)}">{subject}</a><br><small>to {to} · {date}</small></p>'


def _page(content: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Mailbox · Cosession</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }}
iframe {{ width: 100%; height: 36rem; border: 1px solid #8888; border-radius: 8px }} pre {{ white-space: pre-wrap }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: 0 1rem }} dd {{ margin: 0; overflow-wrap: anywhere }}</style>
<main><h1>Mailbox</h1><p>No mail server is set, so mail stays here, in files. Only this machine sees this page.</p>
{content}</main>"""
