"""An answer cut into parts is the answer, each part is complete in itself, and however it is cut it calls nobody."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent.text import MAX_PART, joined, next_end, open_fence, spelled
from tests.bot.support.called import live

#: What is put together into texts: words, marks, and whatever could call somebody.
PIECES = st.sampled_from(
    [
        *(
            "a",
            "word ",
            "\n",
            "\n\n",
            "`",
            "```\n",
            "\n```python\n",
            "\n````md @here\n",
            "\\`",
            "~~~",
            "<",
            "!",
            "@",
            "#",
            "&lt;",
            "&#60;",
            "&#x3C;",
        ),
        *("<!channel>", "<!here|x>", "!everyone", "<!subteam^S1|@a>", "<@U0CAROL001>", "<#C0GENERAL1>", "@here", "|>"),
        *("channel>", "U0CAROL001>", "<!date^1^{date}|x>", "x" * 300, "word " * 80),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
JOINER = "\u2060"


def cuts(text: str, begin: int = 0) -> list[tuple[int, int, int]]:
    """(begin of the part, from, to) of every append of a text that is there as a whole."""
    found: list[tuple[int, int, int]] = []
    sent = begin
    while sent < len(text):
        end = next_end(text, begin, sent)
        if end is None:
            begin = sent
        else:
            found.append((begin, sent, end))
            sent = end
    return found


@settings(max_examples=50)
@given(TEXTS, st.integers(0, 50), st.integers(1, 400))
def test_however_a_text_is_cut_its_pieces_are_the_text(text: str, begin: int, step: int) -> None:
    text = joined([text]) or "x"
    places = [*range(0, len(text), step), len(text)]
    for start, end in pairwise(places):
        piece = spelled(text, min(begin, start - 1) if start else 0, start, end)
        if start:
            assert piece.replace(JOINER, "") == text[start:end].replace(JOINER, "")
    whole = "".join(spelled(text, -1, start, end) for start, end in pairwise(places))
    assert whole.replace(JOINER, "") == text.replace(JOINER, "")
    assert live([whole]) == set()


@settings(max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_text_that_gets_another_block_stays_as_it_was(blocks: list[str]) -> None:
    for count in range(1, len(blocks)):
        before, after = joined(blocks[:count]), joined(blocks[: count + 1])
        assert after.startswith(before)
        middle = len(before) // 2
        assert spelled(before, 0, 0, middle) == spelled(after, 0, 0, middle)
        assert open_fence(before, len(before)) is None, "no block swallows the next one"


def test_a_long_text_is_cut_where_it_can_be_and_code_goes_on_as_code() -> None:
    prose = "\n\n".join("word " * 100 for _ in range(60))
    code = "```python\n" + "\n".join(f"value_{number} = {number}" for number in range(2_000)) + "\n```"
    text = joined([f"{prose}\n\n{code}"])
    found = cuts(text)
    assert [end for _, _, end in found][:-1] == [start for _, start, _ in found][1:]
    for begin, start, end in found:
        assert end - begin <= MAX_PART
        assert text[end - 1] == "\n" or end == len(text)
        piece = spelled(text, begin, start, end)
        assert len(piece) <= 12_000
    again = [(start, end) for begin, start, end in found if begin == start and open_fence(text, begin)]
    assert len(again) > 2
    for start, end in again:
        assert spelled(text, start, start, end).startswith("```python\nvalue_")


def test_code_in_long_fences_ends_with_them_and_what_it_is_called_calls_nobody() -> None:
    block = "````md <!here> <@U0CAROL001>\n```\n" + "@here\n" * 4_000
    text = joined([block, "And then?"])
    assert text.endswith("\n````\n\nAnd then?")
    first, second = [spelled(text, begin, start, end) for begin, start, end in cuts(text)][:2]
    assert "@here" in second, "what is in code stays as it is"
    assert second.startswith("````md\n")
    assert live([first, second]) == set()


def test_what_only_looks_like_code_calls_nobody_either() -> None:
    text = r"\`@here\` and `` `@channel"
    assert spelled(text, 0, 0, len(text)) == "\\`@\u2060here\\` and `` `@\u2060channel"


def test_a_text_without_any_gap_is_cut_all_the_same() -> None:
    text = "x" * 30_000
    assert [(start, end) for _, start, end in cuts(text)] == [
        (at, min(at + MAX_PART, 30_000)) for at in range(0, 30_000, MAX_PART)
    ]


def test_code_stays_as_it_is_unless_it_would_call_somebody() -> None:
    code = "```ts\nimport x from '<@angular/core>'\n<!DOCTYPE html>\n@group\n```"
    assert spelled(code, 0, 0, len(code)) == code
    assert live([spelled("`<!here>`", 0, 0, 9)]) == set()


def test_the_most_hostile_text_fits_into_a_message() -> None:
    for text in ("<@U1" * 3_000, "<!here" * 3_000, "<!here>" * 3_000, "@group " * 3_000, "&lt;!here" * 3_000):
        for begin, start, end in cuts(text):
            assert len(spelled(text, begin, start, end)) <= 12_000
