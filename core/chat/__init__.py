"""Chat: what people say to each other beside the agent's work.

Reading order: `posting`, `attaching` (files that come with a message), `changing` (edits and deletions), `reactions`,
`mentions` (who is called by a text), `views` (messages as they stand now).
"""

from __future__ import annotations

from core.chat.attaching import MAX_FILE_BYTES, MAX_FILES, WAITS, Attached, keep_file, normal_name
from core.chat.changing import delete_message, edit_message
from core.chat.posting import Draft, Posted, post_message
from core.chat.reactions import add_reaction, normal_emoji, remove_reaction
from core.chat.texts import normal_content
from core.chat.views import Earlier, MessageState, ReactionState, history, states, texts_over_time, thread

__all__ = [
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "WAITS",
    "Attached",
    "Draft",
    "Earlier",
    "MessageState",
    "Posted",
    "ReactionState",
    "add_reaction",
    "delete_message",
    "edit_message",
    "history",
    "keep_file",
    "normal_content",
    "normal_emoji",
    "normal_name",
    "post_message",
    "remove_reaction",
    "states",
    "texts_over_time",
    "thread",
]
