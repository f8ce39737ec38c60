"""What frames/ promises by itself: pandas and Arrow, there and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError
from kqlmagic_ext.frames import (
    WireColumn,
    arrow_from_frame,
    frame_from_arrow,
    kql_field,
    kql_type,
    to_envelope,
    wire_array,
)
from kqlmagic_ext.values import EPOCH_TICKS, parse_datetime, parse_timespan, value_of

if TYPE_CHECKING:
    from collections.abc import Callable


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


HOSTILE = [
    "1,2",
    "[1",
    "2]",
    '"a',
    'b"',
    "1],[2",
    "",
    " ",
    "{",
    "}",
    ",",
    '{"a":[1',
    "]",
    "null",
    "NaN",
    '"x"',
    "\x00",
]
HOSTILE += [
    '{"id":12345678901234567890123}',
    "18446744073709551616",
    '["1234567890123456789"]',
    "[[1,2],[3]]",
    "\\",
    '"\\ud83d"',
]


@given(st.lists(st.none() | st.sampled_from(HOSTILE) | st.text(max_size=4), max_size=30), st.integers(1, 9))
def test_texts_read_together_tell_what_each_tells_alone(texts: list[str | None], stride: int) -> None:
    def alone(text: str | None) -> Any:
        try:
            return None if text is None else json.loads(text)
        except ValueError:
            return text

    table = pa.table([pa.array(texts, pa.string())], schema=pa.schema([kql_field("d", "dynamic")]))
    with patch("kqlmagic_ext.frames.json_text._STRIDE", stride):
        assert repr(frame_from_arrow(table)["d"].tolist()) == repr([alone(text) for text in texts])


def test_values_of_equal_texts_are_not_shared() -> None:
    table = pa.table([pa.array(['{"a":1}'] * 3)], schema=pa.schema([kql_field("d", "dynamic")]))
    frame = frame_from_arrow(table)
    frame["d"][0]["a"] = 2
    assert frame["d"].tolist() == [{"a": 2}, {"a": 1}, {"a": 1}]


@pytest.mark.parametrize(
    ("wire_type", "values", "kind", "wanted"),
    [
        ("double", [1.5, None, "NaN"], "real", "[1.5, None, nan]"),
        ("Boolean", [True, None], "bool", "[True, None]"),
        ("System.Int64", [5], "long", "[5]"),
        ("uniqueid", ["a", None], "guid", "['a', None]"),
        ("string", ["a", None], "string", "['a', '']"),
        ("newtype", ["a", None, 1, {"b": 1.5}], "string", """['a', '', '1', '{"b":1.5}']"""),
        ("dynamic", ["[1]", None, [1], True], "dynamic", "['[1]', None, '[1]', 'true']"),
    ],
    ids=str,
)
def test_a_type_of_the_wire_is_known_by_its_other_names(
    wire_type: str, values: list[Any], kind: str, wanted: str
) -> None:
    column = WireColumn("c", wire_type)
    column.add(values)
    field, array = column.joined()
    assert (kql_type(field), repr(array.to_pylist())) == (kind, wanted)


@pytest.mark.parametrize(
    ("kind", "text", "unit"),
    [
        ("datetime", "1677-09-21T00:12:43.1452242Z", "ns"),
        ("datetime", "1677-09-21T00:12:43.145224Z", "us"),
        ("datetime", "2262-04-11T23:47:16.8547758Z", "ns"),
        ("datetime", "2262-04-11T23:47:16.854776Z", "us"),
        ("timespan", "106751.23:47:16.8547758", "ns"),
        ("timespan", "106751.23:47:16.854776", "us"),
        ("timespan", "-10675199.02:48:05.477580", "us"),
    ],
)
def test_nanoseconds_are_kept_up_to_their_last_tick(kind: str, text: str, unit: str) -> None:
    array = wire_array(kind, [text, None])
    parse, offset = (parse_datetime, EPOCH_TICKS) if kind == "datetime" else (parse_timespan, 0)
    counts = array.cast(pa.int64()).to_pylist()
    assert (array.type.unit, counts[1]) == (unit, None)
    assert (counts[0] * 10 if unit == "us" else counts[0] // 100) + offset == parse(text)
    if unit == "us":
        with pytest.raises(ValueError, match="microseconds"):
            wire_array(kind, [text, text[: text.rindex(".")] + ".0000001" + "Z" * (kind == "datetime")])


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


@pytest.mark.parametrize("chunks", [1, 2])
def test_an_answer_can_be_written_into(chunks: int) -> None:
    kinds = ("bool", "int", "long", "real", "string", "datetime", "timespan", "dynamic")
    schema = pa.schema([kql_field(kind, kind) for kind in kinds])
    moment, length = datetime(2026, 1, 1, tzinfo=UTC), timedelta(1)
    one = pa.table([[True], [1], [1], [0.5], ["a"], [moment], [length], ["1"]], schema=schema)
    table = pa.concat_tables([one] * chunks)
    frame = frame_from_arrow(table)
    changed = {"bool": False, "int": 2, "long": 2, "real": 9.5, "string": "b", "dynamic": "x"}
    changed |= {"datetime": pd.Timestamp("2027-01-01", tz="UTC"), "timespan": pd.Timedelta(2, "D")}
    for name, value in changed.items():
        frame.loc[0, name] = value
        assert frame[name].tolist()[0] == value
        assert frame[name].dtype == frame_from_arrow(table)[name].dtype
    assert table.column("long").to_pylist() == [1] * chunks  # Arrow's own memory is as it was


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    "given",
    [
        lambda value: pd.DataFrame({"D": [Decimal(1), value]}),
        lambda value: pd.DataFrame({"D": [value]}),
        lambda value: pd.DataFrame({"D": ["a", value]}),
        lambda value: pd.DataFrame({"D": [[value], None]}),
        lambda value: pd.DataFrame({"n": [1, 2]}, index=pd.Index([Decimal(1), value], name="D")),
    ],
)
def test_a_decimal_that_is_no_number_raises_and_names_its_column(
    given: Callable[[Decimal], pd.DataFrame], text: str
) -> None:
    with pytest.raises(ParameterError, match=r"^t\['D'\] \(decimal.Decimal\).* no NaN or infinity"):
        arrow_from_frame(given(Decimal(text)), "t")


def test_a_decimal_infinity_among_categories_raises() -> None:
    frame = pd.DataFrame({"D": pd.Categorical([Decimal(1), Decimal("Infinity")])})
    with pytest.raises(ParameterError, match=r"^t\['D'\].* no NaN or infinity"):
        arrow_from_frame(frame, "t")


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity"])
@pytest.mark.parametrize(
    "given",
    [
        lambda value: pd.Series([value, None], dtype=object),
        lambda value: np.array([value, Decimal(1)], dtype=object),
        lambda value: pd.Index([value, "a"], dtype=object),
        lambda value: [value],
        lambda value: {"a": value},
        lambda value: value,
    ],
)
def test_a_decimal_that_is_no_number_raises_in_a_value(given: Callable[[Decimal], Any], text: str) -> None:
    with pytest.raises(ParameterError, match=r"^x \(decimal.Decimal\).* no NaN or infinity"):
        value_of(given(Decimal(text)), "x")


def test_columns_of_objects_without_a_value_have_the_types_of_the_answer_that_they_came_from() -> None:
    fields = [kql_field("d", "dynamic", pa.string()), kql_field("m", "decimal", pa.decimal128(3, 1))]
    table = pa.table([['{"a":1}', None], [Decimal("1.5"), None]], schema=pa.schema(fields))
    frame = frame_from_arrow(table)
    for part in (frame[:0], frame[frame["m"].isna()], frame.sort_values("m").query("m == 7")):
        kinds = [kql_type(field) for field in arrow_from_frame(part, "t")[0].schema]
        assert kinds == ["dynamic", "decimal"]
    texts = frame.assign(d="now text")  # what is there tells more
    assert [kql_type(field) for field in arrow_from_frame(texts, "t")[0].schema] == ["string", "decimal"]


def test_an_empty_column_of_objects_that_nobody_knows_is_text() -> None:
    assert crossed([], dtype=object)[0] == "string"
    assert crossed([None], dtype=object)[0] == "dynamic"
    assert crossed([[], []], dtype=object)[:2] == ("dynamic", [[], []])


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Decimal("NaN"),
        2**64,
        {1: 2},
        np.complex128(1),
        [date(2026, 1, 1)],
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"a": [object()]}),
        pd.DataFrame({"a": [pd.Timestamp("2026-01-01T00:00:00.000000001Z")]}),
        pd.DataFrame({"a": [[Decimal(1)]]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_names_no_language_since_values_cross_into_all(value: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        to_envelope(value, "x")
    assert "KQL" not in str(caught.value)
    assert str(caught.value).startswith("x")
