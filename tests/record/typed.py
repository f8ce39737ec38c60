"""Typed tables: as rows of plain values (times in ns), and the many ways in which Arrow can keep them."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from kqlmagic_ext.frames import kql_field

KINDS = ("bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic")
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
PLAIN = {"bool": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "real": pa.float64()}
TEXTS = ("string", "guid", "dynamic")


@dataclass(frozen=True)
class Column:
    """A column as a person sees it: None for a null, ns for times, a Decimal for decimals."""

    name: str
    kind: str
    values: Sequence[Any]


def arrays_of(column: Column) -> list[pa.Array]:
    """All the ways in which one Arrow array keeps the values of a column."""
    kind, values = column.kind, list(column.values)
    if kind in PLAIN:
        return [pa.array(values, PLAIN[kind])]
    if kind in TEXTS:
        narrow = pa.array(values, pa.string())
        wide = narrow.cast(pa.large_string())
        return [narrow, wide, narrow.dictionary_encode(), wide.dictionary_encode()]
    if kind == "decimal":
        scale = max((-int(value.as_tuple().exponent) for value in values if value is not None), default=0)
        scale = max(scale, 0)
        return [
            pa.array(values, type_)
            for type_ in (
                pa.decimal256(76, scale),
                pa.decimal256(76, scale + 1),
                pa.decimal128(38, scale),
                pa.decimal128(38, scale + 2),
            )
        ]
    return [array for unit in UNITS if (array := _times(kind, values, unit)) is not None]


def _times(kind: str, values: list[int | None], unit: str) -> pa.Array | None:
    parts = UNITS[unit]
    if any(value is not None and (value % parts or abs(value // parts) >= 2**63) for value in values):
        return None
    counts = pa.array([None if value is None else value // parts for value in values], pa.int64())
    return counts.cast(pa.timestamp(unit, "UTC") if kind == "datetime" else pa.duration(unit))


def dirty(array: pa.Array) -> pa.Array:
    """The same array with other bytes under its nulls, where numpy can put them."""
    if not array.null_count or not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return array
    values = array.fill_null(77).to_numpy()
    return pa.array(values, array.type, mask=array.is_null().to_numpy(zero_copy_only=False))


def chunked(array: pa.Array, ends: Sequence[int]) -> pa.ChunkedArray:
    """The array in chunks that end there, each a slice of a longer array."""
    turned = array.take(pa.array(range(len(array))[::-1], pa.int64()))
    longer = pa.concat_arrays([turned, array, turned])
    bounds = [0, *sorted(end for end in ends if end <= len(array)), len(array)]
    pieces = [longer.slice(len(array) + a, b - a) for a, b in pairwise(bounds)]
    return pa.chunked_array(pieces, array.type)


def table_of(columns: Sequence[Column], way: int = 0, ends: Sequence[int] = ()) -> pa.Table:
    """The columns in Arrow, in the way of that number, in chunks that end there."""
    arrays = [arrays_of(column) for column in columns]
    kept = [chunked(dirty(ways[way % len(ways)]), ends) for ways in arrays]
    fields = [
        kql_field(column.name, column.kind, array.type) for column, array in zip(columns, kept, strict=True)
    ]
    return pa.table(kept, schema=pa.schema(fields))


TICK = 100
GUIDS = st.uuids().map(str)
DYNAMICS = st.sampled_from(
    ['{"a":1,"b":[2]}', '{"b": [2], "a": 1}', "[]", "null", '"x"', "{bad", "1", "1.0", ""]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 2),
    "long": st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
    "real": st.floats() | st.sampled_from([0.0, -0.0, math.nan, math.inf, 1.5]),
    "decimal": st.decimals(-(10**20), 10**20, places=9) | st.sampled_from([Decimal("1.50"), Decimal(0)]),
    "string": st.text(max_size=5) | st.sampled_from(["", "a"]),
    "datetime": st.integers(-(2**63) // TICK + 1, 2**63 // TICK - 1).map(lambda ticks: ticks * TICK)
    | st.sampled_from([0, 1, 10**9]),
    "timespan": st.integers(-(10**12), 10**12).map(lambda ticks: ticks * TICK) | st.sampled_from([0, 10**22]),
    "guid": GUIDS | st.sampled_from(["", "00000000-0000-0000-0000-000000000000"]),
    "dynamic": DYNAMICS,
}


def _representable(column: Column) -> bool:
    return bool(arrays_of(column))


@st.composite
def columns_of(draw: st.DrawFn, names: str = "abc", rows: int = 6) -> tuple[Column, ...]:
    """Some columns, all of the same count of rows."""
    count = draw(st.integers(0, rows))
    made = []
    for name in names[: draw(st.integers(1, len(names)))]:
        kind = draw(st.sampled_from(KINDS))
        values = st.lists(st.none() | VALUES[kind], min_size=count, max_size=count)
        made.append(
            draw(values.map(tuple).map(lambda v, n=name, k=kind: Column(n, k, v)).filter(_representable))
        )
    return tuple(made)


def reference(columns: Sequence[Column], rows: int) -> bytes:
    """The canonical form of version 1 as its table tells it, value by value."""
    parts = [b"kqlmagic_ext table 1\n", struct.pack("<qq", rows, len(columns))]
    for column in columns:
        kind, values = column.kind, list(column.values)
        if kind == "string":
            values = [value or "" for value in values]
        form, written = _written(kind, values)
        for text in (column.name.encode(), form.encode()):
            parts += [struct.pack("<q", len(text)), text]
        parts += [_bits([value is not None for value in values]), written]
    return b"".join(parts)


def _bits(flags: Sequence[bool]) -> bytes:
    number = sum(flag << position for position, flag in enumerate(flags))
    return number.to_bytes(-(-len(flags) // 8), "little")


def _written(kind: str, values: list[Any]) -> tuple[str, bytes]:
    if kind == "bool":
        return kind, _bits([bool(value) for value in values])
    if kind in ("int", "long"):
        return kind, struct.pack(f"<{len(values)}{'i' if kind == 'int' else 'q'}", *(v or 0 for v in values))
    if kind == "real":
        nan = np.uint64(0x7FF8000000000000).tobytes()
        each = (
            nan if v is not None and math.isnan(v) else struct.pack("<d", 0.0 if v is None else v)
            for v in values
        )
        return kind, b"".join(each)
    if kind in ("datetime", "timespan"):
        for unit, parts in {"100ns": 100, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}.items():
            whole = [v or 0 for v in values]
            if all(v % parts == 0 and -(2**63) <= v // parts < 2**63 for v in whole):
                return f"{kind} {unit}", struct.pack(f"<{len(whole)}q", *(v // parts for v in whole))
        raise AssertionError(values)
    if kind == "decimal":
        plain = [None if v is None else format(v, "f") for v in values]
        scale = max((len(v.partition(".")[2].rstrip("0")) for v in plain if v), default=0)
        texts = ["" if v is None else str(int(Fraction(v) * 10**scale)) for v in values]
        return f"{kind} {scale}", _texts(texts)
    return kind, _texts([value or "" for value in values])


def _texts(texts: Sequence[str]) -> bytes:
    written = [text.encode() for text in texts]
    return b"".join([*(struct.pack("<q", len(text)) for text in written), *written])
