"""What a person types arrives as Slack's own client would send it."""

from __future__ import annotations

from typing import Any

from bot.sandbox.text import compose

USERS = {"alice": "U1", "cosession": "UB"}
CHANNELS = {"payments": "C1"}


def typed(text: str) -> tuple[str, list[dict[str, Any]]]:
    as_text, blocks = compose(text, USERS, CHANNELS, "b1")
    assert blocks[0]["type"] == "rich_text"
    return as_text, blocks[0]["elements"]


def test_a_known_name_becomes_a_mention_and_an_unknown_one_stays_text() -> None:
    assert typed("hi @alice and @nobody")[0] == "hi <@U1> and @nobody"


def test_nothing_is_a_mention_inside_code_a_link_or_an_address() -> None:
    text, _ = typed("`@alice` me@alice https://x.example/@alice ```\n@alice\n```")
    assert "<@U1>" not in text


def test_special_characters_are_escaped_in_the_text_and_plain_in_the_blocks() -> None:
    text, parts = typed("a < b & c > d")
    assert text == "a &lt; b &amp; c &gt; d"
    assert parts[0]["elements"] == [{"type": "text", "text": "a < b & c > d"}]


def test_a_fence_keeps_its_code_to_the_letter() -> None:
    code = "if a < b:\n    print('*x*')\n"
    _, parts = typed(f"look\n```\n{code}\n```")
    assert parts[1]["type"] == "rich_text_preformatted"
    assert parts[1]["elements"][0]["text"] == code


def test_styles_links_lists_and_quotes_have_their_elements() -> None:
    text, parts = typed("*bold* _it_ ~no~ `c` https://x.example/a.\n- one\n- two\n> said\n#payments @here")
    assert text == ("*bold* _it_ ~no~ `c` <https://x.example/a>.\n• one\n• two\n&gt; said\n<#C1> <!here>")
    assert [part["type"] for part in parts] == [
        "rich_text_section",
        "rich_text_list",
        "rich_text_quote",
        "rich_text_section",
    ]
    assert parts[0]["elements"][0] == {"type": "text", "text": "bold", "style": {"bold": True}}


def test_names_with_underscores_and_stars_in_sums_are_not_styled() -> None:
    assert typed("snake_case_name and 2*3*4")[0] == "snake_case_name and 2*3*4"
