"""The sender of mail: none is lost, and one that is sent again is known by its Message-ID."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta

import pytest

from core import leases, outbox
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.mailer import AddressRefused, MailProblem, MailRefused, TryLater
from core.outbox import Mail
from jobs.mail_sender import LEASE_SECONDS, MailSender
from tests.support.schema import bring_up


class Killed(BaseException):
    """What a process sees of its own end: nothing after it."""


class Post:
    """A mailer that keeps what it is given, and does as it is told with the next."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.before: list[BaseException | None] = []
        self.after: list[BaseException | None] = []
        self.gate: asyncio.Event | None = None
        self.links: list[Mapping[str, str]] = []

    async def send(self, mail: Mail, links: Mapping[str, str]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        problem = self.before.pop(0) if self.before else None
        if problem is not None:
            raise problem
        self.sent.append(mail.id)
        self.links.append(links)
        problem = self.after.pop(0) if self.after else None
        if problem is not None:
            raise problem

    async def rest(self) -> None: ...


class Office:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.passed = timedelta()
        self.post = Post()

    def clock(self) -> datetime:
        return system_clock() + self.passed

    def sender(self, process_id: str = "prc_one") -> MailSender:
        return MailSender(self.db, self.clock, self.post, lambda _tx, _mail: {}, process_id)

    async def write(self, many: int = 1, to: str = "bob@example.com") -> list[str]:
        def enqueue(tx: Transaction) -> list[str]:
            return [outbox.enqueue(tx, "invite", to, {}, key=f"{tx.now}{n}") for n in range(many)]

        return await self.db.write(enqueue)

    async def waiting(self) -> int:
        return (await self.db.read(outbox.backlog)).waiting


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite; both kinds for what depends on how rows are locked."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


on_both = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
async def office(database_url: str) -> AsyncGenerator[Office]:
    await asyncio.to_thread(bring_up, database_url)
    passed: list[Office] = []
    db = Database(open_engine(database_url), lambda: passed[0].clock() if passed else system_clock())
    db.start()
    passed.append(Office(db))
    yield passed[0]
    await db.close()


async def test_what_is_due_is_sent_once_in_the_order_of_waiting(office: Office) -> None:
    mails = [*(await office.write(2)), *(await office.write(2))]
    assert await office.sender().send_due() == 4
    assert await office.sender("prc_two").send_due() == 0
    assert sorted(office.post.sent[:2]) == sorted(mails[:2])
    assert sorted(office.post.sent) == sorted(mails)
    assert await office.waiting() == 0


@on_both
@pytest.mark.parametrize("where", ["before", "after"])
async def test_killed_at_any_step_none_is_lost_and_a_repeat_has_the_same_id(office: Office, where: str) -> None:
    mails = await office.write(3)
    # It dies before, or after, the second mail is handed over; nothing is stored of that.
    getattr(office.post, where).extend([None, Killed()])
    with pytest.raises(Killed):
        await office.sender("prc_dead").send_due()
    assert await office.sender("prc_next").send_due() == 0, "the dead one's lease lasts a little"
    office.passed += timedelta(seconds=LEASE_SECONDS + 1)
    await office.sender("prc_next").send_due()
    assert set(office.post.sent) == set(mails)
    repeats = {mail: many for mail, many in Counter(office.post.sent).items() if many > 1}
    assert list(repeats.values()) == ([2] if where == "after" else [])
    assert await office.waiting() == 0


@on_both
async def test_whoever_was_overtaken_sends_nothing_more(office: Office) -> None:
    await office.write(2)
    office.post.gate = asyncio.Event()
    slow = asyncio.create_task(office.sender("prc_slow").send_due())
    async with asyncio.timeout(5):
        while (await office.db.read(lambda tx: outbox.due(tx)[0])).may_be_sent is False:  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.01)
    office.passed += timedelta(seconds=LEASE_SECONDS + 1)
    fence = await office.db.write(lambda tx: leases.take(tx, "mail", "prc_quick", LEASE_SECONDS))
    assert fence is not None
    office.post.gate.set()
    assert await slow == 0
    assert len(office.post.sent) == 1, "what it had in hand; not the next"
    assert await office.waiting() == 1


async def test_what_fails_waits_longer_each_time_until_it_is_of_no_use(office: Office) -> None:
    await office.write()
    sender, attempts = office.sender(), 0
    office.post.before = [TryLater("busy")] * 1_000
    while await office.waiting():
        attempts += await sender.send_due()
        office.passed += timedelta(hours=1)
    assert 70 < attempts < 80, "once an hour for three days"
    assert office.post.sent == []


async def test_while_the_server_is_away_it_is_not_asked_for_each_mail(office: Office) -> None:
    await office.write(20)
    sender = office.sender()
    office.post.before = [TryLater("away", is_for_all=True)] * 3
    assert await sender.send_due() == 1
    assert await sender.send_due() == 0
    for _ in range(60):
        office.passed += timedelta(seconds=10)
        await sender.send_due()
    assert len(set(office.post.sent)) == 20


@pytest.mark.parametrize(
    ("problem", "stays_away"), [(AddressRefused("550 no bob@example.com"), True), (MailRefused("554 spam"), False)]
)
async def test_a_mailbox_that_does_not_exist_is_remembered(
    office: Office, problem: MailProblem, stays_away: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await office.write()
    office.post.before = [problem]
    await office.sender().send_due()
    assert await office.waiting() == 0
    assert "bob@example.com" not in caplog.text
    await office.write()
    assert await office.waiting() == (0 if stays_away else 1)
    await office.write(to="ann@example.com")
    await office.sender().send_due()
    assert len(office.post.sent) == (1 if stays_away else 2)


async def test_it_starts_by_itself_wakes_and_stops_when_a_mail_is_through(office: Office) -> None:
    sender = office.sender()
    sender.start()
    office.post.gate = asyncio.Event()
    await office.write()
    sender.wake()
    async with asyncio.timeout(10):
        while (await office.db.read(lambda tx: outbox.due(tx)[0])).may_be_sent is False:  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.01)
    closing = asyncio.create_task(sender.close())
    office.post.gate.set()
    await closing
    assert len(office.post.sent) == 1
    assert await office.waiting() == 0
