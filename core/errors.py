"""Every way in which a wish can be refused.

    CosessionError
    ├─ NotSignedIn
    ├─ NotAllowed
    ├─ NotFound      SessionNotFound · InviteNotFound · UserNotFound · MessageNotFound · CommentNotFound · FileNotFound
    ├─ Invalid       BodyEmpty · BodyTooLong · ParentNotFound · PathRefused · FileTooLarge · TooManyReactions
    ├─ Conflict      SessionHasEnded · LastHost · EmailTaken · MessageGone · FollowCycle
    ├─ Expired       InviteExpired · InviteRevoked · InviteUsedUp · LinkExpired
    ├─ TooMany
    └─ Unavailable   StorageUnavailable

A class carries a stable `code`, structured fields, and a docstring that is the sentence a person sees. Doors map the
eight branches, never the leaves.
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class CosessionError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None, *, retry_after_ms: int | None = None) -> None:
        super().__init__(detail or self.sentence())
        self.retry_after_ms = retry_after_ms

    @classmethod
    def sentence(cls) -> str:
        """The words for a person, where the raiser has nothing more exact to say."""
        return inspect.cleandoc(cls.__doc__ or "").replace("\n", " ")

    @property
    def message(self) -> str:
        return str(self.args[0])


class NotSignedIn(CosessionError):
    """Sign in first: this needs a valid login, token or ticket."""

    code = "not_signed_in"


class NotAllowed(CosessionError):
    """Your role in this session does not allow that. Ask a host to change it."""

    code = "not_allowed"


class NotFound(CosessionError):
    """There is nothing here, or it is not shared with you."""

    code = "not_found"


class SessionNotFound(NotFound):
    """There is no such session, or it is not shared with you."""

    code = "session_not_found"


class InviteNotFound(NotFound):
    """This invite link is not valid. Ask the person who sent it for a new one."""

    code = "invite_not_found"


class UserNotFound(NotFound):
    """There is no such person here."""

    code = "user_not_found"


class MessageNotFound(NotFound):
    """That message is not in this session."""

    code = "message_not_found"


class CommentNotFound(NotFound):
    """That comment is not in this session."""

    code = "comment_not_found"


class FileNotFound(NotFound):
    """That file, or that version of it, is not shared in this session."""

    code = "file_not_found"


class AttachmentNotFound(NotFound):
    """A file of that message is not here: it waited for too long, or was never sent. Attach it again."""

    code = "attachment_not_found"


class Invalid(CosessionError):
    """That request could not be understood."""

    code = "invalid"


class BodyEmpty(Invalid):
    """Write something first: an empty message cannot be sent."""

    code = "body_empty"


class BodyTooLong(Invalid):
    """That message is too long. Split it, or share it as a file."""

    code = "body_too_long"


class ParentNotFound(Invalid):
    """The message you answer is not in this session."""

    code = "parent_not_found"


class PathRefused(Invalid):
    """A path names one file inside the shared folder: relative, with plain slashes, without '..'."""

    code = "path_refused"


class FileTooLarge(Invalid):
    """That file is too large to be shared."""

    code = "file_too_large"


class TooManyFiles(Invalid):
    """That is more files than fit into one message. Send the others in another one."""

    code = "too_many_files"


class TooManyReactions(Invalid):
    """There are enough different reactions to that already: use one of them."""

    code = "too_many_reactions"


class Conflict(CosessionError):
    """That is no longer possible: something changed meanwhile."""

    code = "conflict"


class SessionHasEnded(Conflict):
    """This session has ended: it can be read, not written."""

    code = "session_has_ended"


class LastHost(Conflict):
    """A session needs a host: make someone else host first."""

    code = "last_host"


class EmailTaken(Conflict):
    """Somebody with this e-mail address is here already."""

    code = "email_taken"


class MessageGone(Conflict):
    """That was deleted: it cannot be changed or answered any more."""

    code = "message_gone"


class FollowCycle(Conflict):
    """They follow you already, so you cannot follow them: you would go in circles."""

    code = "follow_cycle"


class Expired(CosessionError):
    """This is too old to be used. Ask for a new one."""

    code = "expired"


class InviteExpired(Expired):
    """This invite has expired. Ask the person who sent it for a new one."""

    code = "invite_expired"


class InviteRevoked(Expired):
    """This invite was withdrawn. Ask the person who sent it for a new one."""

    code = "invite_revoked"


class InviteUsedUp(Expired):
    """This invite has been used as often as it allows. Ask for a new one."""

    code = "invite_used_up"


class LinkExpired(Expired):
    """This sign-in link was used already or is too old. Ask for a new one."""

    code = "link_expired"


class TooMany(CosessionError):
    """Too fast: wait a moment and try again."""

    code = "too_many"
    retryable = True


class Unavailable(CosessionError):
    """That did not work just now. Nothing was changed: try again in a moment."""

    code = "unavailable"
    retryable = True


class StorageUnavailable(Unavailable):
    """The server cannot store anything right now. Nothing was changed: try again in a moment."""

    code = "storage_unavailable"
