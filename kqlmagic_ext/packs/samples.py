"""The tests of a `.kql` file: sample rows, and the rows that the query must find in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.kql.inside import NotLiteral
from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.reading import Reader
from kqlmagic_ext.packs.saved import NAME, TABLE, Rows, Test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.packs.documents import Entry
    from kqlmagic_ext.packs.saved import Parameter
    from kqlmagic_ext.values import Value

_KEYS = ("name", "now", "parameters", "tables", "expect", "ordered")
_TICKS_A_MICROSECOND = 10


def read_tests(entry: Entry, parameters: Mapping[str, Parameter]) -> tuple[Test, ...]:
    """The tests under `tests:`; QueryError, with its line, for what is none."""
    return tuple(_test(item, number, parameters) for number, item in enumerate(entry.listed(), 1))


def _test(entry: Entry, number: int, parameters: Mapping[str, Parameter]) -> Test:
    found = entry.items(*_KEYS, what="a test")
    if "expect" not in found:
        raise entry.wrong("a test says what it expects: `expect:` with rows, or `expect: []` for none")
    tables = found["tables"].items() if "tables" in found else {}
    given = found["parameters"].items() if "parameters" in found else {}
    expect = found["expect"]
    return Test(
        name=found["name"].text() if "name" in found else f"test {number}",
        tables={name: _rows(table, name) for name, table in tables.items()},
        expect=_rows(expect, None),
        parameters={name: _parameter(value, name, parameters) for name, value in given.items()},
        now=_now(found["now"]) if "now" in found else None,
        ordered="ordered" in found and found["ordered"].flag(),
    )


def _now(entry: Entry) -> int | None:
    ticks: int | None = entry.value("datetime").plain
    if ticks is not None and ticks % _TICKS_A_MICROSECOND:
        raise entry.wrong("the embedded engine keeps microseconds, and this moment is finer")
    return ticks


def _parameter(entry: Entry, name: str, parameters: Mapping[str, Parameter]) -> Value:
    if name not in parameters:
        there = f"; there is {', '.join(parameters)}" if parameters else ""
        raise entry.wrong(f"the query has no parameter {name!r}{there}")
    if parameters[name].type == TABLE:
        raise entry.wrong(f"{name!r} is a table: its rows stand under `tables:`")
    return entry.value(parameters[name].type)


def _rows(entry: Entry, table: str | None) -> Rows:
    """Rows under a `columns` line, or of a known table by the names of its columns."""
    if table is not None and not NAME.fullmatch(table):
        raise entry.wrong(f"{table!r} is no name of a table (ASCII letters, digits and _)")
    found = {"rows": entry} if entry.is_list else entry.items("columns", "rows", what="a table of rows")
    types = _columns(found["columns"]) if "columns" in found else {}
    rows = found["rows"].listed() if "rows" in found else []
    known = known_tables(hunting=True).get(table or "", {})
    named = dict(types)
    for row in rows if not types else []:
        named |= {name: _type(cell, name, known) for name, cell in _cells(row).items()}
    if table is not None and not types and not known:
        raise entry.wrong(
            f"{table} is no known table: write a line such as `columns: Time:datetime, Host:string`"
        )
    return Rows(tuple(named.items()), tuple(_row(row, named) for row in rows))


def _cells(row: Entry) -> dict[str, Entry]:
    if not row.is_mapping:
        raise row.wrong("a row without a `columns` line names its columns: {Host: a, Count: 1}")
    return row.items()


def _type(cell: Entry, name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise cell.wrong(f"the type of {name!r} is not known: write a line such as `columns: {name}:string`")
    return known[name]


def _columns(entry: Entry) -> dict[str, str]:
    """`TimeGenerated:datetime, ['a name']:long`, as KQL writes a schema."""
    try:
        return dict(Reader(f"datatable({entry.text()})[]").datatable().types)
    except NotLiteral as error:
        raise entry.wrong("columns are written as `Time:datetime, Host:string, ['a name']:long`") from error


def _row(entry: Entry, types: Mapping[str, str]) -> tuple[Value, ...]:
    if entry.is_mapping:
        cells = entry.items(*types)
        return tuple(
            cells[name].value(kind) if name in cells else _missing(kind) for name, kind in types.items()
        )
    listed = entry.listed()
    if len(listed) != len(types):
        raise entry.wrong(f"this row has {len(listed)} values, and there are {len(types)} columns")
    return tuple(cell.value(kind) for cell, kind in zip(listed, types.values(), strict=True))


def _missing(kind: str) -> Value:
    from kqlmagic_ext.values import Value

    return Value(kind, "" if kind == "string" else None)
