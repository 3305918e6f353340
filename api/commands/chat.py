"""Commands of the chat."""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable
from api.frames import PostChatMessage
from core import chat


async def _post(caller: Caller, frame: PostChatMessage) -> Answer:
    caller.takes_a_message()
    draft = chat.Draft(
        frame.content, frame.parent_id, frame.code_ref, tuple(frame.mentions), session_only=frame.session_only
    )
    return await caller.write(
        frame.client_msg_id, lambda tx, key: chat.post_message(tx, caller.actor, caller.session_id, draft, key=key)
    )


COMMANDS: CommandTable = {
    PostChatMessage: Command("chat", _post),
}
