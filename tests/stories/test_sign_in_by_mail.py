"""Coming in by mail: whoever owns the address comes in once, in the browser that asked; nobody else learns a thing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest

from core import outbox, signing_in
from tests.stories.house import House, open_house


class Mailbox:
    """The folder that mail goes to while there is no server for it."""

    def __init__(self, house: House, folder: Path) -> None:
        self._house = house
        self._folder = folder

    def all(self) -> list[EmailMessage]:
        files = sorted(self._folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    async def settled(self) -> list[EmailMessage]:
        """Every mail, once nothing waits any more."""
        self._house.runtime.sender.wake()
        async with asyncio.timeout(10):
            while (await self._house.runtime.db.read(outbox.backlog)).waiting:  # noqa: ASYNC110 - files tell nobody
                await asyncio.sleep(0.02)
        return self.all()

    async def newest(self) -> tuple[str, str]:
        """The secret of the newest link, and its code."""
        body = (await self.settled())[-1].get_body(("plain",))
        assert body is not None
        text = body.get_content()
        link, code = re.search(r"/sign-in\S*#(\S+)", text), re.search(r"code there: (\S+)", text)
        assert link is not None
        return link[1], code[1] if code else ""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The one story in which many come at once is told on Postgres, too."""
    return sqlite_url


@pytest.fixture
def mailbox(house: House, tmp_path: Path) -> Mailbox:
    return Mailbox(house, tmp_path / "data" / "mail")


