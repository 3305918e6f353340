"""The same text goes from the thread into a session and out of another one: what counts in it is still there."""

from __future__ import annotations

from typing import Any

from tests.bot.support.office import Office

CODE = 'def f(*args, **kw):\n\treturn "<b>&amp;" # _x_ `y` @here'


def composed(bob: str, carol: str) -> dict[str, Any]:
    """As Slack's client sends it."""

    def text(words: str, **style: bool) -> dict[str, Any]:
        return {"type": "text", "text": words, **({"style": style} if style else {})}

    def section(*elements: dict[str, Any]) -> dict[str, Any]:
        return {"type": "rich_text_section", "elements": list(elements)}

    def items(indent: int, *sections: dict[str, Any], style: str = "ordered", offset: int = 0) -> dict[str, Any]:
        shape = {"type": "rich_text_list", "style": style, "indent": indent, "offset": offset, "border": 0}
        return {**shape, "elements": list(sections)}

    link = {"type": "link", "url": "https://x.example/a_(b)?q=*", "text": "the docs"}
    elements = [
        section(text("Look "), {"type": "user", "user_id": carol}, text(", "), text("Vec<T>", code=True), text("\n")),
        {"type": "rich_text_preformatted", "border": 0, "elements": [text(CODE)]},
        items(0, section(text("first "), link), section(text("second"))),
        items(1, section(text("under it", bold=True)), style="bullet"),
        items(0, section(text("third "), {"type": "emoji", "name": "tada", "unicode": "1f389"}), offset=2),
        section(text("Done.")),
    ]
    return {"user": bob, "text": "unused", "blocks": [{"type": "rich_text", "block_id": "b1", "elements": elements}]}


async def test_what_was_composed_in_slack_is_posted_as_it_was_meant(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.reply("carol", "I am here")
    await office.until_said(session_id, 1)
    [card] = office.cards()
    bob, carol = (office.engine.workspace.person(name).id for name in ("bob", "carol"))
    place = office.engine.workspace.channel("#payments")
    office.engine.workspace.add_message(place, composed(bob, carol), thread_ts=card["ts"])
    [_, (_, markdown, _)] = await office.until_said(session_id, 2)
    assert markdown == (
        "Look @carol, `Vec<T>`\n"
        f"```\n{CODE}\n```\n"
        "1. first [the docs](<https://x.example/a_(b)?q=*>)\n"
        "2. second\n"
        "   - **under it**\n"
        "3. third 🎉\n\n"
        "Done."
    )
    await office.write_in_browser(session_id, "alice", markdown, mentions=(office.users["carol"].id,))
    await office.until(lambda: len(office.thread()) == 3)
    escaped = CODE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert office.texts()[2] == (
        f"Look <@{carol}>, `Vec&lt;T&gt;`\n"
        f"```\n{escaped}\n```\n"
        "1. first <https://x.example/a_(b)?q=*|the docs>\n"
        "2. second\n"
        "   • *under it*\n"
        "3. third 🎉\n\n"
        "Done."
    )


async def test_words_that_look_like_marks_stay_words(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    typed = "a <b> tag, __init__.py, [x](y), C:\\*.txt and 2 * 3"
    [card] = office.cards()
    bob = office.engine.workspace.person("bob").id
    place = office.engine.workspace.channel("#payments")
    blocks = [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": typed}]}],
        }
    ]
    office.engine.workspace.add_message(place, {"user": bob, "text": "unused", "blocks": blocks}, thread_ts=card["ts"])
    [(_, markdown, _)] = await office.until_said(session_id, 1)
    assert markdown == "a \\<b> tag, \\_\\_init\\_\\_.py, [x\\](y), C:\\\\*.txt and 2 * 3"
    await office.write_in_browser(session_id, "alice", markdown)
    await office.until(lambda: len(office.thread()) == 2)
    assert office.texts()[1] == typed.replace("<b>", "&lt;b&gt;")
