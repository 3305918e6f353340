"""What people say."""

from __future__ import annotations

from typing import Literal

from core.events.parts import ChatMessage, Event, Source


class ChatMessagePosted(Event):
    type: Literal["chat_message"] = "chat_message"
    message: ChatMessage


class MessageEdited(Event):
    """The text as it is from here on; the entries before it are the message's history."""

    type: Literal["message_edited"] = "message_edited"
    message_id: str
    content: str
    mentions: list[str] = []
    mentions_here: bool = False
    source: Source = "web"


class MessageDeleted(Event):
    """Its text is gone from here and from every entry before; the numbers stay."""

    type: Literal["message_deleted"] = "message_deleted"
    message_id: str
    source: Source = "web"


class ReactionAdded(Event):
    type: Literal["reaction_added"] = "reaction_added"
    message_id: str
    user_id: str
    emoji: str
    source: Source = "web"


class ReactionRemoved(Event):
    type: Literal["reaction_removed"] = "reaction_removed"
    message_id: str
    user_id: str
    emoji: str
    source: Source = "web"
