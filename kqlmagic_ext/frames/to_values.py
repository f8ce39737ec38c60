"""Arrow → KQL values, one by one: for what is written out, such as a table inside a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.frames.json_text import json_values
from kqlmagic_ext.frames.ticks import column_ticks
from kqlmagic_ext.values import EPOCH_TICKS, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


def column_values(kind: str, column: pa.ChunkedArray, name: str) -> Iterator[Value]:
    """A column's values; ParameterError, naming the variable, for times finer than 100 ns."""
    import pyarrow as pa

    if kind == "dynamic":
        return (Value(kind, plain) for plain in json_values(column))
    if kind not in ("datetime", "timespan"):
        return (Value(kind, plain) for plain in column.to_pylist())
    offset = EPOCH_TICKS if pa.types.is_timestamp(column.type) else 0
    ticks = column_ticks(column, kind, name)
    return (Value(kind, None if count is None else count + offset) for count in ticks)
