"""The texts that a careless page would run go through mail, Slack and logs too, and do nothing there.

That they do nothing in the browser is `test_hostile_text`'s business.
"""

from __future__ import annotations

import json
import logging
import re

import pytest

from bot.mrkdwn import escape, to_parts
from cosession import logs
from tests.bot.support.called import live
from tests.integrations.mail.test_letter import KINDS, elements, part, written
from tests.security.hostile import payloads

#: What a terminal obeys, or by which it shows letters in another order.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: A link as Slack reads it: address, then what is shown of it.
LINK = re.compile(r"<([^<>|]*)(?:\|[^<>]*)?>")


def test_the_corpus_is_not_small() -> None:
    assert len(payloads()) > 200


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_mail_it_is_words(kind: str) -> None:
    plain = elements(part(written(kind, "words"), "html"))  # type: ignore[arg-type] - a parameter has no narrower type
    for text in payloads():
        hostile = written(kind, text)  # type: ignore[arg-type] - the same
        assert elements(part(hostile, "html")) == plain, text
        assert not OBEYED.search(part(hostile, "plain").replace("\n", "").replace("\r", "")), text


def test_in_slack_it_calls_nobody_and_leads_nowhere_but_where_it_says() -> None:
    for text in payloads():
        shown = [escape(text), *to_parts(text)]
        assert live(shown) == set(), text
        for address in (found for one in shown for found in LINK.findall(one)):
            assert re.match(r"(https?://|mailto:)", address), text


def test_in_a_log_it_is_one_line_that_nothing_obeys(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(is_terminal=False)
    try:
        for text in payloads():
            logging.getLogger("test").warning("somebody wrote %s", text)
    finally:
        logging.getLogger().handlers.clear()
    lines = capfd.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == [f"somebody wrote {text}" for text in payloads()]
    assert not [line for line in lines if OBEYED.search(line)]
