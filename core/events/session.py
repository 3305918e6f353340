"""The session and its people."""

from __future__ import annotations

from typing import Literal

from core.events.parts import Event, Person, Role


class SessionStarted(Event):
    type: Literal["session_started"] = "session_started"
    title: str
    host: Person
    agent: str | None = None


class SessionUpdate(Event):
    """Only the fields that changed are set. `host` is who has taken the session over."""

    type: Literal["session_update"] = "session_update"
    title: str | None = None
    host: Person | None = None


class SessionEnded(Event):
    type: Literal["session_ended"] = "session_ended"
    reason: str = ""


class ParticipantAdded(Event):
    """Somebody became a participant: by starting the session, by an invite, or as a member of the session's team."""

    type: Literal["participant_added"] = "participant_added"
    user: Person
    role: Role
    via: Literal["start", "invite", "team"]


class ParticipantRemoved(Event):
    type: Literal["participant_removed"] = "participant_removed"
    user_id: str


class RoleChanged(Event):
    type: Literal["role_changed"] = "role_changed"
    user_id: str
    role: Role


class InviteCreated(Event):
    """Names the invite, never its secret, nor the address that it is made out to."""

    type: Literal["invite_created"] = "invite_created"
    invite_id: str
    role: Role
    expires_at: str
    max_uses: int
    way: Literal["link", "email", "person", "slack"] = "link"
    #: Whoever accepts waits for a host.
    needs_approval: bool = False


class InviteAccepted(Event):
    type: Literal["invite_accepted"] = "invite_accepted"
    invite_id: str
    user_id: str


class InviteWithdrawn(Event):
    type: Literal["invite_revoked"] = "invite_revoked"
    invite_id: str


class InviteDeclined(Event):
    """The person that it was for does not want it."""

    type: Literal["invite_declined"] = "invite_declined"
    invite_id: str
    #: Who that is, where they have an account here; they are no participant.
    user: Person | None = None


class InviteLapsed(Event):
    """Its time is over, and not all of it was used."""

    type: Literal["invite_expired"] = "invite_expired"
    invite_id: str


class Knocked(Event):
    """Somebody waits at the door, with an invite that a host has to confirm."""

    type: Literal["knocked"] = "knocked"
    invite_id: str
    user: Person
    role: Role
    #: 0 when they came; afterwards nobody has done anything, and the hosts are reminded for the first, second time.
    reminder: int = 0


class KnockAnswered(Event):
    """A host has let somebody in who had knocked, or has not."""

    type: Literal["knock_answered"] = "knock_answered"
    invite_id: str
    user_id: str
    is_admitted: bool


class PersonErased(Event):
    """Somebody's data was erased: their name is gone from here and from every entry before, and so is what they asked
    the agent; the numbers stay."""

    type: Literal["person_erased"] = "person_erased"
    user_id: str


class ThreadLinked(Event):
    """A thread outside mirrors this session from here on."""

    type: Literal["thread_linked"] = "thread_linked"
    provider: Literal["slack"] = "slack"
    channel: str
    channel_name: str = ""
    url: str = ""


class MirrorPaused(Event):
    """The thread is gone or refuses posts; nothing is copied until a host resumes it."""

    type: Literal["mirror_paused"] = "mirror_paused"
    provider: Literal["slack"] = "slack"
    reason: str


class MirrorResumed(Event):
    """A host goes on with a mirror that was paused: a new thread is opened in that channel, and begins here."""

    type: Literal["mirror_resumed"] = "mirror_resumed"
    provider: Literal["slack"] = "slack"
    channel: str
    channel_name: str = ""
