"""range() as a function and the orders of arrays, from the reference's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer
from tests.local.test_text_functions import first, plain

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("range(1, 8, 3)", [1, 4, 7]),
        ("range(1, 3)", [1, 2, 3]),
        ("range(-2, 0)", [-2, -1, 0]),
        ("range(3, 1)", []),
        ("range(5, 5)", [5]),
        ("range(1.5, 3.0, 0.5)", [1.5, 2.0, 2.5, 3.0]),
        ("range(1, long(null))", None),
        (
            "range(datetime(2020-01-01), datetime(2020-01-01 02:30))",
            [f"2020-01-01T0{hour}:00:00.0000000Z" for hour in range(3)],
        ),
        (
            "range(datetime(2020-01-30), datetime(2020-02-01), 1d)",
            [f"2020-{day}T00:00:00.0000000Z" for day in ("01-30", "01-31", "02-01")],
        ),
        ("range(1h, 3h)", ["01:00:00", "02:00:00", "03:00:00"]),
        ("range(0s, 1m, 30s)", ["00:00:00", "00:00:30", "00:01:00"]),
        ("array_length(range(1, 1000000000))", 1_048_576),
        ("array_sort_asc(dynamic([null, 'b', 'a', null]), false)", [None, None, "a", "b"]),
        ("array_sort_desc(dynamic([null, 'b', 'c', 1, 2]), true)", [2, 1, "c", "b", None]),
        ("array_sort_asc(dynamic(['z', true, 3, -1.5]))", [-1.5, 3, "z", True]),
        ("array_sort_asc(dynamic('x'), false)", None),
    ],
)
def test_arrays_are_made_and_ordered(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


def test_a_range_over_columns_follows_each_row(opened: Open) -> None:
    query = """
    let step = 1d;
    datatable (i:long, begin:datetime) [1, datetime(2020-01-01), 2, datetime(null)]
    | project numbers = range(i, 2), days = array_length(range(begin, begin + 36h, step))
    """
    rows = [tuple(map(plain, row)) for row in answer(opened("local://"), query)]
    assert [numbers for numbers, _ in rows] == [[1, 2], [2]]
    assert rows[0][1] == 2


def test_a_range_that_does_not_count_upwards_is_refused(opened: Open) -> None:
    with pytest.raises(QueryError, match="its step is above 0"):
        answer(opened("local://"), "print range(3, 1, -1)")


def test_several_arrays_in_one_order_are_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="array_sort_asc"):
        answer(opened("local://"), "print array_sort_asc(dynamic([1]), dynamic([2]))")
