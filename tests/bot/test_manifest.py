"""The manifest is made from what the code uses, and Slack would take it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import bot
from bot.errors import WORDS, words_for
from bot.manifest import NEEDS, manifest
from bot.sandbox.contract import load_contract
from core.errors import CosessionError, SessionHasEnded
from tests.bot.support.office import Office

CONTRACT = Path(__file__).parents[3] / "shared" / "reference" / "slack-contract"


def contract(name: str) -> Any:
    path = CONTRACT / name
    if not path.exists():
        pytest.skip("the reference data of Slack's contract is not beside the checkout")
    return json.loads(path.read_text())


@pytest.mark.parametrize("socket_mode", [False, True])
@pytest.mark.parametrize("many", [False, True])
def test_slacks_own_schema_accepts_the_manifest(socket_mode: bool, many: bool) -> None:
    built = manifest("https://sessions.example.com/", socket_mode=socket_mode, many=many)
    jsonschema.validate(built, contract("manifest.schema.2.0.0.json"))
    assert built["settings"]["socket_mode_enabled"] is socket_mode
    assert built["settings"]["token_rotation_enabled"] is many
    # The only addresses in Socket Mode are those that browsers are sent back to.
    addresses = json.dumps(built).count("https://sessions.example.com/slack/events")
    assert (addresses == 0) is socket_mode
    returns = [f"https://sessions.example.com/slack/{way}" for way in ("signed_in", "oauth_redirect")]
    assert built["oauth_config"]["redirect_urls"] == returns[: 1 + many]


def test_every_event_exists_and_the_scopes_that_it_needs_are_asked_for() -> None:
    known = {event["name"]: event for event in contract("events.json")}
    scopes = {scope for need in NEEDS for scope in need.scopes}
    for name in manifest("https://x.example")["settings"]["event_subscriptions"]["bot_events"]:
        assert name in known
        wanted = {scope.replace(".", ":") for scope in known[name]["scopes"]}
        assert not wanted or wanted & scopes, name


def test_every_method_that_the_code_calls_is_covered_by_a_scope() -> None:
    scopes = {scope for need in NEEDS for scope in need.scopes}
    for method in methods_called():
        # Made from the reference: see `tests/bot/sandbox/test_contract.py`.
        names = set(load_contract()[method].scopes)
        assert not names or names & scopes, (method, names)


def methods_called() -> set[str]:
    """The names of Web API methods in the modules that call them."""
    folder = Path(str(bot.__file__)).parent
    trees = [ast.parse((folder / name).read_text()) for name in ("web.py", "files/calls.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    found = {
        text
        for text in texts
        if text.split(".")[0] in ("auth", "chat", "conversations", "dnd", "files", "users") and "." in text
    }
    assert len(found) >= 8
    return {text for text in found if " " not in text}


async def test_the_scopes_of_the_manifest_are_enough_for_a_whole_session(small_office: Office) -> None:
    office = small_office
    office.engine.scopes.clear()
    office.engine.scopes.update(scope for need in NEEDS if not need.is_optional for scope in need.scopes)
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "hello")
    await office.reply("bob", "hi")
    await office.until_said(session_id, 2)
    await office.end(session_id)
    await office.until_row(lambda row: row.status == "closed")
    assert [call for call in office.engine.calls if call.error] == []


def test_every_branch_of_the_error_tree_has_its_words() -> None:
    assert set(WORDS) == set(CosessionError.__subclasses__())
    assert SessionHasEnded.sentence() in words_for(SessionHasEnded())


def test_slack_tells_of_links_to_a_real_domain_only() -> None:
    assert manifest("https://sessions.example.com:8443/")["features"]["unfurl_domains"] == ["sessions.example.com"]
    for local in ("http://localhost:8000", "http://127.0.0.1:8000"):
        assert "unfurl_domains" not in manifest(local)["features"]
