"""What stands above somebody's words in the thread: what they answer, or the lines of code that they speak of.

A thread in Slack has no threads inside, so an answer quotes what it answers, and a comment on code shows its lines
under a link to them. A comment carries the number of its entry, `#42`, by which it can be answered from Slack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import orjson
from sqlmodel import col, select

from bot.identity import PROVIDER
from bot.mrkdwn import MAX_PART, escape, to_parts
from core import identities, tables
from core.db import Transaction

#: People whom one message may call in Slack.
MAX_CALLED = 5
#: Characters that a head may take up; the words of its message begin behind it, in the same post.
MAX_HEAD = 2_000
#: How much of what is answered is quoted, and how much code is shown.
MAX_QUOTED = 160
MAX_CODE = 900
MAX_CODE_LINES = 12
MAX_LABEL = 120
MAX_NAME = 48
#: An address longer than this is left for that of the entry.
MAX_ADDRESS = 600
#: U+2060 WORD JOINER: code that holds a fence would end ours.
_BROKEN_FENCE = "``\u2060`"


def labelled(author: str, text: str) -> str:
    """`text` with its author's name before it, where Slack lets us post under our own name only."""
    is_block = text.startswith(("&gt;", "> ", "```", "•"))
    return f"*{escape(author[:MAX_NAME])}:*{chr(10) if is_block else ' '}{text}"


def parts_under(head: str, content: str, called: Mapping[str, str] | None = None) -> list[str]:
    """The posts of a message: its head, and its words in as many parts as they need, numbered, with those whom it calls
    as mentions. The number of parts does not depend on what the head says."""
    if not head:
        return _numbered(to_parts(content, people=called) or ["…"])
    first, *others = to_parts(content, MAX_PART - MAX_HEAD, called) or ["…"]
    return _numbered([f"{head}\n{first}", *others])


def _numbered(parts: Sequence[str]) -> list[str]:
    """Each of several says which it is: what others write meanwhile may stand between them."""
    if len(parts) == 1:
        return [*parts]
    return [f"{part}\n_({number}/{len(parts)})_" for number, part in enumerate(parts, 1)]


def called_by(tx: Transaction, ref_id: str, realm: str) -> dict[str, str]:
    """Those whom a message or comment calls, as far as they are known in this realm: name → id there. At most
    `MAX_CALLED`; whoever comes after them stays a name."""
    said = tx.sql.get(tables.Message, ref_id) or tx.sql.get(tables.Comment, ref_id)
    ids: list[str] = orjson.loads(said.mentions)[:MAX_CALLED] if said is not None else []
    there = identities.in_realm(tx, PROVIDER, realm, ids) if ids else {}
    found: dict[str, str] = {}
    for user_id, slack_id in there.items():
        user = tx.sql.get_one(tables.User, user_id)
        found[user.name] = slack_id
        # In the chat a first name is enough where only one has it: who was called by it stands in `mentions`.
        first = user.name.split()[0] if user.name.split() else ""
        if first:
            found.setdefault(first, slack_id)
    return found


def answers_to(tx: Transaction, ref_id: str) -> list[str]:
    """The messages or comments whose head quotes this one, in their order."""
    message, comment = tables.Message, tables.Comment
    answers = select(message.id).where(message.parent_id == ref_id).order_by(col(message.seq))
    replies = select(comment.id).where(comment.thread_id == ref_id, comment.id != ref_id).order_by(col(comment.seq))
    return [*tx.sql.exec(answers), *tx.sql.exec(replies)]


def head_of(tx: Transaction, ref_id: str, url: str) -> str:
    """The head of a message or of a comment, as things stand; "" for one that needs none. `url` is the session's."""
    message = tx.sql.get(tables.Message, ref_id)
    if message is not None:
        parent = tx.sql.get(tables.Message, message.parent_id) if message.parent_id else None
        return _answer(tx, parent) if parent is not None else ""
    comment = tx.sql.get(tables.Comment, ref_id)
    if comment is None:
        return ""
    thread = tx.sql.get_one(tables.CommentThread, comment.thread_id)
    if comment.id == thread.id:
        return _place(tx, thread, url)
    first = tx.sql.get_one(tables.Comment, thread.id)
    words = _beginning(first.content) or "_(deleted)_"
    return f"&gt; *{escape(first.username)}* on {_link(thread, url)} (#{thread.seq}): {words}"


def _answer(tx: Transaction, parent: tables.Message) -> str:
    author = tx.sql.get(tables.User, parent.user_id)
    name = escape(author.name if author is not None else "somebody")
    if parent.session_only:
        # It was never copied into the thread, and is not by being answered.
        return f"&gt; *{name}* _said something that stays in the session_"
    nothing = "_(a file)_" if parent.deleted_at is None else "_(deleted)_"
    return f"&gt; *{name}:* {_beginning(parent.content) or nothing}"


def _place(tx: Transaction, thread: tables.CommentThread, url: str) -> str:
    head = f":speech_balloon: Comment #{thread.seq} on {_link(thread, url)}"
    if thread.resolved_at is not None:
        by = tx.sql.get(tables.User, thread.resolved_by) if thread.resolved_by else None
        head += f" · :white_check_mark: _resolved{f' by {escape(by.name)}' if by is not None else ''}_"
    code = _code(thread.snippet)
    return f"{head}\n```\n{code}\n```" if code.strip() else head


def _link(thread: tables.CommentThread, url: str) -> str:
    lines = f"{thread.line}-{thread.end_line}" if thread.end_line > thread.line else str(thread.line)
    label = f"{thread.file}:{lines}"
    label = label if len(label) <= MAX_LABEL else "…" + label[1 - MAX_LABEL :]
    version = f"&version={thread.version}" if thread.version else ""
    address = f"{url}#file={quote(thread.file)}&line={lines}{version}"
    if len(address) > MAX_ADDRESS:
        address = f"{url}#seq={thread.seq}"
    return f"<{escape(address).replace('|', '%7C')}|{escape(label).replace('|', '¦')}>"


def _code(snippet: str) -> str:
    """The first lines, as many as fit; escaped, and cut where no escape is cut."""
    shown: list[str] = []
    size = 0
    lines = snippet.split("\n")
    for line in lines[:MAX_CODE_LINES]:
        text = _entities(line.replace("```", _BROKEN_FENCE))
        if size + len(text) > MAX_CODE:
            break
        shown.append(text)
        size += len(text) + 1
    return "\n".join(shown if len(shown) == len(lines) else [*shown, "…"])


def _beginning(content: str) -> str:
    """The first words on one line, literally: half a mark or half a link would show as something else."""
    words = " ".join(content.split())
    return escape(words if len(words) <= MAX_QUOTED else words[: MAX_QUOTED - 1].rstrip() + "…")


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
