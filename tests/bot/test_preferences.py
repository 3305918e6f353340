"""What somebody wants to be told of, chosen in App Home: it is kept, it is one's own, and it counts everywhere."""

from __future__ import annotations

from typing import Any

from bot.preferences import QUIET_FROM, QUIET_OFF, QUIET_ON, TELL
from core.notifications import preferences
from core.notifications.preferences import Wishes
from tests.bot.support.office import Office, eventually
from tests.bot.test_home import open_home, press, shown


async def wishes(office: Office, name: str) -> Wishes:
    user_id = office.users[name].id
    return (await office.web.read(lambda tx: preferences.wishes_of(tx, [user_id])))[user_id]


def ticked(home: dict[str, Any], kind: str) -> set[str]:
    [boxes] = [
        block["accessory"] for block in home["blocks"] if block.get("accessory", {}).get("action_id") == f"{TELL}{kind}"
    ]
    return {option["value"] for option in boxes.get("initial_options", [])}


async def test_what_is_ticked_is_kept_and_is_nobody_else_s(office: Office) -> None:
    home = await open_home(office, "bob")
    assert ticked(home, "mention") == {"web", "push", "slack_dm", "email"}
    outcome = await press(office, "bob", f"{TELL}mention", value=["web"])
    assert outcome.ok, outcome.error

    async def is_kept() -> bool:
        found = await wishes(office, "bob")
        return {channel for kind, channel in found.wanted if kind == "mention"} == {"web"}

    assert await eventually(is_kept)
    assert ticked(await open_home(office, "bob"), "mention") == {"web"}
    assert ("mention", "slack_dm") in (await wishes(office, "alice")).wanted
    assert ("reply", "slack_dm") in (await wishes(office, "bob")).wanted


async def test_quiet_hours_are_begun_changed_and_ended(small_office: Office) -> None:
    office = small_office
    await open_home(office, "bob")
    await press(office, "bob", QUIET_ON)
    await office.until(lambda: QUIET_FROM in str(shown(office, "bob")))
    quiet = (await wishes(office, "bob")).quiet
    assert quiet is not None
    assert (quiet.start, quiet.end) == (22 * 60, 8 * 60)
    await press(office, "bob", QUIET_FROM, value="20:30")

    async def is_changed() -> bool:
        now = (await wishes(office, "bob")).quiet
        return now is not None and (now.start, now.end) == (20 * 60 + 30, 8 * 60)

    assert await eventually(is_changed)
    await press(office, "bob", QUIET_OFF)
    await office.until(lambda: QUIET_ON in str(shown(office, "bob")))
    assert (await wishes(office, "bob")).quiet is None
