"""Every table, for SQLite and Postgres alike.

The log (`events`) is the truth of a session; `messages` and the counters in `sessions` are projections of it that
change in the same transaction, what search looks in is one that follows soon after. Texts that people wrote live in
exactly these three places.
"""

from __future__ import annotations

from core.tables.audit import AuditEntry
from core.tables.chat import Attachment, Mention, Message, Reaction, ReadMark, SearchEntry, SearchPlace, Upload
from core.tables.columns import COUNTED, UtcDateTime, table_of
from core.tables.files import Blob, Comment, CommentThread, FileVersion, SharedFile
from core.tables.installations import Installation
from core.tables.invites import Invite, InviteLetter, InviteUse, Knock
from core.tables.mail import Digest, DigestSetting, EmailLink, EmailSignIn, MailStop, OutgoingMail
from core.tables.notifications import (
    FeedEntry,
    Notification,
    NotificationDelivery,
    NotificationPart,
    NotificationPlace,
    NotificationPreference,
    NotificationSetting,
    PushMessage,
    PushSubscription,
    SessionMute,
)
from core.tables.outside import Inbox, Lease, Mirror, MirrorAnswer, MirrorFile, MirrorLink
from core.tables.people import Identity, Login, Meta, SignInLink, Team, TeamMember, UsedTicket, User
from core.tables.sessions import AgentMark, AgentStats, LogEntry, Participation, Session

__all__ = [
    "COUNTED",
    "AgentMark",
    "AgentStats",
    "Attachment",
    "AuditEntry",
    "Blob",
    "Comment",
    "CommentThread",
    "Digest",
    "DigestSetting",
    "EmailLink",
    "EmailSignIn",
    "FeedEntry",
    "FileVersion",
    "Identity",
    "Inbox",
    "Installation",
    "Invite",
    "InviteLetter",
    "InviteUse",
    "Knock",
    "Lease",
    "LogEntry",
    "Login",
    "MailStop",
    "Mention",
    "Message",
    "Meta",
    "Mirror",
    "MirrorAnswer",
    "MirrorFile",
    "MirrorLink",
    "Notification",
    "NotificationDelivery",
    "NotificationPart",
    "NotificationPlace",
    "NotificationPreference",
    "NotificationSetting",
    "OutgoingMail",
    "Participation",
    "PushMessage",
    "PushSubscription",
    "Reaction",
    "ReadMark",
    "SearchEntry",
    "SearchPlace",
    "Session",
    "SessionMute",
    "SharedFile",
    "SignInLink",
    "Team",
    "TeamMember",
    "Upload",
    "UsedTicket",
    "User",
    "UtcDateTime",
    "table_of",
]
