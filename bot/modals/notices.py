"""Words in the place of a form: what has to be done first, or that it takes a moment. Pure."""

from __future__ import annotations

from bot.blocks import Block


def notice(title: str, text: str, button: tuple[str, str] | None = None) -> Block:
    """`text` is mrkdwn; `button` a label and the address that it opens."""
    blocks: list[Block] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
    if button is not None:
        label, url = button
        link = {"type": "button", "action_id": "open_link", "text": _plain(label), "url": url, "style": "primary"}
        blocks.append({"type": "actions", "elements": [link]})
    return {"type": "modal", "title": _plain(title), "close": _plain("Close"), "blocks": blocks}


def connect_first(base_url: str) -> Block:
    """For somebody whose Slack account belongs to nobody here."""
    return notice(
        "Connect your account",
        "Your Slack account is not linked to an account in Cosession yet. Connect it in your own browser, then try"
        " again.",
        ("Connect", f"{base_url.rstrip('/')}/slack/sign_in"),
    )


def in_a_moment() -> Block:
    """For a form that was sent, while the database is too slow to say that it was stored."""
    return notice(
        "One moment",
        "Cosession takes longer than usual. You will get a direct message about what came of it. If there is none"
        " within a minute, fill the form in again.",
    )


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
