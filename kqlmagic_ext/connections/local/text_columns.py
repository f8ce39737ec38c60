"""Columns of text (CSV, JSON) as columns of KQL's types: by the known table of that name, else by what they hold.

Every value is looked at before a type is chosen: a column in which one value does not fit stays text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.types import Column
from kqlmagic_ext.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection

_US_FORMATS = ", ".join(
    f"'{form}'"
    for form in (
        "%m/%d/%Y, %I:%M:%S.%g %p",
        "%m/%d/%Y, %I:%M:%S %p",
        "%m/%d/%Y %I:%M:%S.%g %p",
        "%m/%d/%Y %I:%M:%S %p",
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y",
    )
)
_IS_ISO = r"regexp_matches({0}, '^\d{{4}}-\d{{2}}-\d{{2}}')"
_IS_INTEGER = r"regexp_full_match({0}, '[+-]?\d+')"
_IS_PLAIN_INTEGER = r"regexp_full_match({0}, '-?(0|[1-9]\d*)')"  # 007 and +5 are labels, not numbers
_CONVERSIONS = {
    "bool": "CASE lower({0}) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END",
    "int": f"CASE WHEN {_IS_INTEGER} THEN TRY_CAST({{0}} AS INTEGER) END",
    "long": f"CASE WHEN {_IS_INTEGER} THEN TRY_CAST({{0}} AS BIGINT) END",
    "real": "TRY_CAST({0} AS DOUBLE)",
    "decimal": "TRY_CAST({0} AS DECIMAL(38,9))",
    "datetime": f"CASE WHEN {_IS_ISO} THEN CAST(TRY_CAST({{0}} AS TIMESTAMPTZ) AS TIMESTAMP) "
    f"ELSE try_strptime({{0}}, [{_US_FORMATS}]) END",
    "timespan": r"TRY_CAST(regexp_replace({0}, '^(-?)(\d+)\.(\d+:)', '\1\2 days \1\3') AS INTERVAL)",
    "guid": "TRY_CAST({0} AS UUID)",
    "dynamic": "CASE WHEN json_valid({0}) THEN CAST({0} AS JSON) ELSE to_json({0}) END",
}
# Stricter than the conversions: what may make an unknown column one of that type, tried in this order.
_GUESSES = {
    "bool": "CASE WHEN lower({0}) IN ('true', 'false') THEN true END",
    "long": f"CASE WHEN {_IS_PLAIN_INTEGER} THEN TRY_CAST({{0}} AS BIGINT) END",
    "real": r"CASE WHEN regexp_full_match({0}, '-?\d{{1,15}}(\.\d+)?([eE][+-]?\d+)?') AND NOT starts_with({0}, '00') "
    "AND isfinite(TRY_CAST({0} AS DOUBLE)) THEN TRY_CAST({0} AS DOUBLE) END",
    "datetime": _CONVERSIONS["datetime"],
    "dynamic": r"CASE WHEN regexp_matches({0}, '^[\[{{]') AND json_valid({0}) THEN true END",
}
# What a value must look like for its column to be tried as that type, in this order.
_LOOKS = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "bool": r"(true|false)$",
        "long": r"-?\d+$",
        "real": r"-?\d+(\.\d+)?(e[+-]?\d+)?$",
        "datetime": r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}",
        "dynamic": r"[\[{]",
    }.items()
}
_TESTS_A_PASS = 50
_SAMPLE = 500


@dataclass(frozen=True)
class TextRows:
    """Rows of text: the SQL that reads them, and each column's SQL, which gives text, null or '' where there is none.

    `count`: how many rows there must be, where that is known. `quoted`: columns whose values were strings in the file,
    so that "5" there is text, not a number. `remarks`: how the file was read; `losses`: what was left out.
    """

    source: str
    columns: Mapping[str, str]
    count: int | None = None
    quoted: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypedRows:
    """The columns with their KQL types, the number of rows, and remarks where the known type did not fit."""

    columns: list[Column]
    rows: int
    remarks: tuple[str, ...]


def typed(rows: TextRows, known: Mapping[str, str], cursor: DuckDBPyConnection) -> TypedRows:
    """Each column in its known type, or the first that all its values fit, else as text."""
    tests = [
        _Test(name, kind, (_CONVERSIONS if name in known else _GUESSES)[kind].format(rows.columns[name]))
        for name, kinds in _candidates(rows, known, cursor).items()
        for kind in kinds
    ]
    count, misfits = _misfits(rows, tests, cursor)
    if rows.count is not None and count != rows.count:
        raise QueryError(
            f"the engine reads {count:,} of the {rows.count:,} rows of the file; save it anew as plain CSV"
        )
    fitting = {test.name: test.kind for test in reversed(tests) if not misfits[test]}
    kinds = {name: fitting.get(name, "string") for name in rows.columns}
    times = _times(rows, kinds, cursor)
    columns = [_column(name, kinds[name], text, times) for name, text in rows.columns.items()]
    remarks = [
        f"{test.name}: {misfits[test]:,} values are no {test.kind}, so it is kept as text"
        for test in tests
        if test.name in known and misfits[test]
    ]
    if times.us:
        remarks.insert(
            0,
            f"{', '.join(name for name in rows.columns if name in times.us)}: US times (month first), read as UTC",
        )
    return TypedRows(columns, count, tuple(remarks))


def _candidates(rows: TextRows, known: Mapping[str, str], cursor: DuckDBPyConnection) -> dict[str, list[str]]:
    """The types that each column may have: the known one, else those that the first rows look like."""
    names = list(rows.columns)
    listed = ", ".join(rows.columns.values())
    sample = cursor.sql(f"SELECT {listed} FROM {rows.source} LIMIT {_SAMPLE}").fetchall()
    found = {}
    for name, values in zip(names, zip(*sample, strict=True) if sample else ((),) * len(names), strict=True):
        allowed = ("datetime",) if name in rows.quoted else tuple(_LOOKS)
        found[name] = (
            [known[name]] if name in known else _looks_like([value for value in values if value], allowed)
        )
    return {name: [kind for kind in kinds if kind != "string"] for name, kinds in found.items()}


def _looks_like(values: list[str], allowed: Iterable[str]) -> list[str]:
    return [kind for kind in allowed if values and all(_LOOKS[kind].match(value) for value in values)]


@dataclass(frozen=True)
class _Test:
    """Whether a type fits a column: SQL that is null for a value which it does not fit."""

    name: str
    kind: str
    sql: str


def _misfits(rows: TextRows, tests: list[_Test], cursor: DuckDBPyConnection) -> tuple[int, dict[_Test, int]]:
    """The number of rows, and for each test the number of values that do not fit; every row is looked at."""
    count = 0
    misfits: dict[_Test, int] = {}
    for start in range(0, max(1, len(tests)), _TESTS_A_PASS):
        part = tests[start : start + _TESTS_A_PASS]
        counted = [
            f"count(*) FILTER (WHERE {rows.columns[test.name]} <> '' AND {test.sql} IS NULL)" for test in part
        ]
        count, *found = cursor.sql(
            f"SELECT {', '.join(['count(*)', *counted])} FROM {rows.source}"
        ).fetchall()[0]
        misfits.update(zip(part, found, strict=True))
    return int(count), misfits


@dataclass(frozen=True)
class _Times:
    """Columns of times: those read as US ones, those where no value tells month from day, the values finer than 1 µs."""

    us: frozenset[str]
    open: frozenset[str]
    finer: Mapping[str, int]


def _times(rows: TextRows, kinds: Mapping[str, str], cursor: DuckDBPyConnection) -> _Times:
    names = [name for name, kind in kinds.items() if kind == "datetime"]
    if not names:
        return _Times(frozenset(), frozenset(), {})
    texts = [rows.columns[name] for name in names]
    tests = [
        *(f"coalesce(bool_or(NOT {_IS_ISO.format(text)} AND {text} <> ''), false)" for text in texts),
        *(
            f"coalesce(bool_or(TRY_CAST(split_part({text}, '/', 2) AS INTEGER) > 12), false)"
            for text in texts
        ),
        *(f"count(*) FILTER (WHERE regexp_matches({text}, '\\.\\d{{6}}0*[1-9]'))" for text in texts),
    ]
    found = cursor.sql(f"SELECT {', '.join(tests)} FROM {rows.source}").fetchall()[0]
    size = len(names)
    us = frozenset(name for name, said in zip(names, found[:size], strict=True) if said)
    told = frozenset(name for name, said in zip(names, found[size : 2 * size], strict=True) if said)
    return _Times(us, us - told, dict(zip(names, found[2 * size :], strict=True)))


def conversion(kind: str, text: str) -> str:
    """The SQL of a text as a value of a KQL type: null for one that does not fit, and for none; a string is never null."""
    if kind == "string":
        return f"coalesce({text}, '')"
    return f"CASE WHEN {text} <> '' THEN {_CONVERSIONS[kind].format(text)} END"


def _column(name: str, kind: str, text: str, times: _Times) -> Column:
    if kind == "string":
        return Column(name, kind, conversion(kind, text))
    losses = [f"{times.finer[name]:,} times cut to microseconds"] if times.finer.get(name) else []
    if name in times.open:
        losses.append("read with the month first; no value tells whether that is right")
    return Column(name, kind, conversion(kind, text), "; ".join(losses) or None)
