"""Dates as people write them, in their language and where they are. Words come from Unicode's CLDR, through Babel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import cast

from babel import Locale, UnknownLocaleError
from babel.dates import DateTimePattern, format_date, format_time

#: For whoever has not said how they want dates written.
USUAL = "en-GB"


def is_language(tag: str) -> bool:
    """Whether dates can be written as this BCP 47 tag says."""
    return _known(tag) is not None


def day(moment: datetime, zone: tzinfo, language: str) -> str:
    """`Monday 16 November`, or what is usual there."""
    locale = _locale(language)
    patterns = cast(Mapping[str, DateTimePattern], locale.datetime_skeletons)
    return (patterns.get("MMMMEEEEd") or patterns["MMMEd"]).apply(moment.astimezone(zone), locale)


def hour(moment: datetime, zone: tzinfo, language: str) -> str:
    """`08:00`, or what is usual there."""
    return format_time(moment.astimezone(zone), "short", locale=_locale(language))


def whole(moment: datetime, zone: tzinfo, language: str) -> str:
    """`Monday, 16 November 2026, 08:00`, or what is usual there."""
    local = moment.astimezone(zone)
    return f"{format_date(local.date(), 'full', locale=_locale(language))}, {hour(moment, zone, language)}"


def _locale(language: str) -> Locale:
    found = _known(language) or _known(USUAL)
    assert found is not None
    return found


@lru_cache(maxsize=256)
def _known(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
