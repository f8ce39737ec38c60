"""Every value of every type comes back equal, or raises: `print x = {{v}}` on every connection."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kqlmagic_ext import ParameterError, Query, QueryError, UnsupportedError
from kqlmagic_ext.connections import Connection

NASTY = [
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    "\t",
    "\x00",
    "\u202e",
    "\u2028",
    "|",
    "//",
    "]",
    "[",
    "{{",
    "}}",
    ";",
    "😀",
    "é",
    "`",
]
texts = st.lists(st.sampled_from(NASTY) | st.characters(exclude_categories=["Cs"])).map("".join)
scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(
        timezones=st.integers(-1380, 1380).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
    st.integers(-(2**31), 2**31 - 1).map(np.int32),
    st.floats(width=32).map(np.float32),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.integers(-(2**62), 2**62).map(lambda n: np.datetime64(n, "ns")),
    st.integers(-(2**62), 2**62).map(lambda n: pd.Timedelta(n, "ns")),
    st.integers(-(2**62), 2**62).map(lambda n: pd.Timestamp(n, unit="ns")),
)
json_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
dynamics = st.recursive(
    json_leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
).filter(lambda value: isinstance(value, (list, dict)))
unhurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def echoed(connection: Connection, value: Any) -> pd.Series[Any]:
    return connection.run(Query("print x = {{v}}", {"v": value})).frame["x"]


def same(sent: Any, came: Any) -> bool:
    """Whether the value came back as it was: a naive datetime means UTC, a date its midnight."""
    if isinstance(sent, (float, np.floating)) and math.isnan(sent):
        return math.isnan(came)
    if isinstance(sent, datetime | np.datetime64):
        moment = pd.Timestamp(sent)
        return bool((moment.tz_localize("UTC") if moment.tz is None else moment) == came)
    if isinstance(sent, date):
        return bool(came == pd.Timestamp(sent, tz="UTC"))
    if isinstance(sent, UUID):
        return bool(came == str(sent))
    return type(came) in {bool, np.bool_} if isinstance(sent, bool) else bool(came == sent)


def names_v(error: ParameterError | UnsupportedError) -> bool:
    """Whether the error names the parameter: found here, or by the place that was asked."""
    return (
        error.name == "v" if isinstance(error, ParameterError) else str(error).startswith(("v ", "v[", "v:"))
    )


@given(scalars)
@example("")
@example("a\x00b")
@example(-(2**63))
@example(2**63)
@example(Decimal("0.1234567891"))
@example(Decimal("1E+28"))
@example(Decimal("826634611157055516.87516971705"))
@example(Decimal("-0.000000001000"))
@example(datetime.max)
@example(datetime.min)
@example(timedelta.max)
@example(pd.Timestamp("2026-01-01 00:00:00.1234567"))
@unhurried
def test_a_scalar_comes_back_equal_or_raises(connection: Connection, value: Any) -> None:
    try:
        came = echoed(connection, value)
    except (ParameterError, UnsupportedError) as error:
        assert names_v(error)
    else:
        assert same(value, came[0])


@given(dynamics)
@example([[]])
@example({"": {"a\x00": None}})
@example([1, 1.0, True, "1", None])
@unhurried
def test_a_collection_comes_back_equal_or_raises(connection: Connection, value: Any) -> None:
    try:
        came = echoed(connection, value)[0]
    except (ParameterError, UnsupportedError) as error:
        assert names_v(error)
    else:
        assert came == value
        assert repr(came) == repr(value)


@pytest.mark.parametrize(
    ("value", "came"),
    [
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series([1.5, np.nan]), [1.5, None]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Index([1, 2]), [1, 2]),
        (np.array(["a", "b"]), ["a", "b"]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.values(), [1]),
    ],
    ids=[
        "tuple",
        "set",
        "Series",
        "Series of floats",
        "Series of Int64",
        "Index",
        "ndarray",
        "range",
        "dict values",
    ],
)
def test_collections_of_python_numpy_and_pandas_become_lists(
    connection: Connection, value: Any, came: list[Any]
) -> None:
    assert echoed(connection, value)[0] == came


@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT], ids=repr)
def test_a_missing_value_is_a_null(connection: Connection, value: Any) -> None:
    assert echoed(connection, value).isna()[0]


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        object(),
        1j,
        {1: "a"},
        "\ud800",
        np.array([[1]]),
        float,
    ],
    ids=[
        "bytes",
        "object",
        "complex",
        "int keys",
        "half a pair",
        "two dimensions",
        "a class",
    ],
)
def test_what_kql_cannot_tell_raises_with_the_name_and_the_type(connection: Connection, value: Any) -> None:
    with pytest.raises(ParameterError, match=r"\bv\b") as caught:
        echoed(connection, value)
    assert caught.value.name == "v"


@pytest.mark.parametrize(
    "value",
    [[float("nan")], [datetime(2026, 1, 1)], [UUID(int=1)]],
    ids=["nan", "datetime", "UUID"],
)
def test_what_json_cannot_tell_inside_a_list_raises(connection: Connection, value: Any) -> None:
    with pytest.raises((ParameterError, UnsupportedError), match="for which JSON has no form") as caught:
        echoed(connection, value)
    assert names_v(caught.value)


INJECTIONS = [
    '" | project secret //',
    "' or true //",
    '"); drop table t; //',
    'x" or 1==1 //',
    "]; print 1 //",
    "\n| take 0",
    "{{other}}",
    "```\n| count",
    '\\" | count',
    "$kqlp0",
    "_in_v",
    "'; ATTACH 'x'; --",
    "@'",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "query",
    [
        "t | where s == {{v}}",
        "t | where s has {{v}}",
        "t | where s in ({{v}})",
        "t | where s startswith v",
        "t | where s has_any ({{many}})",
        "let w = {{v}}; t | where s == w",
    ],
)
def test_a_hostile_value_changes_no_querys_meaning(connection: Connection, text: str, query: str) -> None:
    table = pd.DataFrame({"s": ["plain", text], "secret": ["a", "b"]})
    frame = connection.run(Query(query, {"v": text, "many": [text, "other"], "t": table})).frame
    assert list(frame.columns) == ["s", "secret"]
    assert set(frame["s"]) <= {text}
    if " has" not in query:
        assert frame["s"].tolist() == [text]


def test_a_long_list_is_found(connection: Connection) -> None:
    wanted = [f"user{number}@example.test" for number in range(20_000)]
    table = pd.DataFrame({"u": ["user19999@example.test", "other"]})
    assert connection.run(Query("t | where u in ({{wanted}})", {"wanted": wanted, "t": table})).frame[
        "u"
    ].tolist() == [wanted[-1]]


def test_a_column_of_the_same_name_raises_and_proposes_braces(connection: Connection) -> None:
    table = pd.DataFrame({"host": ["a", "b"]})
    with pytest.raises(ParameterError, match=r"\{\{host\}\}.*-i other=host"):
        connection.run(Query("t | where host == host", {"host": "a", "t": table}))
    assert len(connection.run(Query("t | where host == {{host}}", {"host": "a", "t": table})).frame) == 1


@pytest.mark.parametrize("name", ["where", "by", "in", "count", "größe", "_in_x"])
def test_a_name_that_kql_cannot_take_raises_and_proposes_another(connection: Connection, name: str) -> None:
    with pytest.raises(ParameterError, match="-i other="):
        connection.run(Query(f"print x = {name}", {name: 1}))


def test_braces_take_any_python_name(connection: Connection) -> None:
    assert connection.run(Query("print x = {{where}}", {"where": 5})).frame["x"][0] == 5


def test_braces_with_more_than_a_name_raise_at_their_place(connection: Connection) -> None:
    with pytest.raises(ParameterError, match="line 2, column 9"):
        connection.run(Query("print 1;\nprint x={{a + 1}}", {"a": 1}))


def test_braces_in_strings_and_comments_are_text(connection: Connection) -> None:
    result = connection.run(Query("print x = '{{a}}' // {{a}} {{b c}}", {"a": 1}))
    assert result.frame["x"][0] == "{{a}}"
    assert any("drop the quotes" in warning for warning in result.warnings)


def test_a_bag_of_braces_is_kqls_own(connection: Connection) -> None:
    assert connection.run(Query('print x = dynamic({"a":{"b":1}}), y = {{v}}', {"v": 2})).frame["x"][0] == {
        "a": {"b": 1}
    }


def test_an_unused_input_is_said(connection: Connection) -> None:
    assert connection.run(Query("print 1", {"host": "a"})).warnings == (
        "the query does not use its input host",
    )


def test_a_wrong_query_is_a_query_error(connection: Connection) -> None:
    with pytest.raises(QueryError):
        connection.run(Query("print x = {{v}} |", {"v": 1}))
