"""What a reply in Slack answers, where it says so: a comment on code, or something that was said before.

Slack has no threads inside threads, so people say it in one of three ways, and nothing else is taken for one:

    re #42: looks right to me        the number that every comment in the thread shows
    https://…/archives/C1/p17… …     the link to a post ("Copy link"), before or behind the words
    > the words of the post          a quotation of what a post says, from its beginning or all of it
      …
Whatever names nothing that is in the thread stays what it is, a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlmodel import col, select

from core import chat, comments, tables
from core.access import Actor
from core.db import Transaction

_NUMBER = re.compile(r"\s*re:?\s+#(\d{1,12})\b[\s:,.–—-]*(.*)", re.DOTALL | re.IGNORECASE)
_LINK = r"(?:\[[^\]\n]*\]\()?<?https?://[^\s/<>]+/archives/([A-Z0-9]+)/p(\d{10})(\d{6})(?:\?[^\s<>)]*)?>?\)?"
_LINK_FIRST = re.compile(rf"\s*{_LINK}[\s:,–—-]*(.*)", re.DOTALL)
_LINK_LAST = re.compile(rf"(.*\S)\s+{_LINK}\s*", re.DOTALL)
_QUOTED = re.compile(r"((?:[ \t]*>[^\n]*(?:\n|$))+)\s*(.*)", re.DOTALL)
#: A quotation of the line that stands above a comment.
_HEAD = re.compile(r"Comment #(\d{1,12}) on ")
_MARKS = re.compile(r"[*_~`\\>\s\u2060]+")
#: A quotation shorter than this must be all of what it quotes.
MIN_QUOTED = 12
#: What is quoted is looked for among so many of the newest.
LOOKED_AT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is what remains to be said. At most one of the ids is there; none: it answers nothing in particular."""

    text: str
    comment_id: str | None = None
    message_id: str | None = None


def read_answer(tx: Transaction, mirror: tables.Mirror, text: str) -> Answer:
    """What a reply, in Markdown, answers."""
    for found in (_by_number(tx, mirror, text), _by_link(tx, mirror, text), _by_quotation(tx, mirror, text)):
        if found is not None and found.text.strip():
            return found
    return Answer(text)


def say(
    tx: Transaction,
    actor: Actor,
    mirror: tables.Mirror,
    answer: Answer,
    mentions: tuple[str, ...],
    key: str,
    files: tuple[chat.Attached, ...] = (),
) -> str:
    """Says it in the session, where it belongs; a comment has no files. Returns the id of the message or comment.

    Raises what `chat.post_message` and `comments.add_comment` raise.
    """
    if answer.comment_id is not None:
        comment = comments.Draft(answer.text, thread_id=answer.comment_id, mentions=mentions)
        return comments.add_comment(tx, actor, mirror.session_id, comment, key=key).comment_id
    draft = chat.Draft(answer.text, parent_id=answer.message_id, mentions=mentions, files=files)
    return chat.post_message(tx, actor, mirror.session_id, draft, key=key).message_id


def _by_number(tx: Transaction, mirror: tables.Mirror, text: str) -> Answer | None:
    match = _NUMBER.fullmatch(text)
    return _numbered(tx, mirror, int(match[1]), match[2]) if match is not None else None


def _numbered(tx: Transaction, mirror: tables.Mirror, number: int, rest: str) -> Answer | None:
    thread = tables.CommentThread
    query = select(thread.id).where(thread.session_id == mirror.session_id, thread.seq == number)
    found = tx.sql.exec(query).first()
    return Answer(rest, comment_id=found) if found is not None else None


def _by_link(tx: Transaction, mirror: tables.Mirror, text: str) -> Answer | None:
    first, last = _LINK_FIRST.fullmatch(text), _LINK_LAST.fullmatch(text)
    if first is not None:
        channel, seconds, fraction, rest = first.groups()
    elif last is not None:
        rest, channel, seconds, fraction = last.groups()
    else:
        return None
    link = tx.sql.get(tables.MirrorLink, (mirror.realm, channel, f"{seconds}.{fraction}"))
    if link is None or link.session_id != mirror.session_id:
        return None
    return _to(tx, link.message_id, rest)


def _to(tx: Transaction, ref_id: str, rest: str) -> Answer | None:
    if tx.sql.get(tables.Comment, ref_id) is not None:
        return Answer(rest, comment_id=ref_id)
    return Answer(rest, message_id=ref_id) if tx.sql.get(tables.Message, ref_id) is not None else None


def _by_quotation(tx: Transaction, mirror: tables.Mirror, text: str) -> Answer | None:
    match = _QUOTED.fullmatch(text)
    if match is None or not match[2].strip():
        return None
    lines = [line.strip().removeprefix(">") for line in match[1].strip("\n").split("\n")]
    quoted, rest = "\n".join(lines), match[2]
    head = _HEAD.search(quoted)
    if head is not None:
        return _numbered(tx, mirror, int(head[1]), rest)
    words = _plain(quoted).removesuffix("…")
    for ref_id, content in _candidates(tx, mirror):
        said = _plain(content)
        if said and (said == words or (len(words) >= MIN_QUOTED and said.startswith(words))):
            return _to(tx, ref_id, rest)
    return None


def _candidates(tx: Transaction, mirror: tables.Mirror) -> list[tuple[str, str]]:
    """Id and text of what is in the thread, the newest first."""
    found: list[tuple[int, str, str]] = []
    link = tables.MirrorLink
    for table in (tables.Message, tables.Comment):
        # An id may be in several posts.
        is_linked = select(1).where(link.session_id == mirror.session_id, link.message_id == table.id).exists()
        query = select(table.seq, table.id, table.content).where(table.session_id == mirror.session_id, is_linked)
        found += tx.sql.exec(query.order_by(col(table.seq).desc()).limit(LOOKED_AT)).all()
    return [(ref_id, content) for _, ref_id, content in sorted(found, reverse=True)]


def _plain(text: str) -> str:
    """Without marks, on one line: a quotation that was copied from the screen has lost them."""
    return _MARKS.sub(" ", text).strip().casefold()
