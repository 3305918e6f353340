"""Who is here now, where they look and whom they follow: kept per connection, shown per person, never in the log.

Pure state. Whoever holds a `Room` tells it what happened and when; it answers with what the others should be shown.
A person with several tabs is as awake as the most awake of them, and is where the tab is that stirred last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.errors import FollowCycle, Invalid, TooMany, UserNotFound
from core.events import Person
from core.presence.company import TYPING, Company
from core.presence.following import cuts, leaders
from core.presence.people import Connection, Shown, Someone

#: Seconds between two requests of one session's hosts to come along.
SUMMON_EVERY = 5.0


class Room(Company):
    """The people of one session, what they do there, and how the others see them."""

    def __init__(self) -> None:
        super().__init__()
        self._summoned_at: float | None = None

    # ── What a tab says ───────────────────────────────────────────────────────────────────────────────────────────────

    def update(self, connection_id: str, user_id: str, now: float, **state: Any) -> None:
        """Sets `status`, `cursor` or `viewport` of one connection; stirring makes its state the person's."""
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            for name, value in state.items():
                setattr(connection, name, value)

    def type(self, connection_id: str, user_id: str, now: float, *, is_typing: bool) -> bool:
        """A tab's person types, or has stopped. True when the connection is here."""
        connection = self._stir(connection_id, user_id, now)
        if connection is None:
            return False
        connection.typing_until = now + TYPING if is_typing else None
        return True

    def follow(self, connection_id: str, user_id: str, target_id: str, now: float) -> None:
        """One tab goes where `target_id` goes. What counts for a circle is whom somebody follows in any of their tabs.

        Raises: Invalid for oneself, UserNotFound for somebody who is not here, FollowCycle.
        """
        if target_id == user_id:
            raise Invalid("You cannot follow yourself.")
        if target_id not in self.people:
            raise UserNotFound("That person is not here just now.")
        if user_id in leaders(self._edges(), target_id):
            raise FollowCycle
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            connection.following = target_id

    def unfollow(self, connection_id: str, user_id: str, now: float) -> None:
        connection = self._stir(connection_id, user_id, now)
        if connection is not None:
            connection.following = None

    def summon(self, now: float) -> None:
        """Somebody asks everybody to come along. Raises TooMany when everybody was asked a moment ago."""
        if self._summoned_at is not None and now - self._summoned_at < SUMMON_EVERY:
            wait = SUMMON_EVERY - (now - self._summoned_at)
            raise TooMany("Everybody was asked a moment ago.", retry_after_ms=int(wait * 1_000) + 1)
        self._summoned_at = now

    def was_summoned(self, now: float) -> bool:
        """Everybody was asked to come along, in another process. False when they were asked here a moment ago; some of
        the pace is let pass, because a signal takes its time."""
        if self._summoned_at is not None and now - self._summoned_at < SUMMON_EVERY / 2:
            return False
        self._summoned_at = now
        return True

    def cut_circles(self) -> list[str]:
        """Ends followings of this process's own tabs that close a circle with followings in other processes, where each
        was accepted before the other was known. Every process finds the same ones. The ids of these tabs."""
        found: list[str] = []
        for user_id, target in cuts(self._edges()):
            someone = self.people[user_id]
            for connection_id, tab in someone.connections.items():
                if tab.origin is None and tab.following == target:
                    tab.following = None
                    tab.version += 1
                    found.append(connection_id)
            if someone.last is not None and someone.last.following == target:
                someone.last = replace(someone.last, following=None)
            self.mark(user_id)
        return found

    def _edges(self) -> dict[str, set[str]]:
        return {user_id: set(someone.follows()) for user_id, someone in self.people.items()}

    def _stir(self, connection_id: str, user_id: str, now: float) -> Connection | None:
        connection = self._connection(connection_id, user_id)
        if connection is not None:
            connection.seen_at = connection.stirred_at = now
            connection.has_told, connection.is_stale = True, False
            connection.version += 1
            self.mark(user_id)
        return connection

    def types_elsewhere(self, person: Person) -> None:
        """Somebody types, or goes on typing, in a tab of another process."""
        self._silenced.pop(person.user_id, None)
        self._typing[person.user_id] = person

    # ── What the others are shown ─────────────────────────────────────────────────────────────────────────────────────

    def everyone(self) -> list[Shown]:
        for user_id in self._changed:
            # Whoever is shown this now may know more than the others: the next batch leaves nothing of it out.
            self.people[user_id].told = None
        return [self._show(someone) for someone in self.people.values()]

    def take_unlisted(self) -> list[tuple[str, Shown | None]]:
        """The same for whoever keeps a list of everyone: who may look different in it since this was last asked, and
        None for those who are not here any more."""
        for user_id in self._changed:
            self.people[user_id].told = None
        unlisted, self._unlisted = self._unlisted, set()
        return [(user_id, self._show(self.people[user_id]) if user_id in self.people else None) for user_id in unlisted]

    def take_changes(self) -> list[Shown]:
        """Who looks different from what was last taken."""
        changed, self._changed = self._changed, set()
        return list(self._news_of(changed))

    def _news_of(self, changed: set[str]) -> Iterator[Shown]:
        for user_id in sorted(changed):
            someone = self.people[user_id]
            shown = self._show(someone)
            if shown != someone.told:
                someone.told = shown
                yield shown

    def take_followed(self) -> list[tuple[str, str | None]]:
        """Who follows somebody else than when this was last asked: (user_id, whom, or None for nobody any more)."""
        if not self._followed and not any(map(Someone.may_follow, self.people.values())):
            return []
        now = {user_id: self._show(someone).following for user_id, someone in self.people.items()}
        news = [(user_id, whom) for user_id, whom in now.items() if whom != self._followed.get(user_id)]
        self._followed = {user_id: whom for user_id, whom in now.items() if whom is not None}
        return news

    def take_silenced(self) -> list[Person]:
        """Those whose typing ended without a word since this was last asked."""
        silenced, self._silenced = self._silenced, {}
        return list(silenced.values())

    def take_typing(self) -> list[Person]:
        """Those who type in tabs of other processes, of whom that has to be said."""
        typing, self._typing = self._typing, {}
        return list(typing.values())

    def _show(self, someone: Someone) -> Shown:
        shown = someone.show()
        if shown.following is not None and shown.following not in self.people:
            self._missing.add(shown.following)
            return replace(shown, following=None)
        return shown
