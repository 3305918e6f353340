"""What the agent says in a thread: said in the session, looked at in Slack, and what has to hold of it in the end."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.models import Message
from core import mirrors
from core.events import AgentMessage, PromptSubmitted, TurnFinished, TurnStarted
from tests.bot.support.office import Office, Payload, eventually

#: What the agent says in one turn, block by block.
SAID = ("I look at **the login**.", "It is `auth.py`:\n\n```python\nif a < b:\n    pass\n```", "Fixed. *Done.*")


def is_part(message: Payload) -> bool:
    """Whether it tells what the agent says, rather than what it does."""
    return any(block["type"] == "markdown" for block in message.get("blocks", []))


def parts(office: Office) -> list[Payload]:
    return [message for message in office.thread() if is_part(message)]


def words(message: Payload) -> str:
    return "".join(block["text"] for block in message["blocks"] if block["type"] == "markdown")


def letters(*texts: str) -> str:
    """Without the empty space between blocks, and what breaks words invisibly."""
    return re.sub(r"[\s\u2060]+", "", "".join(texts))


def told(office: Office) -> str:
    return letters(*map(words, parts(office)))


def calls(office: Office, method: str) -> list[Any]:
    return [call for call in office.engine.calls if call.method == method]


def stored(office: Office, message: Payload) -> Message:
    return office.engine.workspace.channel("#payments").messages[message["ts"]]


async def begin(office: Office, session_id: str, turn: str = "t1") -> None:
    asked = PromptSubmitted(turn_id=turn, text="Fix it"), TurnStarted(turn_id=turn, agent="codex")
    await office.agent(session_id, *asked)


async def say(office: Office, session_id: str, *texts: str, turn: str = "t1") -> None:
    await office.agent(session_id, *(AgentMessage(turn_id=turn, text=text) for text in texts))


async def finish(office: Office, session_id: str, turn: str = "t1") -> None:
    await office.agent(session_id, TurnFinished(turn_id=turn, status="completed"))


async def until_told(office: Office, *texts: str) -> None:
    await office.until(lambda: told(office) == letters(*texts))


async def answers(office: Office) -> list[mirrors.Answer]:
    row = await office.row()
    assert row is not None
    return list(await office.web.read(lambda tx: mirrors.untold(tx, row.session_id)))


async def until_over(office: Office) -> None:
    """Until the turn is closed and nothing of it is left to be told."""

    async def is_over() -> bool:
        row = await office.row()
        return row is not None and row.progress_ts is None and not await answers(office)

    await eventually(is_over)
    await office.until_quiet()


def check(office: Office, *texts: str) -> None:
    """Everything is there once, nobody's stream is left open, and every post of ours carries its id."""
    assert told(office) == letters(*texts)
    for part in parts(office):
        message = stored(office, part)
        assert not message.is_streaming
        assert message.metadata is not None
    ids = [str(message.get("metadata")) for message in office.thread() if message.get("bot_id")]
    assert len(set(ids)) == len(ids)
    assert office.at_root() == []
