"""Block Kit, checked as Slack checks it: known types, required fields, lengths and counts.

`problems(blocks)` gives Slack's sentences with a JSON pointer each. Limits are those of Slack's reference for blocks,
elements and composition objects; where Slack is silent (unknown fields) so is the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.errors import SlackError
from bot.sandbox.shapes import is_array, is_object

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_MARKDOWN = 12_000

Value = Any
Found = Iterator[str]

_STYLES = ("primary", "danger")


def problems(blocks: Value, *, at: str = "/blocks", limit: int = MAX_BLOCKS) -> list[str]:
    """Everything wrong with a list of blocks, one sentence each; empty when Slack would take it."""
    if not is_array(blocks):
        return [f"must be an array [json-pointer:{at}]"]
    found: list[str] = []
    if len(blocks) > limit:
        found.append(f"no more than {limit} items allowed [json-pointer:{at}]")
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        found += _block(block, f"{at}/{index}")
        block_id = block.get("block_id") if is_object(block) else None
        if block_id in seen:
            found.append(f"block_id already exists: {block_id} [json-pointer:{at}/{index}/block_id]")
        seen |= {block_id} if block_id else set()
    if sum(is_object(block) and block.get("type") == "table" for block in blocks) > 1:
        found.append(f"only one table allowed [json-pointer:{at}]")
    if sum(len(b.get("text", "")) for b in blocks if is_object(b) and b.get("type") == "markdown") > MAX_MARKDOWN:
        found.append(f"markdown blocks must be less than {MAX_MARKDOWN + 1} characters together [json-pointer:{at}]")
    return found


def check_message_blocks(blocks: Value) -> None:
    """Raises `invalid_blocks` with the reasons."""
    found = problems(blocks)
    if found:
        raise SlackError(
            "invalid_blocks", errors=found, response_metadata={"messages": [f"[ERROR] {reason}" for reason in found]}
        )


def check_view(view: Value) -> None:
    """Raises `invalid_arguments` with the reasons, as the `views.*` methods do."""
    found: list[str] = []
    if not is_object(view):
        found.append("must be an object [json-pointer:/view]")
    else:
        found += _view(view)
    if found:
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {reason}" for reason in found]})


def _view(view: dict[str, Value]) -> Found:
    if view.get("type") not in ("modal", "home"):
        yield "must be a valid view type [json-pointer:/view/type]"
    yield from problems(view.get("blocks"), at="/view/blocks", limit=MAX_VIEW_BLOCKS)
    if view.get("type") == "modal":
        yield from _text(view.get("title"), "/view/title", 24, plain=True)
        for name in ("submit", "close"):
            if name in view:
                yield from _text(view[name], f"/view/{name}", 24, plain=True)
        blocks = view.get("blocks")
        has_input = is_array(blocks) and any(is_object(block) and block.get("type") == "input" for block in blocks)
        if has_input and "submit" not in view:
            yield "a modal with an input block must have a submit button [json-pointer:/view/submit]"
    for name in ("callback_id", "external_id"):
        yield from _string(view, name, "/view", 255)
    yield from _string(view, "private_metadata", "/view", 3_000)


def _block(block: Value, at: str) -> Found:
    if not is_object(block):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = str(block.get("type"))
    yield from _string(block, "block_id", at, 255)
    if kind in _BLOCKS:
        yield from _BLOCKS[kind](block, at)
    elif kind != "divider":
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"


def _section(block: dict[str, Value], at: str) -> Found:
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3_000)
    if "fields" in block:
        yield from _items(block["fields"], f"{at}/fields", 10, lambda item, where: _text(item, where, 2_000))
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _header(block: dict[str, Value], at: str) -> Found:
    yield from _text(block.get("text"), f"{at}/text", 150, plain=True)


def _context(block: dict[str, Value], at: str) -> Found:
    def item(value: Value, where: str) -> Found:
        if is_object(value) and value.get("type") == "image":
            yield from _image(value, where)
        else:
            yield from _text(value, where, 3_000)

    yield from _items(block.get("elements"), f"{at}/elements", 10, item)


def _actions(block: dict[str, Value], at: str) -> Found:
    yield from _items(block.get("elements"), f"{at}/elements", 25, _element)
    elements = block.get("elements")
    ids = [e.get("action_id") for e in elements if is_object(e)] if is_array(elements) else []
    for action_id in {one for one in ids if one and ids.count(one) > 1}:
        yield f"action_id already exists: {action_id} [json-pointer:{at}/elements]"


def _context_actions(block: dict[str, Value], at: str) -> Found:
    def item(value: Value, where: str) -> Found:
        if not is_object(value) or value.get("type") not in ("feedback_buttons", "icon_button"):
            yield f"unsupported element [json-pointer:{where}]"

    yield from _items(block.get("elements"), f"{at}/elements", 5, item)


def _input(block: dict[str, Value], at: str) -> Found:
    yield from _text(block.get("label"), f"{at}/label", 2_000, plain=True)
    if "hint" in block:
        yield from _text(block["hint"], f"{at}/hint", 2_000, plain=True)
    yield from _element(block.get("element"), f"{at}/element")


def _image(block: dict[str, Value], at: str) -> Found:
    if not block.get("image_url") and not block.get("slack_file"):
        yield f"missing required field: image_url [json-pointer:{at}]"
    yield from _string(block, "image_url", at, 3_000)
    yield from _string(block, "alt_text", at, 2_000, required=True)
    if "title" in block:
        yield from _text(block["title"], f"{at}/title", 2_000, plain=True)


def _markdown(block: dict[str, Value], at: str) -> Found:
    yield from _string(block, "text", at, MAX_MARKDOWN, required=True)


def _rich_text(block: dict[str, Value], at: str) -> Found:
    known = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")

    def part(value: Value, where: str) -> Found:
        if not is_object(value) or value.get("type") not in known:
            yield f"unsupported rich_text element [json-pointer:{where}]"
        elif not is_array(value.get("elements")):
            yield f"missing required field: elements [json-pointer:{where}]"

    yield from _items(block.get("elements"), f"{at}/elements", None, part)


def _table(block: dict[str, Value], at: str) -> Found:
    def row(value: Value, where: str) -> Found:
        if not is_array(value):
            yield f"must be an array [json-pointer:{where}]"
        elif len(value) > 20:
            yield f"no more than 20 items allowed [json-pointer:{where}]"

    yield from _items(block.get("rows"), f"{at}/rows", 100, row)


_BLOCKS: dict[str, Callable[[dict[str, Value], str], Found]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
}


def _element(element: Value, at: str) -> Found:
    """An interactive element, or an image as an accessory."""
    if not is_object(element):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = str(element.get("type"))
    yield from _string(element, "action_id", at, 255)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")
    if "placeholder" in element:
        yield from _text(element["placeholder"], f"{at}/placeholder", 150, plain=True)
    if kind == "button":
        yield from _text(element.get("text"), f"{at}/text", 75, plain=True)
        yield from _string(element, "value", at, 2_000)
        yield from _string(element, "url", at, 3_000)
        if "style" in element and element["style"] not in _STYLES:
            yield f"must be one of {', '.join(_STYLES)} [json-pointer:{at}/style]"
    elif kind == "image":
        yield from _image(element, at)
    elif kind in ("static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow"):
        if "option_groups" not in element:
            most = {"radio_buttons": 10, "checkboxes": 10, "overflow": 5}.get(kind, 100)
            yield from _items(element.get("options"), f"{at}/options", most, _option)
    elif kind not in _PLAIN_ELEMENTS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"


_PLAIN_ELEMENTS = {
    "plain_text_input",
    "rich_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "users_select",
    "multi_users_select",
    "conversations_select",
    "multi_conversations_select",
    "channels_select",
    "multi_channels_select",
    "external_select",
    "multi_external_select",
    "workflow_button",
}


def _option(option: Value, at: str) -> Found:
    if not is_object(option):
        yield f"must be an object [json-pointer:{at}]"
        return
    yield from _text(option.get("text"), f"{at}/text", 75)
    yield from _string(option, "value", at, 150, required=True)


def _confirm(confirm: Value, at: str) -> Found:
    if not is_object(confirm):
        yield f"must be an object [json-pointer:{at}]"
        return
    yield from _text(confirm.get("title"), f"{at}/title", 100, plain=True)
    yield from _text(confirm.get("text"), f"{at}/text", 300)
    for name in ("confirm", "deny"):
        if name in confirm:
            yield from _text(confirm[name], f"{at}/{name}", 30, plain=True)


def _text(value: Value, at: str, longest: int, *, plain: bool = False) -> Found:
    """A text object of 1 to `longest` characters."""
    if not is_object(value):
        yield f"missing required field: text object [json-pointer:{at}]"
        return
    allowed = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if value.get("type") not in allowed:
        yield f"must be one of {', '.join(allowed)} [json-pointer:{at}/type]"
    yield from _string(value, "text", at, longest, required=True)


def _string(holder: dict[str, Value], name: str, at: str, longest: int, *, required: bool = False) -> Found:
    value = holder.get(name)
    if value is None:
        if required:
            yield f"missing required field: {name} [json-pointer:{at}]"
    elif not isinstance(value, str):
        yield f"must be a string [json-pointer:{at}/{name}]"
    elif len(value) > longest:
        yield f"must be less than {longest + 1} characters [json-pointer:{at}/{name}]"
    elif required and not value:
        yield f"must be more than 0 characters [json-pointer:{at}/{name}]"


def _items(values: Value, at: str, most: int | None, check: Callable[[Value, str], Found]) -> Found:
    """A list of 1 to `most` values."""
    if not is_array(values):
        yield f"must be an array [json-pointer:{at}]"
        return
    if not values:
        yield f"must have at least 1 item [json-pointer:{at}]"
    if most is not None and len(values) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    for index, value in enumerate(values):
        yield from check(value, f"{at}/{index}")
