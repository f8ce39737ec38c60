"""Functions over rows in order: the reference's examples, nulls, restarts, a large sorted table, and a plain model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError, Query
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer, plain

Open = Callable[..., LocalConnection]
AIRPORTS = (
    "datatable (Airport:string, Airline:string, Departures:long)['TLV', 'LH', 1, 'TLV', 'LY', 100, 'SEA', 'LH', 1,"
    " 'SEA', 'BA', 2, 'SEA', 'LY', 0]"
)
TIMES = "datatable(s: string, t: long)['a', 0, 'a', 3, 'a', long(null), 'a', 4, 'a', 8, 'a', 13, 'b', 14, 'b', 13]"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("row_number()", [1, 2, 3, 4]),
        ("row_number(7)", [7, 8, 9, 10]),
        ("row_number(1, g != prev(g))", [1, 1, 2, 1]),
        ("row_number(5, x == 0)", [5, 6, 7, 5]),
        ("row_cumsum(x)", [2, 2, 3, 3]),
        ("row_cumsum(x, g != prev(g))", [2, None, 1, 0]),
        ("row_cumsum(1.5)", [1.5, 3.0, 4.5, 6.0]),
        ("row_rank_dense(g)", [1, 2, 2, 3]),
        ("row_rank_min(g)", [1, 2, 2, 4]),
        ("row_rank_min(x)", [1, 2, 3, 4]),
        ("row_rank_dense(isnull(x), g != prev(g))", [1, 1, 2, 1]),
        ("row_rank_min(isnull(x), g == 'é')", [1, 1, 1, 1]),
        ("prev(x)", [None, 2, None, 1]),
        ("prev(x, 2, -1)", [-1, -1, 2, None]),
        ("next(x, 1, 9)", [None, 1, 0, 9]),
        ("next(x, 0)", [2, None, 1, 0]),
        ("prev(g)", ["", "a", "é", "é"]),
        ("next(g) == ''", [False, False, True, True]),
        ("prev(row_number()) + 1", [None, 2, 3, 4]),
        ("iff(prev(g) == g, prev(x, 2), x)", [2, None, 2, 0]),
        ("prev(dynamic({'é': 1}), 1)['é']", [None, 1, 1, 1]),
        ("toscalar(range y from 1 to 3 step 1 | extend z = prev(y, 1, 5) | summarize sum(z)) + row_number()", [9, 10, 11, 12]),
    ],
)  # fmt: skip
def test_a_function_over_rows_gives_what_the_reference_says(
    opened: Open, call: str, expected: list[Any]
) -> None:
    rows = "datatable(g: string, x: long)['a', 2, 'é', long(null), 'é', 1, '', 0] | serialize"
    got = plain(answer(opened("local://"), f"{rows} | extend y = {call} | project y"))
    assert [str(row[0]) for row in got] == [str(value) for value in expected]


def test_the_ranks_of_the_reference(opened: Open) -> None:
    text = f"{AIRPORTS} | sort by Airport asc, Departures desc | extend r = row_rank_dense(Departures, prev(Airport) != Airport),"
    rows = answer(
        opened("local://"), f"{text} m = row_rank_min(1, prev(Airport) != Airport) | project Airline, r, m"
    )
    assert rows == [("BA", 1, 1), ("LH", 2, 1), ("LY", 3, 1), ("LY", 1, 1), ("LH", 2, 1)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("row_window_session(t, 10h, 5h)", [0, 0, None, 4, 4, 13, 13, 13]),
        ("row_window_session(t, 10h, 6h)", [0, 0, None, 4, 4, 4, 14, 14]),
        ("row_window_session(t, 3h, 1d, s != prev(s))", [0, 3, None, 4, 8, 13, 14, 14]),
        ("row_window_session(t, 99h, 99h, s != prev(s))", [0, 0, None, 4, 4, 4, 14, 14]),
    ],
)
def test_a_session_begins_where_the_reference_says(opened: Open, call: str, expected: list[Any]) -> None:
    hours = f"{TIMES} | project s, t = datetime(2026-01-01) + t * 1h | extend y = {call}"
    rows = answer(opened("local://"), f"{hours} | project tolong((y - datetime(2026-01-01)) / 1h)")
    assert plain(rows) == [(value,) for value in expected]


def test_no_rows_are_no_rows(opened: Open) -> None:
    text = f"{AIRPORTS} | take 0 | extend row_window_session(now(), 1h, 1h), row_number(), a = row_rank_min(Airport)"
    assert answer(opened("local://"), text) == []


def test_columns_keep_their_names_and_places(opened: Open) -> None:
    connection = opened("local://")
    text = "datatable(['q\"']: long, a: long)[1, 2] | extend a = prev(['q\"'], 0), row_number(), b = row_cumsum(a)"
    frame = connection.run(Query(text)).frame
    assert list(frame) == ['q"', "a", "Column1", "b"]
    assert list(connection.run(Query("print x = 1 | project row_number(), x")).frame) == ["Column1", "x"]


def test_rows_are_counted_in_the_order_of_the_sort(opened: Open) -> None:
    """A million rows, of which several threads read a part each."""
    connection = opened(
        "local://",
    )
    frame = pd.DataFrame({"k": [(n * 7_919) % 1_000_003 for n in range(1_000_000)]})
    text = (
        "T | sort by k desc | where k % 3 != 0 | extend p = prev(k), r = row_number(1, k % 1000 == 1), c = row_cumsum(1), n = next(k)"
        "| serialize i = row_number() | summarize countif(p <= k), countif(n >= k), countif(c != i), max(r), count()"
    )
    kept = sorted((k for k in frame["k"] if k % 3), reverse=True)
    longest = at = 0
    for k in kept:
        at = 1 if k % 1000 == 1 else at + 1
        longest = max(longest, at)
    assert answer(connection, text, T=frame) == [(0, 0, 0, longest, len(kept))]


@pytest.mark.parametrize(
    "text",
    [
        "print a = row_number()",
        "print a = 1 | summarize row_number()",
        "print a = 1 | sort by prev(a)",
        "print a = 1 | extend row_cumsum()",
        "print a = 1 | extend row_number(1, true, 3)",
    ],
)
def test_a_function_over_rows_out_of_its_place_is_refused(opened: Open, text: str) -> None:
    with pytest.raises(KqlMagicError, match=r"row_|prev"):
        answer(opened("local://"), text)


def test_functions_over_rows_stand_in_let_join_union_and_mv_apply(opened: Open) -> None:
    connection = opened("local://")
    numbered = "let N = range x from 1 to 3 step 1 | sort by x desc | extend r = row_number();"
    assert answer(connection, f"{numbered} N | join kind=inner (N | extend q = prev(x, 1, 0)) on x | sort by x asc | project x, r, q") == [
        (1, 3, 2), (2, 2, 3), (3, 1, 0)
    ]  # fmt: skip
    assert answer(connection, f"{numbered} union N, N | count") == [(6,)]
    assert answer(
        connection, f"{numbered} N | where x in (N | where prev(x) == 3 | project x) | project x"
    ) == [(2,)]
    text = "range x from 1 to 2 step 1 | mv-apply y = dynamic([5, 7]) to typeof(long) on (sort by y desc | extend r = row_number(), p = prev(y, 1, x))"
    assert answer(connection, text) == [(1, 7, 1, 1), (1, 5, 2, 7), (2, 7, 1, 2), (2, 5, 2, 7)]


ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.one_of(st.none(), st.integers(-3, 12))), max_size=12)


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_functions_over_rows_agree_with_a_plain_model(
    shared: LocalConnection, rows: list[tuple[str, int | None]]
) -> None:
    frame = pd.DataFrame(
        {
            "i": range(len(rows)),
            "g": pd.Series([g for g, _ in rows], dtype="str"),
            "x": pd.Series([x for _, x in rows], dtype="Int64"),
        }
    )
    text = (
        "T | sort by i asc | extend new = g != prev(g) | extend n = row_number(1, new), c = row_cumsum(coalesce(x, 0), new), d = row_rank_dense(x, new),"
        "m = row_rank_min(x, new), t = datetime(2026-01-01) + 1h * x"
        "| extend s = tolong((row_window_session(t, 6h, 3h, new) - datetime(2026-01-01)) / 1h) | project n, c, d, m, s"
    )
    assert plain(answer(shared, text, T=frame)) == _model(rows)


def _model(rows: list[tuple[str, int | None]]) -> list[tuple[Any, ...]]:
    answers: list[tuple[Any, ...]] = []
    before: tuple[str, int | None] = ("", None)
    number = total = dense = least = 0
    first: int | None = None
    for g, x in rows:
        new = g != before[0]
        number, total = (0, 0) if new else (number, total)
        number, total = number + 1, total + (x or 0)
        if new or x != before[1]:
            dense, least = (1 if new else dense + 1), number
        if new or x is None or first is None or before[1] is None or x >= first + 6 or x >= before[1] + 3:
            first = x
        answers.append((number, total, dense, least, first))
        before = (g, x)
    return answers
