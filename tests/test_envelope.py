from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from kqlmagic_ext import ParameterError
from kqlmagic_ext.frames import from_envelope, to_envelope


@pytest.mark.parametrize(
    ("value", "kind", "wire"),
    [
        (True, "bool", True),
        (2**53 + 1, "long", 2**53 + 1),
        (1.5, "real", 1.5),
        (float("nan"), "real", "NaN"),
        (float("-inf"), "real", "-Infinity"),
        (Decimal("1.10"), "decimal", "1.10"),
        ("x\x00", "string", "x\x00"),
        (pd.Timestamp("2026-01-01T00:00:00.1234567Z"), "datetime", "2026-01-01T00:00:00.1234567Z"),
        (datetime(9999, 12, 31, tzinfo=UTC), "datetime", "9999-12-31T00:00:00Z"),
        (timedelta(days=-1), "timespan", "-1.00:00:00"),
        (UUID(int=1), "guid", "00000000-0000-0000-0000-000000000001"),
        ([1, {"a": None}], "dynamic", [1, {"a": None}]),
        (None, "dynamic", None),
    ],
    ids=str,
)
def test_a_value_travels_as_the_type_table_says(value: Any, kind: str, wire: Any) -> None:
    envelope = to_envelope(value, "v")
    assert envelope == {"kind": "value", "type": kind, "value": wire}
    back = from_envelope(json.loads(json.dumps(envelope, allow_nan=False)))
    if wire == "NaN":
        assert math.isnan(back)
    else:
        assert back == (str(value) if isinstance(value, UUID) else value)


def every_type() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "bool": pd.array([True, None], "boolean"),
            "int": pd.array([-5, None], "Int32"),
            "long": pd.array([2**63 - 1, None], "Int64"),
            "real": [0.1, None],
            "decimal": pd.Series([Decimal("1.25"), None], dtype=object),
            "string": ["<b>", ""],
            "datetime": pd.to_datetime(["2026-01-01T00:00:00.1234567Z", None], format="ISO8601"),
            "timespan": pd.to_timedelta(["1D 00:00:00.0000001", None]),
            "guid": pd.Series([UUID(int=7), None], dtype=object),
            "dynamic": pd.Series([{"a": [1]}, None], dtype=object),
        }
    )


def test_a_table_travels_in_the_shape_of_log_analytics() -> None:
    envelope = to_envelope(every_type(), "t")
    assert envelope["columns"] == [{"name": name, "type": name} for name in every_type()]
    assert envelope["rows"][0] == [
        True,
        -5,
        2**63 - 1,
        0.1,
        "1.25",
        "<b>",
        "2026-01-01T00:00:00.1234567Z",
        "1.00:00:00.0000001",
        "00000000-0000-0000-0000-000000000007",
        {"a": [1]},
    ]
    assert envelope["rows"][1] == [None, None, None, None, None, "", None, None, None, None]


def test_a_table_comes_back_equal_and_an_empty_one_keeps_its_types() -> None:
    frame = every_type()
    back = from_envelope(json.loads(json.dumps(to_envelope(frame, "t"))))
    assert back["datetime"][0] == frame["datetime"][0]
    assert back["timespan"][0] == frame["timespan"][0]
    assert back["decimal"].tolist() == [Decimal("1.25"), None]
    assert back["long"].tolist() == [2**63 - 1, pd.NA]
    assert back["dynamic"].tolist() == [{"a": [1]}, None]
    empty = from_envelope({**to_envelope(frame, "t"), "rows": []})
    assert [str(dtype) for dtype in empty.dtypes] == [str(dtype) for dtype in back.dtypes]


def test_a_column_finer_than_a_tick_raises() -> None:
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-01T00:00:00.123456789Z"], format="ISO8601")})
    with pytest.raises(ParameterError, match="100 ns"):
        to_envelope(frame, "t")
