"""DuckDB's column types as KQL's: in tables, in inputs, in answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.dialect import kusto_type
from kqlmagic_ext.connections.local.sql import quote_name
from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.frames import arrow_type, kql_field, kql_type, refuse_twins
from kqlmagic_ext.values import (
    LONG_MAX,
    LONG_MIN,
    NOT_FINITE,
    datetime_ticks,
    format_datetime,
    format_timespan,
    timespan_ticks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_NESTED = ("list", "array", "struct", "map", "union")
_CASTS = {
    "TINYINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "BIGINT",
    "FLOAT": "DOUBLE",
    "DATE": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
}
_STRIDE = 10_000
_KEPT = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "TIMESTAMP", "INTERVAL", "UUID", "JSON")
DUCKDB_TYPES = {
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "decimal": "DECIMAL(38,9)",
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "timespan": "INTERVAL",
    "guid": "UUID",
    "dynamic": "JSON",
}


@dataclass(frozen=True)
class Column:
    """A column of a table as KQL sees it: its name, KQL type, the SQL that gives it, and what it could not keep."""

    name: str
    kql_type: str
    sql: str
    loss: str | None = None


def native_column(name: str, duckdb_type: Any) -> Column:
    """A column of a Parquet file or a DuckDB table: of one of the types that KQL has, without null strings."""
    kind, quoted = str(duckdb_type).upper(), quote_name(name)
    if kind in _KEPT or kind.startswith("DECIMAL"):
        return Column(name, kusto_type(kind), quoted)
    if kind in _CASTS:
        return Column(name, kusto_type(_CASTS[kind]), f"CAST({quoted} AS {_CASTS[kind]})")
    if kind == "TIME":
        return Column(name, "timespan", f"to_microseconds(epoch_us({quoted}))")
    if kind in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS", "TIMESTAMP_NS WITH TIME ZONE"):
        return Column(
            name, "datetime", _microseconds(f"epoch_ns({quoted})", "make_timestamp"), "cut to microseconds"
        )
    if duckdb_type.id in _NESTED:
        return Column(name, "dynamic", f"to_json({quoted})")
    if kind == "BLOB":
        return Column(name, "string", f"coalesce(to_base64({quoted}), '')", "binary, shown in base64")
    return Column(name, "string", f"coalesce(CAST({quoted} AS VARCHAR), '')")


def _microseconds(nanoseconds: str, make: str) -> str:
    """SQL that cuts nanoseconds to whole microseconds, towards the past, and makes a time of them."""
    return f"{make}(({nanoseconds} - (({nanoseconds} % 1000) + 1000) % 1000) // 1000)"


def native_columns(source: str, cursor: DuckDBPyConnection, durations: Mapping[str, str]) -> list[Column]:
    """The columns of a Parquet file or a DuckDB table; `durations`: those that hold lengths of time, with their units.

    A column of nanoseconds loses something only where a value is finer than a microsecond: they are counted.
    """
    described = cursor.sql(f"SELECT * FROM {source}")
    columns = [native_column(*pair) for pair in zip(described.columns, described.types, strict=True)]
    finer = [column for column in columns if column.loss == "cut to microseconds"]
    counted = ", ".join(
        f"count(*) FILTER (WHERE epoch_ns({quote_name(column.name)}) % 1000 <> 0)" for column in finer
    )
    counts = cursor.sql(f"SELECT {counted} FROM {source}").fetchall()[0] if finer else ()
    for column, count in zip(finer, counts, strict=True):
        loss = f"{count:,} times cut to microseconds" if count else None
        columns[columns.index(column)] = replace(column, loss=loss)
    return [
        _duration(column, durations[column.name]) if column.name in durations else column
        for column in columns
    ]


def _duration(column: Column, unit: str) -> Column:
    quoted = quote_name(column.name)
    if unit == "ns":
        return Column(column.name, "timespan", _microseconds(quoted, "to_microseconds"))
    factor = {"us": 1, "ms": 1000, "s": 1_000_000}[unit]
    return Column(column.name, "timespan", f"to_microseconds({quoted} * {factor})")


def view(name: str, columns: Iterable[Column], source: str) -> str:
    """The SQL that makes a table of the catalogue: a view in the main database."""
    listed = ", ".join(f"{column.sql} AS {quote_name(column.name)}" for column in columns)
    return f"CREATE OR REPLACE VIEW memory.main.{quote_name(name)} AS SELECT {listed} FROM {source}"


def answer_sql(sql: str, names: Sequence[str], types: Sequence[Any]) -> str:
    """The query's SQL with what Arrow cannot hold exactly cast: sums back to long, intervals to microseconds.

    Raises QueryError when two columns have one name: a frame would keep the last alone.
    """
    refuse_twins(names)
    kinds = [str(kind).upper() for kind in types]
    if not {"HUGEINT", "UHUGEINT", "INTERVAL", "UBIGINT"}.intersection(kinds):
        return sql
    listed = ", ".join(
        _answer_column(quote_name(name), kind) for name, kind in zip(names, kinds, strict=True)
    )
    return f"SELECT {listed} FROM ({sql})"


def _answer_column(quoted: str, kind: str) -> str:
    if kind in ("HUGEINT", "UHUGEINT", "UBIGINT"):
        return f"CAST({quoted} AS BIGINT) AS {quoted}"
    return f"epoch_us({quoted}) AS {quoted}" if kind == "INTERVAL" else quoted


def answer_table(table: pa.Table, types: Sequence[Any], checkpoint: Callable[[], None]) -> pa.Table:
    """The engine's Arrow answer in the Arrow types of `frames`, each column with its KQL type.

    `checkpoint` is called between columns and now and then in nested ones: what it raises ends the work.
    """
    import pyarrow as pa

    fields, columns = [], []
    for name, column, kind in zip(table.column_names, table.columns, types, strict=True):
        checkpoint()
        field, typed = _typed(name, column, kind, checkpoint)
        fields.append(field)
        columns.append(typed)
    return pa.table(columns, schema=pa.schema(fields))


def _typed(
    name: str, column: pa.ChunkedArray, kind: Any, checkpoint: Callable[[], None]
) -> tuple[pa.Field, pa.ChunkedArray]:
    text = str(kind).upper()
    of_kql = "dynamic" if text in ('"NULL"', "NULL") else kusto_type(text)
    if kind.id in _NESTED:
        return kql_field(name, "dynamic"), _json_texts(column, kind, checkpoint)
    if of_kql == "decimal":
        return kql_field(name, of_kql, column.type), column
    return kql_field(name, of_kql), column.cast(arrow_type(of_kql))


def _json_texts(column: pa.ChunkedArray, kind: Any, checkpoint: Callable[[], None]) -> pa.ChunkedArray:
    import pyarrow as pa

    texts: list[str | None] = []
    for start in range(0, len(column), _STRIDE):
        checkpoint()
        texts += [_json(value, kind) for value in column.slice(start, _STRIDE).to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _json(value: Any, kind: Any) -> str | None:
    """A nested value as JSON text, as Kusto shows it: times in ISO 8601, JSON inside as it is."""
    import orjson

    return None if value is None else orjson.dumps(_plain(value, kind)).decode()


def _plain(value: Any, kind: Any) -> Any:
    import orjson

    if value is None:
        return None
    if kind.id in ("list", "array"):
        return [_plain(item, dict(kind.children)["child"]) for item in value]
    if kind.id == "struct":
        return {name: _plain(value[name], child) for name, child in kind.children}
    if kind.id == "map":
        return {str(key): _plain(item, dict(kind.children)["value"]) for key, item in value}
    if str(kind) == "JSON":
        return orjson.Fragment(value)
    if isinstance(value, (datetime, date)):
        return format_datetime(datetime_ticks(value, "answer"), trimmed=False)
    return _plain_scalar(value, kind)


def _plain_scalar(value: Any, kind: Any) -> Any:
    if isinstance(value, timedelta):
        return format_timespan(timespan_ticks(value, "answer"))
    if hasattr(value, "nanoseconds"):  # Arrow's interval
        return format_timespan((value.days * 86_400 * 10**9 + value.nanoseconds) // 100)
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_FINITE[str(value)]  # JSON has no number for it
    if str(kind) in ("HUGEINT", "UHUGEINT"):
        return _long(int(value))
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _long(value: int) -> int:
    if LONG_MIN <= value <= LONG_MAX:
        return value
    raise QueryError(f"the answer holds {value}, which does not fit in a long")


def input_column(field: pa.Field) -> Column:
    """A column of an input; dynamic as JSON and guid as UUID, which Arrow carries as text."""
    kind, quoted = kql_type(field), quote_name(field.name)
    return Column(
        field.name, kind, f"CAST({quoted} AS {DUCKDB_TYPES[kind]})" if kind in ("dynamic", "guid") else quoted
    )
