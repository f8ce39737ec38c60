"""What frames/ promises by itself: pandas and Arrow, there and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kqlmagic_ext import ParameterError
from kqlmagic_ext.frames import arrow_from_frame, frame_from_arrow, kql_field, kql_type


def crossed(values: Any, **kwargs: Any) -> tuple[str, list[Any], tuple[str, ...]]:
    """The KQL type, the values as pandas sees them when they come back, and the warnings."""
    frame = pd.DataFrame({"x": pd.Series(values, **kwargs)})
    table, warnings = arrow_from_frame(frame, "t")
    return kql_type(table.schema.field(0)), frame_from_arrow(table)["x"].tolist(), warnings


@pytest.mark.parametrize(
    ("values", "dtype", "kind"),
    [
        ([True, False], "bool", "bool"),
        ([True, None], "boolean", "bool"),
        ([1, 2], "int8", "int"),
        ([1, 2], "uint16", "int"),
        ([1, 2], "uint32", "long"),
        ([1, 2], "int64", "long"),
        ([1, None], "Int32", "int"),
        ([1, None], "Int64", "long"),
        ([0.5, 1.5], "float32", "real"),
        ([0.5, None], "Float64", "real"),
        (["a", "b"], "string", "string"),
        (["a", "b"], object, "string"),
        (["a", "b"], "category", "string"),
        ([1, 2], "category", "long"),
        ([Decimal("1.50"), None], object, "decimal"),
        ([UUID(int=1), None], object, "guid"),
        ([{"a": 1}, [1], None], object, "dynamic"),
        ([1, "a", 2.5, True], object, "dynamic"),
        ([date(2026, 1, 1), None], object, "datetime"),
        ([timedelta(1), None], object, "timespan"),
        ([datetime(2026, 1, 1, tzinfo=UTC), None], object, "datetime"),
        ([None, None], object, "dynamic"),
        ([1, 2], "int64[pyarrow]", "long"),
        ([], "int64[pyarrow]", "long"),
        ([None], "int32[pyarrow]", "int"),
        ([], "timestamp[us][pyarrow]", "datetime"),
        ([], pd.CategoricalDtype([1, 2]), "long"),
        ([0, 1], pd.SparseDtype("int64"), "long"),
        ([[1], [2]], pd.ArrowDtype(pa.list_(pa.int64())), "dynamic"),
    ],
    ids=str,
)
def test_a_column_has_the_kql_type_of_what_it_holds(values: list[Any], dtype: Any, kind: str) -> None:
    assert crossed(values, dtype=dtype)[0] == kind


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_cross(unit: str) -> None:
    kind, came, _ = crossed(np.array(["2026-01-02T03:04:05", "NaT"], dtype=f"datetime64[{unit}]"))
    assert (kind, came[0]) == ("datetime", pd.Timestamp("2026-01-02T03:04:05Z"))
    assert pd.isna(came[1])
    kind, came, _ = crossed(np.array([5, "NaT"], dtype=f"timedelta64[{unit}]"))
    assert (kind, came[0]) == ("timespan", pd.Timedelta(5, unit))


def test_a_zoned_time_crosses_as_its_moment() -> None:
    _, came, _ = crossed(pd.to_datetime(["2026-03-08T02:30:00-05:00"]).tz_convert("America/New_York"))
    assert came == [pd.Timestamp("2026-03-08T07:30:00Z")]


def test_a_time_beyond_nanoseconds_keeps_microseconds() -> None:
    kind, came, _ = crossed([datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)], dtype=object)
    assert (kind, came[0].year, came[0].microsecond) == ("datetime", 9999, 999999)


def test_a_missing_string_crosses_as_empty_text_and_is_said_once() -> None:
    kind, came, warnings = crossed(["a", None, None])
    assert (kind, came) == ("string", ["a", "", ""])
    assert len(warnings) == 1
    assert "2 missing values" in warnings[0]


def test_named_index_levels_become_columns_and_row_numbers_go() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="host"))
    assert arrow_from_frame(frame, "t")[0].column_names == ["host", "n"]
    filtered = pd.DataFrame({"n": [1, 2, 3]})
    assert arrow_from_frame(filtered[filtered["n"] > 1], "t")[0].column_names == ["n"]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pd.DataFrame({"n": [1]}, index=["a"]), "index has no name"),
        (pd.DataFrame([[1, 2]], columns=["n", "n"]), "two columns named 'n'"),
        (pd.DataFrame([[1, 2]], columns=["User", "user"]), "differ only in case"),
        (pd.DataFrame([[1]], columns=[0]), "column name 0 is not text"),
        (pd.DataFrame([[1]], columns=[""]), "not text"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "MultiIndex"),
        (pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["a", None])), "no name"),
        (pd.DataFrame({"n": [1]}, index=pd.Index([1], name="n")), "name of a column"),
        (pd.DataFrame({"n": [2**64 - 1]}, dtype="uint64"), "n"),
        (pd.DataFrame({"n": [1j]}), "no type for it"),
        (pd.DataFrame({"n": pd.period_range("2026", periods=1)}), "no type for it"),
        (pd.DataFrame({"n": pd.Series([b"x"], dtype=object)}), "no type for it"),
        (
            pd.DataFrame({"n": pd.Series([{"t": datetime(2026, 1, 1, tzinfo=UTC)}], dtype=object)}),
            "JSON has no form",
        ),
        (pd.DataFrame({"n": pd.Series([[float("nan")]], dtype=object)}), "JSON has no form"),
        (pd.DataFrame({"n": pd.Series([2**64], dtype=object)}), "64 bits"),
        (pd.DataFrame(), "no columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_cross_whole_raises_with_name_and_reason(frame: pd.DataFrame, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason) as caught:
        arrow_from_frame(frame, "t")
    assert caught.value.name == "t"


def test_integers_in_json_keep_every_digit() -> None:
    text = '{"id":123456789012345678901234567890,"n":[18446744073709551616]}'
    table = pa.table([pa.array([text, "5", None])], schema=pa.schema([kql_field("d", "dynamic")]))
    values = frame_from_arrow(table)["d"].tolist()
    assert values == [{"id": 123456789012345678901234567890, "n": [2**64]}, 5, None]


def test_text_that_is_no_json_stays_text() -> None:
    table = pa.table([pa.array(["{bad", "1],[2", ""])], schema=pa.schema([kql_field("d", "dynamic")]))
    assert frame_from_arrow(table)["d"].tolist() == ["{bad", "1],[2", ""]


def test_equal_lists_do_not_become_a_table_of_numbers() -> None:
    table = pa.table([pa.array(["[1,2]", "[3,4]"])], schema=pa.schema([kql_field("d", "dynamic")]))
    assert frame_from_arrow(table)["d"].tolist() == [[1, 2], [3, 4]]


def test_strings_have_the_dtype_of_pandas_3() -> None:
    table = pa.table([pa.array(["a", None])], schema=pa.schema([kql_field("s", "string")]))
    series = frame_from_arrow(table)["s"]
    assert isinstance(series.dtype, pd.StringDtype)
    assert series.tolist() == ["a", ""]
    assert np.isnan(series.dtype.na_value)
    if int(pd.__version__.split(".")[0]) >= 3:
        assert series.dtype == pd.Series(["a"]).dtype


def test_a_checkpoint_can_stop_the_work() -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    table = pa.table(
        [pa.array(["1"]), pa.array(["1"])], schema=pa.schema([kql_field(n, "dynamic") for n in "ab"])
    )
    with pytest.raises(KeyboardInterrupt):
        frame_from_arrow(table, stop)


def test_an_answer_can_be_written_into() -> None:
    fields = [
        kql_field(kind, kind)
        for kind in ("bool", "int", "long", "real", "string", "datetime", "timespan", "dynamic")
    ]
    moment, length = datetime(2026, 1, 1, tzinfo=UTC), timedelta(1)
    table = pa.table([[True], [1], [1], [0.5], ["a"], [moment], [length], ["1"]], schema=pa.schema(fields))
    frame = frame_from_arrow(table)
    changed = {"bool": False, "int": 2, "long": 2, "real": 9.5, "string": "b", "dynamic": "x"}
    changed |= {"datetime": pd.Timestamp("2027-01-01", tz="UTC"), "timespan": pd.Timedelta(2, "D")}
    for name, value in changed.items():
        frame.loc[0, name] = value
        assert frame[name].tolist() == [value]
        assert frame[name].dtype == frame_from_arrow(table)[name].dtype
