"""What somebody asked the agent is taken back from the thread when their data is erased.

The messages about the agent's turns begin with what it was asked. Which of them are meant is told by the log, where the
prompts are blank by now; where they stand in the thread, by our own id in each. They are written anew from the log.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select

from bot import blocks
from bot.progress import Progress
from bot.thread import Thread
from bot.web import Refused
from core import log, mirrors, tables
from core.db import Transaction

#: Entries of the log that one turn is looked through for.
MOST = 2_000


async def take_back_prompts(thread: Thread, user_id: str) -> frozenset[int]:
    """Rewrites the messages that tell what this person asked, and returns the entries that those begin with.

    Raises ThreadGone, Limited, Ambiguous.
    """
    assert thread.root is not None
    session_id = thread.session_id
    asked = await thread.desk.db.read(lambda tx: _prompts_of(tx, session_id, user_id))
    if not asked:
        return frozenset()
    try:
        there = await thread.desk.api.ours_in_thread(thread.channel, thread.root, None)
    except Refused as refusal:
        raise thread.sorted(refusal) from refusal
    begun = {int(name.rpartition(":")[2]): ts for name, ts in there.items() if name.rpartition(":")[2].isdigit()}
    turns = await thread.desk.db.read(lambda tx: _turns(tx, session_id, asked, begun.keys()))
    for turn in turns:
        await thread.edit(begun[turn.first_seq], blocks.progress(turn))
    return frozenset(turn.first_seq for turn in turns)


def _prompts_of(tx: Transaction, session_id: str, user_id: str) -> list[int]:
    entry = tables.LogEntry
    query = select(entry.seq).where(
        entry.session_id == session_id, entry.type == "prompt_submitted", entry.actor_id == user_id
    )
    return list(tx.sql.exec(query.order_by(col(entry.seq))))


def _turns(tx: Transaction, session_id: str, asked: Collection[int], begun: Collection[int]) -> list[Progress]:
    """The turns that hold one of these prompts, as their messages tell of them now; `begun` are the entries that posts
    of ours began with."""
    firsts = {max((seq for seq in begun if seq <= prompt), default=0) for prompt in asked}
    told = mirrors.told(tx, session_id)
    found = (_turn(tx, session_id, first, told) for first in sorted(firsts) if first)
    return [turn for turn in found if turn is not None]


def _turn(tx: Transaction, session_id: str, first: int, told: Collection[tuple[int, int]]) -> Progress | None:
    """None for a post that is about something else than a turn. `told` are the answers with posts of their own, which
    do not name whoever asked."""
    entries = log.read_after(tx, session_id, first - 1, MOST)
    if not entries or entries[0].type not in ("prompt_submitted", "turn_started"):
        return None
    turn = Progress(first)
    for entry in entries:
        turn.apply(entry.event())
        if entry.type == "agent_message" and any(begin <= entry.seq <= end for begin, end in told):
            turn.answer = ""
        if entry.type == "turn_finished":
            break
    return turn
