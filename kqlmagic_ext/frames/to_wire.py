"""KQL values → JSON: the envelope's way to a language, and the rows of Log Analytics' answers.

The JSON of each KQL type stands in the type table of this folder. The two differ in one type: a language gets a dynamic
value as JSON, Log Analytics sends its JSON as text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.json_text import json_text, json_values
from kqlmagic_ext.frames.ticks import column_ticks
from kqlmagic_ext.frames.types import kql_type
from kqlmagic_ext.values import NOT_FINITE, Value, format_datetime, format_timespan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

_ROWS_A_PIECE = 4_000
_ZEROS = r"\.?0+$"


def wire_value(value: Value, name: str) -> Any:
    """A value in JSON; raises ParameterError, naming `name`, for a dynamic that JSON cannot tell."""
    plain = value.plain
    if plain is None:
        return None
    if value.type == "datetime":
        return format_datetime(plain)
    if value.type == "timespan":
        return format_timespan(plain)
    if value.type == "decimal":
        return f"{plain:f}"
    if value.type == "real" and not math.isfinite(plain):
        return NOT_FINITE[str(plain)]
    if value.type == "dynamic":
        json_text(value, name)  # raises for what JSON cannot tell
    return plain


def wire_column(kind: str, column: pa.ChunkedArray, name: str) -> Sequence[Any]:
    """A column's values in JSON, a dynamic one as what its text tells."""
    return json_values(column) if kind == "dynamic" else _text_column(kind, column, name)


def wire_rows(table: pa.Table, name: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of an Arrow table as Log Analytics sends them, some thousands at a time; dynamic is JSON text."""
    kinds = [kql_type(field) for field in table.schema]
    for start in range(0, table.num_rows, _ROWS_A_PIECE):
        piece = table.slice(start, _ROWS_A_PIECE)
        columns = [
            _text_column(kind, column, name) for kind, column in zip(kinds, piece.columns, strict=True)
        ]
        yield list(zip(*columns, strict=True))


def _text_column(kind: str, column: pa.ChunkedArray, name: str) -> Sequence[Any]:
    """A column's values in JSON, a dynamic one as its text; made by Arrow where Arrow can."""
    listed: list[Any]
    if kind == "datetime":
        listed = _datetimes(column, name).to_pylist()
    elif kind == "timespan":
        listed = [
            None if tick is None else format_timespan(tick) for tick in column_ticks(column, kind, name)
        ]
    elif kind == "string":
        listed = column.fill_null("").to_pylist()
    elif kind == "real":
        listed = _reals(column)
    elif kind == "decimal":
        listed = [wire_value(Value(kind, number), name) for number in column.to_pylist()]
    else:
        listed = column.to_pylist()
    return listed


def _reals(column: pa.ChunkedArray) -> list[Any]:
    import pyarrow.compute as pc

    listed: list[Any] = column.to_pylist()
    if pc.all(pc.is_finite(column)).as_py() in (True, None):
        return listed
    return [
        NOT_FINITE[str(number)] if number is not None and not math.isfinite(number) else number
        for number in listed
    ]


def _datetimes(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """ISO 8601 in Z with as many of the seven digits of a second as are not zero."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type.unit == "ns":
        column_ticks(column, "datetime", name)  # raises for what is finer than a tick
    plain = column.cast(pa.timestamp(column.type.unit))
    texts = pc.strftime(plain, "%Y-%m-%dT%H:%M:%S")
    return pc.binary_join_element_wise(pc.replace_substring_regex(texts, _ZEROS, ""), "Z", "")
