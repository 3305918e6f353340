"""What somebody writes in the browser stands in the thread under their name and with a picture of theirs."""

from __future__ import annotations

from typing import Any

from bot.faces import SIGNS
from tests.bot.support.office import Office

PICTURE = "https://avatars.slack-edge.example/alice-72.png"


async def post(office: Office, session_id: str, text: str) -> dict[str, Any]:
    await office.write_in_browser(session_id, "alice", text)
    await office.until(lambda: any(text in message["text"] for message in office.thread()))
    [found] = [message for message in office.thread() if text in message["text"]]
    return found


async def test_whoever_has_a_picture_in_slack_has_it_here_and_its_change_is_followed(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.person("alice").picture = PICTURE
    session_id = await office.start()
    assert (await post(office, session_id, "one"))["icons"]["image_72"] == PICTURE
    alice = office.engine.workspace.person("alice")
    alice.picture = f"{PICTURE}?new"
    office.engine.workspace.tell_app({"type": "user_change", "user": {"id": alice.id}})
    await office.until_quiet()
    assert (await post(office, session_id, "two"))["icons"]["image_72"] == f"{PICTURE}?new"


async def test_others_have_a_sign_in_their_colour(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    message = await post(office, session_id, "one")
    assert message["icons"] == {"emoji": f":{SIGNS[office.users['alice'].color]}:"}
    assert message["username"] == office.users["alice"].name


async def test_an_address_that_is_none_of_the_web_s_is_no_picture(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.person("alice").picture = "javascript:alert(1)"
    session_id = await office.start()
    assert "emoji" in (await post(office, session_id, "one"))["icons"]


async def test_without_the_scope_there_is_neither_name_nor_picture(small_office: Office) -> None:
    office = small_office
    office.engine.scopes.discard("chat:write.customize")
    session_id = await office.start()
    message = await post(office, session_id, "one")
    assert "icons" not in message
    assert office.users["alice"].name in message["text"]
