"""The sender of pushes, against a push service on a socket: each comes up once, and what cannot goes the next way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from sqlmodel import select

from core import accounts, chat, erasing, identities, tables
from core.access import Actor
from core.db import Database
from core.engines import open_engine
from core.ids import new_id
from core.notifications import OUTSIDE, Outside, preferences, pushing, subscriptions
from core.notifications.subscriptions import Keys
from core.sealing import Sealer
from integrations.push.service import PushServices
from jobs.push_sender import LEASE_SECONDS, PushSender
from tests.bot.support.office import MortalDatabase
from tests.core.notification_stage import HandClock, Stage, stage_on
from tests.support.push import PushedTo, PushService, push_service
from tests.support.schema import bring_up

SECRET = "a secret of the server that has enough bytes"


@dataclass
class Pushing:
    """The stage, and the push service that its people's browsers are connected to."""

    stage: Stage
    service: PushService
    url: str
    logins: dict[str, str] = field(default_factory=dict[str, str])
    senders: list[PushServices] = field(default_factory=list[PushServices])

    @property
    def db(self) -> Database:
        return self.stage.db

    async def switch_on(self, who: Actor) -> PushedTo:
        """A browser in which somebody signs in and switches pushes on."""
        browser = self.service.browser()
        secret, _ = await self.db.write(lambda tx: accounts.open_login(tx, who.user_id))
        self.logins[browser.endpoint] = secret
        keys = Keys(**browser.keys)
        await self.db.write(
            lambda tx: subscriptions.add(
                tx, who.user_id, secret, browser.endpoint, keys, "Firefox on Linux", also=self.service.url
            )
        )
        return browser

    def sender(
        self,
        process: str = "prc_one",
        db: Database | None = None,
        *,
        is_only: bool = True,
        channels: tuple[Outside, ...] = OUTSIDE,
    ) -> PushSender:
        services = PushServices("mailto:ops@shop.example", self.stage.clock, also=self.service.url)
        self.senders.append(services)

        async def looking(_session_id: str) -> Collection[str]:
            return self.stage.here

        db = db or self.db
        return PushSender(
            db, self.stage.clock, services, Sealer(SECRET), looking, process, channels=channels, is_only_process=is_only
        )

    async def send(self, **after: float) -> int:
        """What is new is told, and after so long what is due is pushed."""
        await self.stage.notify()
        self.stage.clock.move(**(after or {"seconds": 11}))
        return await self.sender().send_due()

    async def rest(self) -> None:
        for one in self.senders:
            await one.rest()

    async def browsers_of(self, who: Actor) -> int:
        return len(await self.db.read(lambda tx: subscriptions.of_user(tx, who.user_id)))


@asynccontextmanager
async def set_up(url: str) -> AsyncGenerator[Pushing]:
    await asyncio.to_thread(bring_up, url)
    clock = HandClock()
    db = Database(open_engine(url), clock)
    db.start()
    async with push_service(clock) as service:
        found = Pushing(await stage_on(db, clock), service, url)
        yield found
        await found.rest()
    await db.close()


@pytest.fixture
async def pushing_(sqlite_url: str) -> AsyncGenerator[Pushing]:
    async with set_up(sqlite_url) as found:
        yield found


@pytest.fixture
async def on_any(database_url: str) -> AsyncGenerator[Pushing]:
    async with set_up(database_url) as found:
        yield found


async def test_a_mention_comes_up_once_in_every_browser_of_its_person_and_goes_no_other_way(on_any: Pushing) -> None:
    stage = on_any.stage
    desk, phone = await on_any.switch_on(stage.ben), await on_any.switch_on(stage.ben)
    await stage.say(stage.ann, "@Ben have a look\nat the login")
    await stage.notify()
    assert await on_any.sender().send_due() == 0, "whoever looks at once is not told"
    assert await on_any.send() == 2
    for browser in (desk, phone):
        [message] = browser.received
        assert message["title"] == "Ann mentioned you"
        assert message["body"] == "Fix the login bug: @Ben have a look at the login"
        assert message["path"].startswith(f"/s/{stage.session_id}#seq=")
    assert desk.shown.keys() == phone.shown.keys(), "one id in all of them"
    assert {request.headers["Topic"] for request in on_any.service.requests} == desk.shown.keys()
    assert await on_any.send(hours=2) == 0
    assert await stage.deliveries(stage.ben) == [("push", "sent")]
    assert await stage.mails() == []


