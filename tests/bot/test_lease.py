"""A mirror whose process was killed goes on in another when its lease runs out, and never while a call may be open."""

from __future__ import annotations

from bot.settings import Pace
from tests.bot.support.office import FAST, open_office


async def test_a_mirror_of_a_killed_process_goes_on_in_another_once(database_url: str) -> None:
    shared = {"is_only_process": False}
    async with open_office(database_url, settings=shared, lease=1.0, call_timeout=0.5, inbox_lease=0.6) as office:
        session_id = await office.start()
        await office.write_in_browser(session_id, "bob", "before")
        await office.until_quiet()
        killed, its_database = office.door, office.db
        its_database.died.set()  # It holds the lease and never gives it back.
        await office.take_over()
        await office.write_in_browser(session_id, "bob", "after")
        await office.until_quiet()
        assert office.texts() == ["before", "after"]
        await killed.close()


def test_a_call_is_over_before_the_lease_that_it_began_under_runs_out() -> None:
    for pace in (Pace(), FAST):
        assert pace.lease - pace.lease_slack > pace.call_timeout
    assert Pace().lease + Pace().poll <= 17, "that long a thread may stand still after a kill"
