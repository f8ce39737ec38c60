"""The columns at each step of a query, followed on its tokens from the source on."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from kqlmagic_ext.kql.language_service.ours.expressions import TYPES, type_of
from kqlmagic_ext.kql.language_service.ours.scope import (
    NOTHING,
    UNKNOWN,
    Columns,
    Function,
    Names,
)
from kqlmagic_ext.kql.language_service.ours.section import Section, schema
from kqlmagic_ext.kql.language_service.ours.steps import KEEPING, STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqlmagic_ext.kql.language_service import Schema
    from kqlmagic_ext.kql.language_service.ours.code import Code
    from kqlmagic_ext.kql.language_service.ours.memo import Memo
    from kqlmagic_ext.kql.language_service.ours.scope import Binding

    Watch = Callable[[str, int, int, Columns, Names], None]

_Result = TypeVar("_Result")
SOURCES = frozenset(
    ("print", "range", "datatable", "externaldata", "external_data", "union", "search", "find")
)
PREPARING = frozenset(("let", "set", "declare", "alias", "restrict", "pattern"))
ROOT = Names()
_WILD_TABLES = 200  # of `union *`: more would offer every column there is


class Follower:
    """Follows one query text. `watch` is told of every operator with its arguments, the columns that reach it, and the names.

    Without `watch`, finished steps are remembered by their text, so that following on costs little.
    """

    def __init__(
        self,
        code: Code,
        schema: Schema,
        memo: Memo | None = None,
        watch: Watch | None = None,
        unknown: Callable[[int, str], None] | None = None,
    ) -> None:
        self.code, self.schema, self._memo, self._watch, self._unknown = code, schema, memo, watch, unknown
        self.named: dict[str, Columns] = {}  # by `as`

    # ------------------------------------------------------------ statements

    def statements(self, low: int, high: int, names: Names) -> tuple[Names, Binding]:
        """The names in force behind some statements, and what the last one gives."""
        last: Binding = UNKNOWN
        for start, end in self.code.split(low, high, ";"):
            if start >= end:
                continue
            if self.code.words[start] == "let":
                names = self.let(start, end, names)
            elif self.code.words[start] == "declare":
                names = self._declared(start, end, names)
            elif self.code.words[start] not in PREPARING:
                last = self.value(start, end, names)
        return names, last

    def let(self, low: int, high: int, names: Names) -> Names:
        """The names with that of a `let` statement."""
        name, place = self.code.named(low + 1, high)
        if not name or not self.code.assigns(place, high):
            return names
        return self._kept(
            ("let", self.code.slice(low, high), names),
            low,
            high,
            lambda: names.with_(name, self.value(place + 1, high, names)),
        )

    def _declared(self, low: int, high: int, names: Names) -> Names:
        opening = self.code.find(low, high, "(")
        for name, kind in schema(self.code, opening, high).types.items():
            names = names.with_(name, kind)
        return names

    def value(self, low: int, high: int, names: Names) -> Binding:
        """What an expression of a statement gives: a table's columns, a function, or a value's type."""
        code = self.code
        if code.word(low) == "view":
            low += 1
        if code.word(low) == "(":
            close = code.closers.get(low, high)
            if close + 1 < high and code.words[close + 1] == "{":
                return self._function(low, close, high, names)
            if close == high - 1:
                return self.value(low + 1, close, names)
        if self.is_tabular(low, high, names):
            return self.pipeline(low, high, names)
        return type_of(code, low, high, NOTHING, names)

    def _function(self, low: int, close: int, high: int, names: Names) -> Function:
        inside = self.parameters(low, close, names)
        _, gives = self.statements(close + 2, self.code.closers.get(close + 1, high), inside)
        gives = gives if isinstance(gives, Columns | str) else UNKNOWN
        return Function(self.code.slice(low, close + 1), gives)

    def parameters(self, low: int, close: int, names: Names) -> Names:
        """The names inside a function whose parameters stand between two parentheses."""
        code = self.code
        for start, end in code.split(low + 1, close, ","):
            name, place = code.named(start, end)
            if not name:
                continue
            is_table = code.word(place + 1) == "("
            kind = TYPES.get(code.word(place + 1), "")
            names = names.with_(name, schema(code, place + 1, end) if is_table else kind)
        return names

    def is_tabular(self, low: int, high: int, names: Names) -> bool:
        """Whether an expression gives a table, as far as its first words tell."""
        code = self.code
        if len(code.split(low, high, "|")) > 1:
            return True
        first = code.word(low)
        if first in SOURCES or first in ("materialize", "table"):
            return not (first == "range" and code.word(low + 1) == "(")
        bound = names.lets.get(first)
        if isinstance(bound, Function):
            return isinstance(bound.gives, Columns)
        if low + 1 < high and code.words[low + 1] == "(":
            return first in (
                "_GetWatchlist",
                "workspace",
                "cluster",
                "database",
                "app",
                "arg",
                "adx",
                "resource",
            )
        if first == "(":
            return self.is_tabular(low + 1, code.closers.get(low, high), names)
        is_alone = code.named(low, high)[1] == high
        return is_alone and (isinstance(bound, Columns) or self._table(code.named(low, high)[0]) is not None)

    # ------------------------------------------------------------ pipelines

    def pipeline(self, low: int, high: int, names: Names, given: Columns | None = None) -> Columns:
        """The columns at the end of a pipeline; `given`: those that reach its first operator, when it has no source."""
        sections = self.code.split(low, high, "|")
        columns = given if given is not None else self.source(*sections.pop(0), names)
        for start, end in sections:
            columns = self.step(start, end, columns, names)
        return columns

    def step(self, low: int, high: int, columns: Columns, names: Names) -> Columns:
        """The columns behind an operator and its arguments."""
        name, place = self.code.hyphened(low, high)
        if name == "as":  # later parts of the query use the name as they do one of let
            self.named[self.code.named(past_hint(self.code, place, high), high)[0]] = columns
        if self._watch is not None:
            self._watch(name, place, high, columns, names)
        make = STEPS.get(name, KEEPING)
        return self._kept(
            ("step", self.code.slice(low, high), columns, names),
            low,
            high,
            lambda: make(Section(self, place, high, columns, names)),
        )

    def source(self, low: int, high: int, names: Names) -> Columns:
        """The columns of a table expression: a name, a call, a pipeline in parentheses, or an operator that reads none."""
        code = self.code
        first = code.word(low)
        if low >= high:
            return UNKNOWN
        if first == "(":
            return self.pipeline(low + 1, code.closers.get(low, high), names)
        if first in SOURCES:
            if self._watch is not None:
                self._watch(first, low + 1, high, NOTHING, names)
            return STEPS[first](Section(self, low + 1, high, NOTHING, names, piped=False))
        if code.word(low + 1) == "(" and low + 1 < high:
            return self._called(low, high, names)
        name, place = code.named(low, high)
        if place < high and code.words[place] == ".":
            return self._table_at_path(place, high)
        found = self.table(name, names)
        is_alone = bool(name) and place == high and name not in names.lets
        if found is UNKNOWN and is_alone and self._unknown is not None:
            self._unknown(low, name)
        return found

    def table(self, name: str, names: Names) -> Columns:
        """The columns of a name: of `let`, of `as`, or of the schema; not known when nothing has it."""
        bound = names.lets.get(name) or self.named.get(name)
        if isinstance(bound, Columns):
            return bound
        return self._table(name) or UNKNOWN

    def tables(self, low: int, high: int, names: Names) -> Columns:
        """The columns of one item of a union: a table expression, or a pattern such as `Device*`."""
        pattern = "".join(self.code.slice(low, high).split())
        if "*" not in pattern or "(" in pattern:
            unknown, self._unknown = self._unknown, None  # a union may name what is not there
            found = self.source(low, high, names)
            self._unknown = unknown
            return found
        matching = [name for name in self.schema.tables if fnmatchcase(name, pattern)]
        merged: dict[str, str] = {}
        for name in matching[:_WILD_TABLES]:
            merged = {**self.table(name, names).types, **merged}
        return Columns(merged, known=0 < len(matching) <= _WILD_TABLES)

    def _table(self, name: str) -> Columns | None:
        if name not in self.schema.tables:
            return None
        return (
            self._read(name)
            if self._memo is None
            else self._memo.get(("table", name), lambda: self._read(name))
        )

    def _read(self, name: str) -> Columns:
        columns = self.schema.tables[name]
        return Columns(columns, known=bool(columns))  # a table that was not read yet tells none

    def _called(self, low: int, high: int, names: Names) -> Columns:
        code, name = self.code, self.code.words[low]
        close = code.closers.get(low + 1, high)
        if name in ("materialize", "totable", "view"):
            return self.pipeline(low + 2, close, names)
        if name == "table" and low + 2 < close:
            return self.table(code.tokens[low + 2].text.strip("\"'"), names)
        bound = names.lets.get(name)
        if isinstance(bound, Function) and isinstance(bound.gives, Columns):
            return bound.gives
        return self._table_at_path(close + 1, high)

    def _table_at_path(self, low: int, high: int) -> Columns:
        """The table at the end of a path such as `workspace("x").SigninLogs`."""
        dots = [place for place in self.code.level(low, high) if self.code.words[place] == "."]
        return (self._table(self.code.named(dots[-1] + 1, high)[0]) if dots else None) or UNKNOWN

    def _kept(self, key: tuple[object, ...], low: int, high: int, make: Callable[[], _Result]) -> _Result:
        """The result kept under a key; what `as` names is not in the key, so it goes without."""
        if self._memo is None or self.named or "as" in self.code.words[low:high]:
            return make()
        return self._memo.get(key, make)


def past_hint(code: Code, low: int, high: int) -> int:
    """The place behind a `hint.…=…`, if one stands there."""
    is_hint = code.word(low) == "hint" and code.word(low + 1) == "."
    return min(low + 5, high) if is_hint else low
