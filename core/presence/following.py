"""Circles of people who follow each other: found before they close, and cut where two processes closed one at once."""

from __future__ import annotations

from collections.abc import Mapping

#: Whom each follows, in any of their tabs.
Edges = Mapping[str, set[str]]


def leaders(edges: Edges, user_id: str) -> set[str]:
    """Everybody whom `user_id` follows, directly or through others."""
    found: set[str] = set()
    asked = [user_id]
    while asked:
        followed = edges.get(asked.pop(), set[str]())
        asked += followed - found
        found |= followed
    return found


def cuts(edges: Edges) -> list[tuple[str, str]]:
    """Which followings to end so that no circle is left: (who, whom). The same for the same edges, wherever it is
    asked: of each circle, the one with the greatest id lets go."""
    left = {user_id: set(followed) for user_id, followed in edges.items()}
    found: list[tuple[str, str]] = []
    for user_id in sorted(left, reverse=True):
        for target in sorted(left[user_id]):
            if user_id == target or user_id in leaders(left, target):
                left[user_id].discard(target)
                found.append((user_id, target))
    return found
