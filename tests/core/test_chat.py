"""What becomes of a message: who it calls, what it said before, and what is left of it when it is taken back."""

from __future__ import annotations

import pytest

from core.chat.mentions import named_in, prose_of
from core.chat.reactions import normal_emoji
from core.errors import Invalid

PEOPLE = [("usr_a", "Alice Moreau"), ("usr_b", "Bob"), ("usr_c", "Bob Tanaka"), ("usr_d", "Zoë")]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@Alice look", {"usr_a"}),
        ("@alice moreau look", {"usr_a"}),
        ("hey @Bob Tanaka!", {"usr_c"}),
        ("hey @Bob, look", {"usr_b"}),
        ("(@Zoë)", {"usr_d"}),
        ("@Alice @Bob Tanaka @Alice", {"usr_a", "usr_c"}),
        ("mail a@alice.example", set[str]()),
        ("@Alicea", set[str]()),
        ("@nobody", set[str]()),
        ("@@Alice", set[str]()),
    ],
)
def test_a_name_after_an_at_sign_calls_who_bears_it(text: str, called: set[str]) -> None:
    assert named_in(prose_of(text), PEOPLE) == called


@pytest.mark.parametrize(
    "code",
    ["`@Alice`", "``a ` @Alice``", "```\n@Alice\n```", "~~~py\n@Alice\n~~~", "```\n@Alice", "   ```\n@Alice\n   ```"],
)
def test_code_calls_nobody(code: str) -> None:
    assert named_in(prose_of(code), PEOPLE) == set()
    assert named_in(prose_of(f"{code}\n@Bob"), PEOPLE) <= {"usr_b"}


def test_a_backtick_that_is_alone_is_no_code() -> None:
    assert named_in(prose_of("it's ` here @Alice"), PEOPLE) == {"usr_a"}


def test_thousands_of_backticks_are_read_in_one_pass() -> None:
    assert prose_of(" ".join("`" * (1 + n % 90) for n in range(3_000)) + " @Alice")


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👩🏽‍💻", "🇫🇷", "1️⃣", "✅", ":shipit:", ":+1:", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⭐", "🏳️‍🌈", "☕"])
def test_one_emoji_or_a_name_is_a_reaction(emoji: str) -> None:
    assert normal_emoji(f" {emoji} ") == emoji


@pytest.mark.parametrize(
    "text", ["", "a", "ok", "👍👍", "<b>", "::", ":A b:", "1", "👍 x", "\u200d", "🇫", "@", "💥" * 9]
)
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(Invalid):
        normal_emoji(text)
