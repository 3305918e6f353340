"""What a workspace is made of: people, conversations, messages. Plain values that dump to JSON and load from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["channel", "group", "im"]
Payload = dict[str, Any]

TEAM_ID = "T0ACME0001"
TEAM_DOMAIN = "acme"
TEAM_NAME = "Acme"
APP_ID = "A0COSESS01"
BOT_ID = "B0COSESS01"
BOT_USER_ID = "U0COSESS01"
SLACKBOT = "USLACKBOT"


@dataclass
class Person:
    """A member of the workspace. `color` is six hex digits, as in Slack's user objects."""

    id: str
    name: str
    real_name: str
    email: str
    color: str
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    is_email_confirmed: bool = True
    deleted: bool = False
    tz: str = "Europe/Amsterdam"
    #: Until when they do not want to be disturbed, in seconds since 1970.
    snoozes_until: int = 0
    #: Their organisation, where the workspace belongs to one.
    enterprise_id: str | None = None
    #: The address of their picture, if they have put one up.
    picture: str = ""
    #: Of another workspace, where somebody is here through a shared channel only.
    team_id: str = TEAM_ID
    is_stranger: bool = False

    def user_object(self, *, with_email: bool) -> Payload:
        """As `users.info` shows it; the e-mail only to a token that may read it."""
        first, _, last = self.real_name.partition(" ")
        profile: Payload = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "first_name": first,
            "last_name": last,
            "avatar_hash": self.id.lower(),
            "team": self.team_id,
        }
        if self.picture:
            profile["image_72"] = self.picture
        if with_email and not self.is_bot:
            profile["email"] = self.email
        organisation = {
            "enterprise_user": {"id": self.id, "enterprise_id": self.enterprise_id, "teams": [self.team_id]}
        }
        return {
            **(organisation if self.enterprise_id else {}),
            **({"is_stranger": True} if self.is_stranger else {}),
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "color": self.color,
            "deleted": self.deleted,
            "tz": self.tz,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_email_confirmed": self.is_email_confirmed,
        }


@dataclass
class Message:
    """A stored message; `body` holds what Slack shows of it besides what is derived (reactions, thread summary)."""

    ts: str
    body: Payload
    thread_ts: str | None = None
    metadata: Payload | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    #: A deleted root that still has replies.
    is_tombstone: bool = False
    #: Between `chat.startStream` and `chat.stopStream`.
    is_streaming: bool = False
    #: Somebody who read it while it was streamed wanted no more of it.
    is_stopped: bool = False
    client_msg_id: str | None = None

    @property
    def author(self) -> str | None:
        """The user id; a message under a custom name has none, only a `bot_id`."""
        return self.body.get("user")

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def is_ours(self) -> bool:
        """Posted by the app, under whatever name."""
        return self.body.get("bot_id") == BOT_ID


@dataclass
class Channel:
    """A conversation. For a direct message `members` are the person and the bot."""

    id: str
    name: str
    kind: Kind = "channel"
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    created: int = 1_700_000_000
    messages: dict[str, Message] = field(default_factory=dict)

    def in_order(self) -> list[Message]:
        """Every stored message, oldest first."""
        return [self.messages[ts] for ts in sorted(self.messages)]

    def thread(self, root_ts: str) -> list[Message]:
        """The replies of a root, oldest first, without the root."""
        return [message for message in self.in_order() if message.is_reply and message.thread_ts == root_ts]

    def other_member(self) -> str:
        """Of a direct message with the bot: the person."""
        return next(member for member in self.members if member != BOT_USER_ID)

    def object(self) -> Payload:
        """As `conversations.info` shows it."""
        if self.kind == "im":
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_archived": self.is_archived,
                "user": self.other_member(),
                "is_user_deleted": False,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "created": self.created,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": False,
            "is_mpim": False,
            "is_private": self.kind == "group",
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_member": BOT_USER_ID in self.members,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


def dump_channel(channel: Channel) -> Payload:
    return asdict(channel)


def load_channel(raw: Payload) -> Channel:
    fields: Payload = {name: value for name, value in raw.items() if name != "messages"}
    channel = Channel(**fields)
    channel.messages.update({ts: Message(**message) for ts, message in raw["messages"].items()})
    return channel


def default_people() -> list[Person]:
    return [
        Person("U0ALICE001", "alice", "Alice Martin", "alice@acme.example", "4f46e5"),
        Person("U0BOB00001", "bob", "Bob Chen", "bob@acme.example", "0f766e"),
        Person("U0CAROL001", "carol", "Carol Diaz", "carol@acme.example", "c2410c"),
        Person("U0MALLORY1", "mallory", "Mallory Novak", "mallory@elsewhere.example", "be123c", is_restricted=True),
        Person(BOT_USER_ID, "cosession", "Cosession", "", "7c3aed", is_bot=True),
    ]


def default_channels(people: list[Person]) -> list[Channel]:
    """Three public channels with the bot in them (the guest is only in #general), and a DM for everybody."""
    everybody = [person.id for person in people]
    staff = [person.id for person in people if not person.is_restricted]
    channels = [
        Channel("C0GENERAL1", "general", members=list(everybody)),
        Channel("C0PAYMENTS", "payments", members=list(staff)),
        Channel("C0RANDOM01", "random", members=list(staff)),
    ]
    humans = [person for person in people if not person.is_bot]
    return channels + [
        Channel("D" + person.id[1:], person.name, kind="im", members=[person.id, BOT_USER_ID]) for person in humans
    ]
