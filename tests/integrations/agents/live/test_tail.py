"""Lines of a file that is being written: each once and whole, whatever happens to the file."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from integrations.agents.live.tail import LONGEST_LINE, MARK, Piece, Tail, is_still


def everything(tail: Tail) -> list[bytes]:
    """Looks until nothing more comes at once."""
    lines: list[bytes] = []
    while (piece := tail.look()).lines or piece.has_more or piece.is_fresh:
        lines += piece.lines
    return lines


@pytest.mark.parametrize("seed", range(20))
def test_lines_come_once_and_whole_wherever_the_writer_was_interrupted(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    file = tmp_path / "t.jsonl"
    lines = [b"%d " % number + b"\xc3\xbc\r" * dice.randrange(50) + b"\n" for number in range(200)]
    content, seen, at = b"".join(lines), [], 0
    with Tail(file) as tail:
        assert tail.look() == Piece([])
        assert tail.is_missing
        while at < len(content):
            size = dice.choice([1, 3, 40, 400])
            with file.open("ab") as writer:
                writer.write(content[at : at + size])
            at += size
            seen += everything(tail)
            assert tail.offset == sum(map(len, seen))
        assert not tail.is_missing
    assert seen == lines


def test_a_line_without_its_end_waits_for_it(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"one\ntw")
    with Tail(file) as tail:
        assert tail.look() == Piece([b"one\n"], is_fresh=True)
        assert tail.look() == Piece([])
        with file.open("ab") as writer:
            writer.write(b"o\n")
        assert tail.look() == Piece([b"two\n"])


def test_a_file_that_is_cut_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"one\ntwo\n")
    with Tail(file) as tail:
        everything(tail)
        file.write_bytes(b"new\n")
        assert tail.look() == Piece([b"new\n"], is_fresh=True)


def test_a_file_that_is_rewritten_in_place_with_more_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"one\ntwo\n")
    with Tail(file) as tail:
        everything(tail)
        file.write_bytes(b"1st\n2nd\n3rd\n")
        assert tail.look() == Piece([b"1st\n", b"2nd\n", b"3rd\n"], is_fresh=True)


def test_a_file_that_is_replaced_is_read_to_its_end_and_then_the_other(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"one\n")
    with Tail(file) as tail:
        everything(tail)
        with file.open("ab") as writer:
            writer.write(b"two\n")
        file.rename(tmp_path / "old.jsonl")
        file.write_bytes(b"three\n")
        assert tail.look() == Piece([b"two\n"])
        assert tail.look() == Piece([], has_more=True)
        assert tail.look() == Piece([b"three\n"], is_fresh=True)


def test_a_file_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"one\n")
    with Tail(file) as tail:
        everything(tail)
        file.unlink()
        everything(tail)
        assert tail.is_missing
        file.write_bytes(b"two\n")
        assert everything(tail) == [b"two\n"]
        assert not tail.is_missing


def test_a_line_that_is_too_long_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    with file.open("wb") as writer:
        writer.write(b"one\n")
        writer.seek(LONGEST_LINE + (2 << 20), 1)  # A hole of zeros.
        writer.write(b"\ntwo\n")
    with Tail(file) as tail:
        lines = everything(tail)
    assert lines == [b"one\n", b"?\n", b"two\n"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with Tail(tmp_path) as tail, pytest.raises(OSError, match="is not a file"):
        tail.look()


def test_a_place_says_after_a_restart_whether_the_file_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"x" * MARK * 2 + b"\nsecond\npart")
    with Tail(file) as tail:
        assert tail.place() is None
        everything(tail)
        place = tail.place()
    assert place is not None
    assert place.offset == MARK * 2 + 1 + len(b"second\n")
    assert is_still(file, place)
    with file.open("ab") as writer:
        writer.write(b" and more\n")
    assert is_still(file, place)
    file.write_bytes(b"y" * MARK * 4)
    assert not is_still(file, place)
    assert not is_still(tmp_path / "none", place)
