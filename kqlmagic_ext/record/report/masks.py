"""What of a case a report may show: values of chosen columns are nowhere in it, addresses open nothing."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import quote

from kqlmagic_ext.kql.literals import quoted
from kqlmagic_ext.kql.tokens import tokens
from kqlmagic_ext.record.report.defang import defanged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kqlmagic_ext.kql.tokens import Token

_HEAD = 4
SHORTEST = 4  # characters; a shorter value is hidden only where it stands alone


class Mask:
    """Turns text of a case into text of its report.

    `hidden`: the columns whose values are hidden, with all values of each. What stands for a value is the same everywhere, so
    that a reader can follow the story, and is numbered as it appears: its number tells nothing of the value. Case makes no
    difference, as in most of KQL's comparisons.
    """

    def __init__(self, hidden: Mapping[str, Iterable[str]], *, is_defanged: bool = False) -> None:
        self.columns, self._is_defanged = tuple(hidden), is_defanged
        self._places: dict[str, int] = {}  # of each value, as `key` writes it, the column
        self._keys: dict[str, str] = {}  # of each way to write a value
        self._names: dict[str, str] = {}
        self._numbers = [0] * len(self.columns)
        for place, column in enumerate(hidden.values()):
            for value in filter(None, column):
                self._places.setdefault(key(value), place)
                self._keys |= dict.fromkeys(_forms(value), key(value))
        self._heads: dict[str, list[str]] = {}
        for form in self._keys:
            self._heads.setdefault(form[:_HEAD], []).append(form)
        for forms in self._heads.values():
            forms.sort(key=len, reverse=True)
        self._lengths = sorted({len(head) for head in self._heads}, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without hidden values of four characters or more, and defanged where that is wanted."""
        text = self._redacted(text) if self._heads else text
        return defanged(text) if self._is_defanged else text

    def whole(self, text: str) -> str:
        """A text that may be a value as a whole, however short: a cell, a title, an item of a list."""
        return self._name(key(text)) if self.holds(text) else self(text)

    def holds(self, text: str) -> bool:
        """Whether a text is a hidden value."""
        return key(text) in self._places

    def within(self, text: str) -> str:
        """A text between two marks of HTML: a whole, but for the space around it."""
        inner = text.strip()
        return text.replace(inner, self.whole(inner)) if inner else text

    def query(self, text: str, *kinds: str) -> str:
        """The text of a query: its string literals are such wholes, and its tokens of other `kinds`."""
        if not self._places:
            return self(text)
        return self("".join(self._token(token, ("string", *kinds)) for token in tokens(text)))

    def letter(self, column: str) -> str:
        """The letter in all that stands for values of a column."""
        return _letters(self.columns.index(column))

    def _token(self, token: Token, kinds: Collection[str]) -> str:
        if token.kind not in kinds:
            return token.text
        before, value, behind = parted(token.text)
        return f"{before}{self._name(key(value))}{behind}" if key(value) in self._places else token.text

    def _name(self, value: str) -> str:
        """What stands for a value: nothing in which a hidden value could be read."""
        name, place = self._names.get(value, ""), self._places[value]
        while not name or (value not in self._names and self._found(name)):
            self._numbers[place] += 1
            name = f"⟦{_letters(place)}{self._numbers[place]}⟧"
        self._names[value] = name
        return name

    def _found(self, text: str) -> bool:
        folded, _ = _folded(text)
        return any(self._at(folded, place) for place in range(len(folded)))

    def _at(self, folded: str, place: int) -> str:
        """The longest hidden value that stands at a place of the text; empty when none does."""
        for length in self._lengths:
            for form in self._heads.get(folded[place : place + length], ()):
                if len(form[:_HEAD]) == length and folded.startswith(form, place):
                    return form
        return ""

    def _redacted(self, text: str) -> str:
        folded, places = _folded(text)
        shown, at, begun = [], 0, 0
        while at < len(folded):
            form = self._at(folded, at)
            if not form:
                at += 1
                continue
            shown += [text[begun : places[at]], self._name(self._keys[form])]
            at += len(form)
            begun = places[at - 1] + 1
        return "".join([*shown, text[begun:]])


def key(value: str) -> str:
    """A value as it is compared."""
    return _folded(value)[0] or value


_PARTS = re.compile(r"([hH]?@?(?P<quote>```|~~~|[\"']))(.*?)((?P=quote)?)", re.DOTALL)


def parted(literal: str) -> tuple[str, str, str]:
    """A string literal's opening, what stands in it, and its closing."""
    match = _PARTS.fullmatch(literal)
    return (match[1], match[3], match[4]) if match else ("", literal, "")


def _forms(value: str) -> set[str]:
    """The ways in which a text of a case can write a value, folded: as it is, within JSON, within KQL, within an address."""
    if len(value) < SHORTEST:
        return set()
    written = {
        form
        for text in {value, normalize("NFC", value), normalize("NFD", value)}
        for form in (
            text,
            json.dumps(text)[1:-1],
            quoted(text)[1:-1],
            text.replace("'", "''"),
            text.replace('"', '""'),
            quote(text, errors="replace"),
            quote(text, safe="", errors="replace"),
        )
    }
    return {_folded(form)[0] for form in written} - {""}


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and where each of its characters stood.

    In small letters (a final sigma as any sigma), accents beside their letters, without the backslashes that JSON and KQL add.
    """
    if text.isascii():
        small = text.lower()
        return small.replace("\\", ""), [place for place, char in enumerate(small) if char != "\\"]
    folded = [(part, place) for place, char in enumerate(text) if char != "\\" for part in _letter(char)]
    return "".join(part for part, _ in folded), [place for _, place in folded]


@cache
def _letter(char: str) -> str:
    return normalize("NFD", normalize("NFD", char).casefold())


def _letters(place: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)
