"""Aggregates from the reference's text: null, empty, one row, overflow, names; each beside a slow, obvious model."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import Query, QueryError, UnsupportedError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_functions import plain

Open = Callable[..., LocalConnection]
NUMBERS = "datatable(a: long, b: real, k: string)[1, 2.0, 'x', 2, 3.0, '', long(null), 9.0, 'é']"
TIMES = "datatable(t: datetime, d: timespan)[datetime(2020-01-01), 1h, datetime(2020-01-03), 2h, datetime(null), timespan(null)]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{NUMBERS} | summarize sum(a), avg(a), sumif(a, a > 9)", {"sum_a": 3, "avg_a": 1.5, "sumif_a": 0}),
        (f"{NUMBERS} | summarize variance(a), variancep(a), stdevif(a, a > 1)", {"variance_a": 0.5, "variancep_a": 0.25, "stdevif_a": 0.0}),
        (f"{NUMBERS} | summarize varianceif(b, b < 9)", {"varianceif_b": 0.5}),
        (f"{NUMBERS} | summarize covariance(a, b), covariancep(a, b)", {"covariance_a_b": 0.5, "covariancep_a_b": 0.25}),
        (f"{NUMBERS} | summarize covarianceif(a, b, b > 2), covariancepif(a, b, true)", {"covarianceif_a_b": 0.0, "covariancepif_a_b": 0.25}),
        (f"{NUMBERS} | summarize percentile(a, 99.9), percentiles(b, 0, 50)", {"percentile_a_99_9": 2, "percentile_b_0": 2.0, "percentile_b_50": 3.0}),
        (f"{NUMBERS} | summarize (low, high) = percentiles(a, 1, 100) | extend c = high + low", {"low": 1, "high": 2, "c": 3}),
        (f"{NUMBERS} | summarize percentiles_array(a, dynamic([1, 100]))", {"percentile_a": [1, 2]}),
        (f"{NUMBERS} | summarize percentilew(a, 3 - a, 60), percentilesw_array(a, b, 10, 90)", {"percentile_a_60": 1, "percentile_a": [1, 2]}),
        (f"{NUMBERS} | summarize make_list_with_nulls(a)", {"list_a": [1, 2, None]}),
        (f"{NUMBERS} | summarize (most, best) = arg_max(a, strcat(k, '!'))", {"most": 2, "best": "!"}),
        (f"{NUMBERS} | summarize arg_min(-a, k)", {"min_": -2, "k": ""}),
        (f"{NUMBERS} | summarize argmax(a, *), argmin(b, k)", {"a": 2, "b": 3.0, "k": "", "b1": 2.0, "k1": "x"}),
        (f"{NUMBERS} | where isnull(a) | summarize take_any(*)", {"a": None, "b": 9.0, "k": "é"}),
        (f"{NUMBERS} | where k != 'x' | summarize take_any(k)", {"k": "é"}),
        (f"{TIMES} | summarize sum(d), avg(d), avg(t)", {"sum_d": timedelta(hours=3), "avg_d": timedelta(hours=1.5), "avg_t": datetime(2020, 1, 2, tzinfo=UTC)}),
        (f"{TIMES} | where isnull(t) | summarize sum(d), avg(d), avg(t)", {"sum_d": timedelta(0), "avg_d": None, "avg_t": None}),
        ("datatable(a: long, w: long)[] | summarize percentilew(a, w, 50), sum(a), make_list_with_nulls(a)", {"percentile_a_50": None, "sum_a": 0, "list_a": []}),
        ("datatable(a: long, w: long)[] | summarize covariance(a, w), variancep(a), take_any(a, w)", {"covariance_a_w": 0.0, "variancep_a": 0.0, "a": None, "w": None}),
        ("print a = 1 | summarize s = sum(a) | extend g = gettype(s)", {"s": 1, "g": "long"}),
    ],
)  # fmt: skip
def test_an_aggregate_is_what_the_reference_says(opened: Open, text: str, expected: dict[str, Any]) -> None:
    frame = opened("local://").run(Query(text)).frame
    assert {name: plain(frame[name].iloc[0]) for name in frame} == expected


def test_a_mean_of_no_numbers_is_no_number(opened: Open) -> None:
    frame = (
        opened("local://")
        .run(Query("datatable(a: long)[] | summarize m = avg(a) | extend x = isnan(m)"))
        .frame
    )
    assert frame["x"].tolist() == [True]


def test_a_sum_past_the_last_long_is_an_error_and_no_number(opened: Open) -> None:
    with pytest.raises(
        QueryError, match="a long ends at 9223372036854775807, and this is 9223372036854775808"
    ):
        answer(opened("local://"), "datatable(a: long)[9223372036854775807, 1] | summarize sum(a)")


def test_a_sum_of_texts_is_refused_in_words_of_kql(opened: Open) -> None:
    with pytest.raises(QueryError, match=r"sum\(\) takes numbers or timespans"):
        answer(opened("local://"), "print a = 'x' | summarize sum(a)")


def test_several_values_are_taken_of_one_row(opened: Open) -> None:
    text = "range a from 1 to 50 step 1 | extend b = iff(a % 2 == 0, long(null), a) | summarize take_any(a, b) by k = a % 5"
    for _, a, b in answer(opened("local://"), text):
        assert plain(b) == (None if a % 2 == 0 else a)


def test_a_second_name_is_not_lost_where_nothing_gives_it(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="several columns"):
        answer(opened("local://"), "print a = 1 | extend (x, y) = a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print a = 1 | extend p = column_ifexists('a', 5), q = columnifexists('b', 7)", [(1, 1, 7)]),
        ("print a = 1 | where column_ifexists('b', 'n') == 'n' | summarize by x = column_ifexists('b', 2)", [(2,)]),
        ("print a = 1 | join kind=inner (print a = 1 | project a, z = column_ifexists('b', 3)) on a | project z", [(3,)]),
        ("print a = 1 | where a in (print b = 1 | project x = column_ifexists('b', 5))", [(1,)]),
        ("let n = 'a'; print a = 1 | project c = column_ifexists(n, 5)", [(1,)]),
        ("print a = 1, b = '' | project p = pack_all()", [({"a": 1, "b": ""},)]),
        ("print a = 1, b = '', c = long(null), d = dynamic(null), ['q\"'] = 'é' | project p = pack_all(true)", [({"a": 1, 'q"': "é"},)]),
        ("print t = datetime(2020-01-01) | extend p = pack_all() | project p.t", [("2020-01-01T00:00:00.0000000Z",)]),
    ],
)  # fmt: skip
def test_what_depends_on_columns_sees_those_of_its_place(
    opened: Open, text: str, expected: list[tuple[Any, ...]]
) -> None:
    assert [tuple(map(plain, row)) for row in answer(opened("local://"), text)] == expected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 4)), max_size=30), st.integers(0, 100))
def test_a_weighted_percentile_is_that_of_the_repeated_values(
    rows: list[tuple[int, int]], percent: int
) -> None:
    repeated = sorted(value for value, weight in rows for _ in range(weight))
    frame = pd.DataFrame(rows, columns=["v", "w"]).astype("int64")
    text = f"T | summarize percentilew(v, w, {percent}), variancep(v), n = count()"
    ((found, variance, _),) = answer(_ENGINE, text, T=frame)
    needed = percent * len(repeated) / 100
    expected = next((value for at, value in enumerate(repeated, 1) if at >= needed), None)
    assert plain(found) == expected
    assert variance == pytest.approx(statistics.pvariance(value for value, _ in rows) if rows else 0.0)


_ENGINE: Any = connect("local://")
