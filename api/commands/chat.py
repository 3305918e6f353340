"""Commands of the chat."""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable, Work
from api.frames import AddReaction, DeleteMessage, EditMessage, PostChatMessage, RemoveReaction
from core import chat


def _present(caller: Caller, content: str) -> tuple[str, ...]:
    """Whom `@here` calls: everybody whose tab is open in this session now. Nobody is looked for where nobody is."""
    if "@" not in content:
        return ()
    return tuple(someone.person.user_id for someone in caller.api.hub.present(caller.session_id))


def posting(caller: Caller, frame: PostChatMessage) -> Work:
    """What posting this message does to the log, for a sender whose budget has been asked."""
    draft = chat.Draft(
        frame.content,
        frame.parent_id,
        frame.code_ref,
        tuple(frame.mentions),
        session_only=frame.session_only,
        present=_present(caller, frame.content),
        files=tuple(chat.Attached(one.sha256, one.name) for one in frame.files),
    )
    return lambda tx, key: chat.post_message(tx, caller.actor, caller.session_id, draft, key=key)


async def _post(caller: Caller, frame: PostChatMessage) -> Answer:
    await caller.takes_a_message()
    return await caller.write(frame.client_msg_id, posting(caller, frame))


async def _edit(caller: Caller, frame: EditMessage) -> Answer:
    await caller.takes_a_message()
    present = _present(caller, frame.content)
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: chat.edit_message(
            tx,
            caller.actor,
            caller.session_id,
            frame.message_id,
            frame.content,
            picked=tuple(frame.mentions),
            present=present,
            key=key,
        ),
    )


async def _delete(caller: Caller, frame: DeleteMessage) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: chat.delete_message(tx, caller.actor, caller.session_id, frame.message_id, key=key),
    )


async def _react(caller: Caller, frame: AddReaction) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: chat.add_reaction(tx, caller.actor, caller.session_id, frame.message_id, frame.emoji, key=key),
    )


async def _take_reaction_back(caller: Caller, frame: RemoveReaction) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: chat.remove_reaction(
            tx, caller.actor, caller.session_id, frame.message_id, frame.emoji, key=key
        ),
    )


COMMANDS: CommandTable = {
    PostChatMessage: Command("chat", _post),
    EditMessage: Command("chat", _edit),
    DeleteMessage: Command("chat", _delete),
    AddReaction: Command("chat", _react),
    RemoveReaction: Command("chat", _take_reaction_back),
}
