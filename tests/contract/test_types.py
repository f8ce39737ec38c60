"""The type table, for every connection: ten types × null, empty, widest, smallest, there and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kqlmagic_ext import ParameterError, Query, QueryError, UnsupportedError
from kqlmagic_ext.connections import Connection

NULLS = {
    "bool": "bool(null)",
    "int": "int(null)",
    "long": "long(null)",
    "real": "real(null)",
    "decimal": "decimal(null)",
    "datetime": "datetime(null)",
    "timespan": "timespan(null)",
    "guid": "guid(null)",
    "dynamic": "dynamic(null)",
}


def dtype_name(kind: str) -> str:
    return {
        "bool": "boolean",
        "int": "Int32",
        "long": "Int64",
        "real": "float64",
        "decimal": "object",
        "datetime": "datetime64[ns, UTC]",
        "timespan": "timedelta64[ns]",
        "dynamic": "object",
    }[kind]


def assert_dtype(series: pd.Series[Any], kind: str) -> None:
    if kind in ("string", "guid"):
        assert isinstance(series.dtype, pd.StringDtype)
        assert np.isnan(series.dtype.na_value)
    else:
        assert str(series.dtype) == dtype_name(kind)


def answer(connection: Connection, text: str, **inputs: Any) -> pd.DataFrame:
    return connection.run(Query(text, inputs)).frame


LITERALS: dict[str, list[tuple[str, Any]]] = {
    "bool": [("true", True), ("false", False)],
    "int": [("int(2147483647)", 2**31 - 1), ("int(-2147483648)", -(2**31)), ("int(0)", 0)],
    "long": [("long(9223372036854775807)", 2**63 - 1), ("9007199254740993", 2**53 + 1), ("-1", -1)],
    "real": [("1.7976931348623157e308", 1.7976931348623157e308), ("5e-324", 5e-324), ("real(-inf)", -np.inf)],
    "string": [('""', ""), ("'Ω\\n\"\\\\'", 'Ω\n"\\'), ("@'C:\\x'", "C:\\x")],
    "datetime": [
        ("datetime(2262-04-11T23:47:16.854775Z)", pd.Timestamp("2262-04-11T23:47:16.854775Z")),
        ("datetime(1677-09-21T00:12:43.145225Z)", pd.Timestamp("1677-09-21T00:12:43.145225Z")),
        ("datetime(2026-03-08T02:30:00Z)", pd.Timestamp("2026-03-08T02:30:00Z")),
    ],
    "timespan": [
        ("1d", pd.Timedelta(days=1)),
        ("timespan(-1.02:03:04.5)", -pd.Timedelta("1D 02:03:04.5")),
        ("1microsecond", pd.Timedelta("1us")),
    ],
    "guid": [("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "74be27de-1e4e-49d9-b579-fe0b331d3642")],
    "dynamic": [
        ('dynamic({"a":[1,null,"x"]})', {"a": [1, None, "x"]}),
        ("dynamic([])", []),
        ("dynamic({})", {}),
        ("dynamic(5)", 5),
    ],
}
CASES = [(kind, text, value) for kind, pairs in LITERALS.items() for text, value in pairs]


@pytest.mark.parametrize(("kind", "text", "value"), CASES, ids=[f"{kind}-{text}" for kind, text, _ in CASES])
def test_a_literal_arrives_as_its_value_and_dtype(
    connection: Connection, kind: str, text: str, value: Any
) -> None:
    frame = answer(connection, f"print x = {text}")
    assert_dtype(frame["x"], kind)
    assert frame["x"][0] == value


@pytest.mark.parametrize(("kind", "text"), NULLS.items(), ids=list(NULLS))
def test_a_null_keeps_its_type(connection: Connection, kind: str, text: str) -> None:
    frame = answer(connection, f"print x = {text}")
    assert_dtype(frame["x"], kind)
    assert frame["x"].isna()[0]


@pytest.mark.parametrize("kind", [*LITERALS, "decimal"])
def test_an_empty_answer_keeps_names_and_dtypes(connection: Connection, kind: str) -> None:
    frame = answer(connection, f"datatable(a:{kind}, b:long)[] | where b > 1")
    assert list(frame.columns) == ["a", "b"]
    assert len(frame) == 0
    assert_dtype(frame["a"], kind)


def test_a_decimal_stays_a_decimal(connection: Connection) -> None:
    frame = answer(connection, "datatable(x:decimal)[decimal(1.5), decimal(null)]")
    assert frame["x"][0] == Decimal("1.5")
    assert isinstance(frame["x"][0], Decimal)
    assert frame["x"][1] is None


def test_a_datetime_beyond_nanoseconds_makes_the_column_microseconds(connection: Connection) -> None:
    frame = answer(connection, "print x = datetime(9999-12-31T23:59:59.999999Z), y = datetime(0001-01-01)")
    assert str(frame["x"].dtype) == "datetime64[us, UTC]"
    assert frame["x"][0].isoformat() == "9999-12-31T23:59:59.999999+00:00"
    assert frame["y"][0].to_pydatetime() == datetime(1, 1, 1, tzinfo=UTC)


def test_a_sum_of_longs_is_a_long_and_raises_past_64_bits(connection: Connection) -> None:
    table = pd.DataFrame({"n": [2**62, 2**62 - 1]})
    frame = answer(connection, "t | summarize s = sum(n)", t=table)
    assert_dtype(frame["s"], "long")
    assert frame["s"][0] == 2**63 - 1
    with pytest.raises(QueryError, match=r"a long ends at"):
        answer(connection, "t | summarize s = sum(n)", t=pd.DataFrame({"n": [2**62, 2**62]}))


def every_type(*, nulls: bool) -> pd.DataFrame:
    """A frame with each type's widest, smallest and, where asked, missing value."""
    last = [None] if nulls else []
    return pd.DataFrame(
        {
            "bool": pd.array([True, False, *last], "boolean"),
            "int": pd.array([2**31 - 1, -(2**31), *last], "Int32"),
            "long": pd.array([2**63 - 1, -(2**63), *last], "Int64"),
            "real": pd.Series([1.7976931348623157e308, 5e-324, *last], dtype="float64"),
            "decimal": pd.Series(
                [Decimal("12345678901234567890.123456789"), Decimal("-0.000000001"), *last], dtype=object
            ),
            "string": pd.Series(["", "a'\"\\\n\x00\u202e😀|//]", *([""] if nulls else [])]),
            "datetime": pd.to_datetime(
                ["2262-04-11T23:47:16.854775Z", "1677-09-21T00:12:43.145225Z", *last], format="ISO8601"
            ),
            "timespan": pd.to_timedelta(["106751D 23:47:16.854775", "-1us", *last]),
            "dynamic": pd.Series([{"a": [1, None, {"b": "ü"}]}, [], *last], dtype=object),
        }
    )


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("shape", ["whole", "joined", "in a let", "united"])
def test_a_frame_comes_back_as_it_went(connection: Connection, nulls: bool, shape: str) -> None:
    given = every_type(nulls=nulls)
    given.insert(0, "row", range(len(given)))
    text = {
        "whole": "t",
        "joined": "t | join kind=inner (t | project row) on row | project-away row1",
        "in a let": "let u = t; u | where row >= 0",
        "united": "union t, (t | where row < 0)",
    }[shape]
    back = answer(connection, f"{text} | order by row asc", t=given)
    for name in given.columns:
        assert list(back.columns) == list(given.columns)
        for sent, came in zip(given[name], back[name], strict=True):
            assert (
                (pd.isna(sent) and pd.isna(came))
                if not isinstance(sent, (dict, list)) and pd.isna(sent)
                else sent == came
            )
    for kind in ("bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "dynamic"):
        assert_dtype(back[kind], kind)


def test_an_empty_frame_crosses_with_its_types(connection: Connection) -> None:
    given = every_type(nulls=False).iloc[:0].drop(columns=["decimal", "dynamic"])
    back = answer(connection, "t", t=given)
    assert len(back) == 0
    for kind in given.columns:
        assert_dtype(back[kind], kind)


def test_a_frame_finer_than_the_place_keeps_raises_or_comes_back_equal(connection: Connection) -> None:
    given = pd.DataFrame({"t": pd.to_datetime(["2026-01-01T00:00:00.1234567Z"])})
    try:
        back = answer(connection, "t", t=given)
    except (ParameterError, UnsupportedError) as error:
        assert "microsecond" in str(error)
    else:
        assert back["t"][0] == given["t"][0]


def test_times_filter_in_utc_whatever_the_zone_of_the_machine(connection: Connection) -> None:
    given = pd.DataFrame({"t": pd.to_datetime(["2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z"]), "n": [1, 2]})
    limit = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert answer(connection, "t | where t >= {{limit}}", t=given, limit=limit)["n"].tolist() == [2]
    assert answer(connection, "t | where t < datetime(2026-03-08T07:00:00Z)", t=given)["n"].tolist() == [1]
    joined = answer(
        connection, "t | join kind=inner (t | project t, m = n) on t | summarize count()", t=given
    )
    assert joined.iloc[0, 0] == 2
