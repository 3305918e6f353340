"""Dates are written as their reader is used to, where their reader is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import dates, profiles
from core.clock import zone_of
from core.db import Database
from core.errors import Invalid
from tests.core.conftest import person

MOMENT = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
BERLIN = zone_of("Europe/Berlin")


@pytest.mark.parametrize(
    ("language", "day", "whole"),
    [
        ("", "Monday 16 November", "Monday, 16 November 2026, 00:30"),
        ("en-GB", "Monday 16 November", "Monday, 16 November 2026, 00:30"),
        ("en-US", "Mon, Nov 16", "Monday, November 16, 2026, 12:30\u202fAM"),
        ("de-CH", "Mo., 16. Nov.", "Montag, 16. November 2026, 00:30"),
        ("ja", "11月16日(月)", "2026年11月16日月曜日, 0:30"),
        ("xx-not-known", "Monday 16 November", "Monday, 16 November 2026, 00:30"),
    ],
)
def test_a_date_is_written_in_the_language_and_the_zone_of_its_reader(language: str, day: str, whole: str) -> None:
    written = dates.day(MOMENT, BERLIN, language), dates.whole(MOMENT, BERLIN, language)
    assert tuple(text.replace("M\u202f", "M") for text in written) == (day, whole)


async def test_a_language_that_nobody_writes_dates_in_is_refused(db: Database) -> None:
    ann = await person(db, "Ann")
    changed = await db.write(lambda tx: profiles.change(tx, ann.user_id, language="de-CH"))
    assert changed.language == "de-CH"
    with pytest.raises(Invalid):
        await db.write(lambda tx: profiles.change(tx, ann.user_id, language="xx-YY"))
