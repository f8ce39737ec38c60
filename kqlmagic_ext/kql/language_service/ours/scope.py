"""What a name may mean at a place of a query: columns, and what `let` has named."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns at a step, with their KQL types (empty: not known); `known` says whether these are all."""

    types: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    known: bool = True

    @classmethod
    def of(cls, made: Iterable[tuple[str, str]]) -> Columns:
        """The columns that expressions make; a name that comes again gets a number behind it."""
        types: dict[str, str] = {}
        _add(types, made)
        return cls(types)

    def with_(self, more: Iterable[tuple[str, str]]) -> Columns:
        """These and more; a column of the same name gets the new type in its old place."""
        return Columns({**self.types, **dict(more)}, self.known)

    def without(self, names: Iterable[str]) -> Columns:
        """These without some."""
        gone = set(names)
        return Columns({name: kind for name, kind in self.types.items() if name not in gone}, self.known)

    def only(self, names: Iterable[str]) -> Columns:
        """Some of these, in the order asked for."""
        return Columns({name: self.types[name] for name in names if name in self.types}, self.known)

    def beside(self, right: Columns) -> Columns:
        """These and those of another table; a name that both have gets a number behind it on the right."""
        merged = dict(self.types)
        _add(merged, right.types.items())
        return Columns(merged, self.known and right.known)

    def and_those_of(self, other: Columns) -> Columns:
        """These and, behind them, what another table has besides, as union gives them."""
        return Columns({**self.types, **other.types, **self.types}, self.known and other.known)

    def united(self, other: Columns) -> Columns:
        """The columns of a union: one that has two types stands as `Name_string` and `Name_dynamic`, too."""
        split = {
            f"{name}_{kind}": kind
            for name, first in self.types.items()
            if first != (second := other.types.get(name, first)) and first and second
            for kind in (first, second)
        }
        return Columns({**self.types, **other.types, **self.types, **split}, self.known and other.known)

    def unsure(self) -> Columns:
        """The same, when there may be more."""
        return Columns(self.types, known=False) if self.known else self


def _add(types: dict[str, str], more: Iterable[tuple[str, str]]) -> None:
    for name, kind in more:
        number, free = 0, name
        while free in types:
            number += 1
            free = f"{name}{number}"
        types[free] = kind


NOTHING = Columns()
UNKNOWN = Columns(known=False)


@dataclass(frozen=True, eq=False)
class Function:
    """A function that `let` has named: its parameters as written, and what it gives: a table or a value's type."""

    parameters: str
    gives: Columns | str


Binding = Columns | Function | str


@dataclass(frozen=True, eq=False)
class Names:
    """What `let` has named so far. The same object means the same names: results are kept by it."""

    lets: Mapping[str, Binding] = field(default_factory=lambda: MappingProxyType({}))

    def with_(self, name: str, binding: Binding) -> Names:
        """These names and one more."""
        return Names({**self.lets, name: binding})
