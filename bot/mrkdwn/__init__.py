"""Markdown to Slack's mrkdwn and back. Pure; leaves code untouched; never lets a text ping a channel.

outgoing    what is written in the session, for the thread
incoming    what is written in the thread, for the session
"""

from __future__ import annotations

from bot.mrkdwn.incoming import Incoming, from_slack, plain
from bot.mrkdwn.outgoing import MAX_PART, escape, to_mrkdwn, to_parts

__all__ = ["MAX_PART", "Incoming", "escape", "from_slack", "plain", "to_mrkdwn", "to_parts"]
