"""What people say of themselves: their name, where they are, and how they want dates written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core import accounts
from core.accounts import normal_name
from core.clock import is_time_zone
from core.dates import is_language
from core.db import Transaction
from core.errors import Invalid

#: The shape of a BCP 47 language tag (RFC 5646 §2.1), as far as dates need it.
_TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    time_zone: str
    language: str


def of(tx: Transaction, user_id: str) -> Profile:
    """Raises UserNotFound."""
    user = accounts.get_user(tx, user_id)
    return Profile(user.name, user.time_zone, user.language)


def change(
    tx: Transaction,
    user_id: str,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    language: str | None = None,
) -> Profile:
    """What is None stays; empty text takes a zone or a language back. Raises Invalid, UserNotFound."""
    user = accounts.get_user(tx, user_id)
    if name is not None:
        user.name = normal_name(name)
    if time_zone is not None:
        if time_zone and not is_time_zone(time_zone):
            raise Invalid("That is not a time zone. Write it like Europe/Berlin.")
        user.time_zone = time_zone
    if language is not None:
        if language and not (_TAG.match(language) and is_language(language)):
            raise Invalid("Dates cannot be written in that language. Name one like en-GB.")
        user.language = language
    tx.sql.add(user)
    return Profile(user.name, user.time_zone, user.language)
