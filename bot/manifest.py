"""The app's manifest for Slack, made from one table of what the door uses, so that nothing is missing or unused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.commands import COMMAND, USAGE_HINT
from bot.installations.oauth import RETURN as INSTALL_RETURN
from bot.interactions.front import MESSAGE_SHORTCUT, SHORTCUT
from bot.sign_in import RETURN
from bot.sign_in import SCOPES as SIGN_IN_SCOPES

NAME = "Cosession"
DESCRIPTION = "Live, shared AI coding sessions, in the browser and in this thread."


@dataclass(frozen=True, slots=True)
class Need:
    """Something that the door does, and what Slack wants to be asked for it."""

    what: str
    scopes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    #: An administrator may decline it; then the door says less or does less.
    is_optional: bool = False


NEEDS = (
    Need("hear that a workspace removes the app", events=("app_uninstalled", "tokens_revoked")),
    Need("start and end sessions with a command", ("commands",)),
    Need("post cards, messages and private notes", ("chat:write",)),
    Need("post under the names of those who wrote; else the name stands before the text", ("chat:write.customize",)),
    Need(
        "hear replies in threads of public channels, and look for our own posts",
        ("channels:history",),
        ("message.channels",),
    ),
    Need("hear the bot mentioned", ("app_mentions:read",), ("app_mention",)),
    Need("show people their sessions on the app's home tab", events=("app_home_opened",)),
    Need(
        "copy reactions, both ways",
        ("reactions:read", "reactions:write"),
        ("reaction_added", "reaction_removed"),
        is_optional=True,
    ),
    Need(
        "carry files between threads and sessions, both ways; else they are named",
        ("files:read", "files:write"),
        is_optional=True,
    ),
    Need("know whether the bot is in a channel, and its name", ("channels:read",)),
    Need("know who is a guest, and hear when that changes", ("users:read",), ("user_change",)),
    Need("send invites to people, and look for them before sending them again", ("im:write",)),
    Need("leave people alone who do not want to be disturbed in Slack", ("dnd:read",), is_optional=True),
    Need(
        "give links to sessions a preview, of what the channel may see",
        ("links:read", "links:write"),
        ("link_shared",),
        is_optional=True,
    ),
    Need("the same in private channels", ("groups:history", "groups:read"), ("message.groups",), is_optional=True),
    Need("hear what people write to the bot alone", ("im:history",), ("message.im",)),
    Need("know which channel a direct message is", ("im:read",), is_optional=True),
)


#: What people find in Slack's own menus: anywhere, and on a message.
SHORTCUTS = (
    {
        "name": "Start a session",
        "type": "global",
        "callback_id": SHORTCUT,
        "description": "Start a live coding session, with a thread for it",
    },
    {
        "name": "Start a session from it",
        "type": "message",
        "callback_id": MESSAGE_SHORTCUT,
        "description": "Start a live coding session that begins with this message and its thread",
    },
)


def bot_scopes() -> list[str]:
    """What the bot's token may do, the necessary first."""
    required = [scope for need in NEEDS if not need.is_optional for scope in need.scopes]
    return [*required, *optional_scopes()]


def optional_scopes() -> list[str]:
    """Those that an administrator may decline."""
    return [scope for need in NEEDS if need.is_optional for scope in need.scopes]


def manifest(base_url: str, *, socket_mode: bool = False, many: bool = False) -> dict[str, Any]:
    """The manifest of an app that reaches this server at `base_url`; in `socket_mode` Slack needs no address for it.

    `many` is for an app that is installed into several workspaces, or a whole organisation, at `/slack/install`: its
    tokens are renewed, and Slack knows the way back from an installation.
    """
    whole = _over_http(base_url, many=many)
    if socket_mode:
        whole["settings"]["socket_mode_enabled"] = True
        return _without_addresses(whole)
    return whole


#: Where Slack would send requests; the app's connections take their place.
_ADDRESSES = frozenset({"url", "request_url", "message_menu_options_url"})


def _without_addresses(part: Any) -> Any:
    if isinstance(part, dict):
        known: dict[str, Any] = part
        return {name: _without_addresses(value) for name, value in known.items() if name not in _ADDRESSES}
    if isinstance(part, list):
        return [_without_addresses(value) for value in part]
    return part


def _unfurled(base_url: str) -> dict[str, Any]:
    """The domain whose links Slack tells of. It takes real ones only: a name on this machine or a number has none."""
    host = urlsplit(base_url).hostname or ""
    is_domain = "." in host and not host.replace(".", "").isdigit()
    return {"unfurl_domains": [host]} if is_domain else {}


def _over_http(base_url: str, *, many: bool) -> dict[str, Any]:
    base = base_url.rstrip("/")
    url = f"{base}/slack/events"
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": NAME, "description": DESCRIPTION, "background_color": "#1a1a2e"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "shortcuts": [dict(shortcut) for shortcut in SHORTCUTS],
            **_unfurled(base),
            "slash_commands": [
                {
                    "command": COMMAND,
                    "url": url,
                    "description": "Start, list and end live coding sessions",
                    "usage_hint": USAGE_HINT,
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {
            "redirect_urls": [f"{base}{RETURN}", *([f"{base}{INSTALL_RETURN}"] if many else [])],
            "scopes": {"bot": bot_scopes(), "bot_optional": optional_scopes(), "user": list(SIGN_IN_SCOPES)},
        },
        "settings": {
            "event_subscriptions": {
                "request_url": url,
                "bot_events": sorted(event for need in NEEDS for event in need.events),
            },
            "interactivity": {"is_enabled": True, "request_url": url},
            "org_deploy_enabled": many,
            "socket_mode_enabled": False,
            "token_rotation_enabled": many,
        },
    }
