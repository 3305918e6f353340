"""Secrets in the database: only who has the server's key can open them, and only where they were put."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sealing import CannotOpen, Sealer

KEY = "a key of the tests, with more than thirty-two bytes"


@given(text=st.text(max_size=300), place=st.text(max_size=40))
@settings(max_examples=60)
def test_what_is_sealed_opens_again_and_shows_nothing_meanwhile(text: str, place: str) -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(place, text)
    assert sealer.open(place, sealed) == text
    assert Sealer(KEY).open(place, sealed) == text, "after a restart"
    if len(text.encode()) >= 8:
        assert text.encode() not in sealed


def test_the_same_secret_is_never_sealed_the_same_way_twice() -> None:
    sealer = Sealer(KEY)
    assert len({sealer.seal("slack token T1", "xoxb-1") for _ in range(50)}) == 50


@given(at=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
@settings(max_examples=120)
def test_a_changed_byte_anywhere_closes_it(at: int, flip: int) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal("slack token T1", "xoxb-1234567890"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(CannotOpen):
        sealer.open("slack token T1", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 13, 20, 34])
def test_a_part_of_it_opens_nothing(length: int) -> None:
    sealed = Sealer(KEY).seal("slack token T1", "xoxb-1")
    with pytest.raises(CannotOpen):
        Sealer(KEY).open("slack token T1", sealed[:length])


def test_another_key_and_another_place_open_nothing() -> None:
    sealed = Sealer(KEY).seal("slack token T1", "xoxb-1")
    for sealer, place in ((Sealer(KEY + "x"), "slack token T1"), (Sealer(KEY), "slack token T2"), (Sealer(KEY), "")):
        with pytest.raises(CannotOpen):
            sealer.open(place, sealed)
    assert KEY not in repr(Sealer(KEY))
