"""Arrow ↔ the rows of Log Analytics: every value, there and back."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError
from kqlmagic_ext.frames import arrow_from_columns, kql_field, wire_array, wire_rows
from kqlmagic_ext.values import (
    EPOCH_TICKS,
    LONG_MAX,
    LONG_MIN,
    TICKS_A_DAY,
    Value,
    format_datetime,
    format_timespan,
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NEAR = st.integers(EPOCH_TICKS - 10**17 // 2, EPOCH_TICKS + 10**17 // 2)
_FAR = st.integers(0, 3_652_059 * TICKS_A_DAY // 10 - 1).map(lambda microseconds: microseconds * 10)
PLAIN: dict[str, list[st.SearchStrategy[Any]]] = {
    "bool": [st.booleans()],
    "int": [st.integers(-(2**31), 2**31 - 1)],
    "long": [st.integers(LONG_MIN, LONG_MAX)],
    "real": [st.floats()],
    "decimal": [st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9)],
    "string": [_TEXT],
    "datetime": [_NEAR, _FAR],
    "timespan": [st.integers(-(10**16), 10**16), st.integers(-(LONG_MAX // 10), LONG_MAX // 10).map(lambda count: count * 10)],
    "guid": [st.uuids().map(str)],
    "dynamic": [st.recursive(st.none() | st.booleans() | st.integers(LONG_MIN, LONG_MAX) | _TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3))],
}  # fmt: skip


def expected(kind: str, plain: Any) -> Any:
    """The JSON of a value, as the type table tells it."""
    if plain is None:
        return None
    if kind == "datetime":
        return format_datetime(plain)
    if kind == "timespan":
        return format_timespan(plain)
    if kind == "decimal":
        return f"{plain:f}"
    if kind == "real" and not math.isfinite(plain):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(plain)]
    return plain


@pytest.mark.parametrize(
    ("kind", "which"), [(kind, at) for kind, found in PLAIN.items() for at in range(len(found))]
)
@given(data=st.data())
def test_every_value_travels_there_and_back(kind: str, which: int, data: st.DataObject) -> None:
    one = PLAIN[kind][which] if kind == "string" else st.none() | PLAIN[kind][which]
    plain = data.draw(st.lists(one, max_size=6))
    table = arrow_from_columns({"c": kind}, {"c": [Value(kind, value) for value in plain]}, "t")
    assert table.schema.field("c").metadata == {b"kql": kind.encode()}
    wire = [cell for rows in wire_rows(table, "t") for (cell,) in rows]
    told = json.loads(json.dumps(wire, allow_nan=False))
    if kind == "dynamic":
        assert [None if text is None else json.loads(text) for text in told] == plain
    elif kind == "decimal":
        assert [None if text is None else Decimal(text) for text in told] == plain
    else:
        assert told == [expected(kind, value) for value in plain]
    back = wire_array(kind, told)
    assert back.to_pylist() == table.column("c").to_pylist() or kind == "real"


def test_rows_come_in_pieces_in_their_order() -> None:
    table = pa.table([pa.array(range(10_000), pa.int64())], schema=pa.schema([kql_field("n", "long")]))
    pieces = list(wire_rows(table, "t"))
    assert len(pieces) > 1
    assert [row for rows in pieces for row in rows] == [(n,) for n in range(10_000)]


def test_a_time_finer_than_a_tick_raises() -> None:
    field = kql_field("t", "datetime", pa.timestamp("ns", "UTC"))
    table = pa.table([pa.array([150], pa.int64()).cast(field.type)], schema=pa.schema([field]))
    with pytest.raises(ParameterError, match="finer than 100 ns"):
        list(wire_rows(table, "t"))


def test_a_null_string_is_empty_text() -> None:
    table = pa.table([pa.array([None, "x"])], schema=pa.schema([kql_field("s", "string")]))
    assert list(wire_rows(table, "t")) == [[("",), ("x",)]]


@pytest.mark.parametrize("kind", PLAIN)
def test_an_empty_column_keeps_its_type(kind: str) -> None:
    table = arrow_from_columns({"c": kind}, {"c": []}, "t")
    assert table.schema.field("c").metadata == {b"kql": kind.encode()}
    assert list(wire_rows(table, "t")) == []


def test_what_arrow_cannot_hold_exactly_raises_with_the_column() -> None:
    for kind, plain in (("decimal", Decimal(10) ** 80), ("timespan", 2**63)):
        with pytest.raises(ParameterError, match=r"t\['c'\]") as caught:
            arrow_from_columns({"c": kind}, {"c": [Value(kind, plain)]}, "t")
        assert caught.value.name == "t"
