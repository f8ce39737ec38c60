"""The JSON envelope: how a frame or a single value travels to a language, in the shape in which Log Analytics answers.

`{"kind": "table", "columns": [{"name", "type"}], "rows": [[…]]}` and `{"kind": "value", "type", "value"}`; the JSON of
each KQL type stands in the type table of this folder.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.json_text import json_text, json_values
from kqlmagic_ext.frames.to_arrow import arrow_from_frame, arrow_from_values
from kqlmagic_ext.frames.to_pandas import frame_from_arrow
from kqlmagic_ext.frames.to_values import column_values
from kqlmagic_ext.frames.types import kql_field, kql_type
from kqlmagic_ext.values import (
    EPOCH_TICKS,
    NOT_FINITE,
    Value,
    format_datetime,
    format_timespan,
    parse_datetime,
    parse_timespan,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa


def to_envelope(value: object, name: str) -> dict[str, Any]:
    """A DataFrame as `{"kind":"table","columns":[…],"rows":[[…]]}`, any other value as `{"kind":"value","type","value"}`.

    Raises
    ------
    ParameterError
        When it has no exact form; names the variable `name` (and the column).
    """
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        scalar = value_of(value, name)
        return {"kind": "value", "type": scalar.type, "value": _wire(scalar, name)}
    table, _ = arrow_from_frame(value, name)
    return envelope_from_arrow(table, name)


def envelope_from_arrow(table: pa.Table, name: str) -> dict[str, Any]:
    """The table envelope of an Arrow table: the shape in which Log Analytics answers."""
    kinds = [kql_type(field) for field in table.schema]
    columns = [{"name": field.name, "type": kind} for field, kind in zip(table.schema, kinds, strict=True)]
    wires = [_wires(kind, column, name) for kind, column in zip(kinds, table.columns, strict=True)]
    rows = [list(row) for row in zip(*wires, strict=True)] if wires else []
    return {"kind": "table", "columns": columns, "rows": rows}


def _wires(kind: str, column: pa.ChunkedArray, name: str) -> Iterable[Any]:
    """A column's values in JSON."""
    if kind == "dynamic":
        return json_values(column)
    return (_wire(value, name) for value in column_values(kind, column, name))


def _wire(value: Value, name: str) -> Any:
    """A value in JSON, as the type table says."""
    plain = value.plain
    if plain is None:
        return None
    if value.type == "datetime":
        return format_datetime(plain)
    if value.type == "timespan":
        return format_timespan(plain)
    if value.type == "decimal":
        return str(plain)
    if value.type == "real" and not math.isfinite(plain):
        return NOT_FINITE[str(plain)]
    if value.type == "dynamic":
        json_text(value, name)  # raises for what JSON cannot tell
    return plain


def from_envelope(envelope: Mapping[str, Any]) -> Any:
    """The DataFrame or the single value of an envelope: a datetime as Timestamp, a timespan as Timedelta, a guid as str."""
    if envelope["kind"] == "value":
        return _python_value(_unwire(envelope["type"], envelope["value"]))
    return frame_from_arrow(arrow_from_rows(envelope["columns"], envelope["rows"]))


def arrow_from_rows(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The Arrow table of rows in the envelope's JSON; types from `columns` alone, so that an empty one keeps them."""
    import pyarrow as pa

    fields, arrays = [], []
    for position, column in enumerate(columns):
        kind = column["type"]
        values = [_unwire(kind, row[position]) for row in rows]
        _, array = arrow_from_values([*values, Value(kind, None)], column["name"])
        arrays.append(array.slice(0, len(rows)))
        fields.append(kql_field(column["name"], kind, array.type))
    return pa.table(arrays, schema=pa.schema(fields))


def _unwire(kind: str, wire: Any) -> Value:
    """The value that JSON tells for a KQL type."""
    if wire is None:
        return Value(kind, None)
    if kind == "datetime":
        return Value(kind, parse_datetime(wire))
    if kind == "timespan":
        return Value(kind, parse_timespan(wire))
    if kind == "decimal":
        return Value(kind, Decimal(wire))
    return Value(kind, float(wire) if kind == "real" else wire)


def _python_value(value: Value) -> Any:
    import pandas as pd

    if value.plain is None:
        return pd.NaT if value.type in ("datetime", "timespan") else None
    if value.type == "datetime":
        return _timestamp(value.plain - EPOCH_TICKS)
    if value.type == "timespan":
        return _timedelta(value.plain)
    return value.plain


def _timestamp(ticks: int) -> pd.Timestamp:
    """Ticks since 1970 as a Timestamp of nanoseconds, of microseconds beyond the years 1677 to 2262."""
    import numpy as np
    import pandas as pd

    try:
        return pd.Timestamp(np.datetime64(ticks * 100, "ns")).tz_localize("UTC")
    except OverflowError:
        return pd.Timestamp(np.datetime64(ticks // 10, "us")).tz_localize("UTC")


def _timedelta(ticks: int) -> pd.Timedelta:
    import numpy as np
    import pandas as pd

    try:
        return pd.Timedelta(np.timedelta64(ticks * 100, "ns"))
    except OverflowError:
        return pd.Timedelta(np.timedelta64(ticks // 10, "us"))
