"""Tells people's open pages that their inbox is another now, or that the feed is: in this process and in the others.

A ring carries no content: whoever hears it asks for what they may see. One that is lost delays and never loses, because
each page's stream looks by itself from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import orjson

log = logging.getLogger(__name__)

#: Streams of one person that are open at a time; the oldest makes room.
MOST_OF_ONE = 20


@dataclass(slots=True, eq=False)
class Bell:
    """One open page. `is_over` when it has to make room, or the server goes down."""

    user_id: str
    hears_feed: bool
    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_feed_new: bool = False
    is_over: bool = False


class Bells:
    """Belongs to one event loop. `publish` takes a ring to the other processes."""

    def __init__(self, publish: Callable[[bytes], None] = lambda _: None) -> None:
        self.publish = publish
        self._bells: dict[str, list[Bell]] = {}
        self._is_closed = False

    def hang(self, user_id: str, *, hears_feed: bool) -> Bell:
        bell = Bell(user_id, hears_feed, is_over=self._is_closed)
        mine = self._bells.setdefault(user_id, [])
        mine.append(bell)
        for oldest in mine[:-MOST_OF_ONE]:
            _end(oldest)
        return bell

    def take_down(self, bell: Bell) -> None:
        mine = self._bells.get(bell.user_id, [])
        if bell in mine:
            mine.remove(bell)
        if not mine:
            self._bells.pop(bell.user_id, None)

    def ring(self, user_ids: Collection[str], *, is_feed_new: bool = False) -> None:
        """These people's inboxes are others now."""
        self._ring(user_ids, is_feed_new)
        self.publish(orjson.dumps([list(user_ids), is_feed_new]))

    def heard(self, payload: bytes) -> None:
        """Another process rings."""
        try:
            user_ids, is_feed_new = orjson.loads(payload)
            self._ring([str(user_id) for user_id in user_ids], bool(is_feed_new))
        except (ValueError, TypeError):
            log.warning("a signal about inboxes could not be read: pages look by themselves soon")

    def _ring(self, user_ids: Collection[str], is_feed_new: bool) -> None:
        for user_id in user_ids:
            for bell in self._bells.get(user_id, ()):
                bell.news.set()
        if is_feed_new:
            for bell in [one for mine in self._bells.values() for one in mine if one.hears_feed]:
                bell.is_feed_new = True
                bell.news.set()

    def close(self) -> None:
        """Ends every stream, so that the server can go down."""
        self._is_closed = True
        for bell in [one for mine in self._bells.values() for one in mine]:
            _end(bell)


def _end(bell: Bell) -> None:
    bell.is_over = True
    bell.news.set()
