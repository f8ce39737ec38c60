"""Series: the reference's examples, nulls, empty and short ones, several columns, and what stands out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError, Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
STATS = "dynamic([23, 46, 23, 87, 4, 8, 3, 75, 2, 56, 13, 75, 32, 16, 29])"
RISING = "dynamic([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30])"
GAPS = "dynamic([null, 111.0, null, 36.0, 41.0, null, null, 16.0, 61.0, 33.0, null, null])"
WEEKS = "range i from 0 to 83 step 1 | summarize x = make_list(iff(i == 40, 18, iff(i % 7 > 4, 2, 10)))"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("series_divide(dynamic([1, 2, 4]), dynamic([4, 2, 1]))", [0.25, 1.0, 4.0]),
        ("series_divide(dynamic([2, -2, 0, 1]), dynamic([0, 0, 0]))", ["Infinity", "-Infinity", "NaN", None]),
        ("series_pow(dynamic([1, 2, 3, 4]), dynamic([1, 2, 3, 0.5]))", [1.0, 4.0, 27.0, 2.0]),
        ("series_multiply(dynamic([1, 2, 'é']), dynamic([4, 0.5, 1]))", [4, 1.0, None]),
        ("series_add(dynamic([9007199254740991]), dynamic([1]))", [9007199254740992]),
        ("series_not_equals(dynamic([1, 2, null]), dynamic([1, 3, 1]))", [False, True, None]),
        ("series_sign(dynamic([-6, 0, 8, true]))", [-1.0, 0.0, 1.0, None]),
        ("series_acos(dynamic([1, 2]))", [0.0, "NaN"]),
        ("series_exp(dynamic([0, 1000]))", [1.0, "Infinity"]),
        ("series_dot_product(dynamic([1, 2, 4]), dynamic([4, 2, 1]))", 12.0),
        ("series_dot_product(dynamic([3, 6, 12]), 3)", 63.0),
        ("series_dot_product(2, dynamic([3, null, 1]))", 8.0),
        ("series_dot_product(dynamic([1, 2]), dynamic([3]))", 3.0),
        ("series_dot_product(dynamic([]), dynamic([1]))", None),
        ("round(series_cosine_similarity(dynamic([0.1, 0.2, 0.1, 0.2]), dynamic([1, 2, 3, 4, 5])), 12)", 0.923760430703),
        ("series_magnitude(dynamic([3, 'x', 4]))", 5.0),
        ("series_pearson_correlation(dynamic([1, 2, 3]), dynamic([2, 4, 6]))", 1.0),
        ("series_pearson_correlation(dynamic([1, 2, 3]), dynamic([2, 4]))", None),
        ("series_iir(dynamic([1.0, 2, 3, 4]), dynamic([1]), dynamic([1, -1]))", [1.0, 3.0, 6.0, 10.0]),
        ("series_iir(dynamic([1, 2]), dynamic([1]), dynamic([0, -1]))", None),
        ("series_fir(dynamic([0, 0, 2, 2, 3]), dynamic([1, -1]), false, false)", [0, 0, 2, 0, 1]),
        ("series_fir(dynamic([0, 0, 10, 20, 0]), dynamic([1, 1]))", [0, 0, 5, 15, 10]),
        ("series_fir(dynamic([0, 3, 6, 0]), dynamic([1, 1, 1]), true, true)", [1, 3, 3, 2]),
        ("series_fir(dynamic([1, 2]), dynamic([1, -1]), true)", None),
        ("series_fill_const(dynamic([111, null, 36]), 0.0)", [111, 0.0, 36]),
        ("series_fill_const(dynamic([1, -1, null]), 0, -1)", [1, 0, None]),
        ("series_fill_forward(dynamic([null, 36, null, null, 16]))", [None, 36, 36, 36, 16]),
        ("series_fill_forward(dynamic([0, 36, 0, 16, null]), 0)", [0, 36, 36, 16, None]),
        ("series_fill_backward(dynamic([null, 36, null, 16, null]))", [36, 36, 16, 16, None]),
        ("series_fill_backward(dynamic('é'))", None),
        (f"series_fill_linear({GAPS}, double(null), false)[2]", 73.5),
        (f"series_fill_linear({GAPS})", [111, 111, 73.5, 36, 41, 41 - 25 / 3, 41 - 50 / 3, 16, 61, 33, 33, 33]),
        ("series_fill_linear(dynamic([null, 111, null, 36, 41, null, null, 16]))", [111, 111, 73, 36, 41, 32, 24, 16]),
        ("series_fill_linear(dynamic([null, 1, null]), double(null), false)", [None, 1, None]),
        ("series_fill_linear(dynamic([null, null]), double(null), true, 3.5)", [3.5, 3.5]),
        ("series_fill_linear(dynamic([null, null]))", [0.0, 0.0]),
        ("series_fill_linear(dynamic([0, 2, 0, 4]), 0)", [2, 2, 3, 4]),
        ("series_fill_linear(dynamic([]))", []),
        (f"series_stats_dynamic({STATS}).min_idx", 8),
        ("series_stats_dynamic(dynamic([1, null])).avg", None),
        ("series_stats_dynamic(dynamic([1, null, 2]), true).avg", 1.5),
        (f"round(todouble(series_fit_line_dynamic({RISING}).rsquare), 3)", 0.983),
        ("series_seasonal(dynamic([1, 3, 5, 1, 3, 5, 2, 4, 6]), 3)", [1.0, 3.0, 5.0] * 3),
        ("series_seasonal(dynamic([1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6]), 3)", [1.5, 3.5, 5.5] * 4),
        ("series_seasonal(dynamic([1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6]))", [0.0] * 12),
        ("series_seasonal(dynamic([2, 5, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1]))", [1, 2, 3, 4, 3, 2] * 4 + [1]),
        ("series_seasonal(dynamic([8, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10]))", [10, 12, 14, 12, 10] * 4),
        ("series_seasonal(dynamic([1, null]), 1)", None),
        ("series_outliers(dynamic([1, 2, null, 2, 'é']))[2]", 0.0),
        ("series_outliers(dynamic([]))", []),
        ("series_outliers(dynamic([0, 1, 2, 3, 4, 9, -9, 7]), 'tukey', 7)", [-0.5 / 3, 0, 0, 0, 0.5 / 3, 5.5 / 3, -9.5 / 3, 0]),
        ("series_outliers(dynamic([0, 1, 2, 3, 4, 9]), 'ctukey', 7, 25, 75)", [-0.5, -0.1, 0, 0, 0.1, 2.1]),
        ("series_outliers(dynamic([0, 1]), 'other')", None),
    ],
)  # fmt: skip
def test_a_series_gives_what_the_reference_says(opened: Open, call: str, expected: Any) -> None:
    ((found,),) = answer(opened("local://"), f"print {call}")
    if isinstance(expected, list) and all(isinstance(each, (int, float)) for each in expected):
        assert list(found) == pytest.approx(expected)
    else:
        assert found == expected or (expected is None and pd.isna(found))


def test_a_function_of_several_columns_names_them_after_itself_and_its_series(opened: Open) -> None:
    frame = opened("local://").run(Query(f"print x = {STATS} | project series_stats(x), n = 1")).frame
    shown = ["min", "min_idx", "max", "max_idx", "avg", "stdev", "variance"]
    assert list(frame) == [*(f"series_stats_x_{name}" for name in shown), "n"]
    assert frame.iloc[0].tolist() == pytest.approx([2, 8, 87, 3, 32.8, 28.5036338535483, 812.457142857143, 1])


def test_extend_shows_the_named_columns_and_project_the_others_too(opened: Open) -> None:
    connection = opened("local://")
    lets = f"let y = {RISING}; print x = y"
    frame = connection.run(
        Query(f"{lets} | extend (r, ['é\"'], v) = series_fit_line(x), one = series_stats(x)")
    ).frame
    assert list(frame) == ["x", "r", 'é"', "v", "one"]
    assert frame.iloc[0, 1:].tolist() == pytest.approx([0.9829007, 2.7307692, 98.628788, 2.0])
    frame = connection.run(Query(f"{lets} | project (a, b) = series_fit_line(x)")).frame
    rest = [f"series_fit_line_x_{name}" for name in ("variance", "rvariance", "interception", "line_fit")]
    assert list(frame) == ["a", "b", *rest]
    assert frame.iloc[0, 5] == pytest.approx([1.0641026 + 2.7307692 * at for at in range(12)])


@pytest.mark.parametrize(
    "text",
    [
        "print x = dynamic([1]) | extend series_stats(series_abs(x))",
        "print x = dynamic([1]) | where isnotnull(series_stats(x))",
        "print x = dynamic([1]) | extend y = 1 + series_stats(x)",
        "print x = dynamic([1]) | extend (a, b) = series_abs(x)",
        "print x = dynamic([1]) | extend (a, b, c, d, e, f, g, h) = series_stats(x)",
        "print series_fir(dynamic([1]), dynamic([1, 2]), true, true)",
    ],
)
def test_what_cannot_be_several_columns_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(KqlMagicError, match="series_"):
        answer(opened("local://"), text)


def test_no_series_and_a_short_one_give_nulls(opened: Open) -> None:
    text = (
        "datatable(x: dynamic)[dynamic(null), dynamic([]), dynamic({'a': 1}), dynamic([1, 'é'])] "
        "| extend series_stats(x), (r) = series_fit_line(x), series_decompose(x), series_decompose_anomalies(x) | project-away x"
    )
    for row in answer(opened("local://"), text):
        assert all(pd.isna(cell) for cell in row), row


def test_a_series_is_taken_apart_as_the_reference_says(opened: Open) -> None:
    text = (
        "print x = dynamic([1, 3, 2, 4, 3, 9]) | extend series_decompose(x, 2, 'linefit', 2) | project-away x"
    )
    seasonal = [1.5, 3.5] * 3
    left = [-0.5, -0.5, 0.5, 0.5]
    slope = 0.4
    trend = [sum(left) / 4 + slope * (at - 1.5) for at in range(6)]
    baseline = [a + b for a, b in zip(seasonal, trend, strict=True)]
    rest = [a - b for a, b in zip([1, 3, 2, 4, 3, 9], baseline, strict=True)]
    ((*found,),) = answer(opened("local://"), text)
    for part, expected in zip(found, [baseline, seasonal, trend, rest], strict=True):
        assert list(part) == pytest.approx(expected)


def test_what_stands_out_of_a_week_is_found_with_a_warning(opened: Open) -> None:
    text = f"{WEEKS} | extend (flag, score, base) = series_decompose_anomalies(x) | project flag, base, x"
    result = opened("local://").run(Query(text))
    ((flag, base, x),) = result.frame.itertuples(index=False, name=None)
    assert [place for place, each in enumerate(flag) if each] == [40]
    mean = sum(x[at] - (2 if at % 7 > 4 else 10) for at in range(84)) / 84
    assert base[:7] == pytest.approx([10 + mean] * 5 + [2 + mean] * 2)
    assert any("differ from those of Azure" in said for said in result.warnings)


def test_a_flag_has_the_sign_of_the_deviation_and_follows_the_threshold(opened: Open) -> None:
    series = "print x = dynamic([10, 11, 9, 10, 11, 9, 10, 11, 9, 10, 11, 9, 10, -30, 10, 60])"
    calls = ", ".join(
        f"(f{at}) = series_decompose_anomalies(x, {limit}, 0, 'avg')" for at, limit in enumerate((1.5, 1e9))
    )
    ((flags, none),) = answer(opened("local://"), f"{series} | extend {calls} | project f0, f1")
    assert flags == [0] * 13 + [-1, 0, 1]
    assert none == [0] * 16


def test_a_line_without_noise_has_no_outliers(opened: Open) -> None:
    text = "range i from 1 to 50 step 1 | summarize x = make_list(0.1 * i) | extend (f) = series_decompose_anomalies(x, 1.5, -1, 'linefit') | project f"
    assert answer(opened("local://"), text) == [([0] * 50,)]


def test_the_outliers_of_the_reference_are_found_in_its_weeks(opened: Open) -> None:
    """The reference's series with an even noise: five weeks of hours, of which six hours are made to stand out."""
    text = (
        "range t from 1 to 840 step 1 | extend y = t * 7919 % 101 / 50.0 + iff((t / 24) % 7 >= 5, 5.0, 15.0) - (((t % 24) / 10) * ((t % 24) / 10)) + t / 72.0 "
        "| extend y = iff(t in (150, 200, 780), y - 8.0, iff(t in (300, 400, 600), y + 8.0, y)) | summarize y = make_list(y) "
        "| extend (flag) = series_decompose_anomalies(y, 1.5, -1, 'linefit') | mv-expand with_itemindex=i flag to typeof(long) | where flag != 0 | project i + 1, flag"
    )
    rows = answer(opened("local://"), text)
    assert set(rows) >= {(150, -1), (200, -1), (300, 1), (400, 1), (600, 1), (780, -1)}
    assert len(rows) < 20  # the reference: "also some false positives"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=12))
def test_a_line_is_what_numpy_fits(shared: LocalConnection, values: list[int]) -> None:
    text = "print x = s | extend (r, slope, v, rv, i, l) = series_fit_line(x) | project r, slope, v, rv, i, l"
    ((r, slope, v, rv, i, fitted),) = answer(shared, text, s=values)
    places = np.arange(len(values))
    expected = np.polyfit(places, values, 1)
    rest = np.array(values) - np.polyval(expected, places)
    assert (slope, i) == pytest.approx(tuple(expected), abs=1e-6)
    assert (v, rv) == pytest.approx((np.var(values, ddof=1), rest.var(ddof=1)), abs=1e-6)
    assert (
        math.isnan(r)
        if len(set(values)) == 1
        else r == pytest.approx(1 - rest.var() / np.var(values), abs=1e-6)
    )
    assert fitted == pytest.approx(np.polyval(expected, places), abs=1e-5)
