"""The published description of the socket is the code's own, whole, and true of what is sent."""

from __future__ import annotations

from typing import Any, get_args

import jsonschema
import pytest
import yaml

from api import asyncapi
from api.commands import COMMANDS
from api.frames import JoinSession, RefreshToken
from core.events import AnyEvent, ChatMessage, ChatMessagePosted
from core.log import encode

DOCUMENT = asyncapi.asyncapi()


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return found + [ref for inner in value.values() for ref in references(inner)]
    return [ref for inner in value for ref in references(inner)] if isinstance(value, list) else []


def test_the_published_file_is_that_of_this_code() -> None:
    assert asyncapi.main(["--check"]) == 0
    assert yaml.safe_load(asyncapi.TARGET.read_text(encoding="utf-8")) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > 100
    for reference in found:
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_command_is_described() -> None:
    described = DOCUMENT["channels"]["session"]["messages"]
    for frame in (*COMMANDS, JoinSession, RefreshToken):
        assert f"client_{get_args(frame.model_fields['type'].annotation)[0]}" in described


def payload(name: str) -> dict[str, Any]:
    return {**DOCUMENT["components"]["messages"][name]["payload"], "components": DOCUMENT["components"]}


def test_an_entry_as_it_is_sent_fits_its_description() -> None:
    message = ChatMessage(id="msg_1", user_id="usr_1", username="Ana", content="hi", timestamp="2026-01-01T00:00:00Z")
    frame = encode(ChatMessagePosted(message=message), seq=3, at="2026-01-01T00:00:00Z", actor_id="usr_1")
    jsonschema.validate(yaml.safe_load(frame), payload("log_chat_message"))


@pytest.mark.parametrize("broken", [{"seq": "3"}, {"message": {}}, {"at": None}])
def test_a_broken_entry_does_not(broken: dict[str, Any]) -> None:
    message = ChatMessage(id="msg_1", user_id="usr_1", username="Ana", content="hi", timestamp="2026-01-01T00:00:00Z")
    frame = encode(ChatMessagePosted(message=message), seq=3, at="2026-01-01T00:00:00Z", actor_id="usr_1")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(frame) | broken, payload("log_chat_message"))


def test_every_event_of_the_log_is_described() -> None:
    count = len(get_args(get_args(AnyEvent)[0]))
    assert sum(name.startswith("log_") for name in DOCUMENT["components"]["messages"]) == count
