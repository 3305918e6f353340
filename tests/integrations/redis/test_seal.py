"""What a seal proves: that a process of this deployment said this, on this topic, and not long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.redis.seal import Refused, Seal, signing_key

KEY = signing_key("a secret that all of these processes have in common")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def one(clock: Clock) -> Seal:
    return Seal(KEY, "one", clock)


@pytest.fixture
def two(clock: Clock) -> Seal:
    return Seal(KEY, "two", clock)


def refusal(seal: Seal, topic: str, sealed: bytes) -> str:
    with pytest.raises(Refused) as refused:
        seal.open(topic, sealed)
    return refused.value.reason


def test_what_one_process_seals_another_opens_and_the_first_leaves_alone(one: Seal, two: Seal) -> None:
    sealed = one.seal("a", b"hello")
    assert two.open("a", sealed) == b"hello"
    assert one.open("a", sealed) is None


def test_no_bit_can_be_changed(one: Seal, two: Seal) -> None:
    sealed = one.seal("a", b"hello")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        assert refusal(two, "a", bytes(changed)) == "forged"
    for length in range(len(sealed)):
        assert refusal(two, "a", sealed[:length]) == "forged"
    assert two.open("a", sealed) == b"hello"


def test_it_holds_for_its_topic_only(one: Seal, two: Seal) -> None:
    sealed = one.seal("ab", b"hello")
    assert refusal(two, "a", sealed) == "forged"
    assert refusal(two, "abc", sealed) == "forged"


def test_another_secret_is_another_deployment(one: Seal, clock: Clock) -> None:
    stranger = Seal(signing_key("another secret, of another deployment"), "stranger", clock)
    assert refusal(one, "a", stranger.seal("a", b"hello")) == "forged"
    assert refusal(stranger, "a", one.seal("a", b"hello")) == "forged"


def test_nothing_is_taken_twice_and_nothing_after_what_was_said_later(one: Seal, two: Seal) -> None:
    first, second, third = (one.seal("a", b"hello") for _ in range(3))
    assert two.open("a", first) == b"hello"
    assert two.open("a", third) == b"hello"
    for old in (first, second, third):
        assert refusal(two, "a", old) == "repeated"


def test_what_an_unknown_process_said_long_ago_is_a_repetition(one: Seal, two: Seal, clock: Clock) -> None:
    old, clock.now = one.seal("a", b"hello"), clock.now + timedelta(seconds=59)
    fresh = one.seal("a", b"hello")
    clock.now += timedelta(seconds=2)
    assert refusal(two, "a", old) == "repeated"
    assert two.open("a", fresh) == b"hello"


def test_a_clock_that_is_set_back_does_not_silence_a_process(one: Seal, two: Seal, clock: Clock) -> None:
    assert two.open("a", one.seal("a", b"before")) == b"before"
    clock.now -= timedelta(hours=2)
    assert two.open("a", one.seal("a", b"after")) == b"after"
    assert two.open("a", one.seal("a", b"and after")) == b"and after"


def test_processes_that_are_gone_are_forgotten_and_still_cannot_be_repeated(two: Seal, clock: Clock) -> None:
    said = [Seal(KEY, f"process {number}", clock).seal("a", b"hello") for number in range(300)]
    for sealed in said[:250]:
        assert two.open("a", sealed) == b"hello"
    clock.now += timedelta(minutes=5)
    late = [Seal(KEY, f"late {number}", clock).seal("a", b"hello") for number in range(50)]
    for sealed in late:
        assert two.open("a", sealed) == b"hello"
    for sealed in said + late:
        assert refusal(two, "a", sealed) == "repeated"
