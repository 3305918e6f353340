"""The error tree: every refusal has a code, a sentence for people, and a place at each door."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from api import errors as http
from core.errors import CosessionError
from tests.architecture.test_floors import MODULES, ROOT


@pytest.fixture
def slack() -> Any:
    """What Slack's door makes of errors."""
    return importlib.import_module("bot.errors")


def tree(branch: type[CosessionError]) -> Iterator[type[CosessionError]]:
    for child in branch.__subclasses__():
        yield child
        yield from tree(child)


def every_error() -> list[type[CosessionError]]:
    """All of them, wherever they are defined: modules that derive from the tree are loaded first."""
    known = "|".join(["CosessionError", *(error.__name__ for error in tree(CosessionError))])
    derives = re.compile(rf"^class \w+\((?:\w+\.)*(?:{known})\):", re.MULTILINE)
    for path in MODULES:
        if derives.search(path.read_text()):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return list(tree(CosessionError))


ERRORS = every_error()
BRANCHES = CosessionError.__subclasses__()


def test_codes_are_unique() -> None:
    twice = [code for code, count in Counter(error.code for error in ERRORS).items() if count > 1]
    assert twice == []


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_refusal_has_a_code_and_a_sentence_of_its_own(error: type[CosessionError]) -> None:
    assert "code" in vars(error)
    assert error.code == error.code.lower()
    assert error.__doc__
    assert "  " not in error.sentence(), "one paragraph"
    assert error.sentence().endswith((".", "?"))
    assert error().message == error.sentence()


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda error: error.__name__)
def test_every_branch_has_a_status_and_a_close_code(branch: type[CosessionError]) -> None:
    assert 400 <= http.STATUS[branch] < 600
    assert 4_000 <= http.CLOSE[branch] < 5_000


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_a_refusal_in_slack_is_sentences_without_jargon(slack: Any, error: type[CosessionError]) -> None:
    words: str = slack.words_for(error())
    assert words.endswith((".", "?"))
    assert "_" not in words
    assert error.__name__ not in words


def test_doors_map_branches_and_nothing_else(slack: Any) -> None:
    assert set(http.STATUS) == set(BRANCHES)
    assert set(http.CLOSE) == set(BRANCHES)
    assert set(slack.WORDS) == set(BRANCHES)
