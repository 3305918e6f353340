"""From what somebody in Slack wishes to invites: by a command in a channel, by a mention in a thread, by the form.

Each person who is invited gets a direct message, which the courier writes; whoever invites is answered privately, with
a way to take each invite back. The roles of the session decide, as everywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlmodel import col, select

from bot import identity
from bot.blocks import Block
from bot.desk import Desk
from bot.errors import how_to_link
from bot.identity import People
from bot.invites import cards
from bot.invites.words import HOW, NotUnderstood, Wanted, read
from bot.mrkdwn import escape
from bot.web import Bot
from bot.worker import Wish, nothing
from core import access, invites, mirrors, tables
from core.access import Actor
from core.db import Transaction
from core.errors import CosessionError, Invalid, NotFound, NotSignedIn
from core.events import Role
from core.invites import Recipient

#: Says something to whoever asked, and nobody else.
Tell = Callable[[str, list[Block]], Awaitable[None]]
#: Finds the session that is meant. Raises NotFound, Invalid.
Find = Callable[[Transaction, Actor], str]


@dataclass(slots=True)
class Answer:
    """What the inviter is told: a line for each person, and blocks for those who were invited."""

    lines: list[str] = field(default_factory=list[str])
    blocks: list[Block] = field(default_factory=list[Block])

    def add(self, line: str, blocks: list[Block] | None = None) -> None:
        self.lines.append(line)
        self.blocks += blocks or [{"type": "section", "text": {"type": "mrkdwn", "text": line}}]


class Inviting:
    """Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, people: People) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people

    async def in_channel(self, user: str, channel: str, text: str, tell: Tell, key: str) -> Wish | None:
        """By words in a channel, which follow `invite`. The session is the one of this channel, or of the title."""

        def find(tx: Transaction, actor: Actor, title: str) -> str:
            return self._in_channel(tx, actor, channel, title)

        return await self._invite(user, text, find, tell, key)

    async def in_thread(self, user: str, channel: str, root: str, text: str, key: str) -> Wish | None:
        """The same by a mention of the bot in a thread, which says which session is meant. `text` follows `invite`."""

        async def tell(words: str, blocks: list[Block]) -> None:
            await self._desk.api.whisper(channel, user, words, root, blocks)

        def find(tx: Transaction, _actor: Actor, _title: str) -> str:
            mirror = mirrors.by_thread(tx, self._bot.realm, channel, root)
            if mirror is None:
                raise NotFound("There is no session in this thread.")
            return mirror.session_id

        return await self._invite(user, text, find, tell, key)

    async def by_form(self, user: str, wanted: Wanted, session_id: str, key: str) -> Wish | None:
        """The same by the form behind the card's button. The answer comes as a direct message's private note."""

        async def tell(text: str, blocks: list[Block]) -> None:
            channel = await self._desk.api.direct_with(user)
            metadata = {"event_type": "cosession_note", "event_payload": {"id": key}}
            await self._desk.api.post(channel, text, metadata=metadata, blocks=blocks)

        return await self.wish(user, wanted, lambda _tx, _actor: session_id, tell, key)

    # -- inside

    async def _invite(
        self, user: str, text: str, find: Callable[[Transaction, Actor, str], str], tell: Tell, key: str
    ) -> Wish | None:
        try:
            wanted = read(text)
        except NotUnderstood as problem:
            await tell(escape(str(problem)), [])
            return None
        return await self.wish(user, wanted, lambda tx, actor: find(tx, actor, wanted.title), tell, key)

    async def wish(self, user: str, wanted: Wanted, find: Find, tell: Tell, key: str) -> Wish | None:
        """What `user` asks for, to be done in the database. Says no at once to those who may not act from Slack."""
        if (await self._people.profile(user)).is_outsider:
            await tell("Guests and people of other workspaces cannot invite from Slack.", [])
            return None
        names: dict[str, str] = {}
        answer = Answer()
        for slack_id in wanted.users:
            profile = await self._people.profile(slack_id)
            if profile.is_bot:
                answer.add(f"*{escape(profile.name)}* is a bot: only people can be invited.")
            elif profile.is_outsider:
                answer.add(
                    f"*{escape(profile.name)}* is a guest or of another workspace, and cannot come in from Slack. "
                    "Make an invite for their address, or a link, in the session's page."
                )
            else:
                names[slack_id] = profile.name
        refusals = list(zip(answer.lines, answer.blocks, strict=True))

        def effect(tx: Transaction) -> Answer:
            actor = identity.actor_for(tx, self._bot.realm, user)
            if actor is None:
                raise NotSignedIn
            done = Answer([line for line, _ in refusals], [block for _, block in refusals])
            session_id = find(tx, actor)
            for slack_id, name in names.items():
                self._one(tx, actor, session_id, slack_id, name, wanted, key, done)
            return done

        async def refused(error: CosessionError) -> None:
            unlinked = isinstance(error, NotSignedIn)
            await tell(how_to_link(self._desk.settings.base_url) if unlinked else escape(error.message), [])

        async def then(done: Answer) -> None:
            if done.lines:
                await tell("\n".join(done.lines), done.blocks)

        return Wish(effect, refused, then if names or refusals else nothing)

    def _one(
        self,
        tx: Transaction,
        actor: Actor,
        session_id: str,
        slack_id: str,
        name: str,
        wanted: Wanted,
        key: str,
        answer: Answer,
    ) -> None:
        session = access.session_for(tx, actor, session_id, "invite").session
        role = wanted.role or "editor"
        there = identity.actor_for(tx, self._bot.realm, slack_id)
        held = access.role_in(tx, session, there) if there is not None else None
        if there is not None and held is not None and not access.outranks(role, held) and is_seated(tx, session, there):
            answer.add(f"*{escape(name)}* is in the session already, as *{held}*.")
            return
        standing = self._standing(tx, session_id, slack_id, role)
        if standing is not None:
            until = cards.moment(standing.expires_at)
            answer.add(f"*{escape(name)}* is invited as *{role}* already, until {until}.", self._made(standing))
            return
        to = Recipient(realm=self._bot.realm, external_id=slack_id, name=name)
        lifetime = wanted.lifetime or invites.DEFAULT_LIFETIME
        made = invites.create(tx, actor, session_id, role, to=to, expires_in=lifetime, key=f"{key}:{slack_id}")
        if made.secret:  # Else the same wish has come before, and was answered.
            answer.add(f"*{escape(name)}* is invited as *{role}*.", self._made(made.invite))

    def _made(self, invite: tables.Invite) -> list[Block]:
        return cards.made(invite.name, invites.as_role(invite.role), invite.expires_at, invite.id)

    def _standing(self, tx: Transaction, session_id: str, slack_id: str, role: Role) -> tables.Invite | None:
        """An invite for the same person to the same that can still be used."""
        row = tables.Invite
        return tx.sql.exec(
            select(row)
            .where(
                row.session_id == session_id,
                row.realm == self._bot.realm,
                row.external_id == slack_id,
                row.role == role,
                row.expires_at > tx.now,
                col(row.revoked_at).is_(None),
                col(row.declined_at).is_(None),
                col(row.use_count) < col(row.max_uses),
            )
            .order_by(col(row.expires_at).desc())
        ).first()

    def _in_channel(self, tx: Transaction, actor: Actor, channel: str, title: str) -> str:
        """The one session of this channel that the actor may invite to, or the one whose title is given."""
        wanted = title.casefold()
        found: list[tables.Session] = []
        for mirror in mirrors.in_channel(tx, self._bot.realm, channel):
            session = tx.sql.get(tables.Session, mirror.session_id)
            if session is None or session.status != "live" or (wanted and wanted not in session.title.casefold()):
                continue
            role = access.role_in(tx, session, actor)
            if role is not None and access.allows(role, "invite"):
                found.append(session)
        if not found:
            which = " with that title" if wanted else ""
            raise NotFound(f"There is no live session in this channel{which} that you can invite to.")
        if len(found) > 1:
            titles = ", ".join(f"“{session.title[:60]}”" for session in found[:5])
            raise Invalid(f"There are several here: {titles}. Say which, as the last thing: {HOW}")
        return found[0].id


def is_seated(tx: Transaction, session: tables.Session, actor: Actor) -> bool:
    """Whether they have come in, and not only could."""
    seat = tx.sql.get(tables.Participation, (session.id, actor.user_id))
    return seat is not None and seat.removed_at is None


def account_of(tx: Transaction, realm: str, slack_id: str) -> Actor:
    """The account behind a Slack person. Raises NotSignedIn for whoever has none."""
    actor = identity.actor_for(tx, realm, slack_id)
    if actor is None:
        raise NotSignedIn
    return actor
