"""`/cosession`: start, list, end, link, help. The word is understood at once, the work is done from the inbox."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bot import identity
from bot.desk import Desk
from bot.errors import GUEST, how_to_link
from bot.identity import People
from bot.invites.inviting import Inviting
from bot.mrkdwn import escape, plain
from bot.web import Bot, Refused
from bot.worker import Lane, Wish
from core import access, accounts, mirrors, sessions, tables
from core.access import Actor
from core.db import Transaction
from core.errors import CosessionError, NotFound, NotSignedIn
from core.inbox import Item

COMMAND = "/cosession"
#: Word → what it does, for the help and for the manifest.
WORDS = {
    "start": "TITLE – starts a live session and a thread for it in this channel",
    "list": "– shows the live sessions that you can open",
    "invite": "@somebody [viewer|editor|host] [for 2h] [to TITLE] – invites to the session of this channel",
    "end": "[TITLE] – ends the session that you host in this channel",
    "link": "– tells how your Slack account and your account here belong together",
    "doctor": "– says what is wrong between Slack and Cosession, and what to do about it",
    "help": "– shows this",
}
USAGE_HINT = "start TITLE | list | invite @somebody [ROLE] [for 2h] | end [TITLE] | link | doctor | help"
MAX_LISTED = 10


#: Says how things stand with Slack, naming no channel but the one it is asked in: see `bot.health`.
Doctor = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command as Slack sent it."""

    user: str
    channel: str
    channel_name: str
    word: str
    rest: str
    response_url: str


def parse(body: bytes) -> Command:
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    text = plain(fields.get("text", ""), lambda _: "").strip()
    word, _, rest = text.partition(" ")
    return Command(
        user=fields.get("user_id", ""),
        channel=fields.get("channel_id", ""),
        channel_name=fields.get("channel_name", ""),
        word=word.lower() or "help",
        rest=rest.strip(),
        response_url=fields.get("response_url", ""),
    )


def acknowledge(command: Command) -> str:
    """What the person is told at once; empty where the answer follows."""
    if command.word == "start":
        if not command.rest:
            return f"Give the session a title: `{COMMAND} start Fix the login bug`"
        return f"Starting *{escape(command.rest[:200])}* …"
    if command.word in ("list", "invite", "end", "link", "doctor"):
        return ""
    if command.word == "help":
        return "\n".join(f"`{COMMAND} {word}` {what}" for word, what in WORDS.items())
    near = difflib.get_close_matches(command.word, WORDS, n=1, cutoff=0.5)
    hint = f"Did you mean `{COMMAND} {near[0]}`?" if near else f"`{COMMAND} help` shows what there is."
    return f"There is no `{escape(command.word[:40])}`. {hint}"


