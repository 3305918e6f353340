"""The Web API methods, one function each, by name. A method reads a `Call` and returns the members of its answer."""

from __future__ import annotations

from bot.sandbox.methods import agents, chat, conversations, files, people, reactions, streams, unfurls, views
from bot.sandbox.methods.call import Call, Handler

HANDLERS: dict[str, Handler] = {
    **agents.HANDLERS,
    **chat.HANDLERS,
    **conversations.HANDLERS,
    **files.HANDLERS,
    **people.HANDLERS,
    **reactions.HANDLERS,
    **streams.HANDLERS,
    **unfurls.HANDLERS,
    **views.HANDLERS,
}

__all__ = ["HANDLERS", "Call"]
