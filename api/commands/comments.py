"""Commands about comments on lines."""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable
from api.frames import AddComment, DeleteComment, EditComment, ReopenComment, ResolveComment
from core import comments


async def _add(caller: Caller, frame: AddComment) -> Answer:
    await caller.takes_a_message()
    draft = comments.Draft(
        frame.content,
        frame.file,
        frame.line,
        frame.end_line,
        frame.version,
        frame.code_snippet,
        frame.thread_id,
        tuple(frame.mentions),
    )
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: comments.add_comment(tx, caller.actor, caller.session_id, draft, key=key),
    )


async def _edit(caller: Caller, frame: EditComment) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: comments.edit_comment(
            tx, caller.actor, caller.session_id, frame.comment_id, frame.content, frame.mentions, key=key
        ),
    )


async def _delete(caller: Caller, frame: DeleteComment) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: comments.delete_comment(tx, caller.actor, caller.session_id, frame.comment_id, key=key),
    )


async def _resolve(caller: Caller, frame: ResolveComment) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: comments.resolve(tx, caller.actor, caller.session_id, frame.comment_id, key=key),
    )


async def _reopen(caller: Caller, frame: ReopenComment) -> Answer:
    await caller.takes_a_message()
    return await caller.write(
        frame.client_msg_id,
        lambda tx, key: comments.reopen(tx, caller.actor, caller.session_id, frame.comment_id, key=key),
    )


COMMANDS: CommandTable = {
    AddComment: Command("comment", _add),
    EditComment: Command("comment", _edit),
    DeleteComment: Command("comment", _delete),
    ResolveComment: Command("comment", _resolve),
    ReopenComment: Command("comment", _reopen),
}