class Commands:
    """Handles slash commands from the inbox."""

    def __init__(self, desk: Desk, bot: Bot, people: People, inviting: Inviting, doctor: Doctor) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people
        self._inviting = inviting
        self._doctor = doctor

    def lane(self, item: Item) -> Lane:
        command = parse(item.body)
        return Lane(f"{command.channel}:commands", command.user)

    async def handle(self, item: Item) -> Wish | None:
        command = parse(item.body)
        if command.word not in ("start", "list", "invite", "end", "link", "doctor") or (
            command.word == "start" and not command.rest
        ):
            return None  # The acknowledgement has said it all.
        profile = await self._people.profile(command.user)
        if profile.is_outsider or profile.is_bot:
            await self._answer(command, GUEST)
            return None
        match command.word:
            case "start":
                return await self._start(command, item.id)
            case "invite":
                return await self._inviting.by_command(item.body, item.id)
            case "end":
                return self._wish(command, lambda tx, actor: self._end(tx, actor, command))
            case "list":
                return self._wish(command, self._list)
            case "doctor":
                words = await self._doctor(command.channel)
                return self._wish(command, lambda _tx, _actor: words)
            case _:
                return self._wish(command, lambda _tx, actor: f"You are *{escape(actor.name)}* in Cosession.")

    # -- the words

    async def _start(self, command: Command, key: str) -> Wish | None:
        problem, is_shared, name = await self._look_at(command)
        if problem:
            await self._answer(command, problem)
            return None

        def start(tx: Transaction, actor: Actor) -> str:
            team = accounts.team_for_realm(tx, self._bot.team_id, self._bot.team_name)
            accounts.join_team(tx, team.id, actor.user_id)
            # Only what is said before the whole workspace is open to the whole workspace.
            team_id = team.id if is_shared else None
            role = self._desk.settings.team_role
            session = sessions.start(tx, actor, command.rest, team_id=team_id, team_role=role, key=key)
            mirrors.open_mirror(tx, session.id, realm=self._bot.team_id, channel=command.channel, channel_name=name)
            return ""

        return self._wish(command, start)

    async def _look_at(self, command: Command) -> tuple[str, bool, str]:
        """Why no thread can be made in this channel ("" when one can), whether everybody may read it, and its name."""
        invite = "Cosession is not in this channel. Type `/invite @Cosession`, then start the session again."
        try:
            channel = await self._desk.api.channel(command.channel)
        except Refused as refusal:
            if refusal.code == "missing_scope":
                return "", False, command.channel_name
            if refusal.code in ("channel_not_found", "method_not_supported_for_channel_type"):
                return invite, False, ""
            raise
        is_direct = bool(channel.get("is_im") or channel.get("is_mpim"))
        if channel.get("is_archived"):
            return "This channel is archived.", False, ""
        if not is_direct and channel.get("is_member") is False:
            return invite, False, ""
        is_shared = not is_direct and not channel.get("is_private") and not channel.get("is_ext_shared")
        return "", is_shared, str(channel.get("name") or "")

    def _list(self, tx: Transaction, actor: Actor) -> str:
        live = [seat.session for seat in access.visible_sessions(tx, actor) if seat.session.status == "live"]
        if not live:
            return f"No live session is open to you. `{COMMAND} start TITLE` starts one."
        lines = [
            f"• <{self._desk.settings.session_url(session.id)}|{escape(session.title).replace('|', '¦')}>"
            f" – {escape(sessions.host_of(tx, session).username)}"
            for session in live[:MAX_LISTED]
        ]
        more = len(live) - MAX_LISTED
        return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])

    def _end(self, tx: Transaction, actor: Actor, command: Command) -> str:
        """Ends the one session of this channel that the actor hosts, or the one whose title is given."""
        wanted = command.rest.casefold()
        hosted: list[tables.Session] = []
        for mirror in mirrors.in_channel(tx, self._bot.team_id, command.channel):
            session = tx.sql.get(tables.Session, mirror.session_id)
            if session is None or session.status != "live" or (wanted and wanted not in session.title.casefold()):
                continue
            if access.role_in(tx, session, actor) == "host":
                hosted.append(session)
        if not hosted:
            raise NotFound("You host no live session in this channel" + (" with that title." if wanted else "."))
        if len(hosted) > 1:
            titles = ", ".join(f"*{escape(session.title)}*" for session in hosted[:MAX_LISTED])
            return f"You host several here: {titles}. Say which: `{COMMAND} end TITLE`"
        sessions.end(tx, actor, hosted[0].id)
        return f"*{escape(hosted[0].title)}* has ended."

    # -- inside

    def _wish(self, command: Command, run: Callable[[Transaction, Actor], str]) -> Wish:
        def effect(tx: Transaction) -> str:
            actor = identity.actor_for(tx, self._bot.team_id, command.user)
            if actor is None:
                raise NotSignedIn
            return run(tx, actor)

        async def refused(error: CosessionError) -> None:
            if isinstance(error, NotSignedIn):
                await self._answer(command, how_to_link(self._desk.settings.base_url))
            else:
                await self._answer(command, escape(error.message))

        async def then(answer: str) -> None:
            if answer:
                await self._answer(command, answer)

        return Wish(effect, refused, then)

    async def _answer(self, command: Command, text: str) -> None:
        try:
            await self._desk.api.respond(command.response_url, text)
        except Refused:
            # A response URL lives half an hour; the person has long gone on.
            await self._whisper(command, text)

    async def _whisper(self, command: Command, text: str) -> None:
        try:
            await self._desk.api.whisper(command.channel, command.user, text)
        except Refused as refusal:
            raise Refused(f"no way to answer: {refusal.code}") from refusal
