"""Markdown and mrkdwn: whatever is written, code stays as it is and nobody is pinged who was not meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mrkdwn import escape, from_slack, plain, to_mrkdwn, to_parts
from bot.sandbox.text import compose

#: Pieces that people and agents write, in any order; the nasty ones first.
PIECES = st.sampled_from(
    [
        *("<!channel>", "<!here|x>", "<@U0BOB00001>", "<!subteam^S1>", "@channel", "@here", "@everyone", "<#C1|x>"),
        *("`", "``", "```", "```py", "~~~", "\n", "\n\n", " ", "*", "**", "_", "~~", "<", ">", "&", "&lt;", "|"),
        *("[a](https://x.example/<!channel>)", "[<!here>](https://x.example)", "[a|b](https://x.example/a_b)"),
        *(
            "https://x.example/_a_*b*",
            "- item",
            "# Title",
            "> quote",
            "word",
            "ä",
            "漢",
            "\u2060",
            "](",
            "[",
            "![",
            "\\",
        ),
    ]
)
MARKDOWN = st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join)
CODE = st.text(st.characters(exclude_characters="`\r\x00", exclude_categories=["Cs"]), min_size=1, max_size=60)

TOKEN = re.compile(r"<[^>]*>")


def name_of(slack_id: str) -> str:
    return {"U1": "Ann", "U0BOB00001": "bob"}.get(slack_id, "")


@given(MARKDOWN)
def test_translated_text_never_pings_anyone(markdown: str) -> None:
    mrkdwn = to_mrkdwn(markdown)
    for token in TOKEN.findall(mrkdwn):
        assert re.match(r"<(https?://|mailto:)[^<>|]*\|[^<>|]+>$", token), token
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", mrkdwn, flags=re.DOTALL)
    assert not re.search(r"<[!@#]", mrkdwn)
    assert not re.search(r"(?i)<!?@?(channel|here|everyone)", outside)


@given(st.sampled_from(["@channel", "@here", "@everyone", "@Channel"]), st.text(alphabet=" .,!a*_", max_size=5))
def test_the_words_that_ping_a_channel_are_broken(word: str, around: str) -> None:
    assert word.lower() not in to_mrkdwn(f"{around}{word} {around}").lower()
    assert word.lower() not in escape(f"{around}{word}").lower()


@given(MARKDOWN, st.integers(min_value=60, max_value=400))
def test_every_part_fits_and_its_fences_are_paired(markdown: str, limit: int) -> None:
    for part in to_parts(markdown, limit):
        assert len(part) <= limit
        fences = [line for line in part.split("\n") if line == "```"]
        assert len(fences) % 2 == 0


@given(st.text(alphabet="ab <&>\n", min_size=1, max_size=3_000))
def test_nothing_of_a_long_text_is_lost(text: str) -> None:
    joined = "".join("".join(to_parts(text, 200)).split())
    assert joined == "".join(to_mrkdwn(text).split()).replace("```", "")


@given(st.lists(CODE.filter(lambda line: "\n" not in line), min_size=1, max_size=30))
def test_code_in_fences_is_untouched_however_it_is_cut(lines: list[str]) -> None:
    code = "\n".join(lines)
    parts = to_parts(f"```\n{code}\n```", 400)
    inside = "\n".join(part.removeprefix("```\n").removesuffix("\n```") for part in parts)
    assert undone(inside).replace("\n", "") == code.replace("\n", "")


@given(CODE.filter(lambda code: "\n" not in code and code.strip()))
def test_code_spans_are_untouched(code: str) -> None:
    assert undone(to_mrkdwn(f"see `{code}` there")) == f"see `{code}` there"


@given(CODE.filter(lambda code: code.strip("\n") == code and code.strip()))
def test_code_from_slack_is_untouched_in_both_forms(code: str) -> None:
    text, blocks = compose(f"look:\n```{code}```", {}, {}, "b1")
    for message in ({"text": text, "blocks": blocks}, {"text": text}):
        converted = from_slack(message, name_of).text
        assert f"```\n{code}\n```" in converted


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_entities_are_undone_once(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain(escaped, name_of) == text


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**bold** and *italic* and ~~gone~~", "*bold* and _italic_ and ~gone~"),
        ("# Title with **bold**", "*Title with bold*"),
        ("- one\n* two", "• one\n• two"),
        ("**`a.py`**: **see [it](https://x.example)**", "*`a.py`*: *see <https://x.example|it>*"),
        ("# Set `**kwargs` and **more**", "*Set `**kwargs` and more*"),
        ("a__b__c \\*not\\* \\`code\\`", "a__b__c *not* ˋcodeˋ"),
        ("1. run:\n\n   ```sh\n   npm **i**\n   ```", "1. run:\n\n```\nnpm **i**\n```"),
        ("> ```\n> a\n> ```\nb", "```\na\n```\nb"),
        ("````\n```py\nx\n```\n````", "```\n`\u2060`\u2060`py\nx\n`\u2060`\u2060`\n```"),
        ("[text](https://x.example/a_b)", "<https://x.example/a_b|text>"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
        ("https://x.example/a_*b*_c?x=1&y=2", "https://x.example/a_*b*_c?x=1&amp;y=2"),
        ("> quoted", "> quoted"),
        ("```py\nx = '**a**' < 1\n```", "```\nx = '**a**' &lt; 1\n```"),
        ("```\nnever closed", "```\nnever closed\n```"),
        ("`**a**`", "`**a**`"),
    ],
)
def test_markdown_becomes_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("*bold* _it_ ~gone~", "**bold** _it_ ~~gone~~"),
        ("<@U1> and <@U9|carl> and <@U9>", "@Ann and @carl and @U9"),
        ("<#C1|general> <!here> <!subteam^S1|@team>", "#general @here @team"),
        ("<https://x.example|here> <https://x.example>", "[here](https://x.example) https://x.example"),
        ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
        ("a &lt;b&gt; &amp;amp; 1 &lt; 2", "a \\<b> \\&amp; 1 < 2"),
        ("• one\n    ◦ two\nthen :tada:", "- one\n  - two\n\nthen 🎉"),
        ("see ```a`b``` there\n```\n\nx\n```", "see `` a`b `` there\n```\n\nx\n```"),
        ("`<https://x.example>`", "`https://x.example`"),
    ],
)
def test_mrkdwn_becomes_markdown(text: str, markdown: str) -> None:
    assert from_slack({"text": text}, name_of).text == markdown


def test_rich_text_becomes_markdown() -> None:
    typed = "*Look* at `a*b` @bob\n- one\n- _two_\n> quoted\n```x < 1```"
    _, blocks = compose(typed, {"bob": "U0BOB00001"}, {}, "b1")
    incoming = from_slack({"text": "unused", "blocks": blocks}, name_of)
    assert incoming.text == "**Look** at `a*b` @bob\n- one\n- _two_\n> quoted\n```\nx < 1\n```"
    assert incoming.mentions == ("U0BOB00001",)


def test_files_are_named_because_they_are_not_carried_over() -> None:
    message = {"subtype": "file_share", "text": "see", "files": [{"name": "trace.txt"}]}
    assert from_slack(message, name_of).text == "see\n_(shared a file in Slack: trace.txt)_"
    assert from_slack({"subtype": "me_message", "text": "waves"}, name_of).text == "*waves*"


def undone(mrkdwn: str) -> str:
    return mrkdwn.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_table_is_aligned_in_a_fence_and_tables_in_code_are_left_alone() -> None:
    table = "Before\n\n| file | change |\n|---|:-:|\n| `shop/auth.py` | **fixed** <b> |\n| a \\| b | 表 |\n\nAfter"
    assert to_mrkdwn(table) == (
        "Before\n\n```\nfile          change\n────────────  ─────────\n"
        "shop/auth.py  fixed &lt;b&gt;\na | b         表\n```\n\nAfter"
    )
    in_code = "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```"
    assert to_mrkdwn(in_code) == in_code
    assert to_mrkdwn("this | that\nis no table") == "this | that\nis no table"
