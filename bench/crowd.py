"""People for a long run: they chat, edit, react, move their cursors, come and go, and an agent reports its work.

Each of them is a whole client (`api.client`), which keeps its place, reconnects, renews its sign-in and answers the
server's heartbeats. A message carries the moment it was sent, so that whoever hears it knows how long it took: all of
them live in one process and read one clock.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2

from api.client import Access, LiveSession, LogEntry, Refused
from api.frames.client import AddReaction, ClientFrame, CursorUpdate, EditMessage, PostChatMessage
from core.events import ChatMessagePosted

#: Before the nanosecond at which a message was sent.
MARK = "sent at "
EMOJI = ("👍", "🎉", "👀", "🚀")


@dataclass
class Heard:
    """What all of them have heard and said since somebody looked last. Delays in milliseconds."""

    delays: list[float] = field(default_factory=list[float])
    acks: list[float] = field(default_factory=list[float])
    refused: int = 0
    arrivals: int = 0
    agent_events: int = 0

    def take(self) -> Heard:
        """What there is, which is then forgotten."""
        taken = Heard(self.delays, self.acks, self.refused, self.arrivals, self.agent_events)
        self.delays, self.acks, self.refused, self.arrivals, self.agent_events = [], [], 0, 0, 0
        return taken


@dataclass
class Someone:
    """One of them. `token` makes a new sign-in whenever the client asks for one."""

    url: str
    session_id: str
    token: Callable[[], str]
    heard: Heard
    dice: random.Random
    #: The last entry that this person holds; entries are counted, so that a hole or a double shows at the end.
    last_seq: int = 0
    first_seq: int = 0
    entries: int = 0
    came_at: int = 0
    user_id: str = ""
    #: The newest message, and the newest of this person's own.
    latest: str | None = None
    own: str | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _since: tuple[str, int] | None = None
    _session: LiveSession | None = None
    _stay: AsyncExitStack | None = None

    @property
    def is_here(self) -> bool:
        return self._session is not None

    async def _access(self, _another: bool) -> Access:
        return Access(self.url, self.token())

    async def come(self) -> None:
        """Opens the session where this person left it."""
        self._stay = AsyncExitStack()
        session = await self._stay.enter_async_context(LiveSession(self._access, self.session_id, since=self._since))
        connected = await session.connected()
        if not self.first_seq:
            self.first_seq = self.last_seq = connected.seq
            self.user_id = connected.you.user_id
        self.heard.arrivals += 1
        self.came_at = time.perf_counter_ns()
        self._session = session
        self._stay.callback(asyncio.create_task(self._listen(session)).cancel)

    async def go(self) -> None:
        session, stay = self._session, self._stay
        self._session = self._stay = None
        if session is not None and stay is not None:
            await stay.aclose()
            # Only what was listened to counts as held.
            self._since = (session.position[0], self.last_seq)

    async def _listen(self, session: LiveSession) -> None:
        async for frame in session:
            if isinstance(frame, LogEntry):
                self.entries += 1
                self.last_seq = frame.seq
                self._news.set()
                if isinstance(frame.event, ChatMessagePosted):
                    self._take(frame.event)

    async def until(self, seq: int) -> None:
        """Until entry `seq` was heard."""
        while self.last_seq < seq:
            self._news.clear()
            await self._news.wait()

    def _take(self, event: ChatMessagePosted) -> None:
        self.latest = event.message.id
        if event.message.user_id == self.user_id:
            self.own = event.message.id
        _, mark, rest = event.message.content.partition(MARK)
        if mark:
            sent = int(rest.split(".", 1)[0])
            # Whoever was away when it was said is late by their own doing.
            if sent > self.came_at:
                self.heard.delays.append((time.perf_counter_ns() - sent) / 1e6)

    async def act(self) -> None:
        """Does one of the things that people do, and waits until it is stored."""
        if self._session is None:
            return
        started = time.perf_counter_ns()
        try:
            await self._session.ask(self._wish(started))
        except Refused:
            self.heard.refused += 1
        else:
            self.heard.acks.append((time.perf_counter_ns() - started) / 1e6)

    def _wish(self, now: int) -> ClientFrame:
        kind = self.dice.random()
        if kind < 0.15 and self.latest is not None:
            return AddReaction(type="add_reaction", message_id=self.latest, emoji=self.dice.choice(EMOJI))
        if kind < 0.25 and self.own is not None:
            return EditMessage(type="edit_message", message_id=self.own, content=f"better words, {now}")
        said = f"{MARK}{now}. " + "words " * self.dice.randint(1, 40)
        return PostChatMessage(type="chat_message", content=said)

    async def move(self) -> None:
        """Moves the cursor."""
        if self._session is not None:
            line = self.dice.randint(1, 500)
            await self._session.tell(CursorUpdate(type="cursor_update", file="core/log.py", line=line))


async def feed(http: httpx2.AsyncClient, session_id: str, heard: Heard, pause: Callable[[], float]) -> None:
    """An agent that works for ever: a turn after the other, each with an answer and a call."""
    path = f"/api/sessions/{session_id}/agent-events"
    for number in itertools.count():
        turn, call = f"turn-{number}", f"call-{number}"
        output = "ok\n" * 99
        steps: list[dict[str, object]] = [
            {"type": "prompt_submitted", "turn_id": turn, "text": "Make it work"},
            {"type": "turn_started", "turn_id": turn, "agent": "claude-code"},
            {"type": "agent_message", "turn_id": turn, "text": "I will look at the code. " * 20},
            {"type": "tool_call_started", "turn_id": turn, "call_id": call, "tool": "Bash", "title": "make test"},
            {
                "type": "tool_call_finished",
                "turn_id": turn,
                "call_id": call,
                "status": "completed",
                "output": output,
            },
            {"type": "turn_finished", "turn_id": turn, "status": "completed"},
        ]
        for step, event in enumerate(steps):
            await asyncio.sleep(pause())
            answer = await http.post(path, json={"items": [{"key": f"{turn}-{step}", "event": event}]})
            answer.raise_for_status()
            heard.agent_events += 1
