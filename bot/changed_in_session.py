"""What people change in the session afterwards becomes a change in the thread: edits, deletions, reactions.

Every step may be done twice and ends the same, so that nothing has to be remembered for a crash. What a person wrote in
Slack only they can change there: an edit of it is told as a reply, a deletion as a mark on it. The app has one reaction
of each kind; it stays for as long as anybody in the session has it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from bot.blocks import Shown
from bot.emoji_names import slack_name
from bot.mrkdwn import escape, to_parts
from bot.pages import Entry
from bot.thread import Thread
from bot.web import Refused
from core.events import Event, MessageDeleted, MessageEdited, ReactionAdded, ReactionRemoved
from core.mirrors import Standing

log = logging.getLogger(__name__)

#: Put on somebody's own post whose words the session has deleted.
DELETED = "wastebasket"
#: Refusals that concern one message, not the thread.
_GONE_ALREADY = frozenset({"message_not_found", "no_item_specified", "cant_delete_message"})
_UNWELCOME = frozenset({"invalid_name", "too_many_emoji", "too_many_reactions", "not_reactable", "missing_scope"})

Change = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved


def is_change(event: Event) -> bool:
    """Whether the entry changes something that was said before."""
    return isinstance(event, Change)


async def tell(thread: Thread, entry: Entry, there: Standing | None) -> list[str]:
    """Makes the thread agree with one change. `there` is the message as the thread has it, if it does. Returns the ts
    of what was posted about it.

    Raises ThreadGone, Limited, Ambiguous.
    """
    event = entry.event
    if there is None:
        return []
    match event:
        case MessageEdited() if event.source != "slack" and event.content:
            return await _edit(thread, entry.seq, event, there)
        case MessageDeleted() if event.source != "slack":
            await _delete(thread, there)
        case ReactionAdded() | ReactionRemoved():
            await _react(thread, event, there)
        case _:
            pass
    return []


async def _edit(thread: Thread, seq: int, event: MessageEdited, there: Standing) -> list[str]:
    if there.origin == "thread":
        quoted = "\n".join(f"&gt; {line}" for line in "\n".join(to_parts(event.content)).split("\n"))
        text = f":pencil2: _changed in the session:_\n{quoted}"
        return await thread.say(seq, [text], author=there.author)
    texts = to_parts(event.content)
    kept, spare = there.stamps[: len(texts)], there.stamps[len(texts) :]
    for number, ts in enumerate(kept):
        text = texts[number]
        if number == len(kept) - 1 and len(texts) > len(kept):
            # A further post would stand below what others have said since.
            url = thread.desk.settings.session_url(thread.session_id)
            text = f"{text}\n_It goes on <{url}|in the session>._"
        label = "" if thread.desk.may_customize or number else f"*{escape(there.author)}:* "
        await thread.edit(ts, Shown(label + text, ()))
    for ts in spare:
        await _try(thread, thread.desk.api.delete(thread.channel, ts))
    return []


async def _delete(thread: Thread, there: Standing) -> None:
    for ts in there.stamps:
        if there.origin == "session":
            await _try(thread, thread.desk.api.delete(thread.channel, ts))
        else:
            await _try(thread, thread.desk.api.react(thread.channel, ts, DELETED))


async def _react(thread: Thread, event: ReactionAdded | ReactionRemoved, there: Standing) -> None:
    name = slack_name(event.emoji)
    is_wanted = event.emoji in there.emoji
    if name is None or not there.stamps or (isinstance(event, ReactionAdded) and not is_wanted):
        return
    api, ts = thread.desk.api, there.stamps[0]
    await _try(thread, api.react(thread.channel, ts, name) if is_wanted else api.unreact(thread.channel, ts, name))


async def _try(thread: Thread, call: Awaitable[None]) -> None:
    try:
        await call
    except Refused as refusal:
        if refusal.code not in _GONE_ALREADY | _UNWELCOME:
            raise thread.sorted(refusal) from refusal
        log.warning("a change could not be made in the thread of %s: %s", thread.session_id, refusal.code)
