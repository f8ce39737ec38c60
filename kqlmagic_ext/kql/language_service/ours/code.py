"""A query text as tokens without spaces and comments, with the brackets that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqlmagic_ext.kql.tokens import Token

_CLOSING = {")": "(", "]": "[", "}": "{"}


class Code:
    """Tokens by place.

    `closers` gives the place of the bracket that closes the one at a place, `unclosed` and `unopened` the brackets
    without their other half; `depth`: how deep brackets stand in brackets.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        every = list(tokens(text))
        self.tokens = [token for token in every if token.kind not in ("space", "comment")]
        self.last = every[-1] if every else None
        self.words = [token.text if token.kind != "string" else "''" for token in self.tokens]
        self.closers: dict[int, int] = {}
        self.unclosed: list[int] = []
        self.unopened: list[int] = []
        self.depth = 0
        self._pair()

    @property
    def ends_in_text(self) -> bool:
        """Whether the end stands inside a string or a comment, where no word of the language is wanted."""
        if self.last is None or self.last.kind not in ("string", "comment"):
            return False
        return self.last.kind == "comment" or not _is_closed(self.last.text)

    @staticmethod
    def is_closed(token: Token) -> bool:
        """Whether a string has its closing quote."""
        return _is_closed(token.text)

    def __len__(self) -> int:
        return len(self.tokens)

    def _pair(self) -> None:
        open_: list[int] = []
        for place, word in enumerate(self.words):
            if word in ("(", "[", "{"):
                open_.append(place)
                self.depth = max(self.depth, len(open_))
            elif word in _CLOSING:
                if open_ and self.words[open_[-1]] == _CLOSING[word]:
                    self.closers[open_.pop()] = place
                else:
                    self.unopened.append(place)
        self.unclosed = open_

    def word(self, place: int) -> str:
        """The token's text at a place; a string as `''`, and nothing outside the text."""
        return self.words[place] if 0 <= place < len(self.words) else ""

    def is_name(self, place: int) -> bool:
        """Whether a name stands at a place."""
        return 0 <= place < len(self.tokens) and self.tokens[place].kind == "name"

    def slice(self, low: int, high: int) -> str:
        """The text from one place up to before another."""
        if low >= high:
            return ""
        return self.text[self.tokens[low].start : self.tokens[high - 1].end]

    def split(self, low: int, high: int, mark: str) -> list[tuple[int, int]]:
        """The spans between marks that stand outside brackets."""
        spans, start, place, words, closers = [], low, low, self.words, self.closers
        while place < high:
            word = words[place]
            if word == mark:
                spans.append((start, place))
                start = place + 1
            elif word in ("(", "[", "{"):
                place = closers.get(place, high)
            place += 1
        return [*spans, (start, high)]

    def level(self, low: int, high: int) -> Iterator[int]:
        """The places outside brackets, an opening bracket standing for what it holds."""
        place = low
        while place < high:
            yield place
            place = self.closers.get(place, high) + 1 if self.words[place] in ("(", "[", "{") else place + 1

    def find(self, low: int, high: int, *words: str) -> int:
        """The first place outside brackets where one of the words stands; `high` when there is none."""
        return next((place for place in self.level(low, high) if self.words[place] in words), high)

    def named(self, low: int, high: int) -> tuple[str, int]:
        """The name at a place, plain or as `['name']`, and the place behind it; empty when there is none."""
        if low < high and self.tokens[low].kind == "name":
            return self.tokens[low].text, low + 1
        if low + 2 < high and self.words[low : low + 3] == ["[", "''", "]"]:
            return self.tokens[low + 1].text.strip("\"'"), low + 3
        return "", low

    def hyphened(self, low: int, high: int) -> tuple[str, int]:
        """A name that may hold hyphens, as operators do, and the place behind it."""
        if not (low < high and self.is_name(low)):
            return "", low
        place = low + 1
        while (
            place + 1 < high
            and self.words[place] == "-"
            and self.is_name(place + 1)
            and self.tokens[place + 1].start == self.tokens[place - 1].end + 1
        ):
            place += 2
        return self.slice(low, place), place

    def assigns(self, low: int, high: int) -> bool:
        """Whether `=` stands at a place and is not part of `==` or `=~`."""
        return low < high and self.words[low] == "=" and self.word(low + 1) not in ("=", "~")


def _is_closed(string: str) -> bool:
    """Whether a string's token has its closing quote."""
    body = string.lstrip("hH")
    is_verbatim, body = body.startswith("@"), body.removeprefix("@")
    mark = body[:3] if body[:3] in ("```", "~~~") else body[:1]
    inside = body[len(mark) :]
    if not inside.endswith(mark):
        return False
    inside = inside[: -len(mark)]
    if is_verbatim:
        return inside.count(mark) % 2 == 0
    return len(mark) > 1 or (len(inside) - len(inside.rstrip("\\"))) % 2 == 0
