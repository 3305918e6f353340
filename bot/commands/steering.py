"""What is done with sessions that are there: list, join, end, mute, and how one's account and theirs are linked."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from bot.commands.asking import Ask
from bot.commands.words import COMMAND
from bot.desk import Desk
from bot.mrkdwn import escape
from bot.web import Bot
from core import access, invites, mirrors, sessions, tables
from core.access import Actor, Permission
from core.db import Transaction
from core.errors import NotFound, SessionHasEnded
from core.events import Role

MAX_LISTED = 10

#: Whether a session is among those that are meant.
Fits = Callable[[tables.Session, Role | None], bool]


class Steering:
    """Each deed runs in a transaction, as whoever asks, and returns what they are told. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot) -> None:
        self._desk = desk
        self._bot = bot

    # -- the words

    def list_live(self, tx: Transaction, actor: Actor, _ask: Ask) -> str:
        live = [seat.session for seat in access.visible_sessions(tx, actor) if seat.session.status == "live"]
        if not live:
            return f"No live session is open to you. `{COMMAND} start TITLE` starts one."
        lines = [
            f"• {self.link_to(session)} – {escape(sessions.host_of(tx, session).username)}"
            for session in live[:MAX_LISTED]
        ]
        more = len(live) - MAX_LISTED
        return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])

    def join(self, tx: Transaction, actor: Actor, ask: Ask) -> str:
        found = self._in_place(tx, actor, ask, lambda _session, role: role is not None)
        if not found:
            titled = " with that title" if ask.rest else ""
            raise NotFound(f"There is no live session{titled} in this channel that is open to you. Ask its host.")
        if len(found) > 1:
            return self._which(found, "join")
        return self.take_in(tx, actor, found[0].id)

    def take_in(self, tx: Transaction, actor: Actor, session_id: str) -> str:
        """Gives the actor a seat in what is open to them. Raises SessionNotFound, SessionHasEnded."""
        seat = access.session_for(tx, actor, session_id, "read")
        if seat.session.status != "live":
            raise SessionHasEnded
        there = quote(f"/s/{session_id}", safe="")
        secret = invites.hand_over(tx, actor.user_id)
        link = f"{self._desk.settings.base_url.rstrip('/')}/sign-in?next={there}#{secret}"
        return (
            f"You are in *{escape(seat.session.title)}*, as *{seat.role}*. <{link}|Open the session>: this signs your"
            " own browser in, once, within five minutes."
        )

    def end(self, tx: Transaction, actor: Actor, ask: Ask) -> str:
        """Ends the one session of this channel that the actor hosts, or the one whose title is given."""
        session = self._hosted(tx, actor, ask, "end")
        if isinstance(session, str):
            return session
        sessions.end(tx, actor, session.id)
        return f"*{escape(session.title)}* has ended."

    def mute(self, tx: Transaction, actor: Actor, ask: Ask) -> str:
        return self._muted(tx, actor, ask, is_muted=True)

    def unmute(self, tx: Transaction, actor: Actor, ask: Ask) -> str:
        return self._muted(tx, actor, ask, is_muted=False)

    def _muted(self, tx: Transaction, actor: Actor, ask: Ask, *, is_muted: bool) -> str:
        session = self._hosted(tx, actor, ask, "mute" if is_muted else "unmute")
        return session if isinstance(session, str) else self.set_muted(tx, actor, session.id, is_muted=is_muted)

    def set_muted(self, tx: Transaction, actor: Actor, session_id: str, *, is_muted: bool) -> str:
        """Raises NotAllowed for whoever is no host, ThreadNotLinked."""
        has_changed = mirrors.mute(tx, actor, session_id, is_muted=is_muted)
        if not has_changed:
            return "The thread is muted already." if is_muted else "The thread is not muted."
        if is_muted:
            return "The thread is muted: what is said in the session is not copied there. Replies still reach it."
        return "What is said in the session from now on is copied into the thread again."

    def link(self, tx: Transaction, actor: Actor, ask: Ask) -> str:
        user = tx.sql.get(tables.User, actor.user_id)
        address = f" ({escape(user.email)})" if user is not None and user.email else ""
        lines = [f"You are *{escape(actor.name)}*{address} in Cosession."]
        lines += [
            f"• {self.link_to(session)}" for session in self._in_place(tx, actor, ask, lambda _, role: role is not None)
        ]
        return "\n".join(lines[: MAX_LISTED + 1])

    # -- which session is meant

    def _hosted(self, tx: Transaction, actor: Actor, ask: Ask, word: str) -> tables.Session | str:
        """The one that the actor hosts; a question where there are several. Raises NotFound."""
        found = self._in_place(tx, actor, ask, lambda _session, role: role == "host")
        if not found:
            where = "in this thread" if ask.root else "in this channel"
            raise NotFound(f"You host no live session {where}" + (" with that title." if ask.rest else "."))
        return self._which(found, word) if len(found) > 1 else found[0]

    def _in_place(self, tx: Transaction, actor: Actor, ask: Ask, fits: Fits) -> list[tables.Session]:
        """The live sessions of the thread, or of the channel, the newest first; with a title, those that it names."""
        if ask.root:
            mirror = mirrors.by_thread(tx, self._bot.realm, ask.channel, ask.root)
            here = [mirror] if mirror is not None else []
        else:
            here = list(mirrors.in_channel(tx, self._bot.realm, ask.channel))
        wanted = ask.rest.casefold()
        found: list[tables.Session] = []
        for mirror in here:
            session = tx.sql.get(tables.Session, mirror.session_id)
            if session is None or session.status != "live" or (wanted and wanted not in session.title.casefold()):
                continue
            if fits(session, access.role_in(tx, session, actor)):
                found.append(session)
        return found

    def _which(self, found: list[tables.Session], word: str) -> str:
        titles = ", ".join(f"*{escape(session.title)}*" for session in found[:MAX_LISTED])
        return f"There are several here: {titles}. Say which: `{COMMAND} {word} TITLE`"

    def link_to(self, session: tables.Session) -> str:
        title = escape(session.title).replace("|", "¦")
        return f"<{self._desk.settings.session_url(session.id)}|{title}>"


def may(role: Role | None, permission: Permission) -> bool:
    return role is not None and access.allows(role, permission)
