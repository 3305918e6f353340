"""The picture over what somebody wrote in the browser: their own of Slack, or a sign in the colour that is theirs.

A picture of ours Slack would have to fetch from a public address, which a server need not have; its own signs it has.
"""

from __future__ import annotations

import logging

from bot.desk import Desk
from bot.identity import PROVIDER
from bot.web import SlackFailure
from core import identities, tables
from core.db import Transaction

log = logging.getLogger(__name__)

#: Slack's own signs, by the index of a colour in the palette of the web view.
SIGNS = (
    "large_green_circle",
    "large_blue_circle",
    "large_purple_circle",
    "red_circle",
    "large_orange_circle",
    "large_green_square",
    "large_red_square",
    "large_blue_square",
    "large_yellow_circle",
    "large_purple_square",
    "large_brown_circle",
    "black_circle",
)


async def face_of(desk: Desk, user_id: str) -> dict[str, str]:
    """The arguments of a post that give it a picture."""
    slack_id, color = await desk.db.read(lambda tx: _look_up(tx, desk.realm, user_id))
    if slack_id is not None and desk.people is not None:
        try:
            profile = await desk.people.profile(slack_id)
        except SlackFailure as failure:
            log.info("a post goes without its author's own picture: %s", failure)
        else:
            if profile.picture:
                return {"icon_url": profile.picture}
    return {"icon_emoji": f":{SIGNS[color % len(SIGNS)]}:"}


def _look_up(tx: Transaction, realm: str, user_id: str) -> tuple[str | None, int]:
    user = tx.sql.get(tables.User, user_id)
    slack_id = identities.in_realm(tx, PROVIDER, realm, [user_id]).get(user_id)
    return slack_id, user.color if user is not None else 0
