"""`agents.sessions.*` and `assistant.threads.setStatus`: a thread that is known to be an agent's session."""

from __future__ import annotations

from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.models import Payload

STATUSES = ("active", "processing", "suspended", "closed")
MAX_TITLE = 200


def set_status(call: Call) -> Payload:
    """Creates the session of the thread with its first status; `title` counts only then."""
    key, thread_ts = _session_key(call)
    status = str(call.args["status"])
    if status not in STATUSES:
        raise SlackError("invalid_status")
    fresh: Payload = {"title": (call.text("title") or "")[:MAX_TITLE]}
    session = {**call.workspace.agent_sessions.get(key, fresh), "status": status, "thread_ts": thread_ts}
    call.workspace.agent_sessions[key] = session
    call.workspace.channel_changed(call.channel("channel_id"))
    return {}


def rename(call: Call) -> Payload:
    key, _ = _session_key(call)
    title = str(call.args["title"])
    if len(title) > MAX_TITLE:
        raise SlackError("invalid_name")
    if key not in call.workspace.agent_sessions:
        raise SlackError("session_not_found")
    call.workspace.agent_sessions[key] = {**call.workspace.agent_sessions[key], "title": title}
    call.workspace.channel_changed(call.channel("channel_id"))
    return {}


def set_thread_status(call: Call) -> Payload:
    """The line "… is thinking" of a thread; an empty status takes it away."""
    channel = call.channel("channel_id")
    thread_ts = str(call.args["thread_ts"])
    if thread_ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    key = f"{channel.id}:{thread_ts}"
    call.workspace.agent_sessions[key] = {
        **call.workspace.agent_sessions.get(key, {"title": "", "status": "active", "thread_ts": thread_ts}),
        "line": str(call.args["status"]),
    }
    call.workspace.channel_changed(channel)
    return {}


def _session_key(call: Call) -> tuple[str, str]:
    channel = call.channel("channel_id")
    thread_ts = call.text("thread_ts")
    if not thread_ts or thread_ts not in channel.messages:
        raise SlackError("thread_ts_required")
    return f"{channel.id}:{thread_ts}", thread_ts


HANDLERS: dict[str, Handler] = {
    "agents.sessions.setStatus": set_status,
    "agents.sessions.rename": rename,
    "assistant.threads.setStatus": set_thread_status,
}
