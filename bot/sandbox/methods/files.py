"""`files.*`: an upload in its first and its last step, what a file is, and its end."""

from __future__ import annotations

from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.methods.chat import author
from bot.sandbox.models import BOT_USER_ID, Channel, Payload
from bot.sandbox.shapes import is_array, is_object


def get_upload_url(call: Call) -> Payload:
    """An address for the bytes, and the id that the file will have."""
    size = call.number("length", 0)
    if size < 1:
        raise SlackError("missing_argument")
    file, url = call.workspace.files.reserve(str(call.args["filename"]), size, call.text("alt_txt") or "")
    return {"upload_url": url, "file_id": file.id}


def complete_upload(call: Call) -> Payload:
    """Shares what was uploaded, as one message. Its `ts` is not answered: Slack makes the message afterwards."""
    wanted = call.structure("files", "invalid_arguments")
    if not is_array(wanted) or not all(is_object(one) and isinstance(one.get("id"), str) for one in wanted):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] files: each needs an id"]})
    channel = _place(call)
    # Who may not post under another name is told so before anything is used up.
    body = {**author(call), "subtype": "file_share", "upload": True, "text": call.text("initial_comment") or ""}
    files = call.workspace.files.complete([str(one["id"]) for one in wanted])
    for file, one in zip(files, wanted, strict=True):
        file.title = str(one.get("title") or file.name)
    if channel is not None:
        call.workspace.share_files(channel, files, body, call.text("thread_ts"))
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def info(call: Call) -> Payload:
    workspace = call.workspace
    file = workspace.files.find(str(call.args["file"]))
    shares = workspace.shares_of(file.id)
    if file.user != BOT_USER_ID and not any(BOT_USER_ID in channel.members for channel, _ in shares):
        raise SlackError("not_visible")
    public: dict[str, list[Payload]] = {}
    for channel, message in shares:
        place = {"ts": message.ts, "channel_name": channel.name}
        public.setdefault(channel.id, []).append(
            {**place, **({"thread_ts": message.thread_ts} if message.thread_ts else {})}
        )
    return {
        "file": {**workspace.files.described(file.id), "shares": {"public": public}, "channels": list(public)},
        "comments": [],
    }


def delete(call: Call) -> Payload:
    """Only the app's own files."""
    file = call.workspace.files.find(str(call.args["file"]))
    if file.user != BOT_USER_ID:
        raise SlackError("cant_delete_file")
    call.workspace.delete_file(file)
    return {}


def _place(call: Call) -> Channel | None:
    """Where to share; nowhere is allowed."""
    if not call.text("channel_id"):
        return None
    channel = call.channel("channel_id")
    if channel.is_archived:
        raise SlackError("posting_to_channel_denied")
    if BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    return channel


HANDLERS: dict[str, Handler] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
    "files.info": info,
    "files.delete": delete,
}
