"""`chat.unfurl`: the previews that an app gives to links in a message of somebody else."""

from __future__ import annotations

from bot.sandbox.blocks import check_message_blocks
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.models import APP_ID, BOT_ID, Payload
from bot.sandbox.shapes import is_object


def unfurl(call: Call) -> Payload:
    """The map's keys are links exactly as the message has them. Raises what the reference lists."""
    for name in ("channel", "ts", "unfurls"):
        if not call.text(name):
            raise SlackError(f"missing_{name}")
    try:
        channel = call.channel()
        message = call.workspace.message(channel, str(call.args["ts"]))
    except SlackError as refusal:
        known = {"channel_not_found": "cannot_find_channel", "message_not_found": "cannot_find_message"}
        raise SlackError(known.get(refusal.code, refusal.code)) from refusal
    previews = call.structure("unfurls", "invalid_unfurls_format")
    if not is_object(previews):
        raise SlackError("invalid_unfurls_format")
    attachments: list[Payload] = []
    for number, (link, preview) in enumerate(previews.items(), 1):
        if not is_object(preview):
            raise SlackError("cannot_parse_attachment")
        if link not in str(message.body.get("text", "")).replace("&amp;", "&"):
            raise SlackError("cannot_unfurl_url")
        if "blocks" in preview:
            check_message_blocks(preview["blocks"])
        origin = {"from_url": link, "is_app_unfurl": True, "app_id": APP_ID, "bot_id": BOT_ID, "id": number}
        attachments.append({**preview, **origin})
    call.workspace.edit_message(channel, message, {"attachments": attachments}, editor=None)
    return {}


HANDLERS: dict[str, Handler] = {"chat.unfurl": unfurl}
