"""KQL text as tokens with their spans: strings in all forms, comments, names, numbers, punctuation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN = 'h"***"'
_TOKEN = re.compile(
    r"""
      (?P<string> [hH]?@"(?:[^"]|"")*(?:"|\Z) | [hH]?@'(?:[^']|'')*(?:'|\Z)
                | [hH]?"(?:[^"\\\n]|\\.)*"? | [hH]?'(?:[^'\\\n]|\\.)*'?
                | [hH]?```.*?(?:```|\Z) | [hH]?~~~.*?(?:~~~|\Z) )
    | (?P<comment> //[^\n]* )
    | (?P<name> [A-Za-z_$]\w* )
    | (?P<number> \d\w* )
    | (?P<space> \s+ )
    | (?P<mark> . )
    """,
    re.DOTALL | re.VERBOSE,
)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Token:
    """A piece of KQL text: `kind` is string, comment, name, number, space or mark (one character)."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind the token."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Placeholder:
    """A `{{name}}` outside strings and comments; `name` is None when the braces hold anything but a name."""

    name: str | None
    start: int
    end: int


def token_at(text: str, offset: int) -> Token | None:
    """The token that starts at an offset; None at the end of the text."""
    match = _TOKEN.match(text, offset)
    return None if match is None else Token(match.lastgroup or "mark", match.group(), match.start())


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """All tokens of the text from an offset on, in order; together they are the text."""
    for match in _TOKEN.finditer(text, start):
        yield Token(match.lastgroup or "mark", match.group(), match.start())


def without_hidden(text: str) -> str:
    """The text with each `h"…"`, the string that KQL keeps out of logs, as `h"***"`: what is told and kept of a query."""
    return "".join(HIDDEN if _is_hidden(token) else token.text for token in tokens(text))


def _is_hidden(token: Token) -> bool:
    return token.kind == "string" and token.text[0] in "hH"


def code(text: str) -> list[Token]:
    """The tokens without comments and white space."""
    return [token for token in tokens(text) if token.kind not in ("comment", "space")]


def split(text: str, mark: str) -> list[tuple[int, int]]:
    """The spans between `mark`s that stand outside strings, comments and brackets."""
    spans, start, depth = [], 0, 0
    for token in tokens(text):
        if token.kind != "mark":
            continue
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif token.text == mark and depth <= 0:
            spans.append((start, token.start))
            start = token.end
    return [*spans, (start, len(text))]


def placeholders(text: str) -> list[Placeholder]:
    """The `{{name}}`s of the text, in order."""
    found: list[Placeholder] = []
    marks = list(tokens(text))
    for first, second in pairwise(marks):
        if (
            first.text == second.text == "{"
            and first.kind == "mark"
            and (not found or first.start >= found[-1].end)
        ):
            found.append(_placeholder(text, first.start))
    return found


_NAMED = re.compile(r"\{\{[ \t]*([^\W\d]\w*)[ \t]*\}\}")


def _placeholder(text: str, start: int) -> Placeholder:
    if match := _NAMED.match(text, start):
        return Placeholder(match[1], start, match.end())
    end = text.find("}}", start)
    return Placeholder(None, start, start + 2 if end < 0 else end + 2)


def placeholders_in_strings(text: str) -> list[str]:
    """The names that stand as `{{name}}` inside string literals, where they are plain text."""
    return [
        match[1] for token in tokens(text) if token.kind == "string" for match in _NAMED.finditer(token.text)
    ]


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def place(text: str, offset: int, shown: str | None = None) -> dict[str, Any]:
    """Line, column and source line of an offset, as an error takes them; `shown`: the text whose lines are shown."""
    line, column = position(text, offset)
    lines = (text if shown is None else shown).split("\n")
    return {
        "line": line,
        "column": column,
        "source": lines[line - 1].rstrip("\r") if line <= len(lines) else None,
    }


def find_name(text: str, name: str, *, last: bool = False) -> int | None:
    """The offset of the first (or last) place where `name` stands as a name or as `['name']`; None when nowhere."""
    places = [token.start for token in code(text) if _is_name(text, token, name)]
    return (places[-1] if last else places[0]) if places else None


def names_in(text: str) -> set[str]:
    """Everything that stands as a name or as `['name']`: one reading of the text for any number of names."""
    return {
        token.text if token.kind == "name" else token.text[1:-1]
        for token in code(text)
        if token.kind == "name" or _is_bracketed(text, token)
    }


def _is_name(text: str, token: Token, name: str) -> bool:
    if token.kind == "name":
        return token.text == name
    return token.text[1:-1] == name and _is_bracketed(text, token)


def _is_bracketed(text: str, token: Token) -> bool:
    """Whether the token is the string of `['name']`."""
    return token.kind == "string" and text[: token.start].rstrip().endswith("[")
