"""The bodies of interactions: what Slack posts for a command, a click, a shortcut and a modal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.delivery import VERIFICATION_WORD
from bot.sandbox.errors import SlackError
from bot.sandbox.models import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, Payload, Person
from bot.sandbox.shapes import is_array, is_object

#: Where the chosen value of an element stands in its state, and whether it is an option object.
_VALUE_KEYS = {
    "static_select": ("selected_option", True),
    "radio_buttons": ("selected_option", True),
    "overflow": ("selected_option", True),
    "multi_static_select": ("selected_options", True),
    "checkboxes": ("selected_options", True),
    "users_select": ("selected_user", False),
    "multi_users_select": ("selected_users", False),
    "conversations_select": ("selected_conversation", False),
    "channels_select": ("selected_channel", False),
    "datepicker": ("selected_date", False),
    "timepicker": ("selected_time", False),
    "rich_text_input": ("rich_text_value", False),
}


def slash_form(person: Person, channel: Channel, command: str, text: str, trigger_id: str, url: str) -> dict[str, str]:
    """A slash command's form. It carries no `thread_ts`, wherever it was typed."""
    return {
        "token": VERIFICATION_WORD,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.kind == "im" else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": trigger_id,
    }


def interaction(kind: str, person: Person, trigger_id: str) -> Payload:
    """What every interaction carries."""
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": VERIFICATION_WORD,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": trigger_id,
    }


def find_element(blocks: list[Payload], action_id: str, block_id: str | None = None) -> tuple[Payload, Payload]:
    """The block and the element of an action; the first of several, unless a block is named.

    Raises `SlackError("no_such_action")`: the screen cannot do that.
    """
    for block in blocks:
        if block_id is not None and block.get("block_id") != block_id:
            continue
        candidates = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for element in candidates:
            if is_object(element) and element.get("action_id") == action_id:
                return block, element
    raise SlackError("no_such_action")


def chosen(element: Mapping[str, Any], value: Any) -> Payload:
    """An element's state: its type and what was chosen. `value` is a text, an id, or a list of them."""
    kind = str(element["type"])
    if kind == "button":
        return {"type": kind, **({"value": element["value"]} if "value" in element else {})}
    key, is_option = _VALUE_KEYS.get(kind, ("value", False))
    if is_option and is_array(value):
        return {"type": kind, key: [_option(element, one) for one in value]}
    return {"type": kind, key: _option(element, value) if is_option and value is not None else value}


def _option(element: Mapping[str, Any], value: object) -> Payload:
    grouped = [option for group in element.get("option_groups", []) for option in group["options"]]
    for option in [*element.get("options", []), *grouped]:
        if option["value"] == value:
            return option
    raise SlackError("no_such_option")


def action(block: Payload, element: Payload, value: Any, action_ts: str) -> Payload:
    """One entry of `actions` in a `block_actions` payload."""
    entry: Payload = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": action_ts,
        **chosen(element, value),
    }
    if element["type"] == "button":
        entry["text"] = element["text"]
        entry |= {name: element[name] for name in ("style", "url") if name in element}
    return entry


def view_state(view: Payload, values: Mapping[str, Any]) -> Payload:
    """`state.values` of a modal; `values` is keyed by action id or by block id, the rest keeps its initial value."""
    state: dict[str, dict[str, Payload]] = {}
    for block in view["blocks"]:
        element = block.get("element")
        if block.get("type") != "input" or not is_object(element):
            continue
        action_id = element.get("action_id", block["block_id"])
        initial = element.get(
            "initial_value",
            element.get("initial_user", element.get("initial_users", element.get("initial_conversation"))),
        )
        if "initial_option" in element:
            initial = element["initial_option"]["value"]
        if "initial_options" in element:
            initial = [option["value"] for option in element["initial_options"]]
        value = values.get(action_id, values.get(block["block_id"], initial))
        state[block["block_id"]] = {action_id: chosen(element, value)}
    return {"values": state}


def missing_inputs(view: Payload, state: Payload) -> dict[str, str]:
    """Inputs that are neither optional nor filled: the client shows these errors itself and sends nothing."""
    errors: dict[str, str] = {}
    for block in view["blocks"]:
        if block.get("type") == "input" and not block.get("optional"):
            entered: Payload = next(iter(state["values"].get(block["block_id"], {}).values()), {})
            if not any(content for name, content in entered.items() if name != "type"):
                errors[block["block_id"]] = "Please complete this required field."
    return errors
