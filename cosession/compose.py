"""Builds the running product from its parts: database, doors, readers. Nothing else wires anything to anything."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import FastAPI

import api as api_package
from api.app import add_pages, create_app, create_health_app
from api.bells import Bells
from api.context import MESSAGES_PER_MINUTE, Api, ApiSettings
from api.context_updates import ContextUpdates
from api.elsewhere import Elsewhere
from api.hub import Hub
from api.incoming import take_over
from api.news import News
from api.thread_updates import ThreadUpdates
from api.tokens import Tokens
from api.upkeep import Upkeep
from bot.app import SlackDoor
from core import accounts, tables
from core.clock import Clock, system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.ids import new_id
from core.indexer import Indexer
from core.limits import TokenBuckets
from core.notifications import Outside
from core.signals import NoSignals, PollingOnly, Signals
from core.unsubscribing import UnsubscribeTokens
from cosession import mail, push
from cosession.settings import Settings
from cosession.signals import in_words, signals_for
from cosession.slack import Sandbox, build_door, connected_workspace, mount_sandbox, ways_in
from cosession.timetable import mount_timetable
from jobs.mail_sender import MailSender
from jobs.notify import Notifier
from jobs.schedule import Job, timetable
from jobs.scheduler import Scheduler

if TYPE_CHECKING:
    from integrations.redis.limits import RedisBuckets

log = logging.getLogger(__name__)

STATIC = Path(api_package.__file__).parent / "static"
#: What a process does: everything; to serve people; or to keep the threads and the timetable.
Part = Literal["all", "doors", "work"]

#: The topic on which a process says that it has stored a request of Slack's.
INBOX = "inbox"
#: The topic on which a process says whose inbox is another now.
BELLS = "bells"


@dataclass(slots=True)
class Runtime:
    """The product in one process. `stopping` is called before connections are closed."""

    settings: Settings
    db: Database
    hub: Hub
    tokens: Tokens
    app: FastAPI
    sandbox: Sandbox | None
    slack: SlackDoor | None
    contexts: ContextUpdates
    elsewhere: Elsewhere
    sender: MailSender
    scheduler: Scheduler
    #: The budget of messages, where it is shared with other processes.
    budget: RedisBuckets | None
    bells: Bells
    notifier: Notifier

    def stopping(self) -> None:
        self.hub.drain()
        self.bells.close()
        if self.sandbox is not None:
            self.sandbox.engine.end_streams()


def open_database(settings: Settings, clock: Clock = system_clock) -> Database:
    """The database of these settings; its schema must be current."""
    return Database(open_engine(settings.database_url), clock)


def compose(
    settings: Settings,
    clock: Clock = system_clock,
    monotonic: Callable[[], float] = time.monotonic,
    signals: Signals | None = None,
    *,
    part: Part = "all",
) -> Runtime:
    """Must be called on the running event loop; the app's lifespan starts and stops everything. `monotonic` counts the
    seconds by which somebody is present; `signals` go to the other processes, where not as the settings say. `part`
    is what this process does of it."""
    does_work, has_doors = part != "doors", part != "work"
    signals = signals or signals_for(settings, clock)
    db = open_database(settings, clock)
    hub = Hub(db, clock, monotonic)
    tokens = Tokens(settings.jwt_key(), clock)
    news = News(hub, db, signals)
    elsewhere = Elsewhere(hub, signals)
    shared = _shared_budget(settings, elsewhere)
    sandbox = Sandbox(settings, clock) if settings.has_sandbox and part == "all" else None
    slack_settings = sandbox.settings if sandbox else connected_workspace(settings)
    api_settings = ApiSettings(
        settings.base_url,
        settings.hosts,
        STATIC,
        settings.is_development,
        database_url=settings.database_url if settings.is_sqlite else "",
        ways_in=ways_in(slack_settings),
        sign_up=mail.sign_up(settings),
        has_mail=mail.reaches_people(settings),
        push_test_service=settings.push_test_service,
        keep_ended=settings.keep_ended,
    )
    api = Api(
        db=db,
        hub=hub,
        tokens=tokens,
        clock=clock,
        settings=api_settings,
        messages=shared or TokenBuckets(per_minute=MESSAGES_PER_MINUTE),
        unsubscribing=UnsubscribeTokens(settings.jwt_key()),
        sealer=push.sealer(settings),
    )

    if not signals.is_alone:
        api.conditions["signals"] = lambda: in_words(signals)
    if shared is not None:
        api.conditions["limits"] = lambda: "ok" if shared.is_healthy else "degraded: each process limits by itself"
    upkeep = Upkeep(hub, db, clock)
    contexts = ContextUpdates(hub, db)
    threads = ThreadUpdates(hub, db)
    indexer = Indexer(db)
    channels: tuple[Outside, ...] = ("push", "slack_dm", "email") if slack_settings else ("push", "email")
    notifier = _notifier(api, signals, settings, channels)
    pusher = push.build_sender(db, settings, clock, _looking(api), signals.process_id, channels)
    scheduler = Scheduler(db, clock, signals.process_id, jobs_of(settings))
    sender = mail.build_sender(db, settings, clock, signals.process_id)
    slack = build_door(api, slack_settings, lambda: signals.publish(INBOX, b"")) if slack_settings else None
    if does_work:
        news.on_news(notifier.wake)
        api.push_stored = pusher.wake
    if slack is not None and does_work:
        news.on_news(slack.has_news)
        notifier.on_deliveries = slack.has_notices
        signals.subscribe(INBOX, lambda _: slack.inbox_grew())

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        db.start()
        epoch = await db.write(ensure_epoch)
        await signals.start()
        news.start(epoch)
        if not isinstance(signals, NoSignals | PollingOnly):
            elsewhere.start(partial(take_over, api))
        upkeep.start()
        contexts.start()
        threads.start()
        indexer.start()
        if does_work:
            notifier.start()
            scheduler.start()
            sender.start()
            pusher.start()
        if sandbox is not None:
            sandbox.start()
            await db.write(sandbox.link_people)
        if slack is not None:
            await slack.start(does_work=does_work)
        try:
            yield
        finally:
            if does_work:
                await notifier.close()
                await scheduler.close()
                await sender.close()
                await pusher.close()
            if slack is not None:
                await slack.close()
            if sandbox is not None:
                await sandbox.engine.aclose()
            await indexer.close()
            await threads.close()
            await contexts.close()
            await upkeep.close()
            await news.close()
            await elsewhere.close()
            await signals.close()
            if shared is not None:
                await shared.close()
            hub.close()
            await db.close()

    if not has_doors:
        app = create_health_app(api, lifespan)
        return Runtime(
            settings,
            db,
            hub,
            tokens,
            app,
            sandbox,
            slack,
            contexts,
            elsewhere,
            sender,
            scheduler,
            shared,
            api.bells,
            notifier,
        )
    app = create_app(api, lifespan)
    if slack is not None:
        app.include_router(slack.router)
    if sandbox is not None:
        mount_sandbox(app, api, sandbox)
    mail.mount_mailbox(app, settings)
    mount_timetable(app, api, scheduler)
    add_pages(app, api)
    return Runtime(
        settings,
        db,
        hub,
        tokens,
        app,
        sandbox,
        slack,
        contexts,
        elsewhere,
        sender,
        scheduler,
        shared,
        api.bells,
        notifier,
    )


def _looking(api: Api) -> Callable[[str], Awaitable[frozenset[str]]]:
    """Who has a session before their eyes now."""

    async def looking(session_id: str) -> frozenset[str]:
        await api.hub.meet(session_id)
        return frozenset(one.person.user_id for one in api.hub.present(session_id) if one.status != "away")

    return looking


def _notifier(api: Api, signals: Signals, settings: Settings, channels: Collection[Outside]) -> Notifier:
    """The reader that tells people what concerns them, and rings at their open pages."""

    def changed(user_ids: Collection[str], is_feed_new: bool) -> None:
        api.bells.ring(user_ids, is_feed_new=is_feed_new)

    api.bells.publish = lambda payload: signals.publish(BELLS, payload)
    signals.subscribe(BELLS, api.bells.heard)
    return Notifier(
        api.db,
        api.clock,
        _looking(api),
        changed,
        signals.process_id,
        channels=channels,
        is_only_process=settings.is_sqlite,
    )


def _shared_budget(settings: Settings, elsewhere: Elsewhere) -> RedisBuckets | None:
    """One budget of messages per user over all processes, where they share a Redis."""
    if settings.is_sqlite or not settings.redis_url:
        return None
    from integrations.redis.limits import RedisBuckets  # As in `cosession.signals`.

    return RedisBuckets(settings.redis_url, "messages", MESSAGES_PER_MINUTE, processes=lambda: elsewhere.processes)


def jobs_of(settings: Settings) -> tuple[Job, ...]:
    """The timetable that these settings ask for."""
    return timetable(end_idle_after=settings.end_idle_after, keep_ended=settings.keep_ended)


def ensure_epoch(tx: Transaction) -> str:
    """The name of this database's history, given once."""
    named = tx.sql.get(tables.Meta, "epoch")
    if named is None:
        named = tables.Meta(key="epoch", value=new_id("epo"))
        tx.sql.add(named)
    return named.value


def ensure_first_user(tx: Transaction, email: str, name: str) -> tables.User:
    """Whoever runs the server has an account from the start."""
    return accounts.first_user(tx) or accounts.add_user(tx, email, name)
