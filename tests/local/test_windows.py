"""`evaluate activity_counts_metrics` and `rolling_percentile`, from the reference's text and against slow models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]
DAYS = (
    "let start = datetime(2017-08-01); let end = datetime(2017-08-04); let window = 1d; let T = datatable(u: string, t: datetime, g: string)["
    + ", ".join(
        f"'{user}', datetime(2017-08-0{day}), 'é'"
        for day, users in enumerate(("ADJB", "CTJ", "HTTJBS", "S", "Z"), 1)
        for user in users
    )
    + "];"
)
HOURS = "range i from 0 to 239 step 1 | project t = datetime(2018-01-01) + 1h * i, v = i + 1 | extend e = iff(v % 2 == 0, 'Even', 'Odd')"


@pytest.mark.parametrize("by", ["", ", g"])
def test_activity_counts_are_those_of_the_reference(opened: Open, by: str) -> None:
    text = f"{DAYS} T | evaluate activity_counts_metrics(u, t, start, end, window{by})"
    frame = answer(opened("local://"), text)
    assert [row[-4:] for row in frame] == [(4, 4, 4, 4), (3, 3, 2, 6), (6, 5, 2, 8), (1, 1, 0, 8)]
    assert [row[0].day for row in frame] == [1, 2, 3, 4]


def test_activity_of_no_rows_is_none_and_a_null_id_is_no_id(opened: Open) -> None:
    connection = opened("local://")
    rows = "datatable(u: long, x: long)[long(null), 1, 7, 2, 7, 12]"
    text = f"{rows} | evaluate activity_counts_metrics(u, x, 0, 20, 10)"
    assert answer(connection, text) == [(0, 2, 1, 1, 1), (10, 1, 1, 0, 1)]
    assert answer(connection, text.replace(" | ", " | take 0 | ", 1)) == []


def test_a_column_of_any_name_can_be_a_group(opened: Open) -> None:
    connection = opened("local://")
    rows = "datatable(t: long, u: string, a: string, ['q\"']: string)[1, 'x', 'p', 'é']"
    text = f"{rows} | evaluate activity_counts_metrics(u, t, 0, 9, 10, a, ['q\"'])"
    assert answer(connection, text) == [(0, "p", "é", 1, 1, 1, 1)]
    text = f"{rows} | extend w = 2 | evaluate rolling_percentile(w, 50, t, 1, 2, a, ['q\"'])"
    assert answer(connection, text) == [(1, "p", "é", 2)]


@pytest.mark.parametrize("shift", [0, 1])
def test_a_rolling_median_is_that_of_the_reference(opened: Open, shift: int) -> None:
    text = f"{HOURS} | where v % 2 == {shift} | evaluate rolling_percentile(v, 50, t, 1d, 3, e) | project rolling_3_percentile_v_50"
    median = [12, 24, 36, 60, 84, 108, 132, 156, 180, 204]
    assert answer(opened("local://"), text) == [(value - shift,) for value in median]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            f"{DAYS} T | evaluate activity_counts_metrics(u, t, start, end, 'week')",
            "activity_counts_metrics by the week",
        ),
        (f"{DAYS} T | evaluate activity_counts_metrics(u, t, start)", "activity_counts_metrics with such"),
        (f"{DAYS} T | evaluate activity_counts_metrics(u, t, start, end, window, t)", "rename"),
        (f"{DAYS} T | evaluate activity_counts_metrics(u, missing, start, end, window)", "missing"),
        ("range x from 1 to 3 step 1 | evaluate rolling_percentile(x, x, x, 1, 2)", "rolling_percentile"),
        ("range x from 1 to 5 step 2 | evaluate rolling_percentile(x, 50, x, 1, 2)", "without rows"),
        (
            f"{HOURS} | where e == 'Odd' or v < 99 | evaluate rolling_percentile(v, 50, t, 1d, 3, e)",
            "without rows",
        ),
    ],
)
def test_what_a_window_cannot_do_is_said(opened: Open, query: str, said: str) -> None:
    with pytest.raises(KqlMagicError, match=said):
        answer(opened("local://"), query)


EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 12), st.sampled_from(["a", ""])), max_size=12)


def activity(rows: list[tuple[int, int, str]]) -> list[tuple[Any, ...]]:
    inside = [(user, (at - 1) // 3 * 3 + 1, group) for user, at, group in rows if 1 <= at <= 8]
    made = []
    for window, group in sorted({row[1:] for row in inside}):
        here = [user for user, at, of in inside if (at, of) == (window, group)]
        before = {user for user, at, of in inside if of == group and at < window}
        new = set(here) - before
        made.append((window, group, len(here), len(set(here)), len(new), len(new | before)))
    return made


@settings(max_examples=15, deadline=None)
@given(EVENTS)
def test_activity_counts_are_those_of_a_slow_model(rows: list[tuple[int, int, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["u", "x", "g"]).astype({"u": "int64", "x": "int64", "g": "str"})
    connection = connect("local://")
    try:
        assert isinstance(connection, LocalConnection)
        text = "frame | evaluate activity_counts_metrics(u, x, 1, 8, 3, g)"
        found = answer(connection, text, frame=frame)
    finally:
        connection.close()
    assert sorted(found) == activity(rows)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=4), min_size=1, max_size=5),
    st.integers(1, 100),
)
def test_a_rolling_percentile_is_that_of_a_slow_model(bins: list[list[int]], percentile: int) -> None:
    rows = [(at * 10 + 3, value) for at, values in enumerate(bins) for value in values]
    frame = pd.DataFrame(rows, columns=["x", "v"]).astype("int64")
    connection = connect("local://")
    try:
        assert isinstance(connection, LocalConnection)
        text = f"frame | evaluate rolling_percentile(v, {percentile}, x, 10, 2)"
        found = answer(connection, text, frame=frame)
    finally:
        connection.close()
    model = []
    for at in range(len(bins)):
        values = sorted(value for each in bins[max(0, at - 1) : at + 1] for value in each)
        model.append((at * 10, values[math.ceil(percentile * len(values) / 100) - 1]))
    assert found == model
