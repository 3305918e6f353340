"""The sandbox asks of a call what the machine-readable reference of Slack's Web API asks."""

from __future__ import annotations

import json

import pytest

from bot.sandbox import SandboxEngine
from bot.sandbox.contract import load_contract
from bot.sandbox.derive_contract import CONTRACT_FILE, METHODS, derive
from bot.sandbox.methods import HANDLERS

from .conftest import REFERENCE

needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the reference data is not beside this checkout")


@needs_reference
def test_the_facts_are_those_of_the_reference() -> None:
    assert json.loads(CONTRACT_FILE.read_text()) == derive(REFERENCE / "methods")


def test_every_method_of_the_contract_is_implemented_and_no_other() -> None:
    # This one takes the app's own token, and the API itself answers it.
    assert {*HANDLERS, "apps.connections.open"} == set(load_contract()) == set(METHODS)


async def test_an_unknown_method_is_refused_and_noted(engine: SandboxEngine) -> None:
    assert engine.call("chat.postMesage", channel="C0PAYMENTS", text="hi")["error"] == "unknown_method"
    assert [violation.error for violation in engine.violations] == ["unknown_method"]


@pytest.mark.parametrize(
    "method", [name for name, facts in load_contract().items() if facts.needs_token and name in HANDLERS]
)
async def test_an_unknown_argument_is_refused_by_every_method(engine: SandboxEngine, method: str) -> None:
    engine.scopes.update(load_contract()[method].scopes)
    answer = engine.call(method, surely_unknown="x")
    assert answer["error"] == "invalid_arguments"
    assert "[ERROR] unknown argument: surely_unknown" in answer["response_metadata"]["messages"]


@pytest.mark.parametrize("method", [name for name, facts in load_contract().items() if facts.required])
async def test_a_missing_argument_is_named(engine: SandboxEngine, method: str) -> None:
    facts = load_contract()[method]
    engine.scopes.update(facts.scopes)
    messages = engine.call(method)["response_metadata"]["messages"]
    assert messages == [f"[ERROR] missing required field: {name}" for name in facts.required]


@pytest.mark.parametrize("method", [name for name, facts in load_contract().items() if facts.scopes])
async def test_without_its_scope_a_method_says_what_is_needed(engine: SandboxEngine, method: str) -> None:
    engine.scopes.clear()
    engine.scopes.add("commands")
    answer = engine.call(method)
    assert answer["error"] == "missing_scope"
    assert answer["needed"].split(",") == list(load_contract()[method].scopes)
    assert answer["provided"] == "commands"


async def test_the_kind_of_a_conversation_decides_which_scope_is_needed(engine: SandboxEngine) -> None:
    engine.scopes.discard("im:history")
    assert engine.call("conversations.history", channel="C0PAYMENTS")["ok"]
    direct = engine.call("conversations.open", users="U0ALICE001")["channel"]["id"]
    assert engine.call("conversations.history", channel=direct)["needed"] == "im:history"


async def test_a_custom_name_needs_its_own_scope(engine: SandboxEngine) -> None:
    assert engine.call("chat.postMessage", channel="C0PAYMENTS", text="hi", username="Ann")["ok"]
    engine.scopes.discard("chat:write.customize")
    refused = engine.call("chat.postMessage", channel="C0PAYMENTS", text="hi", username="Ann")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "chat:write.customize")


async def test_the_token_must_be_there_and_right(engine: SandboxEngine) -> None:
    assert engine.web_api.call("auth.test", {}, None)["error"] == "not_authed"
    assert engine.web_api.call("auth.test", {}, "xoxb-other")["error"] == "invalid_auth"
    assert engine.call("auth.test")["bot_id"] == engine.bot_id
