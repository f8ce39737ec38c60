"""An envelope or an Arrow table that came from a language → pandas, and what the analyst should know of the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ParameterError
from kqlmagic_ext.frames.from_wire import WireColumn
from kqlmagic_ext.frames.json_text import json_text
from kqlmagic_ext.frames.to_arrow import arrow_from_frame
from kqlmagic_ext.frames.to_pandas import frame_from_arrow
from kqlmagic_ext.frames.types import arrow_type
from kqlmagic_ext.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    Envelope = Mapping[str, Any]

_PLAIN = frozenset({"bool", "dynamic", "guid", "int", "long", "real", "string"})  # with one Arrow type each


def read_envelope(envelope: Envelope, name: str) -> tuple[Any, tuple[str, ...]]:
    """The DataFrame or single value of an envelope, and warnings: null texts that became "", ticks of 100 ns that were lost.

    Raises
    ------
    ValueError
        When a value is not of its type; names `name` and the column.
    """
    if envelope["kind"] == "value":
        return _value(envelope["type"], envelope["value"], name)
    return _frame(envelope["columns"], envelope["rows"], name)


def read_arrow(table: pa.Table, name: str) -> tuple[Any, tuple[str, ...]]:
    """The DataFrame of an Arrow table, and warnings.

    Raises
    ------
    ParameterError
        When a column is of an Arrow type that KQL has not.
    """
    import pyarrow as pa

    fields, columns = [], []
    warnings: list[str] = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if not _tells_its_type(field):
            alone = pa.table([column], schema=pa.schema([field.remove_metadata()]))
            told, said = arrow_from_frame(alone, name)
            field, column = told.schema[0], told.column(0)  # noqa: PLW2901 - the same column
            warnings += said
        fields.append(field)
        columns.append(column)
    whole, said = arrow_from_frame(pa.table(columns, schema=pa.schema(fields)), name)
    return frame_from_arrow(whole), (*warnings, *said)


def _tells_its_type(field: pa.Field) -> bool:
    """Whether a field's metadata names a KQL type that its Arrow type can be: a cell may have written anything."""
    import pyarrow as pa

    kind = (field.metadata or {}).get(b"kql", b"").decode(errors="replace")
    if kind == "decimal":
        return bool(pa.types.is_decimal(field.type))
    if kind == "datetime":
        return field.type in [pa.timestamp(unit, "UTC") for unit in ("us", "ns")]
    if kind == "timespan":
        return field.type in [pa.duration(unit) for unit in ("us", "ns")]
    return kind in _PLAIN and bool(field.type == arrow_type(kind))


def _value(kind: str, wire: Any, name: str) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd

    if kind == "dynamic":
        return wire, ()
    if wire is None:
        return (pd.NaT if kind in ("datetime", "timespan") else None), ()
    column, array = _column(name, kind, [wire])
    plain = array.to_pandas()[0] if kind in ("datetime", "timespan") else array[0].as_py()
    return plain, tuple(_warnings(column, 0))


def _frame(
    columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]], name: str
) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd
    import pyarrow as pa

    if not columns:
        return pd.DataFrame(index=pd.RangeIndex(len(rows))), ()
    fields, arrays = [], []
    warnings: list[str] = []
    for position, told in enumerate(columns):
        kind, where = told["type"], f"{name}[{told['name']!r}]"
        wires = [row[position] for row in rows]
        column, array = _column(where, kind, _json_texts(wires, where) if kind == "dynamic" else wires)
        warnings += _warnings(column, sum(wire is None for wire in wires) if kind == "string" else 0)
        fields.append(column.joined()[0].with_name(told["name"]))
        arrays.append(array)
    return frame_from_arrow(pa.table(arrays, schema=pa.schema(fields))), tuple(warnings)


def _column(where: str, kind: str, wires: Sequence[Any]) -> tuple[WireColumn, pa.ChunkedArray]:
    column = WireColumn(where, kind)
    try:
        column.add(wires)
        return column, column.joined()[1]
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _json_texts(wires: Sequence[Any], where: str) -> list[str | None]:
    try:
        return [None if wire is None else json_text(Value("dynamic", wire), where) for wire in wires]
    except ParameterError as error:
        raise ValueError(str(error)) from error


def _warnings(column: WireColumn, nulls: int) -> Iterator[str]:
    if nulls:
        yield f'{column.name}: {nulls:,} missing values crossed as "" (KQL has no null string)'
    if column.lost:
        beyond = "years beyond 1677 to 2262" if column.kind == "datetime" else "spans beyond 292 years"
        values = "1 value" if column.lost == 1 else f"{column.lost:,} values"
        yield f"{column.name}: {values} lost a tick of 100 ns ({beyond})"
