"""An operator's arguments as the steps read them: options, items with their names, schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.language_service.ours.expressions import TYPES, column_names, type_of
from kqlmagic_ext.kql.language_service.ours.scope import UNKNOWN, Columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.follower import Follower
    from kqlmagic_ext.kql.language_service.ours.scope import Names


class Section:
    """An operator's arguments, from `low` to before `high`, with the columns that reach it and the names in force."""

    def __init__(
        self, follower: Follower, low: int, high: int, columns: Columns, names: Names, *, piped: bool = True
    ) -> None:
        self.follower, self.code = follower, follower.code
        self.low, self.high = low, high
        self.columns, self.names, self.piped = columns, names, piped

    def items(self, low: int, high: int) -> Iterator[tuple[list[str], int, int]]:
        """Each item between commas: the names that it is given by `=`, and its expression."""
        for start, end in self.code.split(low, high, ","):
            given, place = assigned(self.code, start, end)
            yield given, place, end

    def made(self, low: int, high: int) -> Iterator[tuple[str, str]]:
        """The columns that a list of expressions makes, with their types."""
        number = 1  # of those that nothing names
        for given, start, end in self.items(low, high):
            if start >= end and not given:
                continue
            kind = type_of(self.code, start, end, self.columns, self.names)
            named = column_names(self.code, start, end, number, self.columns)
            number += not given and named == [f"Column{number}"]
            if len(named) <= 1 and len(given) <= 1:
                yield from ((name, kind) for name in given or named)
                continue
            for name, old in zip([*given, *named[len(given) :]], [*named, *given[len(named) :]], strict=True):
                yield name, self.columns.types.get(old, "")


def assigned(code: Code, low: int, high: int) -> tuple[list[str], int]:
    """The names that stand before `=` in an item, and where its expression begins."""
    name, place = code.named(low, high)
    if name and code.assigns(place, high):
        return [name], place + 1
    close = code.closers.get(low, high) if code.word(low) == "(" else high
    if close < high and code.assigns(close + 1, high):
        names = [code.named(start, end)[0] for start, end in code.split(low + 1, close, ",")]
        return [name for name in names if name], close + 2
    return [], low


def past_options(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """Options such as `kind=inner hint.strategy=shuffle` at a place, and the place behind them."""
    options: dict[str, str] = {}
    while True:
        name, place = code.named(low, high)
        if name == "hint" and code.word(place) == ".":
            _, place = code.named(place + 1, high)
        if not name or not code.assigns(place, high) or place + 1 >= high:
            return options, low
        options[name] = code.words[place + 1]
        low = place + 2


def past_hints(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """`hint.…=…` at a place, which `name = expression` is not, and the place behind."""
    if code.word(low) == "hint" and code.word(low + 1) == ".":
        return past_options(code, low, high)
    return {}, low


def past_expanding(code: Code, low: int, high: int) -> tuple[dict[str, str], int]:
    """The options of mv-expand, which `name = expression` is not, and the place behind them."""
    if code.word(low) in ("bagexpansion", "with_itemindex", "kind", "hint"):
        return past_options(code, low, high)
    return {}, low


def schema(code: Code, low: int, high: int) -> Columns:
    """The columns of `(name: type, …)` at a place."""
    if code.word(low) != "(":
        return UNKNOWN
    found: dict[str, str] = {}
    for start, end in code.split(low + 1, code.closers.get(low, high), ","):
        name, place = code.named(start, end)
        if code.word(place) == "*" or code.word(start) == "*":
            return UNKNOWN
        if name:
            found[name] = TYPES.get(code.word(place + 1), "")
    return Columns(found)
