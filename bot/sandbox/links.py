"""Links to the app's own domains in what people post, and the event by which Slack tells of them."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from bot.sandbox.models import Channel, Message, Payload

_LINK = re.compile(r"<(https?://[^>|]+)(?:\|[^>]*)?>")


def links_in(text: str, domains: Collection[str]) -> list[Payload]:
    """Each link of a message's text that leads to one of the domains, once."""
    found: dict[str, str] = {}
    for match in _LINK.finditer(text):
        url = html.unescape(match[1])
        domain = urlsplit(url).hostname or ""
        if domain in domains:
            found[url] = domain
    return [{"domain": domain, "url": url} for url, domain in found.items()]


def link_shared(channel: Channel, message: Message, links: list[Payload]) -> Payload:
    return {
        "type": "link_shared",
        "channel": channel.id,
        "user": message.body.get("user"),
        "message_ts": message.ts,
        **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "links": links,
        "is_bot_user_member": True,
        "unfurl_id": f"{channel.id}-{message.ts}",
        "source": "conversations_history",
        "event_ts": message.ts,
    }
