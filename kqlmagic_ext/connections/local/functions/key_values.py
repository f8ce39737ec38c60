"""The readings of `parse-kv`: keys and values in a text, found in Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Pair = tuple[str, str]


@dataclass(frozen=True)
class Marks:
    """What separates pairs, keys and values; `quotes`: opening → closing; `greedy`: a value may hold pair delimiters."""

    pair: str = ""
    kv: str = ""
    quotes: tuple[Pair, ...] = ()
    escapes: str = ""
    greedy: bool = False

    def quoted(self, text: str, at: int) -> tuple[str, int] | None:
        """The quoted text that begins there, and where it ends; None where none does, or where it has no end."""
        closing = dict(self.quotes).get(text[at : at + 1])
        if closing is None:
            return None
        found, place = [], at + 1
        while place < len(text) and text[place] != closing:
            place += text[place] in self.escapes and place + 1 < len(text)
            found.append(text[place])
            place += 1
        return ("".join(found), place + 1) if place < len(text) else None


def key_values(text: str | None, keys: str, marks: str) -> str:
    """The values of the keys, as an array in JSON with null for a key that is not there; the first of a key counts."""
    given = _marks(marks)
    found: dict[str, str] = {}
    wanted: list[str] = json.loads(keys)
    for key, value in _pairs(text or "", given) if given.kv else _loose(text or "", given, frozenset(wanted)):
        found.setdefault(key, value)
    return json.dumps([found.get(key) for key in wanted])


@lru_cache(64)
def _marks(written: str) -> Marks:
    given = json.loads(written)
    return Marks(**{**given, "quotes": tuple((opening, closing) for opening, closing in given["quotes"])})


def _pairs(text: str, marks: Marks) -> Iterator[Pair]:
    """The pairs of a text with delimiters."""
    at = 0
    while at < len(text):
        key, at = _key(text, at, marks)
        if key is not None:
            value, at = _value(text, at, marks)
            yield key, value


def _key(text: str, at: int, marks: Marks) -> tuple[str | None, int]:
    """The key that begins there and where its value does; None where what begins there has no value."""
    start = _behind_space(text, at)
    quoted = marks.quoted(text, start)
    key, behind = quoted or ("", start)
    value_at, next_at = _find(text, marks.kv, behind), _find(text, marks.pair, behind)
    if next_at < value_at or value_at == len(text):
        # A space between pairs may stand before the first of them, too.
        return None, min(next_at, len(text)) + len(marks.pair)
    return key if quoted else text[start:value_at].strip(), value_at + len(marks.kv)


def _value(text: str, at: int, marks: Marks) -> tuple[str, int]:
    """The value that begins there, and where the next pair does."""
    start = at if text.startswith(marks.pair, at) else _behind_space(text, at)
    quoted = marks.quoted(text, start)
    if quoted:
        value, behind = quoted
        return value.strip(), _find(text, marks.pair, behind) + len(marks.pair)
    end = _greedy_end(text, start, marks) if marks.greedy else _find(text, marks.pair, start)
    return text[start:end].strip(), end + len(marks.pair)


def _greedy_end(text: str, start: int, marks: Marks) -> int:
    """Before the key that comes next: behind the last delimiter before it."""
    at = start
    while (at := _find(text, marks.kv, at)) < len(text):
        end = text.rfind(marks.pair, start, at)
        if end >= 0 and text[end + len(marks.pair) : at].strip():
            return end
        at += len(marks.kv)
    return len(text)


def _loose(text: str, marks: Marks, wanted: frozenset[str]) -> Iterator[Pair]:
    """The wanted keys of a text without delimiters: each word between other characters is a key of the word behind it."""
    words = list(_words(text, marks))
    for key, value in pairwise(words):
        if key in wanted:
            yield key, value


def _words(text: str, marks: Marks) -> Iterator[str]:
    at = 0
    while at < len(text):
        quoted = marks.quoted(text, at)
        if quoted:
            word, at = quoted
            yield word.strip()
            continue
        end = at
        while end < len(text) and text[end].isalnum():
            end += 1
        if end > at:
            yield text[at:end]
        at = max(end, at + 1)


def _behind_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _find(text: str, mark: str, start: int) -> int:
    """Where the mark stands; the end where it does not."""
    found = text.find(mark, start)
    return len(text) if found < 0 else found
