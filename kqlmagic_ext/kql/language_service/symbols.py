"""The tables of a schema as Kusto.Language's symbols: those that a text names, each built once."""

from __future__ import annotations

import re
from collections import OrderedDict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.kql.tokens import names_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

    from kqlmagic_ext.kql.language_service import Schema

TABLES_HERE = "Kqlmagic_ext_any_table"  # in no schema: where it is offered, every table may stand
REPLACED = "\ufffd"  # what stands for a character that .NET has no single unit for
_TWO_UNITS = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")
_PATTERN = re.compile(r"(?<![\w*])(?:\w+\*|\*\w)[\w*]*")
_MOST_BY_PATTERN = 40
_KEPT_STATES = 16
_WIDE = frozenset({"find", "search"})
_BARE_STAR = re.compile(r"\bunion\b[^|;()]{0,2000}(?<![\w*])\*(?!\w)")


class Symbols:
    """What the library must know of a schema, made for one text at a time: 1,960 tables would take seconds.

    Tables are told apart by the identity of their columns, so one mapping for the same table is built once.
    """

    def __init__(self, kusto: SimpleNamespace) -> None:
        self._kusto = kusto
        self._tables: dict[str, tuple[Mapping[str, str], Any]] = {}
        self._states: OrderedDict[tuple[int, ...], tuple[Any, tuple[Any, ...]]] = OrderedDict()
        self._marker = self._table(TABLES_HERE, {})
        default = kusto.GlobalState.Default
        self.functions = [str(one.Name) for one in (*default.Functions, *default.Aggregates)]

    def of(self, text: str, schema: Schema) -> Any:
        """The library's GlobalState in which the tables that the text names exist."""
        names = sorted(_named(text, schema))
        tables = (self._marker, *(self._table(name, schema.tables[name]) for name in names))
        key = tuple(map(id, tables))
        if key not in self._states:
            self._states[key] = (
                self._state(tables),
                tables,
            )  # the tables, too: an id is theirs while they live
            if len(self._states) > _KEPT_STATES:
                self._states.popitem(last=False)
        self._states.move_to_end(key)
        return self._states[key][0]

    @staticmethod
    def is_wide(text: str, schema: Schema) -> bool:
        """Whether the text may read more tables than `of` takes: what a column is cannot be sure then."""
        names = names_in(text)
        many = any(
            sum(fnmatchcase(name, pattern) for name in schema.tables) > _MOST_BY_PATTERN
            for pattern in _PATTERN.findall(text)
        )
        return many or not _WIDE.isdisjoint(names) or _BARE_STAR.search(text) is not None

    def _state(self, tables: tuple[Any, ...]) -> Any:
        database = self._kusto.DatabaseSymbol("workspace", self._kusto.Symbols(list(tables)))
        return self._kusto.GlobalState.Default.WithDatabase(database)

    def _table(self, name: str, columns: Mapping[str, str]) -> Any:
        kept = self._tables.get(name)
        if kept is None or kept[0] is not columns:
            kept = self._tables[name] = (columns, self._built(name, columns))
        return kept[1]

    def _built(self, name: str, columns: Mapping[str, str]) -> Any:
        scalars = self._kusto.ScalarTypes
        made = [
            self._kusto.ColumnSymbol(one_unit(column), scalars.GetSymbol(kind) or scalars.Dynamic)
            for column, kind in columns.items()
        ]
        return self._kusto.TableSymbol(one_unit(name), self._kusto.ColumnSymbols(made))


def one_unit(text: str) -> str:
    """The text with one UTF-16 unit a character, so that offsets here and in .NET are the same."""
    return text if text.isascii() else _TWO_UNITS.sub(REPLACED, text)


def _named(text: str, schema: Schema) -> set[str]:
    """The tables of the schema that the text names, also by `Device*`."""
    names = names_in(text) & schema.tables.keys()
    for pattern in _PATTERN.findall(text):
        matching = [name for name in schema.tables if fnmatchcase(name, pattern)]
        names.update(matching[:_MOST_BY_PATTERN])
    return names
