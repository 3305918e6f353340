"""The words of a text, as search sees them: folded, without accents, one way for every database.

Pure. A word is a run of letters, digits or underscores; in scripts that are written without spaces every character is
one. `src/app.py` is three words. Texts and queries go through the same functions, so that both engines, which only
compare what comes out, give the same answers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

#: Longer words are known by their beginning: a line of Base64 is no word that anybody types.
MAX_WORD = 64
#: Characters of a snippet, about, and how much of it stands before the first match.
SNIPPET, LEAD = 160, 40

# Chinese characters, hiragana and katakana.
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")
#: The same for ASCII, in half the time.
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_PIECE = re.compile(r'"(?P<phrase>[^"]*)(?P<end>"?)|(?P<plain>[^\s"]+)')
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand side by side; with `is_prefix` the last of them may go on."""

    words: tuple[str, ...]
    is_prefix: bool

    def stands_at(self, words: list[str], start: int) -> bool:
        found = words[start : start + len(self.words)]
        if len(found) < len(self.words):
            return False
        if not self.is_prefix:
            return tuple(found) == self.words
        return tuple(found[:-1]) == self.words[:-1] and found[-1].startswith(self.words[-1])


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a snippet, plain text."""

    text: str
    is_match: bool


@lru_cache(maxsize=4_096)
def _fold(character: str) -> str:
    """`É` → `e`, `ß` → `ss`. Decomposing can bring capitals back (`ℌ`), and lower case can be composed: hence twice."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))


def words_of(text: str) -> list[str]:
    """Every word, in order."""
    if text.isascii():
        found: list[str] = _ASCII_WORD.findall(text.lower())
    else:
        found = _WORD.findall("".join(map(_fold, text)))
    return [word[:MAX_WORD] for word in found]


def plain(text: str) -> str:
    """A text as its words alone, each between two spaces: what the engines index, and where phrases are found."""
    return f" {' '.join(words_of(text))} "


def terms_of(query: str) -> list[Term]:
    """What a query asks for: all of these. Empty where it holds no word.

    `"words in quotes"` stand side by side, and so do the words of `src/app.py`. A word that ends in `*` may go on, and
    so may the last one, which somebody may still be typing, unless its quotes are closed.
    """
    found: list[Term] = []
    is_open = False
    for piece in _PIECE.finditer(query):
        text = piece["plain"] if piece["plain"] is not None else piece["phrase"]
        words = tuple(words_of(text))
        if words:
            is_open = not piece["end"]
            found.append(Term(words, is_prefix=text.endswith("*")))
    if found and is_open:
        found[-1] = Term(found[-1].words, is_prefix=True)
    return list(dict.fromkeys(found))


def matches(text: str, terms: list[Term]) -> bool:
    """What finding means: every term stands somewhere in the text. The databases' answers are held to this."""
    words = words_of(text)
    return all(any(term.stands_at(words, start) for start in range(len(words))) for term in terms)


def snippet(text: str, terms: list[Term]) -> list[Piece]:
    """The part of `text` around the first match, cut where its matches begin and end. Never markup."""
    spans = _spans(text, terms)
    start, end = _window(text, spans[0][0] if spans else 0)
    pieces = [Piece("…", is_match=False)] if start > 0 else []
    place = start
    for first, last in spans:
        if last > end:
            break
        if first >= place:
            pieces += [Piece(text[place:first], is_match=False), Piece(text[first:last], is_match=True)]
            place = last
    pieces.append(Piece(text[place:end] + ("…" if end < len(text) else ""), is_match=False))
    return _joined(pieces)


def _spans(text: str, terms: list[Term]) -> list[tuple[int, int]]:
    """(from, to) of each word of each match, in order."""
    folds = [_fold(character) for character in text]
    origin = [place for place, fold in enumerate(folds) for _ in fold]
    places = [match.span() for match in _WORD.finditer("".join(folds))]
    words = words_of(text)
    hits: set[int] = set()
    for term in terms:
        for start in range(len(words)):
            if term.stands_at(words, start):
                hits.update(range(start, start + len(term.words)))
    # A span ends where the next character begins, so that accents written apart stay with their letter.
    origin.append(len(text))
    return [(origin[places[hit][0]], origin[places[hit][1]]) for hit in sorted(hits)]


def _window(text: str, first: int) -> tuple[int, int]:
    """Begins and ends between words where there is a space near enough."""
    start = max(0, min(first - LEAD, len(text) - SNIPPET))
    space = text.find(" ", start, first) if start > 0 else -1
    start = space + 1 if space >= 0 else start
    end = min(len(text), max(start + SNIPPET, first + MAX_WORD))
    space = text.rfind(" ", start + SNIPPET // 2, end) if end < len(text) else -1
    return start, space if space > first else end


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one kind as one, every run of white space as one space, nothing empty."""
    found: list[Piece] = []
    for piece in pieces:
        text = _SPACE.sub(" ", piece.text)
        if not text:
            continue
        if found and found[-1].is_match == piece.is_match:
            text = found.pop().text + text
        found.append(Piece(text, piece.is_match))
    return found
