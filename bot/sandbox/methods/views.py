"""`views.*`: modals and the home tab."""

from __future__ import annotations

from typing import Any

from bot.sandbox.blocks import check_view
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.models import Payload


def open_modal(call: Call) -> Payload:
    view = _definition(call, "modal")
    user = _redeem(call)
    opened = call.workspace.views.open(user, view)
    call.workspace.views_changed(user)
    return {"view": opened}


def push(call: Call) -> Payload:
    view = _definition(call, "modal")
    user = _redeem(call)
    pushed = call.workspace.views.push(user, view)
    call.workspace.views_changed(user)
    return {"view": pushed}


def update(call: Call) -> Payload:
    view = _definition(call, "modal")
    found = call.workspace.views.find(view_id=call.text("view_id"), external_id=call.text("external_id"))
    updated = call.workspace.views.update(found, view, call.text("hash"))
    call.workspace.views_changed(found[0])
    return {"view": updated}


def publish(call: Call) -> Payload:
    view = _definition(call, "home")
    user = str(call.args["user_id"])
    if user not in call.workspace.people:
        raise SlackError("missing_profile_id")
    published = call.workspace.views.publish(user, view, call.text("hash"))
    call.workspace.views_changed(user)
    return {"view": published}


def _redeem(call: Call) -> str:
    """The user whose trigger it is."""
    return call.workspace.triggers.redeem(call.text("trigger_id") or "")


def _definition(call: Call, kind: str) -> Payload:
    view: Any = call.structure("view", "invalid_arguments")
    check_view(view)
    if view["type"] != kind:
        reason = f"[ERROR] must be a view of type {kind} [json-pointer:/view/type]"
        raise SlackError("invalid_arguments", response_metadata={"messages": [reason]})
    return view


HANDLERS: dict[str, Handler] = {
    "views.open": open_modal,
    "views.push": push,
    "views.update": update,
    "views.publish": publish,
}
