"""The direct message about an invite, and what its inviter is told, as blocks. Pure; no link in it opens anything by
itself to whoever else may read it."""

from __future__ import annotations

from datetime import datetime

from bot.blocks import Block, Shown
from bot.mrkdwn import escape
from core.events import Role
from core.invites.letters import Letter

ACCEPT, DECLINE, WITHDRAW = "invite_accept", "invite_decline", "invite_withdraw"

_AS: dict[Role, str] = {
    "viewer": "a *viewer*: you see everything, writing is for editors",
    "editor": "an *editor*: you see everything, chat, and invite others",
    "host": "a *host*: you also manage the session and its people",
}


def letter_shown(letter: Letter, session_url: str) -> Shown:
    return _answer(letter) if letter.kind == "answer" else _offer(letter, session_url)


def _answer(letter: Letter) -> Shown:
    whom = escape(_cut(letter.name, 80)) or "Somebody"
    text = f":leaves: *{whom}* declined your invite to *{_title(letter)}*."
    return Shown(text, (_section(text),))


def _offer(letter: Letter, session_url: str) -> Shown:
    inviter = escape(_cut(letter.inviter, 80))
    invited = f"*{inviter}* invites you to the live session *{_title(letter)}*"
    match letter.state:
        case "live":
            notes = [f"Until {moment(letter.expires_at)}."]
            if letter.needs_approval:
                notes.append("A host lets you in.")
            if not letter.is_linked:
                notes.append("You sign in with Slack once, in your own browser.")
            blocks = [
                _section(f"{invited} as {_AS[letter.role]}."),
                {"type": "actions", "elements": [_accept(letter), _decline(letter)]},
                _context(" ".join(notes)),
            ]
        case "waiting":
            blocks = [
                _section(f"{invited}. You have accepted, and a host has been asked to let you in."),
                {"type": "actions", "elements": [_decline(letter)]},
            ]
        case "accepted":
            blocks = [
                _section(
                    f":white_check_mark: You are in *{_title(letter)}*, invited by *{inviter}* as *{letter.role}*."
                ),
                {"type": "actions", "elements": [_open(session_url)]},
            ]
        case over:
            blocks = [_section(f"~{invited}~"), _context(_OVER.get(over, "It cannot be used any more."))]
    return Shown(f"{escape(letter.inviter)} invites you to {_title(letter)}", tuple(blocks))


_OVER: dict[str, str] = {
    "declined": "You declined.",
    "expired": ":hourglass: This invite has expired. Ask for a new one.",
    "revoked": ":no_entry_sign: This invite was withdrawn.",
    "refused": ":no_entry_sign: A host did not let you in.",
}


def made(name: str, role: Role, expires_at: datetime, invite_id: str) -> list[Block]:
    """What an inviter sees, alone: whom they have invited, and the way to take it back."""
    text = f":envelope: *{escape(_cut(name, 80))}* is invited as *{role}*, until {moment(expires_at)}."
    return [{**_section(text), "accessory": _withdraw(invite_id)}]


def moment(at: datetime) -> str:
    """In the reader's own zone and words (https://docs.slack.dev/messaging/formatting-message-text, dates)."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}}, {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _accept(letter: Letter) -> Block:
    return {**_button(ACCEPT, "Accept", letter.invite_id), "style": "primary"}


def _decline(letter: Letter) -> Block:
    return _button(DECLINE, "Decline", letter.invite_id)


def _withdraw(invite_id: str) -> Block:
    return {**_button(WITHDRAW, "Withdraw", invite_id), "style": "danger"}


def _open(url: str) -> Block:
    text = {"type": "plain_text", "text": "Open session"}
    return {"type": "button", "action_id": "open_session", "text": text, "url": url, "style": "primary"}


def _button(action_id: str, label: str, value: str) -> Block:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action_id, "text": text, "value": value}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _title(letter: Letter) -> str:
    return escape(_cut(letter.title, 200))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
