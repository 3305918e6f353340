"""The page behind "send me no more of these". It needs no login and no script.

`GET` only asks, because scanners and previews follow links; `POST` does it, for the page's button and for programs that
read mail, which post `List-Unsubscribe=One-Click` without a cookie (RFC 8058 §3.2).
"""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.auth import ApiDep
from core import outbox
from core.errors import CosessionError

router = APIRouter(prefix="/mail", include_in_schema=False)

_WHAT = {"invite": "invites", "notification": "notifications", "digest": "digests"}


@router.get("/unsubscribe/{token}")
async def ask(token: str, api: ApiDep) -> HTMLResponse:
    """Changes nothing."""
    try:
        _, kind = api.unsubscribing.check(token)
    except CosessionError as error:
        return _page("This link does not work", f"<p>{escape(error.message)}</p>", 404)
    button = f'<form method="post"><button>Send me no more {_WHAT[kind]}</button></form>'
    return _page(f"No more {_WHAT[kind]} by mail?", f"<p>You can turn them on again in your settings.</p>{button}")


@router.post("/unsubscribe/{token}")
async def unsubscribe(token: str, api: ApiDep) -> HTMLResponse:
    """The link is proof enough: it was in the mail. A second time changes nothing."""
    try:
        address, kind = api.unsubscribing.check(token)
    except CosessionError as error:
        return _page("This link does not work", f"<p>{escape(error.message)}</p>", 404)
    await api.db.write(lambda tx: outbox.stop(tx, address, kind, "unsubscribed"))
    return _page("Done", f"<p>No more {_WHAT[kind]} will be sent to this address.</p>")


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    html = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} · Cosession</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>body {{ font: 17px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.25rem }}
button {{ font: inherit; font-weight: 600; padding: .6rem 1.2rem; border-radius: 8px; border: 0; color: #fff;
background: #12695a; cursor: pointer }}</style><main><h1>{title}</h1>{content}</main>"""
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
