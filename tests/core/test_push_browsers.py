"""Browsers that take pushes: what is taken for one, how many there may be, and the key that they all know."""

from __future__ import annotations

import asyncio

import pytest

from core import accounts, erasing, tables
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.errors import Invalid
from core.notifications import preferences, subscriptions, vapid
from core.notifications.subscriptions import MOST, BrowserNotFound, Keys
from core.sealing import Sealer
from tests.core.conftest import person
from tests.support.push import PushedTo, decoded
from tests.support.schema import bring_up

PLACE = "https://push.example.com"
SEALER = Sealer("a secret of the server that has enough bytes")


async def login_of(db: Database, user_id: str) -> str:
    return (await db.write(lambda tx: accounts.open_login(tx, user_id)))[0]


async def switch_on(db: Database, user_id: str, secret: str, number: int = 0) -> subscriptions.Browser:
    keys = Keys(**PushedTo("").keys)
    return await db.write(
        lambda tx: subscriptions.add(tx, user_id, secret, f"{PLACE}/{number}", keys, "Firefox on Linux")
    )


async def test_whoever_has_a_browser_is_reached_by_push_until_it_is_signed_out(ticking_db: Database) -> None:
    db = ticking_db
    ann = await person(db, "Ann")

    async def is_reached() -> bool:
        wishes = await db.read(lambda tx: preferences.wishes_of(tx, [ann.user_id]))
        return "push" in wishes[ann.user_id].reachable

    assert not await is_reached()
    secret = await login_of(db, ann.user_id)
    first = await switch_on(db, ann.user_id, secret)
    again = await switch_on(db, ann.user_id, secret)
    assert first.id == again.id, "the same browser"
    assert await is_reached()
    exported = await db.write(lambda tx: erasing.export(tx, ann.user_id))
    [told] = exported["push_browsers"]
    assert told["label"] == "Firefox on Linux"
    assert PLACE not in str(exported), "neither its address nor its keys"
    await db.write(lambda tx: accounts.close_login(tx, secret))
    assert not await is_reached()


async def test_one_browser_too_many_takes_the_place_of_the_oldest(ticking_db: Database) -> None:
    db = ticking_db
    ann = await person(db, "Ann")
    secret = await login_of(db, ann.user_id)
    ids = [(await switch_on(db, ann.user_id, secret, number)).id for number in range(MOST + 1)]
    left = await db.read(lambda tx: subscriptions.of_user(tx, ann.user_id))
    assert [one.id for one in left] == ids[:0:-1]


async def test_nobody_switches_on_by_another_s_login_or_removes_another_s_browser(db: Database) -> None:
    ann, ben = await person(db, "Ann"), await person(db, "Ben")
    secret = await login_of(db, ann.user_id)
    with pytest.raises(Invalid):
        await switch_on(db, ben.user_id, secret)
    with pytest.raises(Invalid):
        await switch_on(db, ann.user_id, "made up")
    browser = await switch_on(db, ann.user_id, secret)
    with pytest.raises(BrowserNotFound):
        await db.write(lambda tx: subscriptions.remove(tx, ben.user_id, browser.id))
    await db.write(lambda tx: subscriptions.remove(tx, ann.user_id, browser.id))
    assert await db.read(lambda tx: subscriptions.of_user(tx, ann.user_id)) == []


GOOD = PushedTo("").keys


@pytest.mark.parametrize(
    ("endpoint", "keys"),
    [
        (f"{PLACE}/" + "x" * 1_000, GOOD),
        (f"{PLACE}/a b", GOOD),
        (f"{PLACE}/ä", GOOD),
        ("https://push.example.com:99999/x", GOOD),
        ("https://[::1/x", GOOD),
        ("javascript:alert(1)", GOOD),
        (f"{PLACE}/x", {**GOOD, "auth": GOOD["auth"][:-2]}),
        (f"{PLACE}/x", {**GOOD, "auth": "!" * 22}),
        (f"{PLACE}/x", {**GOOD, "p256dh": GOOD["p256dh"][:-4]}),
        (f"{PLACE}/x", {**GOOD, "p256dh": "B" + "A" * 86}),
    ],
)
def test_what_no_browser_hands_out_is_refused(endpoint: str, keys: dict[str, str]) -> None:
    def check(address: str, own: dict[str, str]) -> str:
        subscriptions.check_keys(Keys(**own))
        return subscriptions.origin_of(address)

    with pytest.raises(Invalid):
        check(endpoint, keys)
    assert check(f"{PLACE}/x", GOOD) == PLACE


async def test_all_processes_share_one_key_that_is_sealed_where_it_is_kept(postgres_url: str) -> None:
    await asyncio.to_thread(bring_up, postgres_url)
    processes = [Database(open_engine(postgres_url), system_clock) for _ in range(2)]
    for one in processes:
        one.start()
    pairs = await asyncio.gather(*(one.write(lambda tx: vapid.ensure(tx, SEALER)) for one in processes for _ in "123"))
    assert len({pair.public for pair in pairs}) == 1
    assert len(decoded(pairs[0].public)) == 65
    found = await processes[1].read(lambda tx: vapid.find(tx, SEALER))
    assert found is not None
    private = found.private.private_numbers().private_value
    kept = await processes[0].read(lambda tx: tx.sql.get(tables.Meta, vapid.KEY))
    assert kept is not None
    assert f"{private:x}" not in kept.value
    for one in processes:
        await one.close()


async def test_with_another_server_key_there_is_a_new_pair_and_browsers_are_switched_on_anew(db: Database) -> None:
    ann = await person(db, "Ann")
    first = await db.write(lambda tx: vapid.ensure(tx, SEALER))
    await switch_on(db, ann.user_id, await login_of(db, ann.user_id))
    other = Sealer("another secret of the server, as long as that")
    assert await db.read(lambda tx: vapid.find(tx, other)) is None
    second = await db.write(lambda tx: vapid.ensure(tx, other))
    assert second.public != first.public
    assert await db.read(lambda tx: subscriptions.of_user(tx, ann.user_id)) == []
    assert (await db.write(lambda tx: vapid.ensure(tx, other))).public == second.public
