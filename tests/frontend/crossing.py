"""The Python side of the way: a frame as the bytes or the text that a session sends, and what comes back as a frame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa

from kqlmagic_ext.frames import (
    arrow_from_columns,
    arrow_from_frame,
    frame_from_arrow,
    from_envelope,
    kql_type,
    to_envelope,
)
from kqlmagic_ext.frames.envelope import arrow_from_rows, envelope_from_arrow
from kqlmagic_ext.values import Value, value_of

TYPES = ["bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"]


def typed_table(types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The Arrow table of rows of Python values; None is a null of its column's type."""
    columns = {
        name: [_typed(kind, row[place]) for row in rows] for place, (name, kind) in enumerate(types.items())
    }
    return arrow_from_columns(types, columns, "table")


def _typed(kind: str, value: Any) -> Value:
    return Value(kind, None if value is None else value_of(value, "value").plain)


def table_bytes(table: pa.Table, *, file: bool = True) -> bytes:
    sink = pa.BufferOutputStream()
    with (pa.ipc.new_file if file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def envelope_text(value: Any) -> str:
    """A table, a frame or a single value as the JSON that a session sends."""
    envelope = (
        envelope_from_arrow(value, "value") if isinstance(value, pa.Table) else to_envelope(value, "value")
    )
    return json.dumps(envelope, allow_nan=False)


def table_of(encoded: dict[str, Any]) -> pa.Table:
    assert encoded["kind"] == "table"
    return pa.ipc.open_file(encoded["arrow"]).read_all()


def python_value(encoded: dict[str, Any]) -> Any:
    """What `encode` gave, as a DataFrame or a Python value."""
    if "arrow" in encoded:
        return frame_from_arrow(arrow_from_frame(table_of(encoded), "back")[0])
    envelope = json.loads(encoded["json"])
    assert envelope["kind"] == encoded["kind"]
    return from_envelope(envelope)


def assert_crossed(encoded: dict[str, Any], table: pa.Table) -> None:
    """What came back is the table that was sent: names, KQL types and values, in decimals also the digits."""
    assert encoded["kind"] == "table"
    if "arrow" in encoded:
        back = table_of(encoded)
    else:
        envelope = json.loads(encoded["json"])
        back = arrow_from_rows(envelope["columns"], envelope["rows"])
    back.validate(full=True)
    assert {field.name: kql_type(field) for field in back.schema} == {
        field.name: kql_type(field) for field in table.schema
    }
    assert_equal(frame_from_arrow(back), frame_from_arrow(table))


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    for name in found:
        for one, other in zip(found[name], expected[name], strict=True):
            assert type(one) is type(other)
            if isinstance(one, (Decimal, float)):
                assert repr(one) == repr(other)  # trailing zeros; the sign of a zero


EVERY_TYPE = {kind: kind for kind in TYPES}
WIDEST = [
    True,
    2**31 - 1,
    2**63 - 1,
    1.7976931348623157e308,
    Decimal("9" * 29 + "." + "9" * 9),
    "\ufeffa'\"\\\n\x00\u202e😀</script>",
    pd.Timestamp(2**63 - 1 - 7, tz="UTC"),
    pd.Timedelta(2**63 - 1 - 7),
    UUID(int=2**128 - 1),
    {"a": [2**53 + 1, None, {"": "x"}]},
]
SMALLEST = [
    False,
    -(2**31),
    -(2**63),
    5e-324,
    Decimal("-0.000000001"),
    "e\u0301",
    pd.Timestamp(-(2**63) + 8, tz="UTC"),
    pd.Timedelta(-(2**63) + 8),
    UUID(int=0),
    [],
]
ZEROS = [False, 0, 0, -0.0, Decimal(0), "", pd.Timestamp(0, tz="UTC"), pd.Timedelta(0), UUID(int=7), {}]
NULLS = [None if kind != "string" else "" for kind in TYPES]  # KQL has no null string
