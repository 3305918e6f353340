"""Slack user to actor: who is linked, who they are in Slack, and who may not act from there at all.

The link is proven elsewhere (Sign in with Slack in the person's own browser); an equal e-mail address proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.web import Refused, SlackApi
from core import accounts, identities, tables
from core.access import Actor
from core.db import Transaction

PROVIDER = "slack"


@dataclass(frozen=True, slots=True)
class Profile:
    """A Slack account as `users.info` shows it."""

    id: str
    name: str
    is_bot: bool = False
    #: A guest, somebody of another workspace, or deactivated: may not act from Slack.
    is_outsider: bool = False
    #: The address of their picture, as Slack serves it; empty where they have none.
    picture: str = ""
    #: The workspace that they belong to; in an organisation, one of its workspaces.
    team: str = ""


def read_profile(user: Mapping[str, Any], team_id: str) -> Profile:
    profile: Mapping[str, Any] = user.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
    is_outsider = any(user.get(claim) for claim in ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted"))
    # In an organisation that has installed the app as a whole, people have the id of their own workspace.
    organisation = (user.get("enterprise_user") or {}).get("enterprise_id")
    is_foreign = user.get("team_id") not in (None, "", team_id) and organisation != team_id
    is_bot = bool(user.get("is_bot")) or user.get("id") == "USLACKBOT"
    picture = str(profile.get("image_72") or "")
    picture = picture if picture.startswith("https://") else ""
    team = str(user.get("team_id") or "")
    return Profile(str(user["id"]), str(name or user["id"]), is_bot, is_outsider or is_foreign, picture, team)


class People:
    """Profiles of one workspace, believed for `max_age` seconds."""

    def __init__(
        self, api: SlackApi, team_id: str, max_age: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._team_id = team_id
        self._max_age = max_age
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Profile]] = {}

    async def profile(self, user_id: str) -> Profile:
        """Raises what the Web API raises, but for somebody unknown: they are an outsider."""
        known = self._known.get(user_id)
        now = self._monotonic()
        if known is not None and now - known[0] < self._max_age:
            return known[1]
        try:
            profile = read_profile(await self._api.user(user_id), self._team_id)
        except Refused as refusal:
            if refusal.code not in ("user_not_found", "user_not_visible"):
                raise
            profile = Profile(user_id, user_id, is_outsider=True)
        self._known[user_id] = (now, profile)
        return profile

    def forget(self, user_id: str) -> None:
        """Somebody was renamed, deactivated or made a guest."""
        self._known.pop(user_id, None)


def actor_for(tx: Transaction, realm: str, slack_id: str) -> Actor | None:
    """The linked account, acting through Slack; None for whoever is not linked or deactivated here."""
    user = identities.by_identity(tx, PROVIDER, realm, slack_id)
    return None if user is None else accounts.actor_for(user, "slack")


def users_for(tx: Transaction, realm: str, slack_ids: tuple[str, ...]) -> dict[str, tables.User]:
    """Slack id → account, for those who are linked."""
    found = {slack_id: identities.by_identity(tx, PROVIDER, realm, slack_id) for slack_id in slack_ids}
    return {slack_id: user for slack_id, user in found.items() if user is not None}


def link_person(tx: Transaction, *, realm: str, team_name: str, slack_id: str, user_id: str) -> None:
    """Records that this Slack account is that user's, and makes them a member of the workspace's team.

    The caller has seen the proof.
    """
    team = accounts.team_for_realm(tx, realm, team_name)
    identities.link(tx, user_id, PROVIDER, realm, slack_id)
    accounts.join_team(tx, team.id, user_id)
