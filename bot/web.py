"""Slack's Web API, as far as this door uses it, as typed calls; what one call is: `bot.calling`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot.calling import Caller, Payload
from bot.failures import Ambiguous, Limited, Refused, SlackFailure, seconds_to_wait
from core.clock import as_utc

__all__ = ["Ambiguous", "Bot", "Limited", "Payload", "Post", "Refused", "SlackApi", "SlackFailure", "Standing"]


#: Makes a call when it is welcome, and once more where it was not.
Patiently = Callable[[Callable[[], Awaitable[Payload]]], Awaitable[Payload]]


@dataclass(frozen=True, slots=True)
class Bot:
    """Who the token belongs to. `team_id` is the organisation's id where the app is installed for all of it."""

    team_id: str
    team_name: str
    user_id: str
    bot_id: str

    @property
    def realm(self) -> str:
        """What the threads and people of this installation are kept under."""
        return self.team_id


@dataclass(frozen=True, slots=True)
class Standing:
    """What a token may do, and the time at Slack; None where the answer did not tell."""

    scopes: frozenset[str] | None
    now: datetime | None


@dataclass(frozen=True, slots=True)
class Post:
    """A message that is in Slack now. `thread_ts` is where it really landed."""

    ts: str
    thread_ts: str | None


class SlackApi(Caller):
    """The calls that this door makes of one workspace."""

    async def standing(self) -> Standing:
        """How the token stands: its scopes, and what time it is at Slack, as the headers of an answer tell."""
        headers = {name.lower(): str(value) for name, value in (await self.ask("auth.test", {})).headers.items()}
        scopes = headers.get("x-oauth-scopes")
        return Standing(
            frozenset(scope.strip() for scope in scopes.split(",")) if scopes is not None else None,
            _moment(headers.get("date", "")),
        )

    async def who_am_i(self) -> Bot:
        answer = await self.call("auth.test", {})
        is_org_wide = answer.get("is_enterprise_install") and answer.get("enterprise_id")
        realm = answer["enterprise_id"] if is_org_wide else answer["team_id"]
        return Bot(realm, answer.get("team") or "Slack", answer["user_id"], answer.get("bot_id") or "")

    async def post(self, channel: str, text: str, *, metadata: Payload, **fields: Any) -> Post:
        """Posts under `metadata`, by which it can be found again. Previews of links are not wanted."""
        args = {"channel": channel, "text": text, "metadata": metadata, "unfurl_links": False, "unfurl_media": False}
        answer = await self.call("chat.postMessage", {**args, **fields})
        return Post(answer["ts"], answer.get("message", {}).get("thread_ts"))

    async def update(self, channel: str, ts: str, text: str, blocks: Sequence[Payload]) -> None:
        await self.call("chat.update", {"channel": channel, "ts": ts, "text": text, "blocks": list(blocks)})

    async def delete(self, channel: str, ts: str) -> None:
        await self.call("chat.delete", {"channel": channel, "ts": ts})

    async def whisper(
        self, channel: str, user: str, text: str, thread_ts: str | None = None, blocks: Sequence[Payload] = ()
    ) -> None:
        """Shows something to one person only."""
        place = {"thread_ts": thread_ts} if thread_ts else {}
        shown = {"text": text, **({"blocks": list(blocks)} if blocks else {})}
        await self.call("chat.postEphemeral", {"channel": channel, "user": user, **shown, **place})

    async def openid_token(self, **grant: str) -> str:
        """The ID token that a code is worth. The app's own secret is the credential here, not the bot's token."""
        answer = await self.call("openid.connect.token", {"grant_type": "authorization_code", **grant}, is_form=True)
        return str(answer.get("id_token") or "")

    async def open_socket(self) -> str:
        """The address of one connection in Socket Mode; the token is the app's, not a bot's."""
        return str((await self.call("apps.connections.open", {}))["url"])

    async def oauth_access(self, **grant: str) -> Payload:
        """What a code or a refresh token is worth."""
        return await self.call("oauth.v2.access", grant, is_form=True)

    async def permalink(self, channel: str, ts: str) -> str:
        answer = await self.call("chat.getPermalink", {"channel": channel, "message_ts": ts}, is_get=True)
        return str(answer["permalink"])

    async def channel(self, channel: str) -> Payload:
        return (await self.call("conversations.info", {"channel": channel}, is_get=True))["channel"]

    async def user(self, user: str) -> Payload:
        return (await self.call("users.info", {"user": user}, is_get=True))["user"]

    async def sleeps_until(self, user: str, now: float) -> float | None:
        """When somebody's "do not disturb" ends that is on at `now`, both in seconds since 1970; None while it is off.
        See https://docs.slack.dev/reference/methods/dnd.info."""
        answer = await self.call("dnd.info", {"user": user}, is_get=True)
        ends: list[float] = []
        if answer.get("dnd_enabled") and float(answer.get("next_dnd_start_ts") or 0) <= now:
            ends.append(float(answer.get("next_dnd_end_ts") or 0))
        if answer.get("snooze_enabled"):
            ends.append(float(answer.get("snooze_endtime") or 0))
        end = max(ends, default=0.0)
        return end if end > now else None

    async def direct_with(self, user: str) -> str:
        """The id of the app's direct conversation with somebody; opened on the first time."""
        answer = await self.call("conversations.open", {"users": user}, is_form=True)
        return str(answer["channel"]["id"])

    async def open_view(self, trigger_id: str, view: Payload) -> None:
        """Shows a form to whoever did what the trigger belongs to, a moment ago."""
        await self.call("views.open", {"trigger_id": trigger_id, "view": view})

    async def publish_home(self, user: str, view: Payload) -> None:
        """What somebody sees on the app's home tab."""
        await self.call("views.publish", {"user_id": user, "view": view})

    async def unfurl(self, channel: str, ts: str, unfurls: Mapping[str, Payload]) -> None:
        """Gives the links of a message their previews."""
        previews = json.dumps(unfurls, separators=(",", ":"))
        await self.call("chat.unfurl", {"channel": channel, "ts": ts, "unfurls": previews}, is_form=True)

    async def members(self, channel: str, most: int) -> frozenset[str] | None:
        """Who is in a channel; None where they are more than `most`."""
        found = await self._pages("conversations.members", {"channel": channel, "limit": 1_000}, most)
        return None if found is None else frozenset(str(one) for one in found)

    async def everybody(self, most: int) -> list[Payload] | None:
        """The accounts of the workspace; None where they are more than `most`."""
        return await self._pages("users.list", {"limit": 1_000}, most)

    async def _pages(self, method: str, args: Payload, most: int) -> list[Any] | None:
        found: list[Any] = []
        while len(found) <= most:
            answer = await self.call(method, args, is_get=True)
            found += answer["members"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found if len(found) <= most else None
            args = {**args, "cursor": cursor}
        return None

    async def root_of(self, channel: str, root: str) -> Payload | None:
        """The message that a thread hangs under, or None where there is none."""
        args = {"channel": channel, "ts": root, "limit": 1}
        answer = await self.call("conversations.replies", args, is_get=True)
        return next((message for message in answer["messages"] if message["ts"] == root), None)

    async def thread_of(self, channel: str, root: str, most: int) -> list[Payload]:
        """The messages of a thread, its root first, and no more than so many."""
        args = {"channel": channel, "ts": root, "limit": most}
        return (await self.call("conversations.replies", args, is_get=True))["messages"][:most]

    async def whole_thread(
        self,
        channel: str,
        root: str,
        patiently: Patiently,
        most_pages: int = 50,
    ) -> list[Payload] | None:
        """Every message of a thread, the root among them; None where it has more than so many pages. `patiently` makes
        each call when it is welcome."""
        found: dict[str, Payload] = {}
        args: Payload = {"channel": channel, "ts": root, "limit": 200}
        for _ in range(most_pages):
            answer = await patiently(lambda args=args: self.call("conversations.replies", args, is_get=True))
            # The root leads every page.
            found |= {str(message["ts"]): message for message in answer["messages"]}
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return list(found.values())
            args = {**args, "cursor": cursor}
        return None

    async def message_at(self, channel: str, root: str, ts: str) -> Payload | None:
        """One reply as it stands now, or None where it is gone."""
        args = {"channel": channel, "ts": root, "oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
        try:
            answer = await self.call("conversations.replies", args, is_get=True)
        except Refused as refusal:
            if refusal.code != "thread_not_found":
                raise
            return None
        return next((message for message in answer["messages"] if message["ts"] == ts), None)

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Puts the app's one reaction of that name on a message; there already is just as well."""
        await self._mark("reactions.add", channel, ts, name, fine=("already_reacted",))

    async def unreact(self, channel: str, ts: str, name: str) -> None:
        await self._mark("reactions.remove", channel, ts, name, fine=("no_reaction",))

    async def _mark(self, method: str, channel: str, ts: str, name: str, *, fine: tuple[str, ...]) -> None:
        try:
            await self.call(method, {"channel": channel, "timestamp": ts, "name": name})
        except Refused as refusal:
            if refusal.code not in fine:
                raise

    async def ours_in_thread(self, channel: str, root: str, oldest: str | None) -> dict[str, str]:
        """Our own id → ts, of the messages of a thread that carry one."""
        return await self._ours("conversations.replies", {"channel": channel, "ts": root}, oldest)

    async def ours_in_channel(self, channel: str, oldest: str | None) -> dict[str, str]:
        return await self._ours("conversations.history", {"channel": channel}, oldest)

    async def _ours(self, method: str, where: Payload, oldest: str | None) -> dict[str, str]:
        found: dict[str, str] = {}
        args = {**where, "include_all_metadata": True, "limit": 200, **({"oldest": oldest} if oldest else {})}
        while True:
            answer = await self.call(method, args, is_get=True)
            for message in answer["messages"]:
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if "id" in payload:
                    # The first of two would be the true one; there are none unless somebody else copies metadata.
                    found.setdefault(str(payload["id"]), str(message["ts"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found
            args = {**args, "cursor": cursor}

    async def respond(self, response_url: str, text: str, blocks: Sequence[Payload] = ()) -> None:
        """Answers a command privately, where no membership of the bot is needed."""
        assert self.pool is not None
        if not response_url:
            raise Refused("response_url")
        body: Payload = {"response_type": "ephemeral", "replace_original": False, "text": text}
        if blocks:
            body["blocks"] = list(blocks)
        try:
            async with self.pool.post(response_url, json=body) as answer:
                if answer.status == 429:
                    raise Limited(seconds_to_wait(answer.headers))
                if answer.status >= 500:
                    raise Ambiguous(f"status {answer.status}")
                if answer.status >= 400:
                    raise Refused("response_url")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Ambiguous(type(error).__name__) from error


def _moment(text: str) -> datetime | None:
    """A time as HTTP writes it."""
    try:
        return as_utc(parsedate_to_datetime(text))
    except ValueError:
        return None
