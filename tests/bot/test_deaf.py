"""Every connection to Slack is lost for a while: what was written meanwhile is read from the threads afterwards."""

from __future__ import annotations

from tests.bot.support.office import open_office


async def test_what_was_written_while_no_connection_was_there_is_taken_in(sqlite_url: str) -> None:
    async with open_office(sqlite_url, app_token="xapp-of-the-tests", ack_deadline=1.0) as office:
        sockets, faults = office.engine.sockets, office.engine.faults
        session_id = await office.start()
        await office.reply("bob", "before")
        await office.until_said(session_id, 1)
        faults.fail("apps.connections.open", status=503, times=100_000)
        await sockets.cut()
        await office.until(lambda: sockets.connections == 0)
        await office.reply("bob", "meanwhile")
        # Slack tries three times, and gives the event up.
        await office.engine.settled()
        assert [text for _, text, _ in await office.said(session_id)] == ["before"]
        faults.clear()
        assert [text for _, text, _ in await office.until_said(session_id, 2)] == ["before", "meanwhile"]
        await office.until_quiet()
        assert len(await office.said(session_id)) == 2