async def test_what_is_said_to_stay_in_the_session_is_told_of_without_its_words(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    await stage.say(stage.ann, "@Ben the key is 1234", session_only=True)
    await pushing_.send()
    assert "1234" not in str(browser.received)
    assert len(browser.received) == 1


async def test_much_at_once_is_one_message_that_leads_to_the_inbox(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    await stage.say(stage.ann, "@Ben one")
    root = await stage.say(stage.ben, "a question")
    await stage.say(stage.cid, "an answer", parent_id=root)
    await pushing_.send()
    [message] = browser.received
    assert (message["title"], message["path"]) == ("2 things wait for you", "/inbox")


async def test_nothing_comes_up_that_was_read_or_while_its_person_looks_or_in_quiet_hours(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    # It is nine in the morning.
    await stage.db.write(lambda tx: preferences.set_quiet_hours(tx, stage.ben.user_id, 8 * 60, 10 * 60))
    await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    await pushing_.send(minutes=30)
    assert browser.received == []
    stage.here.add(stage.ben.user_id)
    await pushing_.send(minutes=31)
    assert browser.received == [], "he looks at the session"
    stage.here.clear()
    await pushing_.send(minutes=1)
    assert len(browser.received) == 1


async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_told(on_any: Pushing) -> None:
    stage = on_any.stage
    gone, there = await on_any.switch_on(stage.ben), await on_any.switch_on(stage.ben)
    del on_any.service.browsers[gone.endpoint.removeprefix(on_any.service.url)]
    await stage.say(stage.ann, "@Ben one")
    await on_any.send()
    assert (len(gone.received), len(there.received)) == (0, 1)
    assert await on_any.browsers_of(stage.ben) == 1
    assert await stage.deliveries(stage.ben) == [("push", "sent")]


async def test_where_the_last_browser_is_gone_the_next_way_is_taken(on_any: Pushing) -> None:
    stage = on_any.stage
    await on_any.switch_on(stage.ben)
    on_any.service.browsers.clear()
    await stage.say(stage.ann, "@Ben one")
    await on_any.send()
    assert await on_any.browsers_of(stage.ben) == 0
    assert await stage.deliveries(stage.ben) == [("email", ""), ("push", "failed")]
    stage.clock.move(minutes=6)
    await stage.notify()
    assert len(await stage.mails()) == 1


@pytest.mark.parametrize(("has_slack", "way"), [(True, "slack_dm"), (False, "email")])
async def test_the_next_way_is_one_that_this_server_has(pushing_: Pushing, has_slack: bool, way: str) -> None:
    stage = pushing_.stage
    await stage.db.write(lambda tx: identities.link(tx, stage.ben.user_id, "slack", "T1", "U1"))
    await pushing_.switch_on(stage.ben)
    pushing_.service.browsers.clear()
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    stage.clock.move(seconds=11)
    channels: tuple[Outside, ...] = ("push", "slack_dm", "email") if has_slack else ("push", "email")
    await pushing_.sender(channels=channels).send_due()
    assert sorted(await stage.deliveries(stage.ben)) == sorted([("push", "failed"), (way, "")])


async def test_what_failed_before_the_quiet_hours_comes_up_after_them(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    pushing_.service.answers.append(web.Response(status=503))
    await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    # They begin a minute after nine.
    await stage.db.write(lambda tx: preferences.set_quiet_hours(tx, stage.ben.user_id, 9 * 60 + 1, 10 * 60))
    for _ in range(6):
        await pushing_.send(minutes=5)
    assert (browser.received, len(pushing_.service.requests)) == ([], 1)
    await pushing_.send(minutes=35)
    await pushing_.send(minutes=1)
    assert len(browser.received) == 1
    assert await stage.deliveries(stage.ben) == [("push", "sent")]


async def test_a_service_that_refuses_a_message_is_not_asked_again(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    pushing_.service.answers.append(web.Response(status=403, text="wrong key"))
    await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    await pushing_.send(hours=2)
    assert (browser.received, len(pushing_.service.requests)) == ([], 1)
    assert await pushing_.browsers_of(stage.ben) == 1
    assert [channel for channel, _ in await stage.deliveries(stage.ben)] == ["email", "push"]


async def test_a_service_that_asks_for_patience_gets_it_for_everybody(pushing_: Pushing) -> None:
    stage = pushing_.stage
    ben, cid = await pushing_.switch_on(stage.ben), await pushing_.switch_on(stage.cid)
    sender = pushing_.sender()
    pushing_.service.answers.append(web.Response(status=429, headers={"Retry-After": "300"}))
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    stage.clock.move(seconds=11)
    await sender.send_due()
    await stage.say(stage.ann, "@Cid two")
    await stage.notify()
    stage.clock.move(seconds=200)
    await sender.send_due()
    assert len(pushing_.service.requests) == 1, "the other message waits as well"
    stage.clock.move(seconds=100)
    await sender.send_due()
    assert (len(ben.received), len(cid.received)) == (1, 1)
    assert await stage.deliveries(stage.ben) == [("push", "sent")]


async def test_a_service_that_is_away_is_asked_for_an_hour_and_then_the_next_way_is_taken(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    pushing_.service.always = 503
    await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    minutes = 0
    while [channel for channel, _ in await stage.deliveries(stage.ben)] == ["push"]:
        await pushing_.send(minutes=1)
        minutes += 1
        assert minutes <= 61
    assert 4 <= len(pushing_.service.requests) <= 12, "twice as long each time"
    pushing_.service.always = 0
    await pushing_.send(hours=1)
    await stage.notify()
    assert browser.received == [], "it is told by mail now"
    assert ("push", "failed") in await stage.deliveries(stage.ben)
    assert len(await stage.mails()) == 1


async def test_what_was_deleted_or_read_while_it_waited_is_not_pushed_and_an_edit_is(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    pushing_.service.answers.append(web.Response(status=503))
    message_id = await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    await stage.db.write(lambda tx: chat.delete_message(tx, stage.ann, stage.session_id, message_id, key=new_id("key")))
    await pushing_.send(minutes=5)
    assert browser.received == []
    pushing_.service.answers.append(web.Response(status=503))
    message_id = await stage.say(stage.ann, "@Ben two")
    await pushing_.send()
    await stage.db.write(
        lambda tx: chat.edit_message(tx, stage.ann, stage.session_id, message_id, "@Ben three", key=new_id("key"))
    )
    await pushing_.send(minutes=5)
    assert [message["body"] for message in browser.received] == ["Fix the login bug: @Ben three"]


@pytest.mark.parametrize("way", ["out", "everywhere", "deactivated", "erased", "switched off", "login over"])
async def test_whoever_left_is_pushed_nothing(pushing_: Pushing, way: str) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    user_id, secret = stage.ben.user_id, pushing_.logins[browser.endpoint]
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    match way:
        case "out":
            await stage.db.write(lambda tx: accounts.close_login(tx, secret))
        case "everywhere":
            await stage.db.write(lambda tx: accounts.sign_out_everywhere(tx, user_id))
        case "deactivated":
            await stage.db.write(lambda tx: erasing.deactivate(tx, user_id))
        case "erased":
            await stage.db.write(lambda tx: erasing.erase_account(tx, user_id))
        case "switched off":
            [one] = await stage.db.read(lambda tx: subscriptions.of_user(tx, user_id))
            await stage.db.write(lambda tx: subscriptions.remove(tx, user_id, one.id))
        case _:
            stage.clock.move(days=31)
    await pushing_.send()
    assert browser.received == []
    assert pushing_.service.requests == []
    if way != "login over":
        rows = await stage.db.read(lambda tx: tx.sql.exec(select(tables.PushSubscription)).all())
        assert list(rows) == [], "nothing is kept of it"
    # Whoever may still be told is told by the next way.
    expected = [("email", ""), ("push", "failed")] if way in ("out", "everywhere", "switched off") else None
    if expected is not None:
        assert await stage.deliveries(stage.ben) == expected


async def test_a_browser_that_another_person_signs_in_to_is_theirs_alone(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    pushing_.service.answers.append(web.Response(status=503))
    await stage.say(stage.ann, "@Ben one")
    await pushing_.send()
    secret, _ = await stage.db.write(lambda tx: accounts.open_login(tx, stage.cid.user_id))
    keys = Keys(**browser.keys)
    await stage.db.write(
        lambda tx: subscriptions.add(
            tx, stage.cid.user_id, secret, browser.endpoint, keys, "Firefox", also=pushing_.service.url
        )
    )
    await pushing_.send(minutes=5)
    assert browser.received == [], "what waited for Ben does not come up before Cid"
    assert (await pushing_.browsers_of(stage.ben), await pushing_.browsers_of(stage.cid)) == (0, 1)


# ── Killed, and two at once ───────────────────────────────────────────────────────────────────────────────────────────

#: One round takes fewer steps than this; a step is the moment before or after a transaction.
STEPS = 13


async def die_within(stage: Pushing, steps: int) -> bool:
    """One round of a sender that dies after so many steps. False where it came to its end."""
    db = MortalDatabase(stage.db, steps)
    look = asyncio.create_task(stage.sender("mortal", db).send_due())
    died = asyncio.create_task(db.died.wait())
    await asyncio.wait([look, died], return_when=asyncio.FIRST_COMPLETED)
    for task in (look, died):
        task.cancel()
    await asyncio.gather(look, died, return_exceptions=True)
    return db.died.is_set()


async def test_killed_at_any_step_each_comes_up_once_by_its_id(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    deaths = 0
    for steps in range(1, STEPS + 1):
        await stage.say(stage.ann, f"@Ben {steps}")
        await stage.notify()
        stage.clock.move(seconds=11)
        deaths += await die_within(pushing_, steps)
        stage.clock.move(seconds=1)
        while await pushing_.sender("next").send_due():
            pass
        assert len(browser.shown) == steps, "one more, and the repeat took the place of the first"
        stage.clock.move(minutes=10)
    bodies = [message["body"] for message in browser.shown.values()]
    assert bodies == [f"Fix the login bug: @Ben {steps}" for steps in range(1, STEPS + 1)]
    assert STEPS > deaths >= STEPS - 4, "it did die, again and again, and came to its end as well"
    assert len(browser.received) > STEPS, "and once at least after the service had it"
    assert {outcome for _, outcome in await stage.deliveries(stage.ben)} == {"sent"}


async def test_two_processes_push_each_message_once(postgres_url: str) -> None:
    async with set_up(postgres_url) as one:
        stage = one.stage
        other = Database(open_engine(postgres_url), stage.clock)
        other.start()
        people = (stage.ben, stage.cid)
        browsers = [await one.switch_on(who) for who in people for _ in range(3)]
        senders = [one.sender("prc_one", is_only=False), one.sender("prc_two", other, is_only=False)]
        for number in range(4):
            for who in people:
                await stage.say(stage.ann, f"@{who.name} {number}")
            await stage.notify()
            stage.clock.move(seconds=11)
            for _ in range(3):
                await asyncio.gather(*(sender.send_due() for sender in senders))
            stage.clock.move(minutes=11)
        await other.close()
        for browser in browsers:
            assert len(browser.received) == len(browser.shown) == 4


async def test_what_a_dead_process_was_sending_is_sent_by_the_next_when_its_lease_ends(pushing_: Pushing) -> None:
    stage = pushing_.stage
    browser = await pushing_.switch_on(stage.ben)
    await stage.say(stage.ann, "@Ben one")
    await stage.notify()
    stage.clock.move(seconds=11)
    gone = asyncio.get_running_loop().create_future()
    pushing_.service.taken = lambda: gone.done() or gone.set_result(None)
    dying = asyncio.create_task(pushing_.sender("prc_dead", is_only=False).send_due())
    await gone
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    following = pushing_.sender("prc_next", is_only=False)
    assert await following.send_due() == 0
    stage.clock.move(seconds=LEASE_SECONDS + 1)
    assert await following.send_due() == 1
    assert (len(browser.received), len(browser.shown)) == (2, 1)
    assert (await stage.db.read(pushing.backlog)).waiting == 0