@asynccontextmanager
async def browser(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """One browser: it keeps its cookies."""
    async with httpx2.AsyncClient(base_url=house.url, headers={"Origin": house.url}, timeout=10.0) as client:
        yield client


async def ask(client: httpx2.AsyncClient, email: str) -> httpx2.Response:
    return await client.post("/api/sign-in/email", json={"email": email})


async def test_whoever_owns_the_address_comes_in_by_the_link_once(house: House, mailbox: Mailbox) -> None:
    await come_in_once(house, mailbox)


async def test_the_same_on_postgres(postgres_url: str, tmp_path: Path) -> None:
    async with open_house(postgres_url, tmp_path / "data") as house:
        await come_in_once(house, Mailbox(house, tmp_path / "data" / "mail"))


async def come_in_once(house: House, mailbox: Mailbox) -> None:
    bob = await house.someone("Bob")
    async with browser(house) as own:
        assert (await ask(own, " Bob@Example.com ")).status_code == 202
        secret, _ = await mailbox.newest()
        look = await own.post("/api/sign-in/email/look", json={"token": secret})
        assert look.json() == {"email": "bob@example.com"}
        answers = await asyncio.gather(*(own.post("/api/sign-in", json={"token": secret}) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]
        assert (await own.get("/api/me")).json()["user_id"] == bob.id
        assert (await own.post("/api/sign-in/email/look", json={"token": secret})).status_code == 410


async def test_the_answer_does_not_say_whether_there_is_an_account(house: House, mailbox: Mailbox) -> None:
    await house.someone("Bob")
    async with browser(house) as own:
        known, unknown = await ask(own, "bob@example.com"), await ask(own, "nobody@example.com")
        assert known.status_code == unknown.status_code == 202
        assert known.json() == unknown.json()
        assert known.headers.keys() == unknown.headers.keys()
        assert [mail["To"] for mail in await mailbox.settled()] == ["bob@example.com"]


async def test_a_link_is_good_in_the_browser_that_asked_and_a_robot_spends_nothing(
    house: House, mailbox: Mailbox
) -> None:
    bob = await house.someone("Bob")
    async with browser(house) as own, browser(house) as robot:
        await ask(own, "bob@example.com")
        secret, _ = await mailbox.newest()
        for _ in range(3):
            assert (await robot.get("/sign-in")).status_code in (200, 503)
            refused = await robot.post("/api/sign-in", json={"token": secret})
            assert refused.status_code == 410
            assert "another browser" in refused.json()["detail"]
        assert (await own.post("/api/sign-in", json={"token": secret})).json()["user_id"] == bob.id


async def test_the_code_is_typed_where_it_was_asked_for_and_can_be_mistyped_a_few_times(
    house: House, mailbox: Mailbox
) -> None:
    bob = await house.someone("Bob")
    async with browser(house) as own, browser(house) as other:
        await ask(own, "bob@example.com")
        await ask(other, "somebody@example.com")
        _, code = await mailbox.newest()
        assert (await other.post("/api/sign-in/email/code", json={"code": code})).status_code == 410
        for _ in range(signing_in.MOST_MISSES - 1):
            assert (await own.post("/api/sign-in/email/code", json={"code": "AAAA-AAAA"})).status_code == 410
        signed_in = await own.post("/api/sign-in/email/code", json={"code": f" {code.lower().replace('-', ' ')}"})
        assert signed_in.json()["user_id"] == bob.id
        assert (await own.post("/api/sign-in/email/code", json={"code": code})).status_code == 410

        await ask(own, "bob@example.com")
        _, code = await mailbox.newest()
        for _ in range(signing_in.MOST_MISSES):
            await own.post("/api/sign-in/email/code", json={"code": "AAAA-AAAA"})
        refused = await own.post("/api/sign-in/email/code", json={"code": code})
        assert refused.status_code == 410
        assert "mistyped too often" in refused.json()["detail"]


async def test_a_link_is_good_for_a_quarter_of_an_hour(house: House, mailbox: Mailbox) -> None:
    await house.someone("Bob")
    async with browser(house) as own:
        await ask(own, "bob@example.com")
        secret, code = await mailbox.newest()
        house.clock.move(timedelta(minutes=15, seconds=1))
        assert (await own.post("/api/sign-in", json={"token": secret})).status_code == 410
        assert (await own.post("/api/sign-in/email/code", json={"code": code})).status_code == 410


async def test_who_asks_too_often_gets_the_same_answer_and_no_more_mail(house: House, mailbox: Mailbox) -> None:
    await house.someone("Bob")
    async with browser(house) as own:
        for _ in range(signing_in.MOST_MAILS + 3):
            assert (await ask(own, "bob@example.com")).status_code == 202
        assert len(await mailbox.settled()) == signing_in.MOST_MAILS
        answers = [await ask(own, "bob@example.com") for _ in range(20)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["Retry-After"]) > 0


async def test_an_invite_made_out_to_an_address_lets_its_owner_sign_up(house: House, mailbox: Mailbox) -> None:
    alice = await house.someone("Alice")
    session = await alice.start()
    async with browser(house) as own:
        await ask(own, "dana.smith@example.com")
        assert await mailbox.settled() == []
        await alice.invite(session, "editor", email="dana.smith@example.com")
        await ask(own, "dana.smith@example.com")
        await mailbox.settled()
        secret, _ = await mailbox.newest()
        me = await own.post("/api/sign-in", json={"token": secret})
        assert (me.json()["username"], me.json()["email"]) == ("Dana Smith", "dana.smith@example.com")
        assert me.json()["is_admin"] is False


async def test_an_invite_by_mail_signs_nobody_in_to_an_account_that_is_there(house: House, mailbox: Mailbox) -> None:
    alice = await house.someone("Alice")
    session = await alice.start()
    await alice.invite(session, "editor", email="dana@example.com")
    await mailbox.settled()
    forwarded, _ = await mailbox.newest()
    await house.someone("Dana")
    async with browser(house) as stranger:
        assert (await stranger.post("/api/sign-in", json={"token": forwarded})).status_code == 410
        assert (await stranger.get("/api/me")).status_code == 401
    await house.someone("Bob")
    await alice.invite(session, "editor", email="bob@example.com")
    body = (await mailbox.settled())[-1].get_body(("plain",))
    assert body is not None
    assert re.search(rf"{re.escape(house.url)}/invite/inv_\w+\s", body.get_content())
    assert "#" not in body.get_content().split("/invite/inv_")[1].split()[0]


async def test_another_site_cannot_ask_or_sign_in(house: House) -> None:
    await house.someone("Bob")
    for path, body in (("", {"email": "bob@example.com"}), ("/code", {"code": "1"}), ("/look", {"token": "m.x"})):
        answer = await house.http.post(
            f"/api/sign-in/email{path}", json=body, headers={"Origin": "https://evil.example"}
        )
        assert answer.status_code == 403


async def test_whoever_was_deactivated_gets_no_link(house: House, mailbox: Mailbox) -> None:
    bob = await house.someone("Bob")

    def deactivate(tx: outbox.Transaction) -> None:
        from core import accounts

        accounts.get_user(tx, bob.id).is_active = False

    await house.runtime.db.write(deactivate)
    async with browser(house) as own:
        assert (await ask(own, "bob@example.com")).status_code == 202
        assert await mailbox.settled() == []


@pytest.mark.parametrize(("policy_words", "comes"), [("anyone", True), ("@example.com", True), ("@example.org", False)])
async def test_who_may_sign_up_is_set(sqlite_url: str, tmp_path: Path, policy_words: str, comes: bool) -> None:
    async with open_house(sqlite_url, tmp_path / "data", COSESSION_SIGN_UP=policy_words) as house:
        mailbox = Mailbox(house, tmp_path / "data" / "mail")
        async with browser(house) as own:
            await ask(own, "eve@example.com")
            assert bool(await mailbox.settled()) == comes
