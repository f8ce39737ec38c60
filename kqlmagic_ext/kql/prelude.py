"""The `let name = literal;` statements at the head of a query: values that a client sent as text, read back exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from kqlmagic_ext.kql.inside import NotLiteral
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.reading import Datatable, Reader
from kqlmagic_ext.kql.tokens import code, tokens
from kqlmagic_ext.kql.words import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from kqlmagic_ext.values import Value

_LET = re.compile(r"let\s+([A-Za-z_][A-Za-z0-9_]*)\s*=\s*")
_LONG = 10_000
_PREPARING = ("let", "set", "declare", "alias", "restrict")


@dataclass(frozen=True)
class Lifted:
    """A query whose leading literal lets were taken out.

    `text`: what remains; a name under the reserved prefix stands as `{{name}}`. `values`: what the lets gave, by the names
    as a query's inputs are called. `cuts`: where in the original a piece of the remaining text starts, as pairs (offset in
    the text, offset in the original). `readable`: the names of lets that an engine, too, could read as text in a moment.
    """

    text: str
    values: Mapping[str, Value | Datatable]
    cuts: tuple[tuple[int, int], ...]
    readable: frozenset[str] = frozenset()

    def original(self, offset: int) -> int:
        """Where in the original text an offset of the remaining text stands."""
        within, start = max(cut for cut in self.cuts if cut[0] <= offset)
        return start + offset - within


@dataclass(frozen=True)
class _Let:
    name: str
    value: Value | Datatable
    start: int
    end: int


def lift(text: str, kept: Collection[str] = ()) -> Lifted:
    """The query without those of its leading lets that give a literal or a datatable of literals.

    A let whose value cannot be read exactly stays in the text, as does one of the names `kept`.
    """
    found: dict[str, _Let] = {}
    for let in _lets(text):
        bare = let.name.removeprefix(RESERVED)
        if let.name in kept or not bare.isidentifier() or let.name in KEYWORDS or bare in found:
            continue
        found[bare] = let
    pieces, cuts, length, start = [], [], 0, 0
    for let in sorted(found.values(), key=lambda let: let.start):
        pieces.append(text[start : let.start])
        cuts.append((length, start))
        length, start = length + let.start - start, let.end
    cuts.append((length, start))
    rest = "".join([*pieces, text[start:]])
    reserved = {let.name for let in found.values() if let.name.startswith(RESERVED)}
    values = {bare: let.value for bare, let in found.items()}
    readable = frozenset(
        let.name for let in found.values() if let.name not in reserved and let.end - let.start < _LONG
    )
    return Lifted(_with_braces(rest, reserved), values, tuple(cuts), readable)


def _lets(text: str) -> Iterator[_Let]:
    """The literal lets among the statements that only prepare the query."""
    reader = Reader(text)
    while (word := text[reader.at : reader.at + 8].split(maxsplit=1)[:1]) and word[0] in _PREPARING:
        start = reader.at
        let = _let(text, start)
        if let is not None:
            yield let
            reader = Reader(text, let.end)
            continue
        end = _end_of_statement(text, start)
        if end is None:
            return
        reader = Reader(text, end)


def _let(text: str, start: int) -> _Let | None:
    """The literal let at an offset; None when it is another statement."""
    match = _LET.match(text, start)
    if match is None:
        return None
    reader = Reader(text, match.end())
    try:
        is_table = text.startswith("datatable", reader.at)
        value = reader.datatable() if is_table else reader.value()
    except (NotLiteral, RecursionError):
        return None
    return _Let(match[1], value, start, reader.at) if reader.take(";") else None


def _end_of_statement(text: str, start: int) -> int | None:
    depth = 0
    for token in tokens(text, start):
        if token.kind == "mark":
            depth += (token.text in "([{") - (token.text in ")]}")
            if token.text == ";" and depth <= 0:
                return token.end
    return None


def _with_braces(text: str, names: Collection[str]) -> str:
    """The text with each reserved name as `{{name}}`, which is as long."""
    words = code(text) if names else []
    for before, word in reversed(list(pairwise([None, *words]))):
        is_name = word is not None and word.kind == "name" and word.text in names
        if word is not None and is_name and (before is None or before.text != "."):
            text = f"{text[: word.start]}{{{{{word.text.removeprefix(RESERVED)}}}}}{text[word.end :]}"
    return text
