"""For whom a stream is shown: Slack wants one person of the workspace, the one whose request is being answered."""

from __future__ import annotations

from sqlmodel import col, select

from bot.agent.calls import Recipient
from bot.desk import Desk
from bot.identity import PROVIDER
from bot.web import SlackFailure
from core import identities, tables
from core.db import Transaction

#: Entries before an answer among which its prompt is looked for.
NEAR = 400


async def recipient_of(desk: Desk, session_id: str, first_seq: int) -> Recipient | None:
    """Whoever asked for the answer that begins with this entry, or else runs the agent, in Slack. None where nobody of
    them is linked to a member of the workspace."""
    realm = desk.realm
    found = await desk.db.read(lambda tx: _linked(tx, session_id, first_seq, realm))
    for slack_id in found:
        team = await _team_of(desk, slack_id)
        if team:
            return Recipient(slack_id, team)
    return None


async def _team_of(desk: Desk, slack_id: str) -> str:
    """ "" for whoever is not of this workspace, and while Slack does not tell."""
    if desk.people is None:
        return ""
    try:
        profile = await desk.people.profile(slack_id)
    except SlackFailure:
        return ""
    return "" if profile.is_outsider or profile.is_bot else profile.team or desk.realm


def _linked(tx: Transaction, session_id: str, first_seq: int, realm: str) -> list[str]:
    entry = tables.LogEntry
    rows = tx.sql.exec(
        select(entry.type, entry.actor_id)
        .where(
            entry.session_id == session_id,
            col(entry.seq) <= first_seq,
            col(entry.seq) > first_seq - NEAR,
            col(entry.type).in_(("prompt_submitted", "agent_message")),
        )
        .order_by(col(entry.seq).desc())
    ).all()
    asked = next((actor for kind, actor in rows if kind == "prompt_submitted"), None)
    runs = next((actor for _, actor in rows), None)
    users = [one for one in dict.fromkeys((asked, runs)) if one is not None]
    linked = identities.in_realm(tx, PROVIDER, realm, users)
    return [linked[user] for user in users if user in linked]
