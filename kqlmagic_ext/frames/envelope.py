"""The JSON envelope: how a frame or a single value travels to a language, in the shape in which Log Analytics answers.

`{"kind": "table", "columns": [{"name", "type"}], "rows": [[…]]}` and `{"kind": "value", "type", "value"}`; the JSON of
each KQL type stands in the type table of this folder.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames.from_wire import WireColumn, wire_array
from kqlmagic_ext.frames.json_text import json_text
from kqlmagic_ext.frames.to_arrow import arrow_from_frame
from kqlmagic_ext.frames.to_pandas import frame_from_arrow
from kqlmagic_ext.frames.to_wire import wire_column, wire_value
from kqlmagic_ext.frames.types import kql_field, kql_type
from kqlmagic_ext.values import Value, parse_datetime, parse_timespan, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"datetime": parse_datetime, "timespan": parse_timespan, "decimal": Decimal, "real": float}
)


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
        return {"kind": "value", "type": scalar.type, "value": wire_value(scalar, name)}
    table, _ = arrow_from_frame(value, name)
    return envelope_from_arrow(table, name)


def envelope_from_arrow(table: pa.Table, name: str) -> dict[str, Any]:
    """The table envelope of an Arrow table: the shape in which Log Analytics answers."""
    kinds = [kql_type(field) for field in table.schema]
    columns = [{"name": field.name, "type": kind} for field, kind in zip(table.schema, kinds, strict=True)]
    wires = [wire_column(kind, column, name) for kind, column in zip(kinds, table.columns, strict=True)]
    rows = [list(row) for row in zip(*wires, strict=True)] if wires else []
    return {"kind": "table", "columns": columns, "rows": rows}


def from_envelope(envelope: Mapping[str, Any]) -> Any:
    """The DataFrame or the single value of an envelope: a datetime as Timestamp, a timespan as Timedelta, a guid as str."""
    if envelope["kind"] == "value":
        return _python_value(envelope["type"], envelope["value"])
    return frame_from_arrow(arrow_from_rows(envelope["columns"], envelope["rows"]))


def value_from_envelope(envelope: Mapping[str, Any]) -> Value:
    """The KQL value of a single value's envelope, of the very type that it tells."""
    kind, wire = envelope["type"], envelope["value"]
    return Value(kind, wire if wire is None or kind not in _READERS else _READERS[kind](wire))


def arrow_from_rows(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The Arrow table of rows in the envelope's JSON; types from `columns` alone, so that an empty one keeps them."""
    import pyarrow as pa

    fields, arrays = [], []
    for position, column in enumerate(columns):
        kind, name = column["type"], column["name"]
        values = [row[position] for row in rows]
        if kind == "dynamic":
            values = [None if wire is None else json_text(Value(kind, wire), name) for wire in values]
        arrays.append(wire_array(kind, values))
        fields.append(kql_field(name, kind, arrays[-1].type))
    return pa.table(arrays, schema=pa.schema(fields))


def _python_value(kind: str, wire: Any) -> Any:
    """A single value: a datetime as Timestamp, a timespan as Timedelta."""
    import pandas as pd

    if kind == "dynamic":
        return wire
    if wire is None:
        return pd.NaT if kind in ("datetime", "timespan") else None
    column = WireColumn("value", kind)
    column.add([wire])
    array = column.joined()[1].chunk(0)
    return array.to_pandas()[0] if kind in ("datetime", "timespan") else array[0].as_py()
