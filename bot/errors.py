"""What a person in Slack is told, privately, when something that they did there was refused."""

from __future__ import annotations

from core.errors import (
    Conflict,
    CosessionError,
    Expired,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)

#: One opening for each branch of the error tree; the error's own sentence follows it.
WORDS: dict[type[CosessionError], str] = {
    NotSignedIn: "That was *not sent* to the session, because Slack does not tell us who you are in Cosession.",
    NotAllowed: "That was *not sent* to the session.",
    NotFound: "That was *not sent*: the session is gone, or it is not shared with you.",
    Invalid: "That was *not sent* to the session.",
    Conflict: "That was *not sent* to the session.",
    Expired: "That is too old to be used.",
    TooMany: "You are writing faster than the session takes it. It will be sent in a moment.",
    Unavailable: "The session cannot take that just now. It will be sent in a moment.",
}


def words_for(error: CosessionError) -> str:
    """A kind private message, in mrkdwn."""
    branch = next(branch for branch in WORDS if isinstance(error, branch))
    if branch in (NotFound, TooMany, Unavailable):
        return WORDS[branch]
    return f"{WORDS[branch]} {error.message}"


def how_to_link(base_url: str) -> str:
    return (
        "*Nothing was sent*: your Slack account is not linked to an account in Cosession yet. "
        f"<{base_url}/slack/sign_in|Connect it> in your own browser, then try again."
    )


GUEST = (
    "*Nothing was sent*: guests and people of other workspaces cannot take part from Slack. "
    "Ask the host for an invite link; it opens the session in your browser."
)
