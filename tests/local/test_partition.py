"""`partition`, from the reference's text: a query over the rows of each value of a column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import KqlMagicError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer, plain

T = "datatable (a: long, b: long) [1, 10, 1, 30, 2, 5, long(null), 7, long(null), 8]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{T} | partition by a (top 1 by b)", [(1, 30), (2, 5), (None, 8)]),
        (
            f"{T} | partition hint.strategy=native by a (summarize s = sum(b) by a)",
            [(1, 40), (2, 5), (None, 15)],
        ),
        (f"{T} | partition hint.strategy=shuffle by a (where b > 7 | count)", [(0,), (1,), (2,)]),
        (f"{T} | partition by a (project c = b + 1 | where c > 10 | sort by c asc)", [(11,), (31,)]),
        (f"{T} | where b > 100 | partition by a (top 1 by b)", []),
        (f"let k = 6; let P = {T} | partition by a (where b > k); P | where b < 9", [(None, 7), (None, 8)]),
        (f"{T} | where b in (({T} | partition by a (top 1 by b | project b)))", [(1, 30), (2, 5), (None, 8)]),
        (f"union ({T} | partition by a (top 1 by b)), (print a = 9, b = 9) | where a >= 2", [(2, 5), (9, 9)]),
        ("datatable (['é \"x']: string) ['', 'ü', ''] | partition by ['é \"x'] (count)", [(1,), (2,)]),
    ],
)
def test_each_value_has_an_answer_of_its_own(
    shared: LocalConnection, query: str, expected: list[tuple[object, ...]]
) -> None:
    def place(row: tuple[object, ...]) -> str:
        return " ".join(map(str, row))

    assert sorted(plain(answer(shared, query)), key=place) == sorted(expected, key=place)


@pytest.mark.parametrize(
    "body",
    [
        "(sort by b | take 1)", "(sort by b | extend p = prev(b))", "(summarize make_list(b))", "{ print 1 }",
        "(top 2 by b | take 1)",
    ],
)  # fmt: skip
def test_what_asks_for_an_order_inside_is_refused(shared: LocalConnection, body: str) -> None:
    with pytest.raises(KqlMagicError):
        answer(shared, f"{T} | partition by a {body}")


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(-50, 50)), min_size=1, max_size=20, unique=True),
    count=st.integers(1, 3),
    least=st.integers(-50, 50),
)
def test_top_and_count_are_those_of_a_loop(
    shared: LocalConnection, rows: list[tuple[int, int]], count: int, least: int
) -> None:
    table = f"datatable (a: long, b: long) [{', '.join(f'{a}, {b}' for a, b in rows)}]"
    groups = [[row for row in rows if row[0] == a] for a in sorted({a for a, _ in rows})]
    tops = [row for group in groups for row in sorted(group, reverse=True)[:count]]
    counts = [(sum(b > least for _, b in group),) for group in groups]
    assert sorted(answer(shared, f"{table} | partition by a (top {count} by b)")) == sorted(tops)
    assert sorted(answer(shared, f"{table} | partition by a (where b > {least} | count)")) == sorted(counts)
