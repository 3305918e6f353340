"""Whatever happens in a thread and in its session, in whatever order, however often it is delivered and whoever else
copies: each thing said is one post, and then it is quiet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from bot.app import SlackDoor
from bot.sandbox.errors import SlackError
from bot.sandbox.models import TEAM_ID
from core import accounts, chat, tables
from core.access import Actor
from core.db import Transaction
from core.errors import CosessionError
from tests.bot.support.copycat import OTHER_APP, OTHER_BOT, Copies, Copycat
from tests.bot.support.office import Office, mount
from tests.bot.support.traffic import MESSAGES, Conversation, open_busy_office, settle

CHANNEL = "#payments"
PEOPLE = ("alice", "bob", "carol")

who = st.sampled_from(PEOPLE)
which = st.integers(0, 20)
emoji = st.sampled_from([("👍", "+1"), ("🎉", "tada"), (":partyparrot:", "partyparrot")])

#: What can happen, and what each needs to know.
STEPS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "say_in_browser": {"name": who, "stays": st.sampled_from([False, False, False, True])},
    "say_in_slack": {"name": who, "is_aside": st.sampled_from([False, False, False, True])},
    "edit_in_browser": {"message": which},
    "edit_in_slack": {"message": which},
    "delete_in_browser": {"message": which},
    "delete_in_slack": {"message": which},
    "react_in_browser": {"name": who, "message": which, "emoji": emoji, "is_added": st.booleans()},
    "react_in_slack": {"name": who, "message": which, "emoji": emoji, "is_added": st.booleans()},
    "preview": {"message": which},
    "forge": {"message": which},
    "disturb": {"how": st.sampled_from(["duplicate", "reorder", "delay", "drop_ack", "lose"])},
    "other_process": {},
    "wait": {},
}
_OFTEN = {"say_in_browser": 4, "say_in_slack": 4, "edit_in_browser": 2, "edit_in_slack": 2, "disturb": 3}
KINDS = [kind for kind in STEPS for _ in range(_OFTEN.get(kind, 1))]


@dataclass
class Stage:
    """One office with two processes for every example; each example has a session and a thread of its own."""

    runner: asyncio.Runner
    office: Office
    doors: tuple[SlackDoor, SlackDoor]

    def do(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    folder: Path = tmp_path_factory.mktemp("echo")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def opened() -> Stage:
            how = open_busy_office(f"sqlite:///{folder}/c.db", settings={"is_only_process": False}, inbox_lease=0.6)
            office = await stack.enter_async_context(how)
            first = office.door
            await office.take_over()
            stack.push_async_callback(first.close)
            return Stage(runner, office, (first, office.door))

        yield runner.run(opened())
        runner.run(stack.aclose())


class Thread:
    """One session with its thread, in which one thing after the other happens."""

    def __init__(self, stage: Stage, copies: Copies) -> None:
        self.stage = stage
        self.office = stage.office
        self.engine = stage.office.engine
        self.calls_before = len(self.engine.calls)
        self.talk: Conversation = stage.do(Conversation.begin(self.office, CHANNEL))
        self.copycat = Copycat(self.office, self.talk.root, copies)
        self.engine.workspace.on_event.append(self.copycat.hear)
        self.number = 0
        #: What may lead to a post or another call of ours, counted.
        self.may_lead_to: Counter[str] = Counter()
        #: What people have written in Slack that is for the session: ts, in order.
        self.written: list[str] = []
        self.is_first = True

    def next_text(self, where: str) -> str:
        self.number += 1
        return f"{where} {self.number}"

    # ── In browsers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def say_in_browser(self, name: str, stays: bool) -> None:
        actor, draft = self.office.actor(name), chat.Draft(self.next_text("web"), session_only=stays)
        self.may_lead_to["post"] += not stays
        self.write(lambda tx: chat.post_message(tx, actor, self.talk.session_id, draft, key=draft.content))

    def edit_in_browser(self, message: int) -> None:
        text = self.next_text("edited")
        self.change(message, lambda tx, actor, said: chat.edit_message(tx, actor, said.session_id, said.id, text))

    def delete_in_browser(self, message: int) -> None:
        self.change(message, lambda tx, actor, said: chat.delete_message(tx, actor, said.session_id, said.id))

    def react_in_browser(self, name: str, message: int, emoji: tuple[str, str], is_added: bool) -> None:
        work, by = (chat.add_reaction if is_added else chat.remove_reaction), self.office.actor(name)
        self.change(message, lambda tx, _author, said: work(tx, by, said.session_id, said.id, emoji[0]))

    def change(self, message: int, work: Callable[[Transaction, Actor, tables.Message], Any]) -> None:
        """One of the last messages that the session has, whoever said it and wherever, in its author's name."""

        def run(tx: Transaction) -> None:
            row = tables.Message
            query = select(row).where(row.session_id == self.talk.session_id).order_by(col(row.seq).desc()).limit(8)
            said = tx.sql.exec(query).all()
            if said:
                chosen = said[message % len(said)]
                work(tx, accounts.actor_for(accounts.get_user(tx, chosen.user_id), "web"), chosen)

        self.may_lead_to["change"] += 1
        # A refusal is as good as a success.
        with suppress(CosessionError):
            self.write(run)

    def write(self, work: Callable[[Transaction], Any]) -> None:
        self.stage.do(self.office.web.write(work))

    # ── In Slack ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def say_in_slack(self, name: str, is_aside: bool) -> None:
        text = "(aside) " * is_aside + self.next_text("slack")
        said = self.stage.do(self.engine.say(name, CHANNEL, text, self.talk.root))
        if not is_aside:
            self.written.append(said["ts"])

    def edit_in_slack(self, message: int) -> None:
        self.in_slack(message, lambda name, ts: self.engine.edit(name, CHANNEL, ts, self.next_text("again")))

    def delete_in_slack(self, message: int) -> None:
        self.in_slack(message, lambda name, ts: self.engine.delete(name, CHANNEL, ts))

    def in_slack(self, message: int, work: Callable[[str, str], Any]) -> None:
        if self.written:
            ts = self.written[-1 - message % len(self.written)]
            for name in PEOPLE:
                with suppress(SlackError):  # It is gone, or somebody else's.
                    self.stage.do(work(name, ts))

    def react_in_slack(self, name: str, message: int, emoji: tuple[str, str], is_added: bool) -> None:
        replies = self.talk.replies()
        if replies:
            ts = replies[-1 - message % len(replies)]["ts"]
            with suppress(SlackError):
                self.stage.do(self.engine.react(name, CHANNEL, ts, emoji[1], remove=not is_added))

    def preview(self, message: int) -> None:
        replies = self.talk.replies()
        if replies:
            self.stage.do(self.engine.unfurl(CHANNEL, replies[-1 - message % len(replies)]["ts"], {"title": "A page"}))

    def forge(self, message: int) -> None:
        """Another app posts what looks like ours."""
        forged = {"event_type": "cosession_message", "event_payload": {"id": f"{self.talk.session_id}:{message}"}}
        body = {"subtype": "bot_message", "bot_id": OTHER_BOT, "app_id": OTHER_APP, "team": TEAM_ID, "text": "forged"}
        place = self.engine.workspace.channel(CHANNEL)
        self.stage.do(
            self.soon(lambda: self.engine.workspace.add_message(place, body, thread_ts=self.talk.root, metadata=forged))
        )

    def disturb(self, how: str) -> None:
        faults = self.engine.faults
        {
            "duplicate": lambda: faults.duplicate(copies=2),
            "reorder": faults.reorder,
            "delay": lambda: faults.delay(seconds=60),
            "drop_ack": faults.drop_ack,
            "lose": faults.lose,
        }[how]()

    def other_process(self) -> None:
        """From now on the other of the two is sent Slack's requests."""
        self.is_first = not self.is_first
        mount(self.office.app, self.stage.doors[not self.is_first])

    def wait(self) -> None:
        self.stage.do(self.office.until_quiet())

    async def soon(self, work: Callable[[], Any]) -> None:
        """On the loop, where the workspace's events are sent from."""
        work()

    # ── In the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def calls(self, method: str) -> list[Any]:
        place = self.engine.workspace.channel(CHANNEL).id
        made = self.engine.calls[self.calls_before :]
        return [call for call in made if call.method == method and call.args.get("channel") == place]

    def check(self) -> None:
        self.engine.faults.clear()
        self.say_in_slack("bob", is_aside=False)  # What was held back until another event comes has one to come after.
        self.stage.do(settle(self.everything_is_taken))
        self.wait()
        self.check_counts()
        self.check_that_it_is_quiet()
        self.engine.workspace.on_event.remove(self.copycat.hear)
        self.stage.do(self.office.end(self.talk.session_id))
        self.wait()

    async def everything_is_taken(self) -> bool:
        """Nothing is under way that was late."""
        return self.engine.delivery.is_done and await self.talk.links("thread") >= len(self.written)

    def check_counts(self) -> None:
        posts = self.calls("chat.postMessage")
        ids = Counter(str(call.args["metadata"]) for call in posts)
        assert [one for one, times in ids.items() if times > 1] == [], "posted twice"
        # The card, what was said in browsers, and what was changed there of what somebody said in Slack.
        assert len(posts) <= 1 + self.may_lead_to["post"] + self.may_lead_to["change"]
        others = ("chat.update", "chat.delete", "reactions.add", "reactions.remove")
        changes = [call for name in others for call in self.calls(name) if call.args.get("ts") != self.talk.root]
        assert len(changes) <= 2 * self.may_lead_to["change"]

    def check_that_it_is_quiet(self) -> None:
        """One more word, there and back: it is the only thing that happens."""
        before = len(self.calls("chat.postMessage"))
        heard = self.stage.do(self.office.log(self.talk.session_id))
        self.say_in_slack("bob", is_aside=False)
        self.stage.do(settle(self.everything_is_taken))
        self.wait()
        assert len(self.calls("chat.postMessage")) == before
        more = self.stage.do(self.office.log(self.talk.session_id))[len(heard) :]
        copied = self.copycat.as_whom == "a person"
        assert [event.type for event in more] == ["chat_message"] * (2 if copied else 1)


@st.composite
def happenings(draw: st.DrawFn) -> tuple[Copies, list[tuple[str, dict[str, Any]]]]:
    copies: Copies = draw(st.sampled_from(["nobody", "a bot", "a person"]))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=5, max_size=24))
    return copies, [(kind, {name: draw(strategy) for name, strategy in STEPS[kind].items()}) for kind in kinds]


@pytest.mark.timeout(300)
def test_whatever_happens_each_thing_said_is_one_post_and_then_it_is_quiet(stage: Stage) -> None:
    @given(happenings())
    @settings(
        max_examples=max(6, MESSAGES // 10),
        derandomize=True,
        database=None,
        # A smaller example would take minutes to find: where something echoes, waiting for quiet takes its time.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def holds(happening: tuple[Copies, list[tuple[str, dict[str, Any]]]]) -> None:
        copies, steps = happening
        thread = Thread(stage, copies)
        for kind, details in steps:
            getattr(thread, kind)(**details)
        thread.check()

    holds()
